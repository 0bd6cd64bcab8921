"""Compares cyact with TensorFlow's own operations: ``python tests/compare_tensorflow.py [elements]``.

For each function and dtype that both have: the largest difference in ULP among ordinary results, and how many elements
differ for each reason known. Exit status 1 if one differs for no reason in the list. NaN payloads are not compared.
"""

import os
import sys
import textwrap
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from cases import CASES, FLOATS, FORMATS, LEVEL, bits, every, is_float, sample, special

import cyact

ALPHA = 0.2

THEIRS = {
    "relu": tf.nn.relu,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, alpha=ALPHA),
    "sigmoid": tf.math.sigmoid,
    "tanh": tf.math.tanh,
    "relu_grad": lambda g, x: tf.raw_ops.ReluGrad(gradients=g, features=x),
    "leaky_relu_grad": lambda g, x: tf.raw_ops.LeakyReluGrad(gradients=g, features=x, alpha=ALPHA),
    "sigmoid_grad": lambda y, dy: tf.raw_ops.SigmoidGrad(y=y, dy=dy),
    "tanh_grad": lambda y, dy: tf.raw_ops.TanhGrad(y=y, dy=dy),
}
FROM_OUTPUT = {"sigmoid_grad": (0, 1), "tanh_grad": (-1, 1)}

# TensorFlow's own errors, in ULP of difference; Eigen's code differs from one processor to the next.
ROUNDING = {
    "sigmoid": {"float16": 3, "bfloat16": 3, "float32": 8, "float64": 6},
    "tanh": {"float16": 1, "bfloat16": 1, "float32": 8, "float64": 10},
    "sigmoid_grad": {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 4},
    "tanh_grad": {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 4},
}


# ---- numbers ----

def wide(x):
    return x.astype("float64")


def in_order(x):
    """Bits as integers in the order of the numbers, both zeros 0: the difference of two is their distance in ULP."""
    b = bits(x).astype(object if x.itemsize == 8 else "int64")
    sign = 1 << (8 * x.itemsize - 1)
    return np.where(b >= sign, sign - b, b)


def distance(a, b):
    """In ULP; 0 where both are NaN, infinite where one is."""
    a_nan, b_nan = np.isnan(wide(a)), np.isnan(wide(b))
    ulp = np.abs(in_order(a) - in_order(b)).astype("float64")
    return np.where(a_nan | b_nan, np.where(a_nan == b_nan, 0, np.inf), ulp)


def is_subnormal(x):
    return (x != 0) & (np.abs(wide(x)) < 2.0 ** FORMATS[x.dtype.name][1])


def flushed(x):
    return np.where(is_subnormal(x), np.copysign(np.zeros_like(x), x), x)


# ---- the reasons known ----

@dataclass
class Comparison:
    """One function and dtype: all elements."""

    name: str
    inputs: list
    ours: np.ndarray
    theirs: np.ndarray

    def __post_init__(self):
        self.dtype = self.inputs[0].dtype
        self.modelled = as_tensorflow(self.name, self.inputs)

    def near(self, expected):
        """Where TensorFlow's result is the expected one, but for its rounding errors."""
        limit = ROUNDING.get(self.name, {}).get(self.theirs.dtype.name, 0)
        close = distance(expected, self.theirs) <= limit
        if self.name == "tanh_grad":    # y * y is rounded before it is taken from 1
            eps = 2.0 ** -FORMATS[self.theirs.dtype.name][0]
            with np.errstate(all="ignore"):
                close |= np.abs(wide(expected) - wide(self.theirs)) <= eps * np.abs(wide(self.inputs[1]))
        return close


def as_tensorflow(name, inputs):
    """cyact's result with TensorFlow's slope, dtype of integers, and flushing of subnormals."""
    if inputs[0].dtype.kind in "iu" and name == "leaky_relu":
        inputs = [x.astype("float32") for x in inputs]
    flush = is_float(inputs[0].dtype) and inputs[0].dtype != np.float16     # float16 is computed as float32
    slope = (float(np.float32(ALPHA)),) if name.startswith("leaky") else ()
    result = getattr(cyact, name)(*(map(flushed, inputs) if flush else inputs), *slope)
    return flushed(result) if flush else result


def same(c):
    return distance(c.ours, c.theirs) == 0 if is_float(c.ours.dtype) else c.ours == c.theirs


def sign_of_zero(c):
    return (wide(c.ours) == 0) & (wide(c.theirs) == 0) & (np.signbit(c.ours) != np.signbit(c.theirs))


def nan_gradient(c):
    g, x = c.inputs
    return ~np.isfinite(g) & ~(flushed(x) > 0) & (np.isnan(c.theirs))


def outside(c):
    low, high = FROM_OUTPUT[c.name]
    return ~((wide(c.inputs[0]) >= low) & (wide(c.inputs[0]) <= high))


def subnormal(c):
    touched = is_subnormal(c.ours) | is_subnormal(c.theirs)
    for x in c.inputs:
        touched |= is_subnormal(x)
    # A result is flushed before it is rounded up to the smallest normal number.
    smallest = 2.0 ** FORMATS[c.dtype.name][1]
    return touched & c.near(c.modelled) | (wide(c.theirs) == 0) & (np.abs(wide(c.ours)) == smallest)


FLOAT = {dtype.name for dtype in FLOATS}

# (reason, functions, dtypes of the input, which elements, why), in the order in which they are tried
KNOWN = [
    ("sign of zero", {"relu", "relu_grad"}, FLOAT, sign_of_zero,
     "TensorFlow multiplies the gradient by 0, which gives -0.0 for a negative one, and flushes a negative subnormal "
     "to -0.0, which relu keeps; cyact gives 0.0."),
    ("infinite and NaN gradients", {"relu_grad"}, FLOAT, nan_gradient,
     "TensorFlow multiplies by 0 where x is not above 0, which makes a NaN of them; cyact gives 0."),
    ("integers", {"leaky_relu"}, {"int32", "int64", "uint32", "uint64"}, lambda c: c.modelled == c.theirs,
     "TensorFlow computes every integer as float32; cyact those of more than 16 bits as float64. "
     "dtype=\"float32\" asks for TensorFlow's dtype."),
    ("subnormals", set(THEIRS), FLOAT - {"float16"}, subnormal,
     "TensorFlow sets the processor to flush subnormal inputs and results to zero; cyact keeps them."),
    ("float64 slope", {"leaky_relu", "leaky_relu_grad"}, {"float64"}, lambda c: c.near(c.modelled),
     "TensorFlow keeps alpha as a float32 attribute, for float64 too: 0.2 is 0.20000000298. cyact does not."),
    ("y outside the activation's range", set(FROM_OUTPUT), FLOAT, outside,
     "No activation gives such a y. The formulas are the same there, but intermediate results overflow and cancel "
     "in another order."),
    ("rounding", set(ROUNDING), FLOAT, lambda c: c.near(c.ours),
     "TensorFlow's own error: sigmoid and tanh by Eigen's approximations, the gradients by steps that are each rounded "
     "to the dtype, where cyact rounds float16 and bfloat16 once and has y * y exact: the closer y to 1, the more "
     "digits TensorFlow loses in 1 - y * y, at most one unit in the last place of 1, times the gradient."),
]


# ---- the comparison ----

def operands(case, dtype, n):
    """Special values, each with each; pseudo-random ones; every one of a small dtype; outputs of the activation."""
    values = special(dtype)
    if case.arrays == 1:
        small = [every(dtype)] if dtype.itemsize <= 2 else []
        return [np.concatenate([values, sample(dtype, n), *small])]
    pairs = np.indices((len(values), len(values))).reshape(2, -1)
    inputs = [np.concatenate([values[i], sample(dtype, n, seed)]) for seed, i in enumerate(pairs)]
    if case.name in FROM_OUTPUT:
        rng = np.random.default_rng(0)
        x = np.concatenate([rng.normal(0, 4, n), rng.uniform(0, 1, n)])
        y = (1 / (1 + np.exp(-x)) if case.name == "sigmoid_grad" else np.tanh(x)).astype(dtype)
        dy = rng.normal(size=2 * n).astype(dtype)
        inputs = [np.concatenate([inputs[0], y]), np.concatenate([inputs[1], dy])]
    return inputs


def compare(case, dtype, n):
    """Prints a line; gives the number of elements that differ for no known reason, and the reasons seen."""
    inputs = operands(case, dtype, n)
    theirs = THEIRS[case.name](*(tf.constant(x) for x in inputs)).numpy()
    slope = (ALPHA,) if case.parameters else ()
    ours = case.function(*inputs, *slope)
    if ours.dtype != theirs.dtype:
        ours = ours.astype(theirs.dtype)
    comparison = Comparison(case.name, inputs, ours, theirs)
    unexplained = ~same(comparison)
    if is_float(ours.dtype):
        unexplained |= sign_of_zero(comparison)
    worst, counts = 0, {}
    for reason, names, dtypes, applies, _ in KNOWN:
        if case.name in names and dtype.name in dtypes and unexplained.any():
            explained = unexplained & applies(comparison)
            if explained.any():
                counts[reason] = int(np.count_nonzero(explained))
            if reason == "rounding":
                worst = np.max(distance(ours, theirs)[explained], initial=0)
            unexplained &= ~explained
    text = ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"
    print(f"{case.name:16} {dtype.name:9} {worst:10.0f}   of {ours.size}: {text}")
    for i in np.flatnonzero(unexplained)[:3]:
        given = ", ".join(repr(x[i].item()) for x in inputs)
        print(f"    NOT KNOWN: {case.name}({given}): cyact {ours[i].item()!r}, TensorFlow {theirs[i].item()!r}")
    return int(np.count_nonzero(unexplained)), set(counts)


def supported(case, dtype):
    """Whether TensorFlow has it."""
    try:
        THEIRS[case.name](*[tf.constant(np.ones(1, dtype))] * case.arrays)
    except (TypeError, ValueError, tf.errors.OpError):
        return False
    return True


def main(n=200_000):
    versions = f"TensorFlow {tf.__version__}, NumPy {np.__version__}"
    print(f"cyact {cyact.__version__} ({LEVEL}), {versions}\n")
    print("function         dtype     largest ULP   elements that differ")
    unknown, seen = 0, set()
    for case in CASES.values():
        for dtype in case.dtypes:
            if case.name in THEIRS and supported(case, dtype):
                count, reasons = compare(case, dtype, n)
                unknown += count
                seen |= reasons
    print("\nKnown deviations:")
    for reason, names, *_, why in KNOWN:
        note = "" if reason in seen else " (not seen here)"
        text = f"{reason}{note}: {', '.join(name for name in THEIRS if name in names)}. {why}"
        print(textwrap.fill(text, 118, initial_indent="- ", subsequent_indent="  "))
    print(f"\n{unknown} unknown deviations")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
