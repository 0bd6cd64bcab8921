"""Functions along an axis, a row at a time: exact results, errors in ULP, rows that are hard, other libraries' functions.

Nothing here calls cyact. An exact row is a pair: its values, MPFR's numbers; and what an ULP is one of where that is larger
than the value, or None.
"""

from functools import partial

import gmpy2
import numpy as np
from accuracy import ulp_errors_mpfr
from cases import largest, smallest_subnormal

OF_LOGITS = ["softmax", "log_softmax", "logsumexp"]
GRADIENTS = ["softmax_grad", "log_softmax_grad"]
# What cyact promises, in ULP.
LIMITS = {"float16": 0.501, "bfloat16": 0.501, "float32": 2, "float64": 4}


def limit(name, dtype):
    return min(2, LIMITS[dtype.name]) if name in GRADIENTS else LIMITS[dtype.name]


# ---- exact values and errors ----

def exact_row(name, *operands):
    """The exact results for a row of finite numbers; logits may be -inf, but for one."""
    with gmpy2.context(precision=200, emin=-(10**6)):
        given = [[gmpy2.mpfr(x) for x in row.astype("float64").tolist()] for row in operands]
        return exact_gradient(name, *given) if name in GRADIENTS else exact_of_logits(name, *given)


def exact_of_logits(name, x):
    top = x.index(max(x))
    exponentials = [gmpy2.exp(value - x[top]) for value in x]
    others = sum(exponentials[:top] + exponentials[top + 1:], gmpy2.mpfr(0))
    if name == "softmax":
        return [e / (1 + others) for e in exponentials], None
    logarithm = gmpy2.log1p(others)
    if name == "log_softmax":
        return [(value - x[top]) - logarithm for value in x], None
    return [x[top] + logarithm], leading([(x[top], logarithm)])


def exact_gradient(name, y, dy):
    if name == "softmax_grad":
        total = sum((a * b for a, b in zip(y, dy)), gmpy2.mpfr(0))
        terms = [(a * b, a * total) for a, b in zip(y, dy)]
    else:
        total = sum(dy, gmpy2.mpfr(0))
        terms = [(b, gmpy2.exp(a) * total) for a, b in zip(y, dy)]
    return [s - t for s, t in terms], leading(terms)


def leading(terms):
    """The powers of two at or below the larger number of each pair."""
    return np.exp2([max(gmpy2.get_exp(s), gmpy2.get_exp(t)) - 1.0 if s or t else -np.inf for s, t in terms])


def errors(name, result, exact):
    """Errors of a row's results. Where logsumexp cancels, one ULP of its larger term is within the limit."""
    values, terms = exact
    if terms is None:
        return ulp_errors_mpfr(result, values)
    of_terms = ulp_errors_mpfr(result, values, terms)
    if name == "logsumexp":
        return np.minimum(ulp_errors_mpfr(result, values), LIMITS[result.dtype.name] * of_terms)
    return of_terms


# ---- rows ----

def hard_rows(dtype, long=100_000):
    """Some rows of each kind."""
    rng = np.random.default_rng(11)
    dominated = rng.normal(0, 1, (12, 64))
    dominated[:, 5] += np.linspace(4, 80, 12)
    kinds = {
        "N(0, 1), 64": rng.normal(0, 1, (30, 64)),
        "N(0, 5), 1,000": rng.normal(0, 5, (8, 1000)),
        "U(-50, 50), 1,000": rng.uniform(-50, 50, (8, 1000)),
        "one dominates, 64": dominated,
        f"N(0, 3), {long:,}": rng.normal(0, 3, (1, long)),
    }
    return {kind: x.astype(dtype) for kind, x in kinds.items()}


def special_rows(dtype):
    """Rows with NaN, infinities, masks, and the largest and smallest numbers."""
    inf, top, least = np.inf, float(largest(dtype)), float(smallest_subnormal(dtype))
    rows = [
        [np.nan, 1, 2], [inf, 1, 2], [inf, np.nan, 1], [inf, inf, -inf], [-inf, np.nan, -inf], [-inf, -inf, -inf],
        [-inf, 3, -inf], [-inf, 0.5, 0.25], [0, 0, 0], [top, top, 1], [-top, -top, -top], [top, -top, 0], [least, -least, 0],
    ]
    return np.array(rows).astype(dtype)


# ---- other libraries' functions, along the last axis; arrays in, arrays out ----

def of_scipy():
    from scipy import special

    return {name: partial(getattr(special, name), axis=-1) for name in OF_LOGITS}


def of_torch():
    import torch

    def call(function, x):
        return function(torch.from_numpy(x), -1).numpy()

    return {name: partial(call, getattr(torch, name)) for name in OF_LOGITS}


def of_tensorflow():
    import tensorflow as tf

    return {
        "softmax": lambda x: tf.raw_ops.Softmax(logits=x).numpy(),
        "log_softmax": lambda x: tf.raw_ops.LogSoftmax(logits=x).numpy(),
        "logsumexp": lambda x: tf.reduce_logsumexp(x, axis=-1).numpy(),
    }


def of_jax():
    import jax

    jax.config.update("jax_enable_x64", True)

    def call(function, x):
        return np.asarray(function(x))

    return {name: partial(call, jax.jit(partial(getattr(jax.nn, name), axis=-1))) for name in OF_LOGITS}


def of_onnxruntime():
    import onnxruntime
    from onnx import helper

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4

    def run(operator, x, **attributes):
        kind, node = helper.np_dtype_to_tensor_dtype(x.dtype), helper.make_node(operator, ["x"], ["y"], **attributes)
        given, result = (helper.make_tensor_value_info(name, kind, None) for name in "xy")
        model = helper.make_model(
            helper.make_graph([node], operator, [given], [result]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0]

    return {
        "softmax": lambda x: run("Softmax", x, axis=-1), "log_softmax": lambda x: run("LogSoftmax", x, axis=-1),
        "logsumexp": lambda x: run("ReduceLogSumExp", x, axes=[-1], keepdims=0),
    }


LIBRARIES = {
    "scipy": of_scipy, "torch": of_torch, "tensorflow": of_tensorflow, "jax": of_jax, "onnxruntime": of_onnxruntime,
}
