"""The commands of ``python -m cyact``, one module each: HELP, EXAMPLES, add_arguments(parser) and run(args).

They print by ``say`` and ``note``, which know what to do where nothing can be written.
"""

import argparse
import difflib
import inspect
import io
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

import cyact
from cyact.functions import ACTIVATIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What every function takes; the other parameters that follow its array are its own.
COMMON = {"out", "where", "casting", "order", "dtype", "subok", "name"}


def own_parameters(function: Callable[..., Any], arrays: int = 1) -> dict[str, Any]:
    """The parameters of this function alone, such as ``alpha``, with their defaults; they follow its arrays."""
    others = list(inspect.signature(function).parameters.values())[arrays:]
    return {parameter.name: parameter.default for parameter in others if parameter.name not in COMMON}


def element_wise(function: Callable[..., Any]) -> bool:
    """Whether each element's result depends on that element alone, and needs no other number to be given.

    The commands work on blocks of a file and draw curves: neither is possible along an axis.
    """
    own = own_parameters(function)
    return "axis" not in own and not any(default is inspect.Parameter.empty for default in own.values())


# Every command goes by this list.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(cyact, name) for name in ACTIVATIONS if element_wise(getattr(cyact, name))
}

# What demo and bench run where nothing else is asked for.
FIRST = ("relu", "leaky_relu", "sigmoid", "tanh")

# What one writes without this package: the yardstick of demo and bench. NumPy has no function that gives gelu.
FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": lambda x: np.tanh(x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": lambda x: np.maximum(x, 0) + np.expm1(np.minimum(x, 0)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "celu": lambda x: np.maximum(x, 0) + np.expm1(np.minimum(x, 0)),
    "gaussian": lambda x: np.exp(-x * x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "step": lambda x: np.heaviside(x, 1),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "logit": lambda x: np.log(x / (1 - x)),
}


def _exponentials(x: np.ndarray) -> np.ndarray:
    exponentials: np.ndarray = np.exp(x - x.max(-1, keepdims=True))
    return exponentials


# The same of functions along the last axis, and of those that need numbers, with the numbers that they are given.
OTHER_FORMULAS: dict[str, Callable[..., np.ndarray]] = {
    "softmax": lambda x: (e := _exponentials(x)) / e.sum(-1, keepdims=True),
    "log_softmax": lambda x: x - x.max(-1, keepdims=True) - np.log(_exponentials(x).sum(-1, keepdims=True)),
    "logsumexp": lambda x: x.max(-1) + np.log(_exponentials(x).sum(-1)),
    "rescale": lambda x: x * (1 / 255),
    "normalize": lambda x: (x / 255 - 0.485) / 0.229,
}
NUMBERS: dict[str, dict[str, float]] = {
    "rescale": {"scale": 1 / 255}, "normalize": {"mean": 0.485, "std": 0.229, "max_value": 255}
}

# The same by scipy.special, of those of one element that it has.
SCIPY = {"sigmoid": "expit", "log_sigmoid": "log_expit", "logit": "logit"}


class CommandError(Exception):
    """What went wrong, in one line that a person can act on."""


def say(text: str, end: str = "\n") -> None:
    """Prints output. Where that cannot be written, the command fails, as those of coreutils do.

    This holds for a message after the work, too (``cp -v`` does the same): the files that were written are complete,
    but who asked for the output did not get it.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _discard(sys.stdout)
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise CommandError(f"write error: {error.strerror}") from error


def note(text: str, end: str = "\n") -> None:
    """Prints on stderr. Where that cannot be written, there is nobody left to tell, and the work goes on."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Turns a stream into the null device, or Python tries at exit to write what is left in it, and fails."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def function_name(text: str, names: Collection[str] = FUNCTIONS) -> str:
    """A function's name, as an argument's type: argparse's own ``choices`` refuse an empty list."""
    if text in names:
        return text
    near = difflib.get_close_matches(text, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
    raise argparse.ArgumentTypeError(f"no function {text!r}, {hint}")


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


def _parameters() -> dict[str, dict[str, Any]]:
    """Every parameter that some function has of its own, with the default in each of these functions."""
    parameters: dict[str, dict[str, Any]] = {}
    for name, function in FUNCTIONS.items():
        for parameter, default in own_parameters(function).items():
            parameters.setdefault(parameter, {})[name] = default
    return parameters


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """An option for every parameter that some function has of its own: a switch for a truth value, else a number."""
    group = parser.add_argument_group("parameters of the functions")
    for parameter, defaults in _parameters().items():
        text = "of " + ", ".join(f"{name} (default: {default})" for name, default in defaults.items())
        if all(isinstance(default, bool) for default in defaults.values()):
            group.add_argument(_option(parameter), action=argparse.BooleanOptionalAction, help=text)
        else:
            group.add_argument(_option(parameter), type=float, metavar=parameter[0].upper(), help=text)


def parameter_keywords(args: argparse.Namespace, names: Collection[str]) -> dict[str, Any]:
    """The parameters that were given as options, as keyword arguments; each is one of some function of these."""
    given = {name: value for name in _parameters() if (value := getattr(args, name)) is not None}
    known = {parameter for name in names for parameter in own_parameters(FUNCTIONS[name])}
    for parameter in given:
        if parameter not in known:
            have = "have" if len(names) > 1 else "has"
            args.usage_error(f"{' and '.join(names) or args.function} {have} no {_option(parameter)}")
    return given


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


def picture_format(path: str) -> str:
    """The format that the path's suffix names; without one, PNG."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    suffix = os.path.splitext(path)[1][1:].lower() or "png"
    if suffix not in formats:
        raise CommandError(f"{path}: no picture has the suffix .{suffix}, choose from .{', .'.join(formats)}")
    return suffix


def save(figure: "Figure", path: str, *, drawing: bool = False) -> None:
    """Writes a matplotlib figure, in the format that the path's suffix names, to exactly this path."""
    kind, picture = picture_format(path), io.BytesIO()
    try:
        figure.savefig(picture, format=kind, dpi=100)
    except Exception as error:      # some formats need programs of their own, and may raise anything without them
        raise CommandError(f"{path} is not written: {error}") from error
    if drawing and kind == "png":
        # Lines and letters have few colours: a palette makes the file a third as large.
        from PIL import Image

        with Image.open(picture) as image:
            picture = io.BytesIO()
            image.convert("RGB").quantize(64).save(picture, "png", optimize=True)
    try:
        with open(path, "wb") as file:
            file.write(picture.getvalue())
    except OSError as error:
        raise CommandError(f"{path} is not written: {error.strerror}") from error
