"""Results' dtypes and values, against independent references."""

import math
from fractions import Fraction

import numpy as np
import pytest
from cases import (
    CASES,
    FLOATS,
    FORMATS,
    INTEGERS,
    SMALL,
    assert_same_bits,
    bits,
    every,
    from_bits,
    is_float,
    largest,
    product,
    quiet_nans,
    real,
    sample,
    smallest_subnormal,
    special,
    ulp_errors,
)

import cyact

# ml_dtypes warns when it compares NaNs. What cyact itself must not raise is tested in test_ufunc_arguments.py.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

SLOPES = [0.2, 0, 1, 2, -1, -0.7, 3.5, -0.0, 1e-3, np.inf, -np.inf, np.nan, 1e300, -1e300, 5e-324, 2**70, -(2**70)]
SLOPED = [case for case in CASES.values() if case.slopes]


def within(case, operands):
    """Operands that have a finite value in the domain that the formula is checked in."""
    low, high = case.domain
    inside = np.logical_and.reduce([np.isfinite(x.astype("float64")) for x in operands])
    inside &= (operands[0].astype("float64") >= low) & (operands[0].astype("float64") <= high)
    return tuple(x[inside] for x in operands)


def check(case, operands):
    """Every value against the case's reference."""
    result = case(*operands)
    assert result.dtype == case.result(operands[0].dtype)
    if case.reference:
        assert_same_bits(result, case.reference(*operands, *case.slopes))
        return
    nan = np.isnan(operands[0]) if case.arrays == 1 else np.zeros(len(result), bool)
    if is_float(operands[0].dtype):
        assert_same_bits(result[nan], operands[0][nan])
    assert not np.isnan(result[~nan]).any() or case.arrays > 1
    operands = within(case, operands)
    result = case(*operands)
    finite = np.isfinite(result)        # a gradient may overflow
    errors = ulp_errors(case, tuple(x[finite] for x in operands), result[finite])
    assert errors.size
    worst = np.argmax(errors)
    assert errors[worst] <= case.max_ulp[result.dtype.name], [x[finite][worst] for x in operands]


def identify(value):
    return getattr(value, "name", None) or str(value)


# ---- every function and dtype ----

def test_result_dtype(case, dtype):
    assert case(*case.operands(dtype, 7)).dtype == case.result(dtype)
    assert case(*case.operands(dtype, 0)).dtype == case.result(dtype)


@pytest.mark.parametrize(
    ("case", "dtype"), [(c, d) for c in CASES.values() for d in c.dtypes if d.itemsize <= 2], ids=identify
)
def test_every_value(case, dtype):
    """All of them, where a dtype has at most 65,536."""
    values = every(dtype)
    check(case, tuple(np.roll(values, 12345 * i) for i in range(case.arrays)))


def test_values(case, dtype):
    n = 2_000 if case.formula and case.result(dtype) == np.float64 else 100_000
    check(case, case.operands(dtype, n))
    check(case, tuple(np.repeat(special(dtype), 5) if i else np.resize(special(dtype), 5 * len(special(dtype)))
                      for i in range(case.arrays)))


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.formula and case.arrays == 1], ids=identify)
@pytest.mark.parametrize("dtype", [d for d in FLOATS if d not in SMALL], ids=str)
def test_hard_values(case, dtype):
    """Around zero, at multiples of ln 2, where results saturate or turn subnormal."""
    rng = np.random.default_rng(7)
    n = 20_000 if dtype == np.float32 else 400
    tail = 104 if dtype == np.float32 else 745.2
    x = np.concatenate([
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-60, 4, n),
        np.log(2) / 2 * rng.integers(-60, 60, n) * (1 + rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-52, -3, n)),
        rng.uniform(-tail, -tail * 0.8, n), rng.uniform(8, 41, n), rng.uniform(-20, 20, n),
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-140, -100, n),
    ]).astype(dtype)
    y = case(x)
    errors = ulp_errors(case, (x,), y)
    worst = np.argmax(errors)
    assert errors[worst] <= case.max_ulp[dtype.name], x[worst]
    # What should rise, rises, and stays within its range.
    order = np.argsort(x, kind="stable")
    assert (np.diff(y[order]) >= 0).all()
    assert (y >= case.span[0]).all()
    assert (y <= case.span[1]).all()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_neighbours_rise(dtype):
    """Monotone and in range on runs of adjacent numbers, which is where an approximation would break."""
    for start in (0.001, 0.3466, 0.5, 0.6931, 1.0397, 3.0, 8.5, 9.0, 16.6, 17.3, 18.9, 36.7, 88.0, 103.9, 708.0, 745.0):
        if start > float(largest(dtype)):
            continue
        first = int(bits(np.array([start]).astype(dtype))[0])
        positive = from_bits(range(first, first + 3000), dtype)
        positive = positive[np.isfinite(positive)]
        for x in (positive, -positive[::-1]):
            for name in ("sigmoid", "tanh"):
                y = CASES[name](x)
                assert (y[1:] >= y[:-1]).all(), (name, start)
                low, high = CASES[name].span
                assert ((y >= low) & (y <= high)).all(), (name, start)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_tanh_is_odd(dtype):
    x = sample(dtype, 50_000)
    x = x[~np.isnan(x)]
    assert_same_bits(cyact.tanh(-x), -cyact.tanh(x))


# ---- special values ----

@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", [case for case in CASES.values() if case.special], ids=identify)
def test_special_values(case, dtype):
    tiny = smallest_subnormal(dtype)
    named = {"tiny": tiny, "-tiny": -tiny}
    x, expected = (np.array([named.get(v, v) for v in column], dtype) for column in zip(*case.special, strict=True))
    # In an array long enough for vector code, and one by one.
    assert_same_bits(case(np.tile(x, 40)), np.tile(expected, 40))
    for value, result in zip(x, expected, strict=True):
        assert_same_bits(case(np.array([value])), np.array([result]), repr(value))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", [case for case in CASES.values() if case.arrays == 1], ids=identify)
def test_nan_payload_is_kept(case, dtype):
    x = quiet_nans(dtype)
    for n in (len(x), 40 * len(x)):
        assert_same_bits(case(np.resize(x, n)), np.resize(x, n))
    if case.slopes:
        for alpha in SLOPES:
            assert_same_bits(case.function(x, alpha), x)


@pytest.mark.parametrize(("dtype", "last", "gone"), [("float32", -103.97, -103.98), ("float64", -745.13, -745.14)])
def test_sigmoid_last_subnormals(dtype, last, gone):
    dtype = np.dtype(dtype)
    x = np.array([last, gone], dtype)
    assert_same_bits(cyact.sigmoid(x), np.array([smallest_subnormal(dtype), 0], dtype))
    x = np.linspace(last, last / 1.15, 1000).astype(dtype)
    assert (cyact.sigmoid(x) > 0).all()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_small_arguments(dtype):
    """tanh(x) = x for subnormals, relu and leaky_relu keep them, and nothing is flushed to zero."""
    tiny = from_bits(range(1, 2000), dtype)
    tiny = tiny[tiny.astype("float64") < 2.0 ** FORMATS[dtype.name][1]]
    for x in (tiny, -tiny):
        assert_same_bits(cyact.tanh(x), x)
    assert_same_bits(cyact.relu(tiny), tiny)
    assert_same_bits(cyact.leaky_relu(tiny), tiny)
    assert_same_bits(cyact.leaky_relu(-tiny, 1), -tiny)


# ---- slopes ----

def assert_same_but_new_nans(result, expected, x):
    """Bits, but for NaNs that the slope made: which of the processor's NaNs they are is no promise."""
    made = np.isnan(expected) & ~np.isnan(x.astype(expected.dtype))
    assert np.isnan(result[made]).all()
    assert_same_bits(result[~made], expected[~made])


@pytest.mark.parametrize("alpha", SLOPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
def test_slope(dtype, alpha):
    x = np.concatenate([special(dtype), sample(dtype, 1000)])
    kind = real(dtype)
    with np.errstate(all="ignore"):
        weak = np.array(float(alpha)).astype(kind)      # a Python number takes the dtype before the product
    expected = np.where(x < 0, product(x.astype(kind), weak), x.astype(kind))
    result = cyact.leaky_relu(x, alpha)
    assert_same_but_new_nans(result, expected, x)
    zero = x == 0
    assert_same_bits(result[zero], x[zero].astype(kind))


@pytest.mark.parametrize("alpha", SLOPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
def test_array_of_slopes(dtype, alpha):
    """The same as a single one: an array of the result's dtype."""
    x = np.concatenate([special(dtype), sample(dtype, 1000)])
    kind = real(dtype)
    with np.errstate(all="ignore"):
        slopes = np.full(x.shape, float(alpha)).astype(kind)
    assert_same_but_new_nans(cyact.leaky_relu(x, slopes), cyact.leaky_relu(x, alpha), x)
    assert_same_bits(cyact.leaky_relu(x, slopes[0])[zero_or_more(x)], cyact.leaky_relu(x, alpha)[zero_or_more(x)])


def zero_or_more(x):
    return x >= 0


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_weak_slope_is_rounded_once(dtype):
    """Slopes near ties, which rounding by way of float32 would take for ties, and at the ends of the range."""
    digits, smallest = FORMATS[dtype.name]
    top = float(largest(dtype))
    half = 2.0 ** -(digits + 1)
    slopes = [1 + half, 1 + 3 * half]
    slopes += [slope + error for slope in slopes for error in (2.0**-52, -(2.0**-52), 2.0**-30, -(2.0**-30), 2.0**-24)]
    least = 2.0**smallest * half
    slopes += [top, top * (1 + half / 4), least, least * (1 + 2.0**-40), 2 * least]
    slopes += [1.5 * 2.0 ** (smallest - digits), 2.5 * 2.0 ** (smallest - digits), 0.5 * 2.0 ** (smallest - digits)]
    if dtype != np.float64:
        slopes += [top * (1 + half / 2) - top * 2.0**-40, top * (1 + half), top * 2, 1e39, 1e308]
    minus_one = np.array([-1.0], dtype)
    for slope in [*slopes, *np.random.default_rng(1).normal(size=300).tolist()]:
        for alpha in (slope, -slope):
            assert_same_bits(cyact.leaky_relu(minus_one, alpha), -round_to(alpha, dtype), repr(alpha))
            with np.errstate(all="ignore"):
                cast = np.array([alpha]).astype(dtype)
            assert_same_bits(cyact.leaky_relu(minus_one, [alpha], dtype=dtype), -cast, repr(alpha))


def round_to(number, dtype):
    """A Python number rounded once to a dtype, to nearest even, by exact fractions."""
    digits, smallest = FORMATS[dtype.name]
    exponent = max(math.frexp(number)[1] - 1, smallest)
    unit = Fraction(2) ** (exponent - digits)
    rounded = round(Fraction(abs(number)) / unit) * unit        # Python rounds fractions to even
    over = rounded >= Fraction(2) ** (2 - smallest)
    return np.copysign(np.array([np.inf if over else float(rounded)]), number).astype(dtype)


@pytest.mark.parametrize("alpha", [
    Fraction(1, 5), np.float64(0.2), np.array(0.2), np.float32(0.2), np.int64(2), np.uint8(2), 2, [0.2],
], ids=repr)
def test_kinds_of_slopes(alpha):
    """Numbers are weak, NumPy's scalars and arrays have a dtype that takes part in the promotion."""
    x = np.array([-1.5, 2.5], "float32")
    promoted = np.result_type(x, np.asarray(alpha)) if not isinstance(alpha, (Fraction, int)) else x.dtype
    slope = np.asarray(float(alpha) if isinstance(alpha, Fraction) else alpha).astype(promoted)
    x64 = x.astype(promoted)
    assert_same_bits(cyact.leaky_relu(x, alpha), np.where(x64 < 0, slope * x64, x64))


@pytest.mark.parametrize(("dtype", "slopes", "expected"), [
    ("float32", "float64", "float64"), ("float16", "float32", "float32"), ("float16", "float64", "float64"),
    ("float64", "float32", "float64"), ("float32", "float16", "float32"), ("float32", "int8", "float32"),
    ("float32", "int64", "float64"), ("float16", "uint8", "float16"),
    ("int8", "float32", "float32"), ("uint16", "float32", "float32"), ("int8", "float64", "float64"),
    ("int32", "float32", "float64"), ("int64", "float64", "float64"), ("int8", "float16", "float32"),
    ("int8", "int8", "float32"), ("uint8", "uint16", "float32"), ("int64", "int8", "float64"),
    ("int8", "int32", "float64"),
])
def test_promotion_by_slopes(dtype, slopes, expected):
    x = sample(np.dtype(dtype), 300)
    alpha = np.arange(1, 301, dtype="float64").astype("int8" if slopes == "uint8" else slopes).astype(slopes)
    result = cyact.leaky_relu(x, alpha)
    wide, steep = x.astype(expected), alpha.astype(expected)
    with np.errstate(all="ignore"):
        assert_same_bits(result, np.where(wide < 0, product(wide, steep), wide))


def test_default_slope():
    x = np.array([-1.0, 3.0])
    assert_same_bits(cyact.leaky_relu(x), np.array([-0.2, 3.0]))
    assert_same_bits(cyact.leaky_relu(x), cyact.leaky_relu(features=x, alpha=0.2))


# ---- dtype= ----

@pytest.mark.parametrize("asked", ["float16", "float32", "float64", np.float32, np.dtype("float64"), "f"])
@pytest.mark.parametrize("case", [case for case in CASES.values() if case.result is real], ids=identify)
@pytest.mark.parametrize("dtype", [d for d in FLOATS + INTEGERS if d.name != "bfloat16"], ids=str)
def test_dtype_argument(case, asked, dtype):
    """The input is cast first, as a NumPy ufunc does."""
    x = sample(dtype, 400)
    with np.errstate(all="ignore"):
        cast = x.astype(asked)
    assert_same_bits(case(x, dtype=asked), case(cast))


@pytest.mark.parametrize(("dtype", "asked"), [
    ("int8", "int32"), ("int64", "float32"), ("int32", "int8"), ("uint8", "float64"), ("float64", "float32"),
    ("int16", "float16"),
])
def test_relu_dtype_argument(dtype, asked):
    x = sample(np.dtype(dtype), 400)
    with np.errstate(all="ignore"):
        cast = x.astype(asked)
    assert_same_bits(cyact.relu(x, dtype=asked), np.where(cast < 0, np.zeros_like(cast), cast))


# ---- integers stored into integers ----

@pytest.mark.parametrize("road", ["in place", "out", "strided", "list of slopes", "where"])
@pytest.mark.parametrize("alpha", [0.2, 0.99, 1, 0, -0.5, 0.5])
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_truncated_leaky_relu(dtype, alpha, road):
    """Toward zero, as astype does; what is not negative stays as it is, above 2^53 too."""
    x = np.concatenate([special(dtype), sample(dtype, 1000), np.array([np.iinfo(dtype).max - 1], dtype)])
    if alpha < 0:
        x = x[x.astype("float64") > np.iinfo(dtype).min]
    kind = np.float32 if dtype.itemsize <= 2 else np.float64
    scaled = np.trunc(kind(alpha) * x.astype(kind))
    if alpha == 1 and dtype.itemsize == 8:
        scaled = np.clip(scaled, -(2.0**63), 2.0**62)       # -2^63 is itself a float64
    expected = np.where(x < 0, scaled.astype("int64" if dtype.kind == "i" else "uint64").astype(dtype), x)
    assert_same_bits(expected[x >= 0], x[x >= 0])
    keywords = {"casting": "unsafe"}
    if road == "list of slopes":
        alpha = np.full(x.shape, alpha, kind)
    if road == "where":
        keywords["where"] = np.ones(x.shape, bool)
    buffer = np.repeat(x, 2)
    given = buffer[::2] if road == "strided" else x.copy()
    out = given if road in ("in place", "strided", "list of slopes", "where") else np.zeros_like(x)
    assert cyact.leaky_relu(given, alpha, out=out, **keywords) is out
    assert_same_bits(out, expected)
    if road == "strided":
        assert_same_bits(buffer[1::2], x)


@pytest.mark.parametrize("dtype", [d for d in INTEGERS if d.kind == "i"], ids=str)
@pytest.mark.parametrize("alpha", [1e10, -3.0, np.inf, np.nan, 1e300], ids=str)
def test_truncated_out_of_range_is_consistent(dtype, alpha):
    """What does not fit has no value that NumPy defines, but it must not depend on where the element stands."""
    x = np.concatenate([special(dtype), sample(dtype, 200)])
    whole = cyact.leaky_relu(x, alpha, out=x.copy(), casting="unsafe")
    assert_same_bits(whole[x >= 0], x[x >= 0])
    ones = [x[i:i + 1] for i in range(len(x))]
    single = np.concatenate([cyact.leaky_relu(one, alpha, out=one.copy(), casting="unsafe") for one in ones])
    assert_same_bits(whole, single)
    strided = np.repeat(x, 3)
    cyact.leaky_relu(strided[::3], alpha, out=strided[::3], casting="unsafe")
    assert_same_bits(strided[::3], whole)
    general = cyact.leaky_relu(x, alpha, out=x.copy(), casting="unsafe", where=np.ones(len(x), bool))
    assert_same_bits(general, whole)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_truncated_sigmoid_and_tanh(dtype, name):
    x = np.concatenate([special(dtype), sample(dtype, 1000)])
    expected = CASES[name](x).astype(dtype)     # test_values checks this
    assert_same_bits(CASES[name](x, out=x, casting="unsafe"), expected)
    assert set(np.unique(x).tolist()) <= {-1, 0, 1}


@pytest.mark.parametrize(("dtype", "out"), [
    ("int8", "int32"), ("int32", "int8"), ("int16", "uint16"), ("int64", "int32"), ("uint8", "int8"),
    ("float32", "int32"), ("float64", "int64"), ("float16", "int8"),
])
def test_truncated_into_another_dtype(dtype, out):
    x = np.array([0, 1, 2, 100, 5] + ([] if dtype[0] == "u" else [-1, -4, -5, -6, -100]), dtype)
    kind = real(x.dtype)
    expected = np.where(x < 0, product(x.astype(kind), 0.2), x.astype(kind)).astype(out)
    assert_same_bits(cyact.leaky_relu(x, 0.2, out=np.zeros(x.shape, out), casting="unsafe"), expected)
