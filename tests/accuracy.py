"""How far results are from the exact ones: references, errors in ULP, inputs that are hard. Nothing here calls cyact.

ULP error is |y - exact| / ulp(exact); the ulp of a subnormal is the subnormal spacing.

A formula of ``cases.py`` is a function of a module ``m`` and of real numbers. For results of up to 32 bits ``m`` computes
with NumPy's float64, whose own error is some 2^-29 of a float32 ULP; for float64 with MPFR, to 160 bits. What it may use of
``m`` is what ``Float64`` and ``Mpfr`` have in common; ``abs``, ``**`` and the operators do as they are.
"""

import math

import gmpy2
import numpy as np
from cases import FORMATS, from_bits, isnan, largest, unsigned

FUNCTIONS = ("exp", "expm1", "log", "log1p", "sqrt", "sinh", "cosh", "tanh")


class Float64:
    """Arrays of float64."""

    where, maximum, minimum = np.where, np.maximum, np.minimum
    pi = math.pi

    @staticmethod
    def erfc(x):
        """One by one but where x is so small that its cube does not count, or so large that the limit is reached."""
        y = np.where(abs(x) < 1, 1 - 2 / math.sqrt(math.pi) * x, np.where(x < 0, 2.0, 0.0))
        between = (abs(x) > 2.0**-18) & (x > -6) & (x < 27.3) | np.isnan(x)
        y[between] = [*map(math.erfc, x[between].tolist())]
        return y


class Mpfr:
    """One number of the context's precision."""

    where = staticmethod(lambda condition, a, b: a if condition else b)
    maximum, minimum = staticmethod(gmpy2.maxnum), staticmethod(gmpy2.minnum)
    erfc = staticmethod(gmpy2.erfc)
    pi = gmpy2.const_pi(2000)


for _name in FUNCTIONS:
    setattr(Float64, _name, staticmethod(getattr(np, _name)))
    setattr(Mpfr, _name, staticmethod(getattr(gmpy2, _name)))


# ---- exact values ----

def exact_64(case, operands, dtype, formula=None, module=Float64):
    """The exact results, for a result's dtype, as good as float64 has them; or those of another formula."""
    formula = formula or case.formula_64 or case.formula
    with np.errstate(all="ignore"):
        exact = formula(module, *(x.astype("float64") for x in operands), *case.rounded(dtype))
    return exact if np.shape(exact) == operands[0].shape else np.full(operands[0].shape, exact)


def exact_mpfr(case, operands, dtype, precision=160):
    """The exact results one by one, as MPFR's numbers."""
    parameters = case.rounded(dtype)
    with gmpy2.context(precision=precision):
        for values in zip(*(x.astype("float64").tolist() for x in operands), strict=True):
            yield case.formula(Mpfr, *map(gmpy2.mpfr, values), *map(gmpy2.mpfr, parameters))


# ---- errors ----

# How far exact_64 may be from the exact value, in ULP of a float32: where that decides, MPFR is asked. exhaustive.py
# measures it on samples.
REFERENCE_ERROR = 2.0**-18


def ulp_errors_64(result, exact, term=0.0):
    """Errors of results of up to 32 bits whose exact values are known as float64; infinite where one is not finite and not
    the value.

    An ulp is one of the value, or of ``term`` if that is larger. Beyond the largest number the value is infinity.
    """
    digits, smallest = FORMATS[result.dtype.name]
    y = result.astype("float64")
    size = np.abs(exact)
    if np.any(term):
        np.maximum(size, np.abs(term), out=size)
    # In place: exhaustive.py spends much of its time here, and waits for the cache where there are more arrays.
    exponent = size.view("int64")
    exponent >>= 52                             # biased, as it stands in the number
    np.maximum(exponent, smallest + 1023, out=exponent)
    np.subtract(2046 + digits, exponent, out=exponent)
    exponent <<= 52                             # 1 / ulp
    with np.errstate(invalid="ignore"):
        errors = y - exact
        np.abs(errors, out=errors)
        errors *= size
        strange = () if errors.max(initial=0) < np.inf else np.flatnonzero(~(errors < np.inf))
    if len(strange):
        y, exact = y[strange], exact[strange]
        overflown = np.isinf(y) & (np.abs(exact) > float(largest(result.dtype))) & ((y > 0) == (exact > 0))
        errors[strange] = np.where((y == exact) | np.isnan(y) & np.isnan(exact) | overflown, 0, np.inf)
    return errors


def ulp_errors_mpfr(result, exact, term=0.0):
    """The same for MPFR's numbers and results of any dtype."""
    digits, smallest = FORMATS[result.dtype.name]
    term = np.broadcast_to(term, result.shape)
    usable = np.isfinite(term) & (term != 0)
    least = np.where(usable, np.maximum(np.frexp(term)[1] - 1, smallest), smallest).tolist()
    top = float(largest(result.dtype))
    errors = np.zeros(result.size)
    for i, (y, value) in enumerate(zip(result.astype("float64").tolist(), exact, strict=True)):
        if y == value or y != y and gmpy2.is_nan(value) or math.isinf(y) and abs(value) > top and (y > 0) == (value > 0):
            continue
        if not gmpy2.is_finite(value) or math.isinf(y) or y != y:
            errors[i] = np.inf
            continue
        ulp = (max(gmpy2.get_exp(value) - 1, least[i]) if value else least[i]) - digits
        difference = abs(value - y)
        errors[i] = gmpy2.mul_2exp(difference, -ulp) if ulp < 0 else gmpy2.div_2exp(difference, ulp)
    return errors


def larger_terms(case, operands, dtype):
    """What an ULP is one of, if it is larger than the value."""
    return exact_64(case, operands, dtype, case.larger_term) if case.larger_term else 0.0


def ulp_errors(case, operands, result, exactly=False):
    """Errors of a function's results, by MPFR if they are float64 or if ``exactly``. Where the row has a larger term, in ULP of that."""
    term = larger_terms(case, operands, result.dtype)
    if exactly or result.dtype == np.float64:
        return ulp_errors_mpfr(result, exact_mpfr(case, operands, result.dtype), term)
    return ulp_errors_64(result, exact_64(case, operands, result.dtype), term)


def round_exactly(values, dtype, exact=None):
    """float64 values rounded to a dtype of 16 bits, to nearest even; within a hair of a midpoint ``exact(i)`` decides."""
    digits, smallest = FORMATS[dtype.name]
    ulp = np.ldexp(1.0, np.maximum(np.frexp(values)[1] - 1, smallest) - digits)
    scaled = np.abs(values) / ulp
    below = np.floor(scaled)
    rounded = np.rint(scaled)
    for i in np.flatnonzero(np.abs(scaled - below - 0.5) < 1e-6) if exact else ():
        with gmpy2.context(precision=2000):
            rest = abs(exact(i)) / gmpy2.mpfr(ulp[i]) - gmpy2.mpfr(below[i]) - gmpy2.mpfr(0.5)
        if rest:
            rounded[i] = below[i] + (rest > 0)
    with np.errstate(over="ignore"):
        return np.copysign(rounded * ulp, values).astype(dtype)


def correctly_rounded(case, operands, dtype):
    """The exact results rounded once to a dtype of 16 bits."""

    def exact(i):
        return next(exact_mpfr(case, [x[i:i + 1] for x in operands], dtype, precision=2000))

    return round_exactly(exact_64(case, operands, dtype), dtype, exact)


# ---- inputs ----

def in_domain(case, x):
    return x[(x >= case.domain[0]) & (x <= case.domain[1])]


def hard_inputs(case, count, seed=0):
    """Inputs around everything that a formula does: zero, multiples of ln 2, the row's hard intervals; and at large."""
    rng = np.random.default_rng(seed)
    n = max(1, count // 8)
    low, high = case.edge
    span = int(max(-low, high) / np.log(2))
    multiples = np.log(2) / 2 * rng.integers(-2 * span, 2 * span, n)
    return in_domain(case, np.concatenate([
        rng.normal(size=n),
        rng.uniform(low, high, 2 * n),
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-60, 3, n),
        rng.uniform(*case.domain, n) if np.isfinite(case.domain).all() else [],
        multiples * (1 + rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-52, -3, n)),
        *(rng.uniform(*interval, n) for interval in case.hard if isinstance(interval, tuple)),
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-1074, -900, n),
    ]))


def hard_operands(case, dtype, count, seed=0):
    """The same for a function of one or two arrays: worst is a gradient just below a power of two."""
    x = hard_inputs(case, count, seed)
    with np.errstate(over="ignore", under="ignore"):
        x = in_domain(case, x.astype(dtype))
    return with_gradients(case, x, gradients(len(x), dtype, seed))


def gradients(count, dtype, seed=0):
    """What comes from the layers above: of both signs, mostly just below two."""
    rng = np.random.default_rng(seed)
    near_two = 2 - rng.random(count) / 64
    g = np.where(rng.random(count) < 0.8, near_two, rng.normal(0, 4, count)) * rng.choice([-1, 1], count)
    return g.astype(dtype)


def worst_gradients(case, x, g):
    """Gradients of these signs for which each ULP counts most: the value, or the larger term, is just below a power of two."""
    ones = with_gradients(case, x, np.ones_like(x))
    size = np.maximum(abs(exact_64(case, ones, x.dtype)), abs(larger_terms(case, ones, x.dtype)))
    usable = np.isfinite(size) & (size > 0)
    worst = (2 - np.random.default_rng(len(x)).random(len(x)) / 16) / (2 * np.frexp(np.where(usable, size, 0.5))[0])
    return np.copysign(worst, g).astype(x.dtype)


def with_gradients(case, x, g):
    """The operands in their order, of which ``x`` is the one that a formula is about."""
    if case.arrays == 1:
        return (x,)
    return (x, g) if case.argument == 0 else (g, x)


def neighbours(case, dtype, count=40):
    """The numbers of a dtype around each of the row's hard ones, and around the ends of its domain and its edge."""
    numbers = [x for x in case.hard if not isinstance(x, tuple)] + [x for x in case.domain + case.edge if abs(x) < np.inf]
    with np.errstate(over="ignore"):
        x = np.array(numbers).astype(dtype)
    middle = np.abs(x).view(unsigned(dtype)).astype(object)     # bits of a magnitude, in order
    around = middle[:, None] + np.arange(-count, count + 1)
    top = int(np.array([np.inf], dtype).view(unsigned(dtype))[0])
    magnitudes = from_bits(np.clip(around, 0, top).astype("u8").astype(unsigned(dtype)).ravel(), dtype)
    return in_domain(case, np.where(np.repeat(np.signbit(x), 2 * count + 1), -magnitudes, magnitudes))


# ---- what holds between results ----

def disorder(y):
    """Violations of monotonicity among results for ascending inputs."""
    return int(np.count_nonzero(y[1:] < y[:-1]))


def outside(case, y):
    """Results out of the function's range, NaN among them."""
    low, high = case.span
    return int(np.count_nonzero(~((y >= low) & (y <= high))))


def lopsided(case, x, y, function):
    """Results of an odd function that are not those of the opposite input, with the opposite sign."""
    if not case.odd:
        return 0
    mirrored = -np.asarray(function(-x))
    return int(np.count_nonzero(mirrored.view(unsigned(y.dtype)) != y.view(unsigned(y.dtype))))


def changed_nans(x, y):
    """NaNs that are not kept: payload and sign. A signalling one may come out quiet."""
    nan = isnan(x)
    quiet = unsigned(x.dtype).type(1 << (FORMATS[x.dtype.name][0] - 1))
    return int(np.count_nonzero((y[nan].view(unsigned(y.dtype)) ^ x[nan].view(unsigned(x.dtype))) & ~quiet))
