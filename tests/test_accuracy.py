"""The documented error limits, on a dense sample and on inputs that were hard. ``exhaustive.py`` checks every float32."""

import numpy as np
import pytest
from accuracy import EDGE, RANGE, REFERENCE_64, REFERENCE_MPFR, exact_errors, hard_float64, order, ulp_errors
from cases import CASES

import cyact

# Largest errors that exhaustive.py found, as it prints them; x86_64_v2 emulates fused multiply-add.
LIMITS = {
    ("sigmoid", "float32"): 0.966,
    ("tanh", "float32"): 0.652,
    ("sigmoid", "float64"): 0.94,
    ("tanh", "float64"): 0.56,
}

# Where exhaustive.py and its --step runs found the largest errors, and where formulas change their ways.
HARD = {
    "sigmoid": [
        -4.5226530, -4.5278430, -37.776608, -72.093399, -103.97207, -103.97208, -104.0, -88.72284, -87.33655, -105.0,
        16.635532, 17.328680, 20.0, -0.34657359, 0.34657359, 1e-8, -1e-8, 5.9604645e-08,
    ],
    "tanh": [
        8.8376274, 8.8377962, 8.8381977, 9.0108, 9.25, 18.888264, 0.17328680, 0.17344364, 0.51986039, 0.5493061, 1e-8,
        1e-30, 1e-43, 0.0078125, 0.00048828125,
    ],
}


def neighbours(values, dtype, count=40):
    """The floats around each value."""
    x = np.asarray(values, dtype)
    kind = {4: np.int32, 8: np.int64}[x.itemsize]
    return (x.view(kind)[:, None] + np.arange(-count, count + 1, dtype=kind)).view(dtype).ravel()


def test_every_real_function_is_checked():
    """accuracy.py, HARD and LIMITS have a row for each function that is not exact."""
    names = {case.name for case in CASES.values() if case.formula and case.arrays == 1}
    assert set(REFERENCE_64) == set(REFERENCE_MPFR) == set(EDGE) == set(RANGE) == set(HARD) == names
    assert set(LIMITS) == {(name, dtype) for name in names for dtype in ("float32", "float64")}


@pytest.mark.parametrize("function", RANGE)
def test_float32_sample(function):
    """One float32 in 4,093, and the hard ones, both signs."""
    bits = np.arange(0, 0x7F800000, 4093, dtype=np.uint32)
    x = np.concatenate([bits.view(np.float32), neighbours(HARD[function], np.float32)])
    x = np.sort(np.concatenate([x, -x]))
    y = getattr(cyact, function)(x)
    with np.errstate(all="ignore"):
        errors = ulp_errors(y, REFERENCE_64[function](x.astype(np.float64)), "float32")
    assert errors.max() <= LIMITS[function, "float32"], x[errors.argmax()]
    assert order(y) == 0
    assert y.min() >= RANGE[function][0] and y.max() <= RANGE[function][1]


@pytest.mark.parametrize("function", RANGE)
def test_float64_sample(function):
    x = np.sort(np.concatenate([hard_float64(function, 30_000, seed=1), neighbours(HARD[function], np.float64)]))
    y = getattr(cyact, function)(x)
    errors = exact_errors(function, x, y)
    assert errors.max() <= LIMITS[function, "float64"], x[errors.argmax()]
    assert order(y) == 0
    assert y.min() >= RANGE[function][0] and y.max() <= RANGE[function][1]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tanh_is_odd(dtype):
    x = np.linspace(-20, 20, 10_001).astype(dtype)
    assert np.array_equal(cyact.tanh(-x), -cyact.tanh(x))


@pytest.mark.parametrize(("dtype", "last", "zero"), [("float32", -103.97, -103.98), ("float64", -745.13, -745.14)])
def test_sigmoid_is_subnormal_to_the_last(dtype, last, zero):
    assert cyact.sigmoid(np.array(last, dtype)) == np.nextafter(np.array(0, dtype), np.array(1, dtype))
    assert cyact.sigmoid(np.array(zero, dtype)) == 0


def test_the_reference_sees_errors():
    """The measure itself: half an ULP away is half an ULP, an exact value none."""
    exact = np.array([0.75, 2.0**-140])
    assert ulp_errors(exact.astype(np.float32), exact, "float32").tolist() == [0, 0]
    assert ulp_errors(np.array([0.75, 0], np.float32), exact + [2.0**-25, 0], "float32").tolist() == [0.5, 2.0**9]

