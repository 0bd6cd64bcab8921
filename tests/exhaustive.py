"""Checks every function of one number on every float32 there is, and on millions of float64; prints the largest errors.

    python tests/exhaustive.py                            every float32, 2 million float64
    python tests/exhaustive.py --peers --step 97          one input in 97, beside the libraries that are installed

What is checked, and the limits, are those of the rows of cases.py. The exit status is 1 when a promise of cyact's is broken:
an error above its limit, a result out of range, out of order or of the wrong sign, a NaN changed (a signalling one may
come out quiet).
"""

import argparse
import multiprocessing
import os
import sys
import time

import numpy as np
from accuracy import changed_nans, disorder, hard_inputs, in_domain, lopsided, outside, ulp_errors
from cases import CASES, bits

CHUNK = 1 << 20
FUNCTIONS = [name for name, case in CASES.items() if case.arrays == 1]


# ---- the libraries: each finds a function by one of the names that libraries have for it ----

def find(names, *modules):
    """The first of the modules' functions; a KeyError if none has one."""
    for module in modules:
        for name in names:
            if callable(getattr(module, name, None)):
                return getattr(module, name)
    raise KeyError(names)


def cyact(case):
    return case


def numpy(case):
    return find(case.names, np)


def scipy(case):
    import scipy.special

    return find(case.names, scipy.special)


def torch(case):
    import torch

    torch.set_num_threads(1)
    function = find(case.names, torch, torch.nn.functional)
    return lambda x: function(torch.from_numpy(x)).numpy()


def tensorflow(case):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    function = find(case.names, tensorflow.math, tensorflow.nn)
    return lambda x: function(x).numpy()


def jax(case):
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(find(case.names, jax.nn, jax.numpy))
    return lambda x: np.asarray(compiled(x))


def onnxruntime(case):
    import onnx
    import onnxruntime

    operation = case.name.title().replace("_", "")
    if not onnx.defs.has(operation):
        raise KeyError(operation)

    def session(dtype):
        kind = onnx.TensorProto.FLOAT if dtype == np.float32 else onnx.TensorProto.DOUBLE
        edges = [onnx.helper.make_tensor_value_info(name, kind, [None]) for name in "xy"]
        graph = onnx.helper.make_graph([onnx.helper.make_node(operation, ["x"], ["y"])], "g", edges[:1], edges[1:])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    sessions = {}

    def call(x):
        if x.dtype not in sessions:
            sessions[x.dtype] = session(x.dtype)
        return sessions[x.dtype].run(None, {"x": x})[0]

    return call


LIBRARIES = {f.__name__: f for f in (cyact, numpy, scipy, torch, tensorflow, jax, onnxruntime)}
_loaded = {}


def load(library, case):
    """The library's function, or None where the library is missing or has no such function, or not its parameters."""
    if (library, case.name) not in _loaded:
        try:
            if case.parameters and library != "cyact":
                raise KeyError(case.name)
            _loaded[library, case.name] = LIBRARIES[library](case)
        except (ImportError, KeyError):
            _loaded[library, case.name] = None
    return _loaded[library, case.name]


# ---- what is checked ----

def errors_of(case, x, y):
    if case.formula:
        return ulp_errors(case, (x,), y)
    return np.where(bits(y) == bits(case.reference(x, *case.tried)), 0, np.inf)


def check(task):
    """Figures of one chunk of float32 inputs, ``step`` apart from ``start`` on, as unsigned bits."""
    library, name, start, step, count = task
    case = CASES[name]
    function = load(library, case)
    patterns = (start + step * np.arange(count + 1, dtype=np.uint64)).clip(max=2**32 - 1).astype(np.uint32)
    x = patterns.view(np.float32)
    return figures_of(case, function, x, in_domain(case, x))


def check64(task):
    library, name, count, seed = task
    case = CASES[name]
    x = np.sort(hard_inputs(case, count, seed))
    return figures_of(case, load(library, case), x, x)


def figures_of(case, function, x, numbers):
    """Of all inputs, and of those within the domain, which ascend or descend as a whole."""
    if len(numbers) > 1 and numbers[-1] < numbers[0]:
        numbers = numbers[::-1].copy()
    with np.errstate(all="ignore"):
        y, result = function(x), function(numbers)
        errors = errors_of(case, numbers, result)
    worst = int(np.argmax(errors)) if len(errors) else 0
    lost = ~((x >= case.domain[0]) & (x <= case.domain[1])) & ~np.isnan(y) if case.nan_outside else np.zeros(0)
    return {
        "error": float(errors[worst]) if len(errors) else 0.0,
        "at": float(numbers[worst]) if len(errors) else 0.0,
        "disordered": disorder(result) if case.monotone else 0,
        "out of range": outside(case, result) + int(np.count_nonzero(lost)),
        "not odd": lopsided(case, numbers, result, function),
        "NaN changed": changed_nans(x, y),
    }


COUNTS = ("disordered", "out of range", "not odd", "NaN changed")


def merge(figures, part):
    if part["error"] > figures["error"]:
        figures.update(error=part["error"], at=part["at"])
    for name in COUNTS:
        figures[name] += part[name]


def float32(library, function, step, pool):
    # Never across zero or a sign, so that a chunk is ascending or descending as a whole.
    half = 1 << 31
    starts = [sign + i for sign in (0, half) for i in range(0, half, CHUNK * step)]
    tasks = [(library, function, start, step, min(CHUNK, -(-(half - start % half) // step) - 1)) for start in starts]
    figures = {"error": 0.0, "at": 0.0, **dict.fromkeys(COUNTS, 0)}
    started = time.monotonic()
    for done, part in enumerate(pool.imap_unordered(check, tasks), 1):
        merge(figures, part)
        if sys.stderr.isatty():
            bar = "#" * (40 * done // len(tasks))
            elapsed = time.monotonic() - started
            print(f"\r{library} {function} [{bar:40}] {elapsed:4.0f} s", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return figures


def float64(library, function, count, pool):
    parts = 40
    figures = {"error": 0.0, "at": 0.0, **dict.fromkeys(COUNTS, 0)}
    for part in pool.imap_unordered(check64, [(library, function, count // parts, seed) for seed in range(parts)]):
        merge(figures, part)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", nargs="+", default=FUNCTIONS, choices=FUNCTIONS)
    parser.add_argument("--step", type=int, default=1, help="check one float32 in so many (an odd number)")
    parser.add_argument("--float64", type=int, default=2_000_000, help="how many float64 inputs; 0 for none")
    parser.add_argument("--peers", action="store_true", help="measure the other libraries that are installed too")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    broken = False
    print(f"{'function':17}{'dtype':9}{'library':13}{'max ULP':>10}  {'at':>24}  " + "  ".join(COUNTS))
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for function in arguments.functions:
            for library in LIBRARIES if arguments.peers else ["cyact"]:
                if load(library, CASES[function]) is None:
                    continue
                rows = [("float32", float32(library, function, arguments.step, pool))]
                if arguments.float64:
                    rows.append(("float64", float64(library, function, arguments.float64, pool)))
                for dtype, figures in rows:
                    counts = "  ".join(f"{figures[name]:{len(name)}}" for name in COUNTS)
                    at = f"{figures['at']:24.17g}"
                    print(f"{function:17}{dtype:9}{library:13}{figures['error']:10.4g}  {at}  {counts}", flush=True)
                    if library == "cyact":
                        limit = CASES[function].max_ulp.get(dtype, 0)
                        broken |= figures["error"] > limit or any(figures[name] for name in COUNTS)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
