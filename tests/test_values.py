"""Results' dtypes and values, against independent references."""

import math
from fractions import Fraction

import numpy as np
import pytest
from accuracy import ulp_errors
from cases import (
    FLOATS,
    FORMATS,
    INTEGERS,
    assert_same_bits,
    every,
    from_bits,
    is_float,
    isnan,
    largest,
    product,
    quiet_nans,
    real,
    sample,
    smallest_subnormal,
    special,
)
from conftest import ALL, of_cases, of_pairs

import cyact

# ml_dtypes warns when it compares NaNs. What cyact itself must not raise is tested in test_ufunc_arguments.py.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

SLOPES = [0.2, 0, 1, 2, -1, -0.7, 3.5, -0.0, 1e-3, np.inf, -np.inf, np.nan, 1e300, -1e300, 5e-324, 2**70, -(2**70)]
PARAMETERS = [0.2, 1, 2, -0.7, 3.5, 1e-3]       # for those that have no exact reference


def assert_same_but_new_nans(result, expected, operands):
    """Bits, but for NaNs that a parameter made: which of the processor's NaNs they are is no promise."""
    made = isnan(expected) & ~isnan(operands[0].astype(expected.dtype))
    assert isnan(result[made]).all()
    assert_same_bits(result[~made], expected[~made])


def check(case, operands):
    """Every value against the case's reference."""
    result = case(*operands)
    assert result.dtype == case.result(operands[0].dtype)
    if case.reference:
        with np.errstate(all="ignore"):
            assert_same_but_new_nans(result, case.reference(*operands, *map(float, case.tried)), operands)
        return
    if case.arrays == 1:
        nan = isnan(operands[0])
        if is_float(operands[0].dtype):
            assert_same_bits(result[nan], operands[0][nan])
        if not case.nan_outside:
            assert not isnan(result[~nan]).any()
    operands = case.inside(operands)
    result = case(*operands)
    finite = np.isfinite(result) if case.arrays == 2 else np.ones(len(result), bool)    # a gradient may overflow
    errors = ulp_errors(case, [x[finite] for x in operands], result[finite])
    assert errors.size
    worst = np.argmax(errors)
    assert errors[worst] <= case.limit(result.dtype), [x[finite][worst] for x in operands]


# ---- every function and dtype ----

def test_result_dtype(case, dtype):
    assert case(*case.operands(dtype, 7)).dtype == case.result(dtype)
    assert case(*case.operands(dtype, 0)).dtype == case.result(dtype)


@of_pairs(lambda case: True, [dtype for dtype in ALL if dtype.itemsize <= 2])
def test_every_value(case, dtype):
    """All of them, where a dtype has at most 65,536."""
    values = every(dtype)
    check(case, tuple(np.roll(values, 12345 * i) for i in range(case.arrays)))


def test_values(case, dtype):
    n = 2_000 if case.formula and case.result(dtype) == np.float64 else 50_000
    check(case, case.usual_operands(dtype, n))
    each = special(dtype)
    check(case, (each,) if case.arrays == 1 else tuple(x.ravel() for x in np.meshgrid(each, each)))


# ---- special values ----

@of_cases(lambda case: case.special)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_special_values(case, dtype):
    """In an array long enough for vector code, and one by one; a NaN of either payload."""
    tiny, most = smallest_subnormal(dtype), largest(dtype)
    named = {"tiny": tiny, "-tiny": -tiny, "max": most, "-max": -most}
    *x, expected = (np.array([named.get(v, v) for v in column], dtype) for column in zip(*case.special, strict=True))
    nan = isnan(expected)
    result = case(*(np.tile(a, 40) for a in x))
    assert isnan(result[np.tile(nan, 40)]).all()
    assert_same_bits(result[~np.tile(nan, 40)], np.tile(expected[~nan], 40))
    alone = np.concatenate([case(*(a[i:i + 1] for a in x)) for i in range(len(expected))])
    assert isnan(alone[nan]).all()
    assert_same_bits(alone[~nan], expected[~nan])


@of_cases(lambda case: case.arrays == 1)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_payload_is_kept(case, dtype):
    x = quiet_nans(dtype)
    for n in (len(x), 40 * len(x)):
        assert_same_bits(case(np.resize(x, n)), np.resize(x, n))
    for value in SLOPES if case.parameters else ():
        assert_same_bits(case.giving(*[value] * len(case.parameters))(x), x)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_small_arguments(dtype):
    """tanh(x) = x for subnormals, relu and leaky_relu keep them, gradients too, and nothing is flushed to zero."""
    tiny = from_bits(range(1, 2000), dtype)
    tiny = tiny[tiny.astype("float64") < 2.0 ** FORMATS[dtype.name][1]]
    one = np.ones_like(tiny)
    for x in (tiny, -tiny):
        assert_same_bits(cyact.tanh(x), x)
    assert_same_bits(cyact.relu(tiny), tiny)
    assert_same_bits(cyact.leaky_relu(tiny), tiny)
    assert_same_bits(cyact.leaky_relu(-tiny, 1), -tiny)
    assert_same_bits(cyact.tanh_grad(np.zeros_like(tiny), tiny), tiny)
    assert_same_bits(cyact.sigmoid_grad(tiny, one), tiny)
    assert_same_bits(cyact.leaky_relu_grad(tiny, -one, -1), -tiny)


# ---- parameters ----

def pairs_of(case, dtype):
    """Special values, each with each, and pseudo-random ones."""
    each = special(dtype)
    pairs = (each,) if case.arrays == 1 else [x.ravel() for x in np.meshgrid(each, each)]
    return [np.concatenate([x, y]) for x, y in zip(pairs, case.usual_operands(dtype, 1000), strict=True)]


@of_pairs(lambda case: case.parameters)
def test_parameter(case, dtype):
    """A Python number takes the dtype before the computation."""
    x = pairs_of(case, dtype)
    for value in SLOPES if case.reference else PARAMETERS:
        check(case.giving(*[value] * len(case.parameters)), x)


@of_pairs(lambda case: case.parameters)
def test_array_of_parameters(case, dtype):
    """The same as a single one: an array of the result's dtype, one of its dimension 0, and a NumPy scalar."""
    x = pairs_of(case, dtype)
    for value in SLOPES if case.reference else PARAMETERS:
        want = case.giving(*[value] * len(case.parameters))(*x)
        with np.errstate(all="ignore"):
            array = np.full(x[0].shape, float(value)).astype(case.result(dtype))
        for given in (array, array[0], array[:1].reshape(())):
            assert_same_but_new_nans(case.function(*x, *[given] * len(case.parameters)), want, x)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
def test_slope_leaves_zeros_alone(dtype):
    x = special(dtype)
    x = x[x == 0]
    for alpha in SLOPES:
        assert_same_bits(cyact.leaky_relu(x, alpha), x.astype(real(dtype)))


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


@of_cases(lambda case: case.parameters)
def test_defaults(case):
    x = case.usual_operands(np.dtype("float64"), 300)
    defaults = {name: default for name, (default, _) in case.parameters.items()}
    names = dict(zip(case.inputs, x, strict=True))
    assert_same_bits(case.function(*x), case.function(*x, *defaults.values()))
    assert_same_bits(case.function(*x), case.function(**names, **defaults))


def test_default_slope():
    assert_same_bits(cyact.leaky_relu(np.array([-1.0, 3.0])), np.array([-0.2, 3.0]))


# ---- dtype= ----

def test_dtype_argument(case, dtype):
    """The input is cast first, as a NumPy ufunc does."""
    x = case.operands(dtype, 400)
    for asked in ["float16", "float32", "float64", np.float32, np.dtype("float64"), "f", "d", float]:
        if dtype.name == "bfloat16" and np.dtype(asked) == np.float16 or not np.can_cast(dtype, asked, "same_kind"):
            continue        # neither holds the other
        with np.errstate(all="ignore"):
            cast = [a.astype(asked) for a in x]
        assert_same_bits(case(*x, dtype=asked), case(*cast))


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

@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_large_integers_are_rounded_once(dtype):
    """To the nearest double, and ties to even, as Python rounds them."""
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(0)
    numbers = [int(bits) >> int(shift) for bits, shift in zip(
        rng.integers(0, 2**64, 4000, "uint64"), rng.integers(0, 64, 4000), strict=True
    )]
    numbers += [(2 * i + 1) << k for k in range(10) for i in (2**52, 2**52 + 1, 2**53 - 1, 2**53 - 2)]     # ties, and none
    numbers += [near + i for near in (0, 2**31, 2**32, 2**53, 2**63, 2**64) for i in range(-2, 3)]
    numbers = [n for n in [*numbers, *(-n for n in numbers)] if limits.min <= n <= limits.max]
    x, rounded = np.array(numbers, dtype), np.array([float(n) for n in numbers])
    assert_same_bits(cyact.leaky_relu(x, 1.0), rounded)
    assert_same_bits(cyact.hard_shrink(x, 0.0), rounded)
    assert_same_bits(cyact.logsumexp(x[:, None]), rounded)
    assert_same_bits(cyact.leaky_relu(np.repeat(x, 2)[::2], np.ones((1, 1)))[0], rounded)


@pytest.mark.parametrize("road", ["in place", "out", "strided", "list of slopes", "where"])
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_truncated_leaky_relu(dtype, road):
    """Toward zero, as astype does; what is not negative stays as it is, above 2^53 too."""
    for alpha in (0.2, 0.99, 1, 0, -0.5, 0.5):
        check_truncated(dtype, alpha, road)


def check_truncated(dtype, alpha, road):
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


@of_cases(lambda case: case.result is real and case.arrays == 1 and not case.parameters)
@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_truncated(case, dtype):
    """Into the same dtype and into another one: what the function gives, toward zero."""
    x = np.concatenate([special(dtype), sample(dtype, 1000)])
    with np.errstate(all="ignore"):
        values = case(x)        # test_values checks this
        for stored in (dtype, *(np.dtype(d) for d in ("int8", "int64", "uint16") if dtype.kind == "i")):
            limits = np.iinfo(stored)
            fits = (values >= limits.min) & (values <= limits.max / 2)      # else it is the cast's own affair
            out = case(x, out=np.zeros_like(x, stored), casting="unsafe")
            assert_same_bits(out[fits], values[fits].astype(stored))
            given = x.copy()
            if stored == dtype:
                assert case(given, out=given, casting="unsafe") is given
                assert_same_bits(given[fits], out[fits])
            strided = np.repeat(x, 3)
            if stored == dtype:
                case(strided[::3], out=strided[::3], casting="unsafe", where=True)
                assert_same_bits(strided[::3][fits], out[fits])
                assert_same_bits(strided[1::3].copy(), x)


@pytest.mark.parametrize(("dtype", "out"), [
    ("int8", "int32"), ("int32", "int8"), ("int16", "uint16"), ("int64", "int32"), ("uint8", "int8"),
    ("float32", "int32"), ("float64", "int64"), ("float16", "int8"),
])
def test_truncated_into_another_dtype(dtype, out):
    x = np.array([0, 1, 2, 100, 5] + ([] if dtype[0] == "u" else [-1, -4, -5, -6, -100]), dtype)
    kind = real(x.dtype)
    expected = np.where(x < 0, product(x.astype(kind), 0.2), x.astype(kind)).astype(out)
    assert_same_bits(cyact.leaky_relu(x, 0.2, out=np.zeros(x.shape, out), casting="unsafe"), expected)
