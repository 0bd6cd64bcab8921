"""Prints the largest errors of cyact and of every other library that is installed, in ULP, as a table in Markdown.

    python tests/exhaustive.py --json all.json
    python tests/accuracy_table.py --exhaustive all.json --json docs/data/accuracy.json
    python tests/accuracy_table.py --functions softmax log_softmax logsumexp --json docs/data/accuracy_along_axis.json

cyact's are those that exhaustive.py has found among all float32; without its file, those of the sample that the others get:
one float32 in 997, and float64 that are hard for the formula. Functions along an axis get the hard rows of exact_rows.py; the file has
the figures of each kind, the table the largest. How each library is called stands in asv_benches/statements.py and exact_rows.py;
functions with parameters have their defaults. At infinity and NaN nothing is compared.
"""

import argparse
import contextlib
import json
import os
import shlex
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.append(str(Path(__file__).parents[1] / "asv_benches"))

import exact_rows
import numpy as np
from accuracy import (
    exact_64,
    exact_mpfr,
    gradients,
    hard_operands,
    in_domain,
    larger_terms,
    ulp_errors_64,
    ulp_errors_mpfr,
    with_gradients,
)
from benchmarks.common import ARRAYS, aligned
from cases import CASES
from exhaustive import BITS_OF_INFINITY
from measure import Call
from peers import OURS, installed, peer
from side_by_side import machine

import cyact

FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")
LIBRARIES = {
    "cyact": "cyact", "numpy": "NumPy", "scipy": "SciPy", "torch": "torch", "tensorflow": "TensorFlow", "jax": "JAX",
    "onnxruntime": "ONNX Runtime",
}


# TensorFlow's functions that are made of several operations, which asv_benches does not time.
COMPOSED = {
    "gelu": lambda tf, x: tf.nn.gelu(x), "gelu_approximate": lambda tf, x: tf.nn.gelu(x, approximate=True),
    "silu": lambda tf, x: tf.nn.silu(x), "log_sigmoid": lambda tf, x: tf.math.log_sigmoid(x),
}


def result_of(library, case, operands):
    """What a library gives for the arrays; None where it has no such function."""
    dtype = operands[0].dtype
    call = Call(library, case.name, dtype.name, len(operands[0]), "fresh")
    given = dict(zip((ARRAYS[name] for name in case.inputs), operands))
    arrays = {**given, "out": aligned(np.zeros_like(operands[0])), "scratch": aligned(np.zeros_like(operands[0]))}
    with contextlib.suppress(Exception):        # whatever a library raises for a dtype that it does not take
        theirs = OURS if library == "cyact" else peer(library, 1)
        if library == "tensorflow" and case.name in COMPOSED:
            return COMPOSED[case.name](theirs.tensorflow, operands[0]).numpy()
        names = theirs.names(call, arrays)
        result = eval(theirs.statement(call, arrays), names)
        result = result if library == "cyact" else theirs.array(result)
        return result if result.dtype == dtype else None


def sample(case, step, count):
    """The operands: float32, then float64."""
    x = np.concatenate([np.arange(sign, sign + BITS_OF_INFINITY, step, "uint32") for sign in (0, 1 << 31)]).view(FLOAT32)
    x = in_domain(case, x)
    yield with_gradients(case, x, gradients(len(x), FLOAT32))
    yield hard_operands(case, FLOAT64, count)


def largest_errors(case, operands, libraries):
    """By library; results are compared on what all of them are given."""
    dtype = operands[0].dtype
    with np.errstate(all="ignore"):
        results = {library: result_of(library, case, [aligned(x) for x in operands]) for library in libraries}
        term = larger_terms(case, operands, dtype)
        exact = exact_64(case, operands, dtype) if dtype == FLOAT32 else [*exact_mpfr(case, operands, dtype)]
        errors = ulp_errors_64 if dtype == FLOAT32 else ulp_errors_mpfr
        return {name: float(errors(y, exact, term).max()) for name, y in results.items() if y is not None}


def row_entries(name, dtypes, libraries):
    """The figures of a function along an axis, for each kind of rows."""
    functions = {library: exact_rows.LIBRARIES[library]()[name] for library in libraries if library in exact_rows.LIBRARIES}
    functions = {"cyact": getattr(cyact, name), **functions}
    for dtype in (np.dtype(dtype) for dtype in dtypes):
        for kind, x in exact_rows.hard_rows(dtype).items():
            exact = [exact_rows.exact_row(name, row) for row in x]
            for library, function in functions.items():
                y = np.reshape(function(x), (len(x), -1))
                worst = max(float(exact_rows.errors(name, *given).max()) for given in zip(y, exact))
                yield {"function": name, "dtype": dtype.name, "rows": kind, "library": library, "max_ulp": worst}


def found(files):
    """cyact's errors of all float32 and of all float64 that exhaustive.py has tried, by function and dtype."""
    entries = [entry for file in files for entry in json.loads(Path(file).read_text(encoding="utf-8"))]
    return {(entry["function"], entry["dtype"]): entry["error"] for entry in entries if not entry["others"]}


def shown(value, least):
    text = f"{value:.0e}".replace("e+0", "e").replace("e+", "e") if value >= 1e4 else f"{value:.3g}"
    return f"**{text}**" if value == least else text


def table(entries):
    names = [name for name in LIBRARIES if any(entry["library"] == name for entry in entries)]
    lines = [["", *(LIBRARIES[name] for name in names)], ["---", *["---:"] * len(names)]]
    cells = {}
    for entry in entries:
        line, library = cells.setdefault((entry["function"], entry["dtype"]), {}), entry["library"]
        line[library] = max(line.get(library, 0.0), entry["max_ulp"])
    for (function, dtype), line in cells.items():
        texts = {name: shown(value, min(line.values())) for name, value in line.items()}
        lines.append([f"`{function}` {dtype}", *(texts.get(name, "") for name in names)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = [name for name, case in CASES.items() if case.formula]
    functions = [name for name in everything if CASES[name].arrays == 1]
    parser.add_argument(
        "--functions", nargs="+", default=functions, choices=[*everything, *exact_rows.OF_LOGITS], metavar="NAME",
        help="default: those of elements, no gradients")
    parser.add_argument("--gradients", dest="functions", action="store_const", const=[*set(everything) - {*functions}])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"], choices=["float32", "float64"])
    parser.add_argument("--step", type=int, default=997, metavar="N", help="one float32 in N")
    parser.add_argument("--float64", type=int, default=40_000, metavar="N", help="how many float64")
    parser.add_argument("--exhaustive", nargs="+", default=[], metavar="FILE", help="what exhaustive.py --json has written")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file as well")
    arguments = parser.parse_args()
    libraries = ["cyact", *installed([name for name in LIBRARIES if name != "cyact"], 1)]
    known, entries = found(arguments.exhaustive), []
    for name in [name for name in everything if name in arguments.functions]:
        case = CASES[name].giving(*CASES[name].defaults)
        for operands in sample(case, arguments.step, arguments.float64):
            dtype = operands[0].dtype.name
            if dtype not in arguments.dtypes:
                continue
            errors = largest_errors(case, operands, libraries)
            errors["cyact"] = max(errors["cyact"], known.get((name, dtype), 0.0))
            entries += [{"function": name, "dtype": dtype, "library": library, "max_ulp": e} for library, e in errors.items()]
            print(f"{name} {dtype}", file=sys.stderr, flush=True)
    for name in [name for name in exact_rows.OF_LOGITS if name in arguments.functions]:
        entries += row_entries(name, arguments.dtypes, libraries)
    print(f"{machine()}\n\n{table(entries)}")
    if arguments.json:
        command = "python " + shlex.join(sys.argv)
        lines = ",\n".join(json.dumps(entry) for entry in entries)
        text = f'{{"command": {json.dumps(command)},\n"header": {json.dumps(machine())},\n"rows": [\n{lines}\n]}}\n'
        Path(arguments.json).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
