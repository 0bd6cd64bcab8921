import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

import cyact
from cyact.along_axis import ALONG_AXIS
from cyact.commands import (
    FIRST,
    FORMULAS,
    NUMBERS,
    OTHER_FORMULAS,
    SCIPY,
    fastest,
    function_name,
    picture_format,
    save,
    say,
)
from cyact.functions import FUNCTIONS, PREPROCESSING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELP = "time the functions against NumPy and SciPy, in a minute"
EXAMPLES = """\
Each time is the shortest of many rounds, in which the competitors take turns.
Functions along an axis have rows of 1,024 elements; rescale and normalize have
the numbers of one channel of a photograph.
"NumPy" is the plain formula, such as 1 / (1 + np.exp(-x)); "SciPy" is what
scipy.special has for it, where that is installed. "ratio" is NumPy's time
divided by that of cyact(x): both return a new array.

examples:
  python -m cyact bench
  python -m cyact bench gelu silu mish --seconds 10
  python -m cyact bench relu sigmoid --plot bench.png"""

SECONDS = 40
SIZES = (16, 4096, 65536, 2**22)
COLUMNS = ("cyact(x)", "cyact out=y", "NumPy", "SciPy")
PICTURE = ("float32", 65536)    # what the bars show
WIDTH = 44                      # of the longest bar, in characters
ROW = 1024                      # elements, of functions along an axis
ROWS: dict[str, Any] = {**FUNCTIONS, **ALONG_AXIS, **PREPROCESSING}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "functions", nargs="*", type=partial(function_name, names=ROWS), metavar="FUNCTION",
        help=f"{', '.join(ROWS)}; by default {', '.join(FIRST)}",
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S",
        help="how long to take; more gives steadier times (default: %(default)s)",
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="draw the bars into a file as well: .png, .svg, .pdf and more; without a suffix PNG"
    )


def run(args: argparse.Namespace) -> None:
    if args.plot:
        from cyact import plotting  # only here: it takes a while, and needs matplotlib

        picture_format(args.plot)   # an unknown one is refused before the work
    names = args.functions or FIRST
    cases = [(name, dtype, n) for name in names for dtype in ("float32", "float64") for n in SIZES]
    bars = {}
    say(f"microseconds a call, cyact on up to {cyact.get_num_threads()} threads")
    say(f"{'function':<18}{'dtype':<9}{'elements':>9}" + "".join(f"{c:>12}" for c in COLUMNS) + f"{'ratio':>10}")
    for name, dtype, n in cases:
        with np.errstate(all="ignore"):
            best = fastest(_calls(name, dtype, n), number=max(1, 2**15 // n), seconds=args.seconds / len(cases))
        times = "".join(f"{best[c] * 1e6:12,.2f}" if c in best else f"{'-':>12}" for c in COLUMNS)
        ratio = f"{best['NumPy'] / best['cyact(x)']:9.1f}x" if "NumPy" in best else f"{'-':>10}"
        say(f"{name:<18}{dtype:<9}{n:>9,}{times}{ratio}")
        if (dtype, n) == PICTURE:
            bars[name] = {column: 1e9 * best[column] / n for column in COLUMNS if column in best}
    if not bars:
        return
    say(f"\nnanoseconds per element: {PICTURE[0]}, {PICTURE[1]:,} elements")
    for line in _text_bars(bars):
        say(line)
    if args.plot:
        save(_figure(plotting, bars), args.plot, drawing=True)
        say(f"\nwrote {args.plot}")


def _calls(name: str, dtype: str, n: int) -> dict[str, Callable[[], object]]:
    """The competitors, on the same numbers."""
    random, shape = np.random.default_rng(0), (-1, min(n, ROW)) if name in ALONG_AXIS else n
    x, given = random.standard_normal(n).astype(dtype).reshape(shape), {}
    if name in PREPROCESSING:
        inputs, given = [x], NUMBERS[name]
    else:
        row = ROWS[name]
        if ROWS[row.gradient_of or name].limits[0] == 0:
            x = random.random(n).astype(dtype)      # logit is defined on [0, 1] alone
        features = getattr(cyact, row.gradient_of)(x) if row.from_output else x
        gradients = random.standard_normal(n).astype(dtype).reshape(shape)
        inputs = [gradients if array in ("gradients", "dy") else features for array in row.inputs]
    call = partial(getattr(cyact, name), *inputs, **given)
    calls: dict[str, Callable[[], object]] = {"cyact(x)": call, "cyact out=y": partial(call, out=np.empty_like(call()))}
    formula = FORMULAS.get(name) or OTHER_FORMULAS.get(name)
    if formula:
        calls["NumPy"] = partial(formula, x)
    if name in SCIPY or name in ALONG_AXIS and not ALONG_AXIS[name].gradient_of:
        try:
            from scipy import special
        except ImportError:
            return calls
        keywords = {"axis": -1} if name in ALONG_AXIS else {}
        calls["SciPy"] = partial(getattr(special, SCIPY.get(name, name)), x, **keywords)
    return calls


def _text_bars(bars: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Every function's bars to one scale."""
    block = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    longest = max(value for values in bars.values() for value in values.values())
    for name, values in bars.items():
        for column, value in values.items():
            bar = block * max(1, round(WIDTH * value / longest))
            yield f"{name if column == COLUMNS[0] else '':<18}{column:<13}{bar} {value:.3g}"


def _figure(plotting: ModuleType, bars: Mapping[str, Mapping[str, float]]) -> "Figure":
    """A panel for each function."""
    figure: Figure
    height = 0.8 + sum(0.75 + 0.32 * len(values) for values in bars.values())
    figure, axes = plotting.plt.subplots(
        len(bars), figsize=(7, height), squeeze=False, height_ratios=[1 + len(values) for values in bars.values()]
    )
    figure.set_layout_engine("constrained", h_pad=0.08)
    figure.suptitle(f"Nanoseconds per element: {PICTURE[0]}, {PICTURE[1]:,} elements", color="0.2")
    for ax, (name, values) in zip(axes.flat, bars.items(), strict=True):
        plotting.bars(values, ax, unit="")
        ax.set_title(name, loc="left", fontweight="bold", color=plotting.COLORS.get(name.removesuffix("_grad")))
    return figure
