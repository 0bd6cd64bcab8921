"""The table of cases: what the tests know of each function. A new function, and a new gradient, is one row here.

Every test, exhaustive.py and the digests go by this table: the functions' values against references that are independent
of the package (accuracy.py), what does not depend on the formula on one function of each family (``REPRESENTATIVES``).
``python tests/cases.py`` prints a digest of the results of every function and dtype, for comparing instruction-set levels.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module

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

# What the tests take of modules that are not public; scripts and workers import DISPATCH by its name.
DISPATCH = "cyact.dispatch"
LEVEL = import_module(DISPATCH).level_name
set_streamed = import_module(DISPATCH).set_streamed
EMULATED = 0.5 if import_module(DISPATCH).emulates_fma else 0
HAS_OPENMP = import_module("cyact.threads").has_openmp
ufuncs = import_module("cyact.ufuncs")

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
        with np.errstate(under="ignore"):
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


def within(x, low, high):
    if is_float(x.dtype):
        return np.where(x < low, np.full_like(x, low), np.where(x > high, np.full_like(x, high), x))
    return np.array([min(max(value, low), high) for value in x.ravel().tolist()], x.dtype).reshape(x.shape)


def relu(x):
    return within(x, 0, np.inf)


def relu6(x):
    return within(x, 0, 6)


def hard_tanh(x):
    return within(x, -1, 1)


def step(x):
    y = np.where(x < 0, np.zeros_like(x), np.ones_like(x))
    return np.where(isnan(x), x, y) if is_float(x.dtype) else y


def hard_shrink(x, threshold):
    x = x.astype(real(x.dtype))
    with np.errstate(over="ignore"):
        threshold = np.asarray(threshold).astype(x.dtype)
    return np.where((abs(x) > threshold) | isnan(x), x, np.copysign(np.zeros_like(x), x))


def soft_shrink(x, threshold):
    """Rounded once: a difference of 16-bit floats that is rounded to float32 first has the same result."""
    x = x.astype(real(x.dtype))
    wide = np.result_type(x.dtype, "float32")
    with np.errstate(all="ignore"):
        threshold = np.asarray(threshold).astype(x.dtype).astype(wide)
        size = abs(x.astype(wide))
        rest = np.where((size <= threshold) | (size == 0), np.zeros_like(size), size - threshold).astype(x.dtype)
    return np.where(isnan(x), x, np.copysign(rest, x))


def leaky_relu(x, alpha):
    x = x.astype(real(x.dtype))
    return np.where(x < 0, product(x, alpha), x)


def relu_grad(g, x):
    return np.where(x > 0, g, np.zeros_like(g))


def relu6_grad(g, x):
    return np.where((x > 0) & (x <= 6), g, np.zeros_like(g))


def hard_tanh_grad(g, x):
    return np.where((x > -1) & (x <= 1), g, np.zeros_like(g))


def shrink_grad(g, x, threshold):
    with np.errstate(over="ignore"):
        threshold = np.asarray(threshold).astype(g.dtype)
    return np.where((x > threshold) | (x <= -threshold), g, np.zeros_like(g))


def leaky_relu_grad(g, x, alpha):
    with np.errstate(over="ignore"):
        alpha = np.asarray(alpha).astype(g.dtype)
    negative = np.where(np.isinf(g) & (alpha == 0), np.zeros_like(g), product(g, alpha))
    negative = np.where(isnan(g), g, negative)      # itself, whatever the slope
    return np.where(x > 0, g, negative)


# Terms of formulas, of a module and a real number as those are: see accuracy.py.
S, A = 1.0507009873554805, 1.6732632423543772


def sigmoid(m, x):
    return 1 / (1 + m.exp(-x))


def tanh_softplus(m, x):
    return m.tanh(m.log1p(m.exp(x)))


def mish_slope(m, x):
    """x times the derivative of the term above, which is (1 - tanh(softplus(x))^2) sigmoid(x)."""
    return x * sigmoid(m, x) / m.cosh(m.log1p(m.exp(x))) ** 2


# Formulas that two rows share, or that would cancel if they were written as usual; of a module and numbers.

def softplus(m, x):
    return m.maximum(x, 0) + m.log1p(m.exp(-abs(x)))


def logit(m, x):
    return m.where(abs(x - 0.5) < 0.25, m.log1p((2 * x - 1) / (1 - x)), m.log(x / (1 - x)))


def normal(m, x):
    """The standard normal distribution's function and density."""
    return m.erfc(-x / m.sqrt(2.0)) / 2, m.exp(-x * x / 2) / m.sqrt(2 * m.pi)


def gelu_terms(m, x):
    """Those of the derivative, which is their sum."""
    below, density = normal(m, x)
    return below, x * density


def logistic_terms(m, x):
    """The same for the approximate formula, x / (1 + exp(-v(x)))."""
    c = m.sqrt(8 / m.pi)
    v, slope = c * (x + 44715 * x * x * x / 1000000), c * (1 + 3 * 44715 * x * x / 1000000)
    above, below = 1 / (1 + m.exp(-v)), 1 / (1 + m.exp(v))
    return above, m.where(abs(x) < 100, x * slope * above * below, 0.0)


def largest_of(terms):
    return lambda m, g, x: abs(g) * m.maximum(*map(abs, terms(m, x)))


# ---- the table ----

@dataclass(frozen=True)
class Case:
    """A function: what it is called with, what is true of it, and where to look."""

    name: str

    # The truth, one of the two. Both take the arrays' values, then the parameters' (rounded to the dtype first).
    reference: Callable | None = None       # arrays to the result, exactly: bit for bit
    formula: Callable | None = None         # or real numbers to a real number, after a module ``m``: see accuracy.py
    formula_64: Callable | None = None      # the same with NumPy's float64, where ``formula`` would cancel
    larger_term: Callable | None = None     # of a formula that is a sum and crosses zero: where it is larger, its ULP counts
    max_ulp: dict = field(default_factory=dict)     # how far from the formula's value, by the result's dtype: measured

    # How it is called.
    inputs: tuple = ("features",)           # arrays, by the names of their parameters
    parameters: dict = field(default_factory=dict)  # what follows them: name to default and to what generic tests give
    keywords: dict = field(default_factory=dict)    # what is always given besides, such as an option; the name ends with it
    dtypes: tuple = (*FLOATS, *INTEGERS)
    result: Callable = same                 # an input's dtype to the result's

    # What holds of every result.
    monotone: bool = False                  # it never falls where the input rises
    odd: bool = False                       # f(-x) is -f(x), to the bit
    span: tuple = (-np.inf, np.inf)         # it lies within
    special: tuple = ()                     # (input, ..., result), of every floating-point dtype

    # Where it is looked at: the argument, which is the input but for gradients.
    domain: tuple = (-np.inf, np.inf)       # where the formula is the truth
    nan_outside: bool = False               # the result outside of it; else there is no promise of an error in ULP
    edge: tuple = (-20.0, 20.0)             # from the one to the other something happens, beyond are limits
    hard: tuple = ()                        # numbers (with their neighbours) and intervals where errors are largest
    kinks: tuple | Callable = (0.0,)        # where there is no derivative; of the parameters, if it depends on them
    aliases: tuple = ()                     # names that other libraries have for it

    def limit(self, dtype):
        """``max_ulp``, and half a ULP more where multiply-add is emulated: there it is rounded twice."""
        return self.max_ulp[dtype.name] + EMULATED

    @property
    def arrays(self):
        return len(self.inputs)

    @property
    def argument(self):
        """The index of the array that the formula is about: the others are gradients from the layers above."""
        return next(i for i, name in enumerate(self.inputs) if name not in ("gradients", "dy"))

    @property
    def family(self):
        """What its mechanics depend on: how it is computed, and from how many arrays and parameters."""
        words = ["exact" if self.reference and self.result is same else "rounded once" if self.reference else "real"]
        words += ["gradient"] * (self.arrays == 2) + ["with parameters"] * bool(self.parameters)
        return " ".join(words)

    @property
    def names(self):
        return (self.name, *self.aliases)

    @property
    def public(self):
        """The name of the public function: without the option, which is part of the kernel's."""
        return self.name.removesuffix("".join(f"_{name}" for name in self.keywords))

    @property
    def function(self):
        return getattr(cyact, self.public)

    @property
    def ufunc(self):
        return getattr(ufuncs, self.name)

    @property
    def tried(self):
        """The parameters' values that the generic tests give."""
        return tuple(value for _, value in self.parameters.values())

    @property
    def defaults(self):
        return tuple(default for default, _ in self.parameters.values())

    def giving(self, *values):
        """The same with other values of the parameters."""
        parameters = {name: (default, value) for (name, (default, _)), value in zip(self.parameters.items(), values, strict=True)}
        return replace(self, parameters=parameters)

    def rounded(self, dtype):
        """These in a result's dtype, as the function takes them: as float64, which holds them exactly."""
        with np.errstate(all="ignore"):
            return tuple(float(np.array(value).astype(dtype)) for value in self.tried)

    def operands(self, dtype, n, seed=0):
        return tuple(sample(dtype, n, seed + i) for i in range(self.arrays))

    def usual_operands(self, dtype, n, seed=0):
        """The same with the argument within the domain, where that has ends."""
        operands = list(self.operands(dtype, n, seed))
        if not np.isinf(self.domain).any():
            operands[self.argument] = np.random.default_rng(seed).uniform(*self.domain, n).astype(dtype)
        return tuple(operands)

    def inside(self, operands):
        """Those operands that are finite numbers of the domain."""
        wide = [x.astype("float64") for x in operands]
        chosen = np.logical_and.reduce([np.isfinite(x) for x in wide])
        argument = wide[self.argument]
        chosen &= (argument >= self.domain[0]) & (argument <= self.domain[1])
        return tuple(x[chosen] for x in operands)

    def __call__(self, *operands, **keywords):
        return self.function(*operands, *self.tried, **self.keywords, **keywords)


ROUNDED = {dtype.name: 0.5 for dtype in SMALL}          # correctly: as accuracy.py rounds the exact value
NEARLY = {dtype.name: 0.51 for dtype in SMALL}          # computed in float32, then rounded
ROWS = [
    Case(
        "relu", relu, monotone=True, span=(0, np.inf),
        special=((-0.0, -0.0), (np.inf, np.inf), (-np.inf, 0.0), ("tiny", "tiny"), ("-tiny", 0.0)),
    ),
    Case(
        "leaky_relu", leaky_relu, parameters={"alpha": (0.2, 0.3)}, result=real, monotone=True,
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -np.inf), ("tiny", "tiny"), ("-tiny", -0.0)),
    ),
    Case(
        "sigmoid", formula=lambda m, x: 1 / (1 + m.exp(-x)), result=real, max_ulp={**ROUNDED, "float32": 0.966, "float64": 0.94},
        monotone=True, span=(0, 1), edge=(-745.2, 40.0), kinks=(), aliases=("expit",),
        special=(
            (-0.0, 0.5), (0.0, 0.5), (np.inf, 1.0), (-np.inf, 0.0), ("tiny", 0.5), ("-tiny", 0.5),
        ),
        hard=(
            -4.5226530, -4.5278430, -37.776608, -72.093399, -103.97207, -103.97208, -104.0, -88.72284, -87.33655, -105.0,
            16.635532, 17.328680, 20.0, -0.34657359, 0.34657359, 1e-8, -1e-8, 5.9604645e-08, -745.13, -745.14, 36.7,
            (-745.2, -700), (34, 40), (-104, -83), (8, 41),
        ),
    ),
    Case(
        "tanh", formula=lambda m, x: m.tanh(x), result=real, max_ulp={**ROUNDED, "float32": 0.652, "float64": 0.56},
        monotone=True, odd=True, span=(-1, 1), edge=(-20.0, 20.0), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, 1.0), (-np.inf, -1.0), ("tiny", "tiny"), ("-tiny", "-tiny")),
        hard=(
            8.8376274, 8.8377962, 8.8381977, 9.0108, 9.25, 18.888264, 0.17328680, 0.17344364, 0.51986039, 0.5493061, 1e-8,
            1e-30, 1e-43, 0.0078125, 0.00048828125, (0.1, 0.6), (18, 20), (8, 10),
        ),
    ),
    Case(
        "softsign", formula=lambda m, x: m.where(abs(x) < 2.0**80, x / (1 + abs(x)), m.where(x > 0, 1.0, -1.0)),
        result=real, max_ulp={**ROUNDED, "float32": 0.51, "float64": 0.51},
        monotone=True, odd=True, span=(-1, 1), edge=(-(2.0**60), 2.0**60), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, 1.0), (-np.inf, -1.0), ("tiny", "tiny"), ("-tiny", "-tiny")),
        hard=(1.0, 3.0, 2.0**24, 2.0**30, 2.0**53, 1e-8, (0, 4), (2**20, 2**31)),
    ),
    Case(
        "softsign_grad", formula=lambda m, g, x: g / (1 + abs(x)) ** 2, inputs=("gradients", "features"),
        dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 2.0, "float64": 2.0},
        special=((3.0, 0.0, 3.0), (4.0, -1.0, 1.0), ("max", 0.0, "max"), ("tiny", 0.0, "tiny"), (1.0, np.inf, 0.0),
                 (np.inf, -np.inf, 0.0), (np.inf, 1.0, np.inf),
                 (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)),
    ),
    Case(
        "elu", formula=lambda m, x, alpha: m.where(x >= 0, x, alpha * m.expm1(x)), parameters={"alpha": (1.0, 0.7)}, result=real,
        max_ulp={**NEARLY, "float32": 1.0, "float64": 1.0}, monotone=True, span=(-0.7001, np.inf), edge=(-40.0, 1.0),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), ("tiny", "tiny")),
        hard=(-0.34657, -0.6931, -1e-8, -1e-30, -17.3, -18.0, -37.0, (-1, 0), (-20, 0), (-38, -36)),
    ),
    Case(
        "elu_grad", formula=lambda m, g, y, alpha: m.where(y > 0, g, g * (y + alpha)), inputs=("gradients", "outputs"),
        parameters={"alpha": (1.0, 0.7)}, dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=((2.0, 1.0, 2.0), (np.inf, 1.0, np.inf), (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)),
    ),
    Case(
        "silu", formula=lambda m, x, beta: x / (1 + m.exp(-beta * x)), parameters={"beta": (1.0, 1.5)}, result=real,
        max_ulp={**NEARLY, "float32": 1.0, "float64": 1.0}, span=(-0.28, np.inf), edge=(-1070.0, 45.0), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -0.0)),
        hard=(-1.2785, -87.3, -88.72, -103.9, -108.6, 20.0, 16.6, 1e-8, -1e-30, (-110, -80), (-2, 2), (-760, -700)),
    ),
    Case(
        "selu", formula=lambda m, x: S * m.where(x > 0, x, A * m.expm1(x)), result=real,
        max_ulp={**NEARLY, "float32": 1.0, "float64": 1.0}, monotone=True, span=(-1.7581, np.inf), edge=(-40.0, 1.0),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), ("tiny", "tiny")),
        hard=(-0.34657, -0.6931, -0.328, -0.286, -1e-8, -1e-30, -17.3, -18.0, -37.0, (-1, 0), (-20, 0), (-38, -36)),
    ),
    Case(
        "celu", formula=lambda m, x, alpha: m.where(x > 0, x, alpha * m.expm1(x / alpha)), parameters={"alpha": (1.0, 1.7)},
        result=real, max_ulp={**NEARLY, "float32": 1.0, "float64": 1.0}, monotone=True, span=(-1.71, np.inf), edge=(-70.0, 1.0),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf)),
        hard=(-0.34657, -0.6931, -0.5885, -0.543, -1e-8, -1e-30, -30.6, -64.6, (-1, 0), (-20, 0), (-66, -60)),
    ),
    Case(
        "gaussian", formula=lambda m, x: m.exp(-x * x), result=real, max_ulp={**NEARLY, "float32": 0.83, "float64": 0.8},
        span=(0, 1), edge=(-28.0, 28.0), kinks=(), special=((-0.0, 1.0), (0.0, 1.0), (np.inf, 0.0), (-np.inf, 0.0), ("tiny", 1.0)),
        hard=(1.9523, 4.745, 9.38, 10.2, 10.3, 26.6, 27.3, 27.4, 0.5887, 0.8326, (0, 2), (8, 10.4), (26, 27.5)),
    ),
    Case(
        "mish", formula=lambda m, x: x * m.tanh(m.log1p(m.exp(x))), result=real,
        max_ulp={**NEARLY, "float32": 0.995, "float64": 0.95}, span=(-0.309, np.inf), edge=(-760.0, 45.0), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -0.0)),
        hard=(-1.1924, -89.0671, -87.3, -88.72, -103.9, -108.6, 20.0, 16.6, 1e-8, -1e-30, (-110, -80), (-2, 2), (-760, -700)),
    ),
    Case(
        "selu_grad", formula=lambda m, g, y: g * m.where(y > 0, S, y + S * A), larger_term=lambda m, g, y: g * S * A,
        domain=(-1.7581, np.inf),
        inputs=("gradients", "outputs"), dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=((0.0, 1.0, 0.0), (np.inf, 1.0, np.inf), (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)),
    ),
    Case(
        "celu_grad", formula=lambda m, g, x, alpha: g * m.where((x > 0) | (g == 0), 1.0, m.exp(x / alpha)),
        inputs=("gradients", "features"), parameters={"alpha": (1.0, 1.7)}, dtypes=tuple(FLOATS), result=real,
        max_ulp={**NEARLY, "float32": 1.0, "float64": 1.0},
        special=((2.0, 1.0, 2.0), (2.0, 0.0, 2.0), (np.inf, -np.inf, 0.0), (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)),
    ),
    Case(
        "silu_grad", formula=lambda m, g, x, beta: g * sigmoid(m, beta * x) * (1 + beta * x * sigmoid(m, -beta * x)),
        larger_term=lambda m, g, x, beta: g * sigmoid(m, beta * x) * m.maximum(1.0, abs(beta * x * sigmoid(m, -beta * x))),
        inputs=("gradients", "features"), parameters={"beta": (1.0, 1.5)}, dtypes=tuple(FLOATS), result=real,
        max_ulp={**NEARLY, "float32": 2.0, "float64": 2.0},
        special=((2.0, 0.0, 1.0), (2.0, 100.0, 2.0), (np.inf, np.inf, np.inf), (np.inf, -np.inf, 0.0), (np.nan, 1.0, np.nan),
                 (1.0, np.nan, np.nan), (np.inf, 0.0, np.inf)),
    ),
    Case(
        "gaussian_grad", formula=lambda m, g, x: -2 * g * x * m.exp(-x * x), inputs=("gradients", "features"),
        dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 1.7, "float64": 1.6},
        special=((np.inf, 0.0, 0.0), (np.inf, 1.0, -np.inf), (np.inf, np.inf, 0.0), (np.nan, 1.0, np.nan),
                 (1.0, np.nan, np.nan)),
    ),
    Case(
        "mish_grad", formula=lambda m, g, x: g * (tanh_softplus(m, x) + mish_slope(m, x)),
        larger_term=lambda m, g, x: g * m.maximum(tanh_softplus(m, x), abs(mish_slope(m, x))),
        inputs=("gradients", "features"), dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 2.0, "float64": 2.0},
        special=((2.0, 100.0, 2.0), (np.inf, np.inf, np.inf), (np.inf, -np.inf, 0.0), (np.nan, 1.0, np.nan), (1.0, np.nan, np.nan)),
    ),
    Case(
        "relu6", relu6, monotone=True, span=(0, 6), kinks=(0.0, 6.0), hard=(6.0,),
        special=((-0.0, -0.0), (np.inf, 6.0), (-np.inf, 0.0), ("tiny", "tiny"), ("-tiny", 0.0), (6.0, 6.0), (7.0, 6.0)),
    ),
    Case(
        "hard_tanh", hard_tanh, monotone=True, odd=True, span=(-1, 1), kinks=(-1.0, 1.0), hard=(1.0,),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, 1.0), (-np.inf, -1.0), ("tiny", "tiny"), ("-tiny", "-tiny"), (-1.0, -1.0)),
    ),
    Case(
        "step", step, monotone=True, span=(0, 1),
        special=((-0.0, 1.0), (0.0, 1.0), (np.inf, 1.0), (-np.inf, 0.0), ("tiny", 1.0), ("-tiny", 0.0)),
    ),
    Case(
        "hard_sigmoid", formula=lambda m, x: m.where(x < -3, 0.0, m.where(x > 3, 1.0, (x + 3) / 6)), result=real,
        max_ulp={**ROUNDED, "float32": 0.501, "float64": 0.501}, monotone=True, span=(0, 1), kinks=(-3.0, 3.0),
        special=((-0.0, 0.5), (0.0, 0.5), (np.inf, 1.0), (-np.inf, 0.0), ("tiny", 0.5), (3.0, 1.0), (-3.0, 0.0)),
        hard=(3.0, -3.0, 1.5, 1.8e-7, 1e-16, (-3, 3), (-3.01, -2.9)),
    ),
    Case(
        "hard_silu", formula=lambda m, x: m.where(x < -3, 0.0, m.where(x > 3, x, x * (x + 3) / 6)), result=real,
        max_ulp={**NEARLY, "float32": 0.75, "float64": 0.75}, span=(-0.375, np.inf), kinks=(-3.0, 3.0),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -0.0), (3.0, 3.0), (-3.0, -0.0)),
        hard=(3.0, -3.0, -1.5, 1.9e-6, 9e-38, 6.9e-308, (-3, 3), (-3.01, -2.9)),
    ),
    Case(
        "hard_shrink", hard_shrink, parameters={"threshold": (0.5, 0.7)}, result=real, monotone=True, odd=True, edge=(-2.0, 2.0),
        kinks=lambda threshold: (-threshold, threshold), hard=(0.5, 0.7),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -np.inf), ("tiny", 0.0), ("-tiny", -0.0), (0.5, 0.0)),
    ),
    Case(
        "soft_shrink", soft_shrink, parameters={"threshold": (0.5, 0.7)}, result=real, monotone=True, odd=True, edge=(-2.0, 2.0),
        kinks=lambda threshold: (-threshold, threshold), hard=(0.5, 0.7),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -np.inf), ("tiny", 0.0), ("-tiny", -0.0), (0.5, 0.0)),
    ),
    Case(
        "softplus", formula=softplus, result=real, max_ulp={**NEARLY, "float32": 0.915, "float64": 0.94},
        monotone=True, span=(0, np.inf), edge=(-745.2, 40.0), kinks=(),
        special=((np.inf, np.inf), (-np.inf, 0.0), ("-max", 0.0), ("max", "max")),
        hard=(-0.9011, -0.95, 0.95, -0.8, 0.8, -1e-8, 1e-8, -87.33655, -88.72284, -103.97207, -104.0, 16.6, 17.3, 20.0, 21.0, -745.13,
              -745.14, 36.7, (-2, 2), (-1.05, -0.7), (0.7, 1.05), (-745.2, -700), (-104, -83), (8, 41)),
    ),
    Case(
        "log_sigmoid", formula=lambda m, x: -softplus(m, -x), result=real,
        max_ulp={**NEARLY, "float32": 0.915, "float64": 0.94},
        monotone=True, span=(-np.inf, 0), edge=(-40.0, 745.2), kinks=(), aliases=("logsigmoid", "log_expit"),
        special=((np.inf, -0.0), (-np.inf, -np.inf), ("max", -0.0), ("-max", "-max")),
        hard=(0.9011, 0.95, -0.95, 0.8, -0.8, 1e-8, -1e-8, 87.33655, 88.72284, 103.97207, 104.0, -16.6, -17.3, -20.0, -21.0, 745.13,
              745.14, -36.7, (-2, 2), (-1.05, -0.7), (0.7, 1.05), (700, 745.2), (83, 104), (-41, -8)),
    ),
    Case(
        "logit", formula=logit, result=real, max_ulp={**NEARLY, "float32": 0.865, "float64": 0.87},
        domain=(0.0, 1.0), nan_outside=True, monotone=True, kinks=(),
        special=((0.0, -np.inf), (-0.0, -np.inf), (1.0, np.inf), (0.5, 0.0), (-1.0, np.nan), (2.0, np.nan),
                 (np.inf, np.nan), (-np.inf, np.nan), ("-tiny", np.nan), ("-max", np.nan)),
        hard=(0.5, 0.2038, 0.25, 0.75, 1 / 3, 2 / 3, 2.0**-126, 2.0**-1022, 0.125, (0.4, 0.6), (0.49999, 0.50001),
              (0.1, 0.3), (0.7, 0.9), (0.999, 1.0)),
    ),
    Case(
        "gelu", formula=lambda m, x: x * normal(m, x)[0], result=real, max_ulp={**NEARLY, "float32": 0.965, "float64": 0.95},
        span=(-0.17005, np.inf), edge=(-38.7, 9.0), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -0.0), ("max", "max"), ("-max", -0.0)),
        hard=(0.501, 0.4929, 0.4899, -0.4929, -0.7517915, -14.38, -14.4, -38.58, -38.7, 5.5, 8.3, 1e-8, -1e-30, (-1, 1),
              (0.45, 0.55), (-0.55, -0.45), (-14.5, -12), (-38.7, -36), (-6, 6)),
    ),
    Case(
        "gelu_approximate", formula=lambda m, x: x * logistic_terms(m, x)[0], keywords={"approximate": True}, result=real,
        max_ulp={**NEARLY, "float32": 0.963, "float64": 0.8}, span=(-0.1701, np.inf), edge=(-22.0, 9.0), kinks=(),
        special=((-0.0, -0.0), (0.0, 0.0), (np.inf, np.inf), (-np.inf, -0.0), ("max", "max"), ("-max", -0.0)),
        hard=(-5.114, -0.75246, -10.05, -10.8, -11.0, -21.3, -22.0, 5.5, 6.0, 9.0, 1e-8, -1e-30, (-1, 1), (-6, 6),
              (-11, -9), (-22, -20)),
    ),
    Case("relu_grad", relu_grad, inputs=("gradients", "features")),
    Case("relu6_grad", relu6_grad, inputs=("gradients", "features"), special=((2.0, 6.0, 2.0), (np.inf, 7.0, 0.0), (3.0, np.nan, 0.0))),
    Case(
        "hard_tanh_grad", hard_tanh_grad, inputs=("gradients", "features"), dtypes=tuple(FLOATS),
        special=((2.0, 1.0, 2.0), (2.0, -1.0, 0.0), (np.inf, 2.0, 0.0), (3.0, np.nan, 0.0)),
    ),
    Case(
        "hard_sigmoid_grad", formula=lambda m, g, x: m.where((x > -3) & (x <= 3), g / 6, 0.0), inputs=("gradients", "features"),
        dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 0.68, "float64": 0.68},
        special=((3.0, 3.0, 0.5), (3.0, -3.0, 0.0), (np.inf, -4.0, 0.0), (-np.inf, 0.0, -np.inf), (3.0, np.nan, 0.0)),
    ),
    Case(
        "hard_silu_grad", formula=lambda m, g, x: m.where(x > 3, g, m.where(x > -3, g * (2 * x + 3) / 6, 0.0)),
        inputs=("gradients", "features"), dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=((2.0, 3.0, 3.0), (2.0, -3.0, 0.0), (np.inf, -4.0, 0.0), (np.inf, -1.5, 0.0), (2.0, 4.0, 2.0), (3.0, np.nan, 0.0)),
    ),
    Case(
        "hard_shrink_grad", shrink_grad, inputs=("gradients", "features"), parameters={"threshold": (0.5, 0.7)},
        dtypes=tuple(FLOATS), result=real,
    ),
    Case(
        "soft_shrink_grad", shrink_grad, inputs=("gradients", "features"), parameters={"threshold": (0.5, 0.7)},
        dtypes=tuple(FLOATS), result=real,
    ),
    Case(
        "leaky_relu_grad", leaky_relu_grad, inputs=("gradients", "features"), parameters={"alpha": (0.2, 0.3)},
        dtypes=tuple(FLOATS), result=real,
    ),
    # Two roundings in the dtype; the 16-bit ones are computed in float32.
    Case(
        "sigmoid_grad", formula=lambda m, y, dy: dy * (y * (1 - y)), inputs=("y", "dy"), dtypes=tuple(FLOATS), result=real,
        domain=(0.0, 1.0), max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=(
            (0.0, 3.0, 0.0), (1.0, 3.0, 0.0), (0.5, 4.0, 1.0), (0.5, -0.0, -0.0), (0.5, np.inf, np.inf), (0.5, -np.inf, -np.inf),
            (np.nan, 1.0, np.nan), (0.5, np.nan, np.nan), (1.0, np.nan, np.nan), ("tiny", 1.0, "tiny"),
        ),
        hard=((0.8, 0.8536), 0.5, 1.0),     # y (1 - y) just above 1/8
    ),
    Case(
        "tanh_grad", formula=lambda m, y, dy: dy * ((1 - y) * (1 + y)), inputs=("y", "dy"), dtypes=tuple(FLOATS), result=real,
        domain=(-1.0, 1.0), max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=(
            (0.0, 3.0, 3.0), (-0.0, 3.0, 3.0), (1.0, 3.0, 0.0), (-1.0, 3.0, 0.0), (0.5, 4.0, 3.0), (-0.5, 4.0, 3.0),
            (0.0, np.inf, np.inf), (0.5, -np.inf, -np.inf), (np.nan, 1.0, np.nan), (0.5, np.nan, np.nan), (0.0, "tiny", "tiny"),
        ),
        hard=((0.703, 0.7072), 0.5, 1.0),   # 1 - y^2 just above 1/2
    ),
    Case(
        "softplus_grad", formula=lambda m, g, x: g / (1 + m.exp(-x)), inputs=("gradients", "features"), dtypes=tuple(FLOATS),
        result=real, max_ulp={**NEARLY, "float32": 1.9, "float64": 1.8},
        special=((2.0, 0.0, 1.0), (2.0, -0.0, 1.0), (3.0, np.inf, 3.0), (np.inf, -np.inf, 0.0), (np.inf, -1.0, np.inf),
                 (-np.inf, 1.0, -np.inf), (np.nan, -np.inf, np.nan), (1.0, np.nan, np.nan), ("tiny", 3.0, "tiny")),
        hard=(-87.3, -103.9, -0.35, 0.35, (-2, 2), (-104, -83), (-1490, -700)),
    ),
    Case(
        "log_sigmoid_grad", formula=lambda m, g, x: g / (1 + m.exp(x)), inputs=("gradients", "features"), dtypes=tuple(FLOATS),
        result=real, max_ulp={**NEARLY, "float32": 1.9, "float64": 1.8},
        special=((2.0, 0.0, 1.0), (2.0, -0.0, 1.0), (3.0, -np.inf, 3.0), (np.inf, np.inf, 0.0), (np.inf, 1.0, np.inf),
                 (-np.inf, -1.0, -np.inf), (np.nan, np.inf, np.nan), (1.0, np.nan, np.nan), ("tiny", -3.0, "tiny")),
        hard=(87.3, 103.9, -0.35, 0.35, (-2, 2), (83, 104), (700, 1490)),
    ),
    Case(
        "logit_grad", formula=lambda m, g, x: m.where(g == 0, g, g / (abs(x) * (1 - x))), inputs=("gradients", "features"),
        dtypes=tuple(FLOATS), result=real, domain=(0.0, 1.0), max_ulp={**NEARLY, "float32": 1.5, "float64": 1.5},
        special=((1.0, 0.5, 4.0), (1.0, 0.0, np.inf), (-1.0, -0.0, -np.inf), (1.0, 1.0, np.inf), (0.0, 0.0, 0.0),
                 (-0.0, 1.0, -0.0), (np.inf, 0.5, np.inf), (np.inf, 0.0, np.inf), (1.0, 1.5, np.nan), (1.0, -1.0, np.nan),
                 (np.nan, 0.5, np.nan), (1.0, np.nan, np.nan), ("tiny", 0.0, np.inf)),
        hard=(0.5, (0.1464, 0.147), (0.85, 0.8536), (0.99, 1.0)),
    ),
    Case(
        "gelu_grad", formula=lambda m, g, x: g * sum(gelu_terms(m, x)), larger_term=largest_of(gelu_terms),
        inputs=("gradients", "features"), dtypes=tuple(FLOATS), result=real, max_ulp={**NEARLY, "float32": 1.8, "float64": 1.8},
        special=((2.0, 0.0, 1.0), (2.0, -0.0, 1.0), (3.0, np.inf, 3.0), (3.0, -np.inf, 0.0), (np.inf, -np.inf, 0.0),
                 (np.inf, -1.0, -np.inf), (np.inf, -0.5, np.inf), (-np.inf, 9.0, -np.inf), (np.nan, 1.0, np.nan),
                 (1.0, np.nan, np.nan), (3.0, "max", 3.0)),
        hard=(-0.7517915, 0.4899, -0.4899, -14.4, -19.9, (-1, 1), (-0.8, -0.7), (-15, -12), (-54, -36), (-6, 6)),
    ),
    Case(
        "gelu_grad_approximate", formula=lambda m, g, x: g * sum(logistic_terms(m, x)), larger_term=largest_of(logistic_terms),
        keywords={"approximate": True}, inputs=("gradients", "features"), dtypes=tuple(FLOATS), result=real,
        max_ulp={**NEARLY, "float32": 1.9, "float64": 1.9},
        special=((2.0, 0.0, 1.0), (2.0, -0.0, 1.0), (3.0, np.inf, 3.0), (3.0, -np.inf, 0.0), (np.inf, -np.inf, 0.0),
                 (np.inf, -1.0, -np.inf), (np.inf, -0.5, np.inf), (-np.inf, 9.0, -np.inf), (np.nan, 1.0, np.nan),
                 (1.0, np.nan, np.nan), (3.0, "max", 3.0)),
        hard=(-0.7524614, -10.8, -13.9, (-1, 1), (-0.8, -0.7), (-14, -9), (-27.6, -20), (-6, 6)),
    ),
]
CASES = {case.name: case for case in ROWS}


# ---- what does not depend on the formula ----

# Layouts, threads, containers, errors and the like are tried on one or two functions of each family ...
REPRESENTATIVES = {name: CASES[name] for name in (
    "relu", "sigmoid", "leaky_relu", "elu", "relu_grad", "sigmoid_grad", "softsign_grad", "leaky_relu_grad", "elu_grad",
)}
# ... and on dtypes that differ in how they get to the loop: converted, as they are, by a table, wider.
KINDS = [*FLOATS, np.dtype("uint8"), np.dtype("int32")]


def gradient_pairs():
    """Every function that has a gradient, with it."""
    return [(CASES[name.replace("_grad", "")], case) for name, case in CASES.items() if case.public.endswith("_grad")]


def digests(portable=False):
    """A hash of the results' bits for each function and dtype, over the same inputs on every machine.

    Kinds of processors differ in the sign of a NaN that no input was, and in what NumPy's casts make of numbers that an integer
    cannot hold. ``portable`` leaves both out.
    """
    hashes = {}
    for case in ROWS:
        for dtype in case.dtypes:
            rolled = [np.roll(special(dtype), i) for i in range(case.arrays)]
            inputs = [np.concatenate([sample(dtype, 20_000, i), x]) for i, x in enumerate(rolled)]
            result = case(*inputs)
            if portable and is_float(result.dtype):
                result[isnan(result) & ~np.logical_or.reduce([isnan(x) for x in inputs])] = np.nan
            hashes[f"{case.name} {dtype}"] = hashlib.sha256(bits(result)).hexdigest()
            if case.result(dtype) != dtype and not portable:
                result = case(*inputs, out=np.zeros_like(inputs[0]), casting="unsafe")
                hashes[f"{case.name} {dtype} truncated"] = hashlib.sha256(result).hexdigest()
    for dtype in (*FLOATS, *INTEGERS):
        # Neither side is whole vectors. There is no NaN, and none comes of it.
        x = sample(dtype, 37 * 1081).reshape(37, 1081)
        if is_float(dtype):
            x[~np.isfinite(x)] = 1
        results = {"rescale": cyact.rescale(x, 0.3, -1.7), "rescale by channel": cyact.rescale(x, np.linspace(-1, 1, 1081), 0.5)}
        results["relu masked"] = cyact.relu(x, out=np.zeros_like(x), where=np.random.default_rng(0).random(x.shape) < 0.5)
        results["relu transposed"] = cyact.relu(x.T, out=np.zeros_like(x.T, order="C"))
        results["relu in steps"] = cyact.relu(x[::-1, ::2], out=np.zeros_like(x)[:, ::2])
        for axis in (0, 1):
            y, logarithms = cyact.softmax(x, axis=axis), cyact.log_softmax(x, axis=axis)
            results |= {f"softmax {axis}": y, f"log_softmax {axis}": logarithms, f"logsumexp {axis}": cyact.logsumexp(x, axis=axis)}
            results[f"softmax_grad {axis}"] = cyact.softmax_grad(y, y, axis=axis)
            results[f"log_softmax_grad {axis}"] = cyact.log_softmax_grad(logarithms, y, axis=axis)
        hashes |= {f"{name} {dtype}": hashlib.sha256(bits(result)).hexdigest() for name, result in results.items()}
    return hashes


if __name__ == "__main__":
    print(json.dumps(digests("--portable" in sys.argv)))
