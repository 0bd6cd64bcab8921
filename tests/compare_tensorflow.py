"""Compares cyact with TensorFlow's own operations: ``python tests/compare_tensorflow.py [elements]``.

For each function and dtype that both have: the largest difference in ULP among ordinary results, and how many elements
differ for each reason known. Exit status 1 if one differs for no reason in the list. NaN payloads are not compared.
"""

import inspect
import os
import sys
import textwrap
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from cases import CASES, FLOATS, FORMATS, LEVEL, bits, every, is_float, sample, special

import cyact
from cyact.functions import FUNCTIONS

# TensorFlow's names; its arrays have the order of cyact's. tf.nn's leaky_relu takes integers, which the operation does not.
OPERATIONS = {
    "relu": "Relu", "relu6": "Relu6", "elu": "Elu", "selu": "Selu", "softplus": "Softplus", "softsign": "Softsign",
    "sigmoid": "Sigmoid", "tanh": "Tanh",
    "relu_grad": "ReluGrad", "relu6_grad": "Relu6Grad", "leaky_relu_grad": "LeakyReluGrad", "elu_grad": "EluGrad",
    "selu_grad": "SeluGrad", "softplus_grad": "SoftplusGrad", "softsign_grad": "SoftsignGrad",
    "sigmoid_grad": "SigmoidGrad", "tanh_grad": "TanhGrad",
}
THEIRS = {"leaky_relu": tf.nn.leaky_relu, **{name: getattr(tf.raw_ops, theirs) for name, theirs in OPERATIONS.items()}}
OUTPUTS = {"y", "outputs"}
FROM_OUTPUT = {name for name in THEIRS if name in FUNCTIONS and FUNCTIONS[name].from_output}

# TensorFlow's own errors, in ULP of difference; Eigen's code differs from one processor to the next.
ROUNDING = {
    "sigmoid": {"float16": 3, "bfloat16": 3, "float32": 8, "float64": 6},
    "tanh": {"float16": 1, "bfloat16": 1, "float32": 8, "float64": 10},
    "sigmoid_grad": {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 4},
    "tanh_grad": {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 4},
    "softsign": {"float16": 2, "bfloat16": 2, "float32": 2, "float64": 2},
    "softsign_grad": {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 4},
    "elu_grad": {"float16": 2, "bfloat16": 2, "float32": 2, "float64": 2},
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


def tensorflow(name, inputs):
    """TensorFlow's result, for the parameters that it has too."""
    function, row = THEIRS[name], FUNCTIONS[name]
    names = list(inspect.signature(function).parameters)
    parameters = {p.name: p.default for p in row.parameters if p.name in names}
    return function(**dict(zip(names, map(tf.constant, inputs))), **parameters).numpy()


def as_tensorflow(name, inputs):
    """cyact's result with TensorFlow's float32 parameters, dtype of integers, and flushing of subnormals."""
    row = FUNCTIONS[name]
    if inputs[0].dtype.kind in "iu" and row.result == "real":
        inputs = [x.astype("float32") for x in inputs]
    flush = is_float(inputs[0].dtype) and inputs[0].dtype != np.float16     # float16 is computed as float32
    parameters = [float(np.float32(p.default)) for p in row.parameters]
    result = getattr(cyact, name)(*(map(flushed, inputs) if flush else inputs), *parameters)
    return flushed(result) if flush else result


def same(c):
    return distance(c.ours, c.theirs) == 0 if is_float(c.ours.dtype) else c.ours == c.theirs


def sign_of_zero(c):
    return (wide(c.ours) == 0) & (wide(c.theirs) == 0) & (np.signbit(c.ours) != np.signbit(c.theirs))


def nan_gradient(c):
    g, x = c.inputs
    return ~np.isfinite(g) & ~(flushed(x) > 0) & (np.isnan(c.theirs))


def overflow(c):
    with np.errstate(all="ignore"):
        return np.isinf((1 + np.abs(c.inputs[-1])) ** 2) & (np.isnan(c.theirs) | (c.theirs == 0))


def cancelled(c):
    with np.errstate(all="ignore"):
        return np.abs(wide(c.ours) - wide(c.theirs)) <= 2.0 ** -FORMATS[c.theirs.dtype.name][0]


def activated(name, x):
    """What the gradient's activation gives."""
    return getattr(cyact, FUNCTIONS[name].gradient_of)(x)


def outside(c):
    """Where the output is none of the activation, which goes from one limit to the other."""
    y = next(wide(x) for x, name in zip(c.inputs, FUNCTIONS[c.name].inputs) if name in OUTPUTS)
    low, high = activated(c.name, np.array([-np.inf, np.inf]))
    return ~((y >= low) & (y <= high))


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
    ("infinite and NaN gradients", {"relu_grad", "elu_grad"}, FLOAT, nan_gradient,
     "TensorFlow multiplies by the slope where that is 0, which makes a NaN of them; cyact gives 0."),
    ("infinity and overflow", {"softsign", "softsign_grad"}, FLOAT, overflow,
     "TensorFlow divides by 1 + abs(x), for the gradient by its square, even if that is infinite: the result is NaN or 0. "
     "cyact gives the limit, and the gradient that the square does not let through."),
    ("integers", {"leaky_relu"}, {"int32", "int64", "uint32", "uint64"}, lambda c: c.modelled == c.theirs,
     "TensorFlow computes every integer as float32; cyact those of more than 16 bits as float64. "
     "dtype=\"float32\" asks for TensorFlow's dtype."),
    ("subnormals", set(THEIRS), FLOAT - {"float16"}, subnormal,
     "TensorFlow sets the processor to flush subnormal inputs and results to zero; cyact keeps them."),
    ("float64 slope", {"leaky_relu", "leaky_relu_grad"}, {"float64"}, lambda c: c.near(c.modelled),
     "TensorFlow keeps alpha as a float32 attribute, for float64 too: 0.2 is 0.20000000298. cyact does not."),
    ("cancellation", {"elu"}, FLOAT, cancelled,
     "TensorFlow computes exp(x) - 1, which loses the digits of small x: up to one unit in the last place of 1."),
    ("y outside the activation's range", set(FROM_OUTPUT), FLOAT, outside,
     "No activation gives such a y. The formulas are the same there, but intermediate results overflow and cancel "
     "in another order."),
    ("rounding", set(ROUNDING), FLOAT, lambda c: c.near(c.ours),
     "TensorFlow's own error: sigmoid and tanh by Eigen's approximations, softsign and gradients by steps that are each "
     "rounded to the dtype, where cyact rounds float16 and bfloat16 once and has y * y exact: the closer y to 1, the more "
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
        y = activated(case.name, np.concatenate([rng.normal(0, 4, n), rng.uniform(0, 1, n)]))
        more = [y if name in OUTPUTS else rng.normal(size=2 * n) for name in case.inputs]
        inputs = [np.concatenate([array, new.astype(dtype)]) for array, new in zip(inputs, more)]
    return inputs


def compare(case, dtype, n):
    """Prints a line; gives the number of elements that differ for no known reason, and the reasons seen."""
    inputs = operands(case, dtype, n)
    theirs = tensorflow(case.name, inputs)
    ours = case.function(*inputs)
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
        tensorflow(case.name, [np.ones(1, dtype)] * case.arrays)
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
        text = f"{reason}{note}: {', '.join(name for name in FUNCTIONS if name in names)}. {why}"
        print(textwrap.fill(text, 118, initial_indent="- ", subsequent_indent="  "))
    print(f"\n{unknown} unknown deviations")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
