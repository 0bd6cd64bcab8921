"""The table of cases: what the tests know of each function. A new function is one row here.

References are independent of the package: NumPy's own arithmetic in the result's dtype where that is exact or rounded
once, else float64 for results of up to 32 bits and mpmath for float64. ``python tests/cases.py`` prints a digest of the
results of every function and dtype, for comparing instruction-set levels.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import mpmath
import numpy as np

import cyact

try:
    from ml_dtypes import bfloat16
except ImportError:
    SMALL = [np.dtype("float16")]
else:
    SMALL = [np.dtype("float16"), np.dtype(bfloat16)]

FLOATS = [*SMALL, np.dtype("float32"), np.dtype("float64")]
INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]

# Bytes from which results are written past the cache while tests run.
STREAMED = 2**24

# The fraction's bits, and the exponent of the smallest normal number.
FORMATS = {"float16": (10, -14), "bfloat16": (7, -126), "float32": (23, -126), "float64": (52, -1022)}


# ---- dtypes and bits ----

def same(dtype):
    return dtype


def real(dtype):
    """Floats as they are; integers in the smaller of float32 and float64 that holds them all."""
    if dtype in FLOATS:
        return dtype
    return np.dtype("float32" if dtype.itemsize <= 2 else "float64")


def is_float(dtype):
    return dtype in FLOATS


def unsigned(dtype):
    """The unsigned integers of a dtype's width."""
    return np.dtype(f"u{dtype.itemsize}")


def bits(array):
    """The bytes of an array as integers: equal only where NaN payloads and signs of zero are, too."""
    array = np.ascontiguousarray(array)
    return array.astype(array.dtype.newbyteorder("="), copy=False).view(unsigned(array.dtype))


def assert_same_bits(result, expected, context=""):
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.dtype == expected.dtype, context
    assert result.shape == expected.shape, context
    wrong = np.flatnonzero(bits(result) != bits(expected))
    if len(wrong):
        i = wrong[0]
        raise AssertionError(
            f"{context} {len(wrong)} of {result.size} differ, the first at {i}: "
            f"{result.ravel()[i]!r} ({bits(result).ravel()[i]:#x}), not "
            f"{expected.ravel()[i]!r} ({bits(expected).ravel()[i]:#x})"
        )


# ---- inputs ----

def isnan(x):
    with np.errstate(invalid="ignore"):         # ml_dtypes warns where NumPy doesn't
        return np.isnan(x)


def is_signalling(x):
    """Which elements are signalling NaNs: every operation makes them quiet, a copy doesn't."""
    quiet = unsigned(x.dtype).type(1 << (FORMATS[x.dtype.name][0] - 1))
    return isnan(x) & (bits(x) & quiet == 0)


def every(dtype):
    """All values of a dtype of 8 or 16 bits, signalling NaNs apart."""
    values = np.arange(256**dtype.itemsize, dtype=unsigned(dtype)).view(dtype)
    return values[~is_signalling(values)] if is_float(dtype) else values


def from_bits(pattern, dtype):
    return np.array(pattern, unsigned(dtype)).view(dtype)


def smallest_subnormal(dtype):
    return from_bits(1, dtype)[()]


def largest(dtype):
    """The largest finite number: one below infinity's bits."""
    return from_bits(int(bits(np.array([np.inf], dtype))[0]) - 1, dtype)[()]


def quiet_nans(dtype):
    """Quiet NaNs of both signs with several payloads."""
    digits = FORMATS[dtype.name][0]
    infinity, quiet = int(bits(np.array([np.inf], dtype))[0]), 1 << (digits - 1)
    payloads = [0, 1, quiet >> 1, quiet - 1, 0x2A & (quiet - 1)]
    sign = 1 << (8 * dtype.itemsize - 1)
    return from_bits([s | infinity | quiet | p for s in (0, sign) for p in payloads], dtype)


def special(dtype):
    """Values at which something happens: zeros, infinities, NaNs, the ends of the normal and subnormal ranges."""
    if not is_float(dtype):
        limits = np.iinfo(dtype)
        values = [0, 1, 2, 3, 7, 100, limits.max, limits.max - 1, limits.min, limits.min + 1, limits.max // 2]
        values += [-1, -2, -3, -7, -100] if limits.min else []
        return np.array(values, dtype)
    digits, exponent = FORMATS[dtype.name]
    smallest = 2.0**exponent
    least = float(smallest_subnormal(dtype))
    finite = [0, least, 2 * least, smallest - least, smallest, smallest + least, 0.5, 1, 1 + 2.0**-digits,
              2, 3, 8, 9, 20, 40, 88, 104, 745, float(largest(dtype))]
    with np.errstate(over="ignore"):
        values = np.array([*finite, np.inf]).astype(dtype)
    return np.concatenate([values, -values, quiet_nans(dtype)])


def sample(dtype, n, seed=0):
    """``n`` pseudo-random values: ordinary ones, any bits at all (signalling NaNs apart), and special ones, mixed."""
    rng = np.random.default_rng([seed, n, dtype.itemsize])
    anything = np.frombuffer(rng.bytes(n * dtype.itemsize), unsigned(dtype)).view(dtype).copy()
    if is_float(dtype):
        ordinary = rng.normal(0, 4, n).astype(dtype)
        nan = isnan(anything)
        anything[nan] = rng.choice(quiet_nans(dtype), np.count_nonzero(nan))
    else:
        ordinary = rng.integers(max(np.iinfo(dtype).min, -99), 100, n).astype(dtype)
    choice = rng.integers(0, 8, n)
    return np.where(choice < 4, ordinary, np.where(choice < 7, anything, rng.choice(special(dtype), n)))


# ---- references ----

def product(x, alpha):
    """alpha x rounded once, to x's dtype, which alpha takes first. That of two 16-bit floats is exact in float32."""
    with np.errstate(all="ignore"):
        alpha = np.asarray(alpha).astype(x.dtype)
        if x.dtype in SMALL:
            rounded = (x.astype("float32") * alpha.astype("float32")).astype(x.dtype)
            return np.where(np.isnan(x), x, rounded)        # ml_dtypes loses the payload
        return x * alpha


def relu(x):
    if is_float(x.dtype):
        return np.where(x < 0, np.zeros_like(x), x)
    return np.array([max(value, 0) for value in x.ravel().tolist()], x.dtype).reshape(x.shape)


def leaky_relu(x, alpha):
    x = x.astype(real(x.dtype))
    return np.where(x < 0, product(x, alpha), x)


def relu_grad(g, x):
    return np.where(x > 0, g, np.zeros_like(g))


def leaky_relu_grad(g, x, alpha):
    negative = np.where(np.isinf(g) & (alpha == 0), np.zeros_like(g), product(g, alpha))
    return np.where(x > 0, g, negative)


# ---- the table ----

@dataclass(frozen=True)
class Case:
    name: str
    reference: Callable | None = None       # arrays and slopes to the result, exactly: bit for bit
    formula: Callable | None = None         # or a module (NumPy, mpmath) and real numbers to real numbers
    max_ulp: dict = field(default_factory=dict)     # how far from the formula's value, by the result's dtype
    inputs: tuple = ("features",)           # arrays, by the names of their parameters
    slopes: tuple = ()                      # arguments after them, as the generic tests give them
    dtypes: tuple = (*FLOATS, *INTEGERS)
    result: Callable = same                 # an input's dtype to the result's
    special: tuple = ()                     # (input, result), of every floating-point dtype
    span: tuple = (-np.inf, np.inf)         # what results stay within
    domain: tuple = (-800.0, 800.0)         # inputs among which the formula's value is checked

    @property
    def arrays(self):
        return len(self.inputs)

    @property
    def function(self):
        return getattr(cyact, self.name)

    def operands(self, dtype, n, seed=0):
        return tuple(sample(dtype, n, seed + i) for i in range(self.arrays))

    def __call__(self, *operands, **keywords):
        return self.function(*operands, *self.slopes, **keywords)


HALF_ULP = {dtype.name: 0.5 for dtype in SMALL}
ROWS = [
    Case("relu", relu, special=((-0.0, -0.0), (np.inf, np.inf), (-np.inf, 0.0), ("tiny", "tiny"), ("-tiny", 0.0))),
    Case(
        "leaky_relu", leaky_relu, slopes=(0.3,), result=real,
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -np.inf), ("tiny", "tiny"), ("-tiny", -0.0)),
    ),
    Case(
        "sigmoid", formula=lambda m, x: 1 / (1 + m.exp(-x)), result=real, span=(0, 1),
        max_ulp={**HALF_ULP, "float32": 1.0, "float64": 1.0},
        special=((-0.0, 0.5), (0.0, 0.5), (np.inf, 1.0), (-np.inf, 0.0), ("tiny", 0.5), ("-tiny", 0.5)),
    ),
    Case(
        "tanh", formula=lambda m, x: m.tanh(x), result=real, span=(-1, 1),
        max_ulp={**HALF_ULP, "float32": 1.0, "float64": 1.0},
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, 1.0), (-np.inf, -1.0), ("tiny", "tiny"), ("-tiny", "-tiny")),
    ),
    Case("relu_grad", relu_grad, inputs=("gradients", "features")),
    Case("leaky_relu_grad", leaky_relu_grad, inputs=("gradients", "features"), slopes=(0.3,), dtypes=tuple(FLOATS)),
    # Two roundings in the dtype; the 16-bit ones are computed in float32.
    Case(
        "sigmoid_grad", formula=lambda m, y, dy: dy * (y * (1 - y)), inputs=("y", "dy"), dtypes=tuple(FLOATS),
        domain=(0.0, 1.0), max_ulp={**dict.fromkeys(HALF_ULP, 0.51), "float32": 1.5, "float64": 1.5},
    ),
    Case(
        "tanh_grad", formula=lambda m, y, dy: dy * ((1 - y) * (1 + y)), inputs=("y", "dy"), dtypes=tuple(FLOATS),
        domain=(-1.0, 1.0), max_ulp={**dict.fromkeys(HALF_ULP, 0.51), "float32": 1.5, "float64": 1.5},
    ),
]
CASES = {case.name: case for case in ROWS}


def ulp_errors(case, operands, result):
    """|result - exact| in ULP of the result's dtype; the ULP of a subnormal is the subnormal spacing."""
    digits, smallest = FORMATS[result.dtype.name]
    if result.dtype != np.float64:
        with np.errstate(all="ignore"):
            exact = np.asarray(case.formula(np, *(x.astype("float64") for x in operands)))
        ulp = np.maximum(np.frexp(exact)[1] - 1, smallest) - digits
        return np.abs(np.ldexp(result.astype("float64") - exact, -ulp))
    errors = np.zeros(result.size)
    with mpmath.workprec(160):
        values = zip(*(x.astype("float64").tolist() for x in operands), strict=True)
        for i, (inputs, y) in enumerate(zip(values, result.tolist(), strict=True)):
            exact = case.formula(mpmath, *map(mpmath.mpf, inputs))
            ulp = max(int(mpmath.mag(exact)) - 1, smallest) - digits if exact else smallest - digits
            errors[i] = abs(mpmath.ldexp(y - exact, -ulp))
    return errors


def digests():
    """A hash of the results' bits for each function and dtype, over the same inputs on every machine."""
    hashes = {}
    for case in ROWS:
        for dtype in case.dtypes:
            rolled = [np.roll(special(dtype), i) for i in range(case.arrays)]
            inputs = [np.concatenate([sample(dtype, 20_000, i), x]) for i, x in enumerate(rolled)]
            hashes[f"{case.name} {dtype}"] = hashlib.sha256(bits(case(*inputs))).hexdigest()
            if case.result(dtype) != dtype:
                result = case(*inputs, out=np.zeros_like(inputs[0]), casting="unsafe")
                hashes[f"{case.name} {dtype} truncated"] = hashlib.sha256(result).hexdigest()
    return hashes


if __name__ == "__main__":
    print(json.dumps(digests()))
