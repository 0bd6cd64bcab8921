"""How far results are from the exact ones, and what holds between them. ``exhaustive.py`` does the same for every float32."""

import re

import gmpy2
import numpy as np
import pytest
from accuracy import (
    correctly_rounded,
    disorder,
    exact_64,
    exact_mpfr,
    gradients,
    hard_inputs,
    hard_operands,
    in_domain,
    lopsided,
    neighbours,
    outside,
    round_exactly,
    ulp_errors,
    ulp_errors_64,
    ulp_errors_mpfr,
    with_gradients,
    worst_gradients,
)
from cases import (
    CASES,
    FLOATS,
    FORMATS,
    REPRESENTATIVES,
    SMALL,
    Case,
    assert_same_bits,
    bits,
    every,
    from_bits,
    is_float,
    isnan,
    largest,
    sample,
    smallest_subnormal,
)
from conftest import of_cases, of_pairs

import cyact

# ml_dtypes warns when it compares NaNs.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

LARGE = [np.dtype("float32"), np.dtype("float64")]


def is_curve(case):
    """A formula of one number."""
    return case.formula is not None and case.arrays == 1


def check_errors(case, operands):
    result = case(*operands)
    errors = ulp_errors(case, operands, result)
    assert errors.size
    worst = errors.argmax()
    assert errors[worst] <= case.limit(result.dtype), [x[worst] for x in operands]
    return result


def check_shape(case, x, y):
    """What holds between the results for ascending inputs."""
    if case.monotone:
        assert disorder(y) == 0
    assert outside(case, y) == 0
    assert lopsided(case, x, y, case) == 0


# ---- functions of one number ----

@of_pairs(is_curve, LARGE)
def test_sample(case, dtype):
    """One float32 in 4,093 of both signs, float64 at large, and what was hard."""
    if dtype == np.float32:
        positive = from_bits(range(0, 0x7F800000, 4093), dtype)
        x = [positive, -positive, *(hard_inputs(case, 100_000, seed).astype(dtype) for seed in (1, 2))]
        x = [in_domain(case, a) for a in x]
    else:
        x = [hard_inputs(case, 20_000, seed=1)]
    x = np.sort(np.concatenate([*x, neighbours(case, dtype)]))
    check_shape(case, x, check_errors(case, (x,)))


@of_pairs(lambda case: case.arrays == 1, FLOATS)
def test_neighbours(case, dtype):
    """In order and in range on runs of adjacent numbers, which is where an approximation would break."""
    starts = {0.001, 0.3466, 0.5, 0.6931, 1.0397, 3.0, 8.5, 9.0, 16.6, 17.3, 18.9, 36.7, 88.0, 103.9, 708.0, 745.0}
    starts |= {abs(x) for x in case.hard if not isinstance(x, tuple)} if dtype in LARGE else set()
    for start in starts:
        if start < float(largest(dtype)):
            first = int(bits(np.array([start]).astype(dtype))[0])
            run = from_bits(range(first, first + 3000), dtype)
            run = run[np.isfinite(run)]
            for x in (in_domain(case, run), in_domain(case, -run[::-1])):
                check_shape(case, x, case(x))


@of_pairs(lambda case: case.arrays == 1, FLOATS)
def test_shape_of_anything(case, dtype):
    x = np.concatenate([sample(dtype, 50_000), np.linspace(-20, 20, 10_001).astype(dtype)])
    x = np.sort(in_domain(case, x))
    check_shape(case, x, case(x))
    if case.nan_outside:
        x = sample(dtype, 50_000)
        y = case(x)
        assert (isnan(y) == ~((x >= case.domain[0]) & (x <= case.domain[1]))).all()


@of_pairs(lambda case: is_curve(case) and case.max_ulp.get("float16") == 0.5, SMALL)
def test_every_input_of_16_bits_is_correctly_rounded(case, dtype):
    x = in_domain(case, every(dtype))
    assert_same_bits(case(x), correctly_rounded(case, (x,), dtype))


@pytest.mark.parametrize(("dtype", "last", "zero"), [("float32", -103.97, -103.98), ("float64", -745.13, -745.14)])
def test_sigmoid_is_subnormal_to_the_last(dtype, last, zero):
    dtype = np.dtype(dtype)
    assert_same_bits(CASES["sigmoid"](np.array([last, zero], dtype)), np.array([smallest_subnormal(dtype), 0], dtype))
    assert (CASES["sigmoid"](np.linspace(last, last / 1.15, 1000).astype(dtype)) > 0).all()


@pytest.mark.parametrize(("call", "right"), [
    (lambda: cyact.gelu(np.float32(-5.5)), -1.04442594e-07), (lambda: cyact.gelu(np.float32(np.inf)), np.inf),
    (lambda: cyact.silu(np.float32(-np.inf)), -0.0), (lambda: cyact.silu(np.float32(-90)), -7.37461136e-38),
    (lambda: cyact.softsign(np.float32(np.inf)), 1.0), (lambda: cyact.elu(np.float32(-1e-8)), -1e-8),
    (lambda: cyact.softplus(20.18), 20.18000000172162), (lambda: cyact.gelu(np.uint8(2)), 1.95449974),
    (lambda: cyact.mish(np.float32(-np.inf)), -0.0), (lambda: cyact.hard_silu(np.float32(-np.inf)), -0.0),
    (lambda: cyact.celu_grad(np.float32(1), np.float32(-20)), 2.06115362e-09),
    # From the output, -1, which has lost it: 0 as in TensorFlow, and as documented.
    (lambda: cyact.elu_grad(np.float32(1), cyact.elu(np.float32(-20))), 0.0),
])
def test_where_others_fail(call, right):
    """Where one library or another gives 0, NaN, noise or an error: ``compare.py`` and ``accuracy_table.py`` show which."""
    result = call()
    right = result.dtype.type(right)
    assert result == right or abs(result - right) <= np.spacing(abs(right))
    assert np.signbit(result) == np.signbit(right)


# ---- gradients ----

@of_pairs(lambda case: case.formula and case.arrays == 2, LARGE)
def test_gradients(case, dtype):
    """Where the formula is hard, by gradients that make a factor just above a power of two worst, and by others that make
    the result so.
    """
    rng = np.random.default_rng(5)
    digits, smallest = FORMATS[dtype.name]
    low, high = np.clip(case.domain, -30, 30)
    near_high = high - rng.uniform(0, 1, 500) * 2.0 ** rng.integers(-digits, 0, 500)
    x = [hard_inputs(case, 200_000 if dtype == np.float32 else 5000), [low, high, 2.0**smallest], near_high]
    with np.errstate(under="ignore"):
        x = in_domain(case, np.concatenate([np.concatenate(x).astype(dtype), neighbours(case, dtype)]))
    g = gradients(len(x), dtype)
    check_errors(case, with_gradients(case, x, g))
    check_errors(case, with_gradients(case, x, worst_gradients(case, x, g)))


def test_gelu_grad_where_it_was_worst():
    """Below -1.7, where what the sum of its terms loses counts: 2.2 ULP once."""
    x = np.array([-1.7249511480331421, -2.6692755222320557, -4.261968612670898, -4.585712909698486], "f4")
    g = np.array([1.6, 1.0293138027191162, -1.253767728805542, -1.207336664199829], "f4")
    assert ulp_errors(CASES["gelu_grad"], (g, x), cyact.gelu_grad(g, x)).max() <= 1.75


# ---- parameters ----

@of_cases(lambda case: case.formula and case.parameters)
def test_other_parameters(case):
    """Negative ones too, and such as make results overflow."""
    for value in (0.01, 1.5, 3.0, 30.0, -0.5, -0.1):
        given = case.giving(*[value] * len(case.parameters))
        for dtype, count in ((np.dtype("float32"), 20_000), (np.dtype("float64"), 500)):
            check_errors(given, hard_operands(given, dtype, count))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_silu_with_a_tiny_beta(dtype):
    """x is large where beta x is not small: its product with e^(beta x) is no zero for long."""
    largest, digits = float(np.finfo(dtype).max), np.finfo(dtype).nmant
    for beta in map(float, dtype([1e-37, -1e-35, 1.3e-30, 1e-12, 1e-9] if dtype == np.float32 else [-1e-307, 1e-200, 1e-135])):
        z = np.array([-1000, -730, -708, -650, -126, -100, -87, -40, -1, 1, 19, 39, 50])
        x = (z[np.abs(z) < largest * abs(beta)] / beta).astype(dtype)
        with gmpy2.context(precision=200):
            exact = [gmpy2.mpfr(float(v)) / (1 + gmpy2.exp(-gmpy2.mpfr(beta) * float(v))) for v in x]
            spacing = [max(gmpy2.exp2(gmpy2.floor(gmpy2.log2(abs(v))) - digits), float(np.finfo(dtype).smallest_subnormal))
                       for v in exact]
            errors = [abs(float(y) - v) / u for y, v, u in zip(cyact.silu(x, beta), exact, spacing, strict=True)]
        assert max(errors) <= 1


@of_cases(lambda case: case.formula)
def test_limit_is_documented(case):
    """The docstring promises no less than what holds."""
    promised = float(re.search(r"at\s+most\s+([\d.]+)\s+ULP", case.function.__doc__, re.IGNORECASE)[1])
    assert max(case.max_ulp[dtype.name] for dtype in LARGE) <= promised


# ---- the measure itself ----

def test_errors_are_seen():
    """Half an ULP away is half an ULP, an exact value none; what is not finite counts."""
    exact = np.array([0.75, 2.0**-140])
    assert ulp_errors_64(exact.astype(np.float32), exact).tolist() == [0, 0]
    assert ulp_errors_64(np.array([0.75, 0], np.float32), exact + [2.0**-25, 0]).tolist() == [0.5, 2.0**9]
    assert ulp_errors_64(np.array([np.nan, np.inf, np.inf], "f4"), np.array([1, 1, np.inf])).tolist() == [np.inf, np.inf, 0]
    with gmpy2.context(precision=160):
        numbers = [gmpy2.mpfr("1e300") * 3, gmpy2.mpfr(0.75) + gmpy2.mpfr(2) ** -54, gmpy2.mpfr(0), gmpy2.mpfr("nan")]
    y = np.array([float(numbers[0]), 0.75, 5e-324, 1.0])
    errors = ulp_errors_mpfr(y, numbers)
    assert errors[0] < 0.5 and errors[1:].tolist() == [0.5, 1, np.inf]


def test_references_agree():
    """Those of float64 and of MPFR, on parameters too."""

    def formula(m, x, beta):
        return m.where(x > 0, x, m.expm1(x)) * m.erfc(-x) / beta

    case = Case("none", formula=formula, parameters={"beta": (1.0, 0.3)})
    x = np.linspace(-5, 5, 100)
    rough, exact = exact_64(case, (x,), x.dtype), np.array([float(y) for y in exact_mpfr(case, (x,), x.dtype)])
    assert np.allclose(rough, exact, rtol=1e-13, atol=0)
    assert abs(exact_64(case, (x,), np.dtype("float16")) / rough - 0.3 / float(np.float16(0.3))).max() < 1e-12


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_rounding_of_the_reference(dtype):
    """Ties go to even, but for what is not a tie."""
    digits, smallest = FORMATS[dtype.name]
    unit, least = 2.0**-digits, 2.0 ** (smallest - digits)
    half = np.array([1 + unit / 2, 1 + 3 * unit / 2, least / 2, 3 * least / 2, -(1 + unit / 2)])
    expected = np.array([1, 1 + 2 * unit, 0, 2 * least, -1]).astype(dtype)
    assert_same_bits(round_exactly(half, dtype, lambda i: gmpy2.mpfr(half[i])), expected)
    above = np.array([1 + unit, 1 + 2 * unit, least, 2 * least, -(1 + unit)]).astype(dtype)
    assert_same_bits(round_exactly(half, dtype, lambda i: gmpy2.mpfr(half[i]) * (1 + gmpy2.mpfr(2) ** -500)), above)


def test_rows_are_complete():
    """Each function has one truth, and a limit for each dtype that its results may have."""
    for case in CASES.values():
        assert (case.reference is None) != (case.formula is None), case.name
        if case.formula:
            wanted = {case.result(dtype).name for dtype in case.dtypes}
            assert set(case.max_ulp) == wanted, case.name
            assert all(is_float(case.result(dtype)) for dtype in case.dtypes)
        assert all(len(row) == case.arrays + 1 for row in case.special), case.name


def test_every_family_has_a_representative():
    assert {case.family for case in REPRESENTATIVES.values()} == {case.family for case in CASES.values()}
