"""The commands of ``python -m cyact``, one module each: HELP, EXAMPLES, add_arguments(parser) and run(args)."""

import argparse
import inspect
import os
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

import cyact
from cyact.functions import ACTIVATIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FUNCTIONS = {name: getattr(cyact, name) for name in ACTIVATIONS}

# What one writes without this package: the yardstick of demo and bench, which run these functions.
FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x: np.tanh(x),
}


class CommandError(Exception):
    """What went wrong, in one line that a person can act on."""


def function_name(text: str) -> str:
    """A function's name, as an argument's type: argparse's own ``choices`` refuse an empty list."""
    if text not in FUNCTIONS:
        raise argparse.ArgumentTypeError(f"no function {text!r}, choose from {', '.join(FUNCTIONS)}")
    return text


def alpha_keyword(args: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    """``--alpha`` as a keyword argument, where it was given and one of the functions has a slope."""
    if args.alpha is None:
        return {}
    if not any("alpha" in inspect.signature(FUNCTIONS[name]).parameters for name in names):
        args.usage_error(f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no --alpha")
    return {"alpha": args.alpha}


def fastest(
    calls: Mapping[str, Callable[[], object]],
    *,
    number: int = 1,
    seconds: float,
    prepare: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """The shortest time of each call in seconds: the calls take turns, so that a busy machine slows all alike."""
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < 3 or time.perf_counter() < end:
        for label, call in calls.items():
            prepare()
            start = time.perf_counter()
            for _ in range(number):
                call()
            best[label] = min(best[label], (time.perf_counter() - start) / number)
        rounds += 1
    return best


def load_plotting() -> ModuleType:
    """``cyact.plotting``, which takes a while and needs matplotlib, made to draw without a display."""
    os.environ["MPLBACKEND"] = "agg"
    from cyact import plotting

    return plotting


def save(figure: "Figure", path: str, *, drawing: bool = False) -> None:
    """Writes a matplotlib figure, in the format that the path's suffix names."""
    try:
        figure.savefig(path, dpi=100)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if drawing and path.lower().endswith(".png"):
        # Lines and letters have few colours: a palette makes the file a third as large.
        from PIL import Image

        with Image.open(path) as image:
            image.convert("RGB").quantize(64).save(path, optimize=True)
