"""What gradients have beyond other functions: two arrays, central differences of the activations, their own special cases."""

import itertools

import numpy as np
import pytest
from cases import (
    FLOATS,
    FORMATS,
    INTEGERS,
    KINDS,
    REPRESENTATIVES,
    SMALL,
    assert_same_bits,
    bits,
    every,
    from_bits,
    gradient_pairs,
    quiet_nans,
    sample,
)
from conftest import of_cases, of_pairs

import cyact

# ml_dtypes warns when it compares NaNs; what cyact itself must not raise is tested in test_ufunc_arguments.py.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

def from_output(case):
    return case.inputs[0] == "y"


def curved(case):
    """A function that is computed, where NaNs meet in arithmetic: those of straight pieces choose one input."""
    return case.arrays == 2 and case.formula is not None and not case.name.startswith("hard_")


def typical(case):
    return case.arrays == 2 and case in REPRESENTATIVES.values()


# ---- values ----

@of_cases(from_output)
@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_small_dtypes_are_computed_in_float32_and_rounded_once(case, dtype):
    """Every y there is: the formula in float32, which is y - y * y where it says y * (1 - y), since that is rounded less."""
    y = every(dtype)
    y = y[(y >= case.domain[0]) & (y <= case.domain[1])]
    for seed in range(4):
        dy = np.random.default_rng(seed).permutation(every(dtype))[:len(y)] if seed else np.full(len(y), 1.5).astype(dtype)
        with np.errstate(all="ignore"):
            y32, dy32 = y.astype("float32"), dy.astype("float32")
            # y * y is exact in float32, or too small to count.
            factor = y32 - y32 * y32 if case.name == "sigmoid_grad" else np.float32(1) - y32 * y32
            expected = (dy32 * factor).astype(dtype)
        result = case(y, dy)
        nan = np.isnan(expected)
        assert np.isnan(result[nan]).all()
        assert_same_bits(result[~nan], expected[~nan])


def central_difference(f, x, h=1e-3):
    """Of the fourth order: the error is some 1e-13 here."""
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


X = np.concatenate([np.linspace(-12, 12, 4001), [0.5, -0.5]])
X = X[np.abs(X) > 0.0025]
G = np.random.default_rng(3).normal(size=X.shape)


@pytest.mark.parametrize("case, gradient", gradient_pairs(), ids=lambda value: getattr(value, "name", ""))
def test_central_difference(case, gradient):
    """With the parameters' defaults, other numbers, and an array of them; away from kinks and from what is no domain."""
    low, high = case.domain
    ends = np.isfinite([low, high]).any()       # where all derivatives may be infinite
    x = X[(X > low + 0.1) & (X < high - 0.1)] if ends else X
    g = G[:len(x)]
    tried = [[value] * len(case.parameters) for value in (0.2, 0.5, 3.0, np.linspace(0.1, 2, len(x)))]
    for parameters in [(), *tried] if case.parameters else [()]:
        def f(x, parameters=parameters):
            return case.function(x, *parameters, **case.keywords)

        given = {"gradients": g, "dy": g, "features": x, "outputs": f(x), "y": f(x)}
        result = gradient.function(*(given[name] for name in gradient.inputs), *parameters, **gradient.keywords)
        kinks = case.kinks(*parameters or case.defaults) if callable(case.kinks) else case.kinks
        smooth = np.all([np.abs(x - kink) > 0.0025 for kink in kinks], axis=0) | np.zeros(len(x), bool)
        expected = g * central_difference(f, x)
        np.testing.assert_allclose(result[smooth], expected[smooth], rtol=1e-8 if ends else 0, atol=1e-10)
        assert np.abs(result).max() > 0.2


def test_chain_of_layers():
    """Backpropagation through all four, against the difference of the whole."""
    def forward(x):
        a = cyact.tanh(x)
        b = cyact.leaky_relu(a, 0.1)
        c = cyact.sigmoid(b)
        return a, b, c, cyact.relu(c)

    a, b, c, _ = forward(X)
    grad = cyact.relu_grad(np.ones_like(X), c)
    grad = cyact.sigmoid_grad(c, grad)
    grad = cyact.leaky_relu_grad(grad, a, 0.1)
    grad = cyact.tanh_grad(a, grad)
    np.testing.assert_allclose(grad, central_difference(lambda x: forward(x)[3], X), rtol=0, atol=2e-11)


# ---- special values ----

@of_cases(curved)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_of_the_first_input_is_kept(case, dtype):
    """Its payload and sign, else those of the second: not what the processor happens to choose."""
    nan = quiet_nans(dtype)
    for n in (1, 3):
        first, second = np.repeat(nan, n), np.tile(nan, n)
        for dy in (second, np.ones_like(second)):
            assert_same_bits(case(first, dy), first)
            assert_same_bits(case(first[::2], dy[::2]), first[::2])
        for y in (0.5, 0.0, 1.0):
            assert_same_bits(case(np.full_like(second, y), second), second)


# ---- parameters ----

@pytest.mark.parametrize("alpha", [0.2, 0, 1, -0.7, 3.5, np.inf, np.nan])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_one_slope_gives_the_bits_of_an_array_of_it(dtype, alpha):
    """NaN's too, be it quiet or signalling: one slope that is neither 0, infinite nor NaN has a shorter way."""
    quiet = quiet_nans(dtype)
    signalling = from_bits((bits(quiet[1:]) ^ (1 << (FORMATS[dtype.name][0] - 1))).tolist(), dtype)
    signalling = signalling[np.isnan(signalling)]
    assert len(signalling)
    for features in (1, -1, np.nan):
        g = np.concatenate([quiet, signalling, sample(dtype, 200)])
        x = np.full(len(g), features).astype(dtype)
        for n in (1, 3, len(g)):
            slopes = np.full(n, alpha).astype(dtype)
            assert_same_bits(cyact.leaky_relu_grad(g[:n], x[:n], alpha), cyact.leaky_relu_grad(g[:n], x[:n], slopes))
        assert_same_bits(cyact.leaky_relu_grad(apart(g, 1), x, alpha), cyact.leaky_relu_grad(g, x, alpha))


# ---- two arrays ----

def unaligned(x):
    raw = np.empty(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype)
    view[...] = x
    return view


def apart(x, step):
    room = np.zeros(2 * len(x) * abs(step), x.dtype)
    room[:: 2 * step][:] = x
    return room[:: 2 * step]


def swapped(x):
    return x.astype(x.dtype.newbyteorder()) if x.dtype.kind in "iuf" else x.copy()


LAYOUTS = {
    "strided": lambda x: apart(x, 1),
    "backwards": lambda x: apart(x, -1),
    "unaligned": unaligned,
    "swapped": swapped,
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "list": lambda x: x.tolist() if x.dtype == np.float64 else list(x),
    "subclass": lambda x: x.view(np.recarray),
    "plain": lambda x: x.copy(),
}


@of_pairs(typical, KINDS)
def test_each_array_in_its_own_layout(case, dtype):
    """Every way to lay out the first array by every way for the second."""
    for n in (1, 1300):
        a, b = case.usual_operands(dtype, n)
        want = case(a, b)
        for (layout, first), (other, second) in itertools.product(LAYOUTS.items(), repeat=2):
            assert_same_bits(np.asarray(case(first(a), second(b))), want, f"{layout}, {other}:")
            out = unaligned(np.zeros(n, dtype)) if layout == "unaligned" else apart(np.zeros(n, dtype), -1)
            assert case(first(a), second(b), out=out) is out
            assert_same_bits(out.copy(), want, f"{layout}, {other}, out=:")


BROADCASTS = [
    ((), (5, 7)), ((5, 7), ()), ((7,), (5, 7)), ((5, 7), (7,)), ((5, 1), (5, 7)), ((5, 7), (5, 1)), ((5, 1), (1, 7)),
    ((3, 1, 7), (5, 1)), ((1,), (600,)), ((600,), (1,)), ((2, 1, 300), (40, 1)), ((0, 1), (1, 7)),
]


@of_pairs(typical, KINDS)
def test_broadcasting_both_ways(case, dtype):
    for first, second in BROADCASTS:
        a, b = case.usual_operands(dtype, 600)
        a, b = (x[: int(np.prod(shape))].reshape(shape) for x, shape in ((a, first), (b, second)))
        shape = np.broadcast_shapes(first, second)
        want = case(*(np.array(np.broadcast_to(x, shape), order="C") for x in (a, b)))
        assert_same_bits(case(a, b), want)
        out = np.zeros(shape, dtype)
        assert case(a, b, out=out) is out
        assert_same_bits(out, want)


@of_pairs(typical, KINDS)
def test_one_array_for_both(case, dtype):
    for n in (1, 17, 5000):
        (same, _) = case.usual_operands(dtype, n)
        want = case(same, same.copy())
        assert case(same, same, out=same) is same
        assert_same_bits(same, want)


def promotions(case):
    """Pairs of different dtypes that NumPy has a common dtype for; bfloat16 has fewer of them."""
    for first, second in itertools.permutations(FLOATS + INTEGERS, 2):
        try:
            common = np.result_type(first, second)
        except TypeError:
            continue
        if common in case.dtypes and (INTEGERS[0] in case.dtypes or {first.kind, second.kind} - {"i", "u"}):
            yield first, second, common


@of_cases(typical)
def test_mixed_dtypes_promote_as_in_numpy(case):
    count = 0
    for first, second, common in promotions(case):
        a, b = case.usual_operands(common, 50)
        a, b = (np.where(np.isfinite(x.astype("float64")), x, np.ones_like(x)) for x in (a, b))
        a, b = (np.clip(x.astype("float64"), 0, 100).astype(dtype) for x, dtype in ((a, first), (b, second)))
        assert_same_bits(case(a, b), case(a.astype(common), b.astype(common)), f"{first}, {second}")
        count += 1
    assert count > 50


@pytest.mark.parametrize("dtypes", [(d, d) for d in INTEGERS] + [("int8", "uint8"), ("int32", "int64")], ids=str)
@of_cases(lambda case: typical(case) and np.dtype("int8") not in case.dtypes)
def test_integers_alone_are_refused(case, dtypes):
    """In place, with ``out`` and without; whatever the slope. Only relu_grad has integer loops."""
    g, x = np.arange(3).astype(dtypes[0]), np.array([0, 1, 2], dtypes[1])
    slopes = [(), (0.5,), (2,), (np.full(3, 0.5),)] if case.parameters else [()]
    out = np.full(3, 7.0)
    for slope in slopes:
        mask = np.ones(3, bool)
        for keywords in ({}, {"out": out}, {"out": g}, {"out": g, "casting": "unsafe"}, {"where": mask, "out": out}):
            with pytest.raises(TypeError, match=rf"{case.name} \(name='layer 3'\): "):
                case.function(g, x, *slope, name="layer 3", **keywords)
    assert (out == 7).all() and (g == np.arange(3)).all()
