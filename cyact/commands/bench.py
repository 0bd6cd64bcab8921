import argparse
from functools import partial

import numpy as np

import cyact
from cyact.commands import FORMULAS, FUNCTIONS, SCIPY, fastest, say

HELP = "time the functions against NumPy and SciPy, in a minute"
EXAMPLES = """\
Each time is the shortest of many rounds, in which the competitors take turns.
"NumPy" is the plain formula, such as 1 / (1 + np.exp(-x)); "SciPy" is what
scipy.special has for it, where that is installed. "ratio" is NumPy's time
divided by that of cyact(x): both return a new array."""

SECONDS = 40
SIZES = (16, 4096, 65536, 2**22)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S",
        help="how long to take; more gives steadier times (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> None:
    try:
        from scipy import special
    except ImportError:
        special = None
    cases = [(name, dtype, n) for name in FORMULAS for dtype in ("float32", "float64") for n in SIZES]
    random = np.random.default_rng(0)
    columns = ("cyact(x)", "out=y", "NumPy", "SciPy")
    say(f"microseconds a call, cyact on up to {cyact.get_num_threads()} threads")
    say(f"{'function':<12}{'dtype':<9}{'elements':>9}" + "".join(f"{c:>12}" for c in columns) + f"{'ratio':>10}")
    for name, dtype, n in cases:
        function, formula = FUNCTIONS[name], FORMULAS[name]
        x = random.standard_normal(n).astype(dtype)
        calls = {
            "cyact(x)": partial(function, x),
            "out=y": partial(function, x, out=np.empty_like(x)),
            "NumPy": partial(formula, x),
        }
        if name in SCIPY and special is not None:
            calls["SciPy"] = partial(getattr(special, SCIPY[name]), x)
        with np.errstate(all="ignore"):
            best = fastest(calls, number=max(1, 2**15 // n), seconds=args.seconds / len(cases))
        times = "".join(f"{best[c] * 1e6:12,.2f}" if c in best else f"{'-':>12}" for c in columns)
        say(f"{name:<12}{dtype:<9}{n:>9,}{times}{best['NumPy'] / best['cyact(x)']:9.1f}x")
