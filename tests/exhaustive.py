"""Checks sigmoid and tanh on every float32 there is, and on millions of float64; prints the largest error and where it is.

    python tests/exhaustive.py                            every float32, 2 million float64
    python tests/exhaustive.py --peers --step 97          one input in 97, beside the libraries that are installed

The exit status is 1 when a promise of cyact's is broken: an error above its limit, a result out of range, out of order or
of the wrong sign, a NaN changed (a signalling one comes out quiet).
"""

import argparse
import multiprocessing
import os
import sys
import time

import numpy as np
from accuracy import RANGE, REFERENCE_64, exact_errors, hard_float64, order, ulp_errors

LIMIT = 1.0     # ULP, for every function and dtype
QUIET = np.uint32(0x400000)     # the bit that tells a quiet NaN
CHUNK = 1 << 20


def cyact(function):
    import cyact

    return getattr(cyact, function)


def numpy(function):
    return {"tanh": np.tanh}[function]


def scipy(function):
    import scipy.special

    return {"sigmoid": scipy.special.expit}[function]


def torch(function):
    import torch

    torch.set_num_threads(1)
    return lambda x: getattr(torch, function)(torch.from_numpy(x)).numpy()


def tensorflow(function):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    return lambda x: getattr(tensorflow.math, function)(x).numpy()


def jax(function):
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit({"sigmoid": jax.nn.sigmoid, "tanh": jax.numpy.tanh}[function])
    return lambda x: np.asarray(compiled(x))


def onnxruntime(function):
    import onnxruntime
    from onnx import TensorProto, helper

    def session(dtype):
        kind = TensorProto.FLOAT if dtype == np.float32 else TensorProto.DOUBLE
        edges = [helper.make_tensor_value_info(name, kind, [None]) for name in "xy"]
        graph = helper.make_graph([helper.make_node(function.capitalize(), ["x"], ["y"])], "g", edges[:1], edges[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    sessions = {}

    def call(x):
        if x.dtype not in sessions:
            sessions[x.dtype] = session(x.dtype)
        return sessions[x.dtype].run(None, {"x": x})[0]

    return call


LIBRARIES = {f.__name__: f for f in (cyact, numpy, scipy, torch, tensorflow, jax, onnxruntime)}
_loaded = {}


def load(library, function):
    """The library's function, or None where the library is missing or has no such function."""
    if (library, function) not in _loaded:
        try:
            _loaded[library, function] = LIBRARIES[library](function)
        except (ImportError, KeyError):
            _loaded[library, function] = None
    return _loaded[library, function]


def check(task):
    """Figures of one chunk of float32 inputs, ``step`` apart from ``start`` on, as unsigned bits."""
    library, function, start, step, count = task
    bits = (start + step * np.arange(count + 1, dtype=np.uint64)).clip(max=2**32 - 1).astype(np.uint32)
    x = bits.view(np.float32)
    with np.errstate(all="ignore"):
        y = load(library, function)(x)
        nan = np.isnan(x)
        numbers = x[~nan]
        result = y[~nan]
        errors = ulp_errors(result, REFERENCE_64[function](numbers.astype(np.float64)), "float32")
        errors[np.isnan(errors)] = np.inf
    worst = int(np.argmax(errors)) if len(errors) else 0
    negative = len(numbers) > 0 and numbers[-1] < 0
    low, high = RANGE[function]
    mirrored = load(library, function)(-numbers) if function == "tanh" else -result
    return {
        "error": float(errors[worst]) if len(errors) else 0.0,
        "at": float(numbers[worst]) if len(errors) else 0.0,
        "disordered": order(result[::-1] if negative else result),
        "out of range": int(np.count_nonzero(~((result >= low) & (result <= high)))),
        "not odd": int(np.count_nonzero(mirrored.view(np.uint32) != (-result).view(np.uint32))),
        "NaN changed": int(np.count_nonzero(y[nan].view(np.uint32) != x[nan].view(np.uint32) | QUIET)),
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


def check64(task):
    library, function, count, seed = task
    x = np.sort(hard_float64(function, count, seed))
    with np.errstate(all="ignore"):
        y = load(library, function)(x)
    errors = exact_errors(function, x, y)
    worst = int(np.argmax(errors))
    low, high = RANGE[function]
    return {
        "error": float(errors[worst]),
        "at": float(x[worst]),
        "disordered": order(y),
        "out of range": int(np.count_nonzero(~((y >= low) & (y <= high)))),
        "not odd": int(np.count_nonzero(load(library, function)(-x) != -y)) if function == "tanh" else 0,
        "NaN changed": 0,
    }


def float64(library, function, count, pool):
    parts = 40
    figures = {"error": 0.0, "at": 0.0, **dict.fromkeys(COUNTS, 0)}
    for part in pool.imap_unordered(check64, [(library, function, count // parts, seed) for seed in range(parts)]):
        merge(figures, part)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", nargs="+", default=list(RANGE), choices=list(RANGE))
    parser.add_argument("--step", type=int, default=1, help="check one float32 in so many (an odd number)")
    parser.add_argument("--float64", type=int, default=2_000_000, help="how many float64 inputs; 0 for none")
    parser.add_argument("--peers", action="store_true", help="measure the other libraries that are installed too")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    broken = False
    print(f"{'function':9}{'dtype':9}{'library':13}{'max ULP':>10}  {'at':>24}  " + "  ".join(COUNTS))
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for function in arguments.functions:
            for library in LIBRARIES if arguments.peers else ["cyact"]:
                if load(library, function) is None:
                    continue
                rows = [("float32", float32(library, function, arguments.step, pool))]
                if arguments.float64:
                    rows.append(("float64", float64(library, function, arguments.float64, pool)))
                for dtype, figures in rows:
                    counts = "  ".join(f"{figures[name]:{len(name)}}" for name in COUNTS)
                    at = f"{figures['at']:24.17g}"
                    print(f"{function:9}{dtype:9}{library:13}{figures['error']:10.4g}  {at}  {counts}", flush=True)
                    if library == "cyact":
                        broken |= figures["error"] > LIMIT or any(figures[name] for name in COUNTS)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
