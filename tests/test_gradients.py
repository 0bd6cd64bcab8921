"""The gradients: values, special values, central differences of the activations, both roads, bad input, threads."""

import itertools
import re

import mpmath
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
    product,
    quiet_nans,
    sample,
    smallest_subnormal,
    special,
    ulp_errors,
)

import cyact

# ml_dtypes warns when it compares NaNs; what cyact itself must not raise is tested below.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")

NAMES = ["relu_grad", "leaky_relu_grad", "sigmoid_grad", "tanh_grad"]
FROM_OUTPUT = {"sigmoid_grad": (0, 1), "tanh_grad": (-1, 1)}
SLOPES = [0.2, 0, 1, -0.7, 3.5, np.inf, np.nan]
PAIRS = [(name, dtype) for name in NAMES for dtype in FLOATS + (INTEGERS if name == "relu_grad" else [])]
of_each = pytest.mark.parametrize("name, dtype", PAIRS, ids=[f"{name}-{dtype}" for name, dtype in PAIRS])


def operands(name, dtype, n, seed=0):
    """Two arrays, for the gradients from the output with one in the activation's range."""
    first, second = sample(dtype, n, seed), sample(dtype, n, seed + 1)
    if name in FROM_OUTPUT:
        first = np.random.default_rng(seed).uniform(*FROM_OUTPUT[name], n).astype(dtype)
    return first, second


def gradient_of(name, /, *arguments, **keywords):
    return getattr(cyact, name)(*arguments, **keywords)


# ---- values ----

@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
def test_relu_grad_is_exact(dtype):
    g, x = sample(dtype, 5000), sample(dtype, 5000, 1)
    expected = np.zeros_like(g)
    for i, (value, feature) in enumerate(zip(g, x.tolist(), strict=True)):
        if feature > 0:
            expected[i] = value
    assert_same_bits(cyact.relu_grad(g, x), expected)


@pytest.mark.parametrize("dtype", [d for d in FLOATS + INTEGERS if d.itemsize <= 2], ids=str)
def test_relu_grad_of_every_feature(dtype):
    x = every(dtype)
    g = x[::-1].copy()
    assert_same_bits(cyact.relu_grad(g, x), np.where(x > 0, g, np.zeros_like(g)))


@pytest.mark.parametrize("alpha", SLOPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_leaky_relu_grad_is_rounded_once(dtype, alpha):
    """Every pair of special values, and pseudo-random ones; with one slope and with an array of them."""
    pairs = np.array(list(itertools.product(special(dtype), repeat=2)), dtype)
    g = np.concatenate([pairs[:, 0], sample(dtype, 3000)])
    x = np.concatenate([pairs[:, 1], sample(dtype, 3000, 1)])
    expected = CASES["leaky_relu_grad"].reference(g, x, alpha)
    expected = np.where(np.isnan(g) & ~(x > 0), g, expected)    # a NaN gradient itself, whatever the slope
    # Which of the processor's NaNs a slope makes is no promise.
    made = np.isnan(expected) & ~np.isnan(g)
    slopes = np.full(len(g), alpha, "float64").astype(dtype)
    for result in (cyact.leaky_relu_grad(g, x, alpha), cyact.leaky_relu_grad(g, x, slopes)):
        assert np.isnan(result[made]).all()
        assert_same_bits(result[~made], expected[~made])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaky_relu_grad_against_mpmath(dtype):
    g, x = sample(np.dtype(dtype), 2000), -np.abs(sample(np.dtype(dtype), 2000, 1))
    result = cyact.leaky_relu_grad(g, x, 0.3)
    alpha = mpmath.mpf(float(np.array(0.3, dtype)))
    digits, smallest = FORMATS[dtype]
    for value, y in zip(g.tolist(), result.tolist(), strict=True):
        if np.isfinite(value):
            with mpmath.workprec(160):
                exact = alpha * value
                ulp = max(int(mpmath.mag(exact)) - 1, smallest) - digits if exact else 0
                assert abs(mpmath.ldexp(y - exact, -ulp)) <= 0.5


def documented_limit(name):
    """The ULP that the docstring promises."""
    return float(re.search(r"at\s+most\s+([\d.]+)\s+ULP", getattr(cyact, name).__doc__)[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_error_is_at_most_what_the_docstring_says(name, dtype):
    """Where the result is normal. Worst is a factor just above a power of two, by a dy just below one."""
    n = 300_000 if dtype == "float32" else 8000
    rng = np.random.default_rng(5)
    digits, smallest = FORMATS[dtype]
    low, high = FROM_OUTPUT[name]
    y = np.concatenate([rng.uniform(low, high, n), [low, high, 0.5, high - 2.0**-digits, 2.0**smallest],
                        high - rng.uniform(0, 1, n // 8) * 2.0 ** rng.integers(-digits, 0, n // 8)])
    near_two = 2 - rng.random(len(y)) / 64
    dy = np.where(rng.random(len(y)) < 0.8, near_two, rng.normal(0, 4, len(y))) * rng.choice([-1, 1], len(y))
    # 1 - y * y just above 1/2, and y * (1 - y) just above 1/8
    edge = np.sqrt(0.5) if name == "tanh_grad" else 0.5 + np.sqrt(0.125)
    y[: n // 4] = edge - rng.random(n // 4) / 256
    y, dy = y.astype(dtype), dy.astype(dtype)
    result = gradient_of(name, y, dy)
    normal = np.abs(result) >= 2.0**smallest
    errors = ulp_errors(CASES[name], (y[normal], dy[normal]), result[normal])
    worst = np.argmax(errors)
    assert errors[worst] <= documented_limit(name), [x[normal][worst].item().hex() for x in (y, dy)]


@pytest.mark.parametrize("dtype", SMALL, ids=str)
@pytest.mark.parametrize("name", FROM_OUTPUT)
def test_small_dtypes_are_computed_in_float32_and_rounded_once(name, dtype):
    """Every y there is; y * y is exact in float32, or too small to count."""
    y = every(dtype)
    for seed in range(4):
        dy = np.random.default_rng(seed).permutation(every(dtype)) if seed else np.full(len(y), 1.5).astype(dtype)
        with np.errstate(all="ignore"):
            y32, dy32 = y.astype("float32"), dy.astype("float32")
            factor = y32 - y32 * y32 if name == "sigmoid_grad" else np.float32(1) - y32 * y32
            # Outside the activation's range y * y can overflow where a fused operation does not, and be rounded.
            inside = np.abs(y32) <= 1
            expected = (dy32 * factor).astype(dtype)
        result = gradient_of(name, y, dy)
        nan = np.isnan(expected)
        assert np.isnan(result[inside & nan]).all()
        assert_same_bits(result[inside & ~nan], expected[inside & ~nan])


# ---- against the activations ----

def central_difference(f, x, h=1e-3):
    """Of the fourth order: the error is some 1e-13 here."""
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


X = np.concatenate([np.linspace(-12, 12, 4001), [0.5, -0.5]])
X = X[np.abs(X) > 0.0025]       # away from the kink
G = np.random.default_rng(3).normal(size=X.shape)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_difference_of_smooth_activation(activation):
    f = getattr(cyact, activation)
    result = gradient_of(f"{activation}_grad", f(X), G)
    np.testing.assert_allclose(result, G * central_difference(f, X), rtol=0, atol=2e-11)
    assert np.abs(result).max() > 0.2


@pytest.mark.parametrize("alpha", [None, 0.2, -0.5, 3.0, np.linspace(-1, 2, len(X))], ids=lambda a: str(a)[:4])
def test_difference_of_rectifier(alpha):
    if alpha is None:
        result, f = cyact.relu_grad(G, X), cyact.relu
    else:
        result, f = cyact.leaky_relu_grad(G, X, alpha), lambda x: cyact.leaky_relu(x, alpha)
    np.testing.assert_allclose(result, G * central_difference(f, X), rtol=0, atol=1e-10)


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

@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -np.inf, np.nan], ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_features_that_are_not_above_zero(dtype, x):
    """The negative side's slope, at 0 and NaN too; every g, infinite and NaN, in an array and alone."""
    g = special(dtype)
    features = np.full(len(g), x).astype(dtype)
    infinite = np.isinf(g)
    assert_same_bits(cyact.relu_grad(g, features), np.zeros_like(g))
    slopes = [0.25, 0, -0.0, np.zeros(len(g), dtype)]
    for alpha in slopes:
        result = cyact.leaky_relu_grad(g, features, alpha)
        expected = product(g, alpha)
        if alpha is not slopes[0]:
            assert (result[infinite] == 0).all()
            expected[infinite] = result[infinite]       # a zero of either sign
        assert_same_bits(result, expected)
        first = alpha if np.isscalar(alpha) else alpha[:1]
        assert_same_bits(cyact.leaky_relu_grad(g[:1], features[:1], first), result[:1])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_features_above_zero(dtype):
    """The gradient itself: payloads, subnormals, infinities."""
    g = special(dtype)
    for x in (smallest_subnormal(dtype), dtype.type(1), dtype.type(np.inf)):
        features = np.full(len(g), x, dtype)
        assert_same_bits(cyact.relu_grad(g, features), g)
        for alpha in (0.2, 0, np.nan):
            assert_same_bits(cyact.leaky_relu_grad(g, features, alpha), g)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_features_of_any_payload_and_sign(dtype):
    x = quiet_nans(dtype)
    g = np.full(len(x), -3).astype(dtype)
    assert_same_bits(cyact.relu_grad(g, x), np.zeros_like(g))
    assert_same_bits(cyact.leaky_relu_grad(g, x, 0.5), np.full(len(x), -1.5).astype(dtype))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("name", FROM_OUTPUT)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_of_the_first_input_is_kept(name, dtype, n):
    """Its payload and sign, else those of the second: not what the processor happens to choose."""
    nan = quiet_nans(dtype)
    first, second = np.repeat(nan, n), np.tile(nan, n)
    for dy in (second, np.ones_like(second)):
        assert_same_bits(gradient_of(name, first, dy), first)
        assert_same_bits(gradient_of(name, first[::2], dy[::2]), first[::2])
    for y in (0.5, 0.0, 1.0):
        assert_same_bits(gradient_of(name, np.full_like(second, y), second), second)


@pytest.mark.parametrize("name, y, dy, expected", [
    ("sigmoid_grad", 0.0, 3.0, 0.0), ("sigmoid_grad", 1.0, 3.0, 0.0), ("sigmoid_grad", 0.5, 4.0, 1.0),
    ("sigmoid_grad", 0.5, -0.0, -0.0), ("sigmoid_grad", 0.5, np.inf, np.inf), ("sigmoid_grad", 0.5, -np.inf, -np.inf),
    ("sigmoid_grad", np.nan, 1.0, np.nan), ("sigmoid_grad", 0.5, np.nan, np.nan),
    ("sigmoid_grad", 1.0, np.nan, np.nan),
    ("tanh_grad", 0.0, 3.0, 3.0), ("tanh_grad", -0.0, 3.0, 3.0), ("tanh_grad", 1.0, 3.0, 0.0),
    ("tanh_grad", -1.0, 3.0, 0.0),
    ("tanh_grad", 0.5, 4.0, 3.0), ("tanh_grad", -0.5, 4.0, 3.0), ("tanh_grad", 0.0, np.inf, np.inf),
    ("tanh_grad", 0.5, -np.inf, -np.inf), ("tanh_grad", np.nan, 1.0, np.nan), ("tanh_grad", 0.5, np.nan, np.nan),
])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_special_values_from_the_output(name, y, dy, expected, dtype):
    for n in (1, 70):
        result = gradient_of(name, np.full(n, y).astype(dtype), np.full(n, dy).astype(dtype))
        if np.isnan(expected):
            assert np.isnan(result).all()
        else:
            assert_same_bits(result, np.full(n, expected).astype(dtype))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_subnormals_are_not_flushed(dtype):
    tiny = from_bits([1, 2, 3, 5, 7], dtype)
    one = np.ones(5, dtype)
    assert_same_bits(cyact.tanh_grad(np.zeros(5, dtype), tiny), tiny)
    assert_same_bits(cyact.sigmoid_grad(tiny, one), tiny)
    assert_same_bits(cyact.leaky_relu_grad(tiny, -one, -1), -tiny)


@of_each
def test_no_floating_point_warning(name, dtype):
    x = np.resize(special(dtype), 3 * len(special(dtype)))
    g = np.repeat(special(dtype), 3)
    with np.errstate(all="raise"):
        for keywords in ({}, {"where": np.ones(len(x), bool), "out": np.zeros(len(x), dtype)}):
            gradient_of(name, g, x, **keywords)
            gradient_of(name, g[::2], x[::2], out=np.zeros(2 * len(g[::2]), dtype)[::2])


# ---- in place, broadcasting, both roads ----

@of_each
@pytest.mark.parametrize("n", [1, 17, 5000])
def test_in_place_into_either_argument(name, dtype, n):
    a, b = operands(name, dtype, n)
    want = gradient_of(name, a, b)
    for position in (0, 1):
        given = [a.copy(), b.copy()]
        assert gradient_of(name, *given, out=given[position]) is given[position]
        assert_same_bits(given[position], want)
        assert_same_bits(given[1 - position], (a, b)[1 - position])
        given = [a.copy(), b.copy()]
        gradient_of(name, *given, out=(given[position],), where=np.ones(n, bool))
        assert_same_bits(given[position], want)
    same = a.copy()
    want = gradient_of(name, a, a.copy())
    assert gradient_of(name, same, same, out=same) is same
    assert_same_bits(same, want)


BROADCASTS = [
    ((), (5, 7)), ((5, 7), ()), ((7,), (5, 7)), ((5, 7), (7,)), ((5, 1), (5, 7)), ((5, 7), (5, 1)), ((5, 1), (1, 7)),
    ((3, 1, 7), (5, 1)), ((1,), (600,)), ((600,), (1,)), ((2, 1, 300), (40, 1)), ((0, 1), (1, 7)),
]


@of_each
@pytest.mark.parametrize("first, second", BROADCASTS, ids=str)
def test_broadcasting_both_ways(name, dtype, first, second):
    a, b = operands(name, dtype, 600)
    a, b = (x[: int(np.prod(shape))].reshape(shape) for x, shape in ((a, first), (b, second)))
    shape = np.broadcast_shapes(first, second)
    whole = [np.array(np.broadcast_to(x, shape), order="C") for x in (a, b)]
    want = gradient_of(name, *whole)
    result = gradient_of(name, a, b)
    assert_same_bits(result, want)
    out = np.zeros(shape, dtype)
    assert gradient_of(name, a, b, out=out) is out
    assert_same_bits(out, want)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_slopes_broadcast(dtype):
    g, x = (sample(dtype, 40, seed).reshape(10, 4) for seed in (0, 1))
    channels = np.array([0.1, 0, -2, 0.5]).astype(dtype)
    result = cyact.leaky_relu_grad(g, x, channels)
    columns = [cyact.leaky_relu_grad(g[:, i].copy(), x[:, i].copy(), channels[i]) for i in range(4)]
    assert_same_bits(result, np.stack(columns, 1))
    # Slopes may have more axes than the arrays.
    wide = cyact.leaky_relu_grad(g[0], x[0], channels[:, None])
    assert_same_bits(wide, np.stack([cyact.leaky_relu_grad(g[0], x[0], slope) for slope in channels]))
    out = g.copy()
    assert cyact.leaky_relu_grad(out, x, channels, out=out) is out
    assert_same_bits(out, result)


@pytest.mark.parametrize("alpha", SLOPES)
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


ROADS = {
    "strided": lambda x: apart(x, 1),
    "backwards": lambda x: apart(x, -1),
    "unaligned": unaligned,
    "swapped": swapped,
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
    "list": lambda x: x.tolist() if x.dtype == np.float64 else list(x),
    "subclass": lambda x: x.view(np.recarray),
    "plain": lambda x: x.copy(),
}


@of_each
@pytest.mark.parametrize("n", [1, 37, 1300])
def test_roads_give_the_same_bits(name, dtype, n):
    """Every way to lay out the first array by every way for the second."""
    a, b = operands(name, dtype, n)
    want = gradient_of(name, a, b)
    for (road, first), (other, second) in itertools.product(ROADS.items(), repeat=2):
        result = gradient_of(name, first(a), second(b))
        assert_same_bits(np.asarray(result), want, f"{road}, {other}:")
        out = unaligned(np.zeros(n, dtype)) if road == "unaligned" else apart(np.zeros(n, dtype), -1)
        assert gradient_of(name, first(a), second(b), out=out) is out
        assert_same_bits(out.copy(), want, f"{road}, {other}, out=:")


@of_each
def test_where(name, dtype):
    """What is not selected stays; runs of several lengths."""
    a, b = operands(name, dtype, 700)
    want = gradient_of(name, a, b)
    for mask in (np.arange(700) % 3 == 0, np.arange(700) % 50 < 30, np.zeros(700, bool), np.ones(1, bool)):
        out = sample(dtype, 700, 9)
        expected = np.where(mask, want, out)
        assert gradient_of(name, a, b, out=out, where=mask) is out
        assert_same_bits(out, expected)


def promotions(name):
    """Pairs of different dtypes that NumPy has a common dtype for; bfloat16 has fewer of them."""
    for first, second in itertools.permutations(FLOATS + INTEGERS, 2):
        try:
            common = np.result_type(first, second)
        except TypeError:
            continue
        if name == "relu_grad" or {first.kind, second.kind} - {"i", "u"}:
            yield first, second, common


@pytest.mark.parametrize("name", NAMES)
def test_mixed_dtypes_promote_as_in_numpy(name):
    count = 0
    for first, second, common in promotions(name):
        a, b = operands(name, common, 50)
        a, b = (np.where(np.isfinite(x.astype("float64")), x, np.ones_like(x)) for x in (a, b))
        a, b = (np.clip(x.astype("float64"), 0, 100).astype(dtype) for x, dtype in ((a, first), (b, second)))
        result = gradient_of(name, a, b)
        assert_same_bits(result, gradient_of(name, a.astype(common), b.astype(common)), f"{first}, {second}")
        count += 1
    assert count > 50


@pytest.mark.parametrize("name", NAMES)
def test_dtype_argument(name):
    a, b = operands(name, np.dtype("float64"), 300)
    with np.errstate(over="ignore"):
        narrow = a.astype("float32"), b.astype("float32")
    assert_same_bits(gradient_of(name, a, b, dtype="float32"), gradient_of(name, *narrow))
    wide = [x.astype("float64") for x in narrow]
    assert_same_bits(gradient_of(name, *narrow, dtype="float64"), gradient_of(name, *wide))


@of_each
def test_zero_dimensions_give_a_scalar(name, dtype):
    a, b = operands(name, dtype, 1)
    want = gradient_of(name, a, b)[0]
    for given in ((a[0], b[0]), (a.reshape(()), b.reshape(())), (a[0], b.reshape(()))):
        result = gradient_of(name, *given)
        assert type(result) is dtype.type
        assert_same_bits(result, want)


@of_each
@pytest.mark.parametrize("n", [9, 600, 3000])
def test_overlap(name, dtype, n):
    """The result is as if the inputs had been copied first, wherever the output lies over them."""
    for place, first, second in [(0, 1, 5), (3, 1, 0), (2, 2, 0), (1, 0, 9), (0, 16, 3), (33, 0, 1)]:
        for step in (1, -1, 2):
            memory = np.concatenate(operands(name, dtype, 3 * n))
            parts = [slice(start, start + 2 * n) for start in (place, first, second)]
            views = [memory[part][::2] if step == 2 else memory[part][:n] for part in parts]
            out, a, b = views[0][:: -1 if step < 0 else 1], views[1], views[2]
            expected = memory.copy()
            expected_out = expected[parts[0]][::2] if step == 2 else expected[parts[0]][:n]
            expected_out[:: -1 if step < 0 else 1] = gradient_of(name, a.copy(), b.copy())
            assert gradient_of(name, a, b, out=out) is out
            assert_same_bits(memory, expected, (place, first, second, step))


# ---- bad input ----

def read_only(n):
    out = np.full(n, 7.0)
    out.flags.writeable = False
    return out


F = np.array([0.25, 0.5, 0.75])
INT = np.arange(3)
BAD = {
    "bool": ((F > 0, F), {}, TypeError), "bool second": ((F, F > 0), {}, TypeError),
    "complex": ((F + 0j, F), {}, TypeError), "longdouble": ((F, F.astype("longdouble")), {}, TypeError),
    "object": ((F.astype(object), F), {}, TypeError), "string": ((F, np.array(["a", "b", "c"])), {}, TypeError),
    "datetime": ((INT.astype("M8[s]"), F), {}, TypeError), "None": ((None, F), {}, TypeError),
    "shapes": ((F, F[:2]), {}, ValueError), "shape of out": ((F, F), {"out": np.full(4, 7.0)}, ValueError),
    "out too small": ((np.ones((2, 3)), F), {"out": np.full(3, 7.0)}, ValueError),
    "read-only out": ((F, F), {"out": read_only(3)}, ValueError),
    "integer out": ((F, F), {"out": np.full(3, 7)}, TypeError),
    "casting": ((F, F), {"out": np.full(3, 7, "float32"), "casting": "safe"}, TypeError),
    "unknown keyword": ((F, F), {"out": np.full(3, 7.0), "axis": 0}, TypeError),
    "no array for out": ((F, F), {"out": [7.0, 7.0, 7.0]}, TypeError),
}


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("name", NAMES)
def test_bad_input(name, reason):
    """The message names the function and the caller's label; nothing is written."""
    arguments, keywords, error = BAD[reason]
    keywords = {"out": np.full(3, 7.0), **keywords}
    before = [np.array(x, copy=True) for x in arguments]
    with pytest.raises(error, match=rf"^{name} \(name='layer 3'\): "):
        gradient_of(name, *arguments, name="layer 3", **keywords)
    with pytest.raises(error, match=f"^{name}: "):
        gradient_of(name, *arguments, **keywords)
    assert (np.asarray(keywords["out"]) == 7).all()
    assert all((x == y).all() for x, y in zip(before, map(np.asarray, arguments), strict=True))


@pytest.mark.parametrize("dtypes", [(d, d) for d in INTEGERS] + [("int8", "uint8"), ("int32", "int64")], ids=str)
@pytest.mark.parametrize("name", NAMES[1:])
def test_integers_alone_are_refused(name, dtypes):
    """In place, with ``out`` and without; whatever the slope. Only relu_grad has integer loops."""
    g, x = np.arange(3).astype(dtypes[0]), np.array([0, 1, 2], dtypes[1])
    slopes = [(), (0.5,), (2,), (np.full(3, 0.5),)] if name == "leaky_relu_grad" else [()]
    out = np.full(3, 7.0)
    for slope in slopes:
        mask = np.ones(3, bool)
        for keywords in ({}, {"out": out}, {"out": g}, {"out": g, "casting": "unsafe"}, {"where": mask, "out": out}):
            with pytest.raises(TypeError, match=rf"{name} \(name='layer 3'\): "):
                gradient_of(name, g, x, *slope, name="layer 3", **keywords)
    assert (out == 7).all() and (g == np.arange(3)).all()


@pytest.mark.parametrize("alpha", [None, True, "0.2", 0.2j, np.array([1j]), np.array([True]), [None], object(), F > 0])
def test_bad_slope(alpha):
    out = np.full(3, 7.0)
    with pytest.raises(TypeError, match=r"^leaky_relu_grad \(name='layer 3'\): .*alpha"):
        cyact.leaky_relu_grad(F, F, alpha, out=out, name="layer 3")
    assert (out == 7).all()


def test_slopes_that_do_not_broadcast():
    out = np.full(3, 7.0)
    for slopes in (np.zeros(2), np.zeros((2, 3))):
        with pytest.raises(ValueError, match=r"^leaky_relu_grad \(name='layer 3'\): "):
            cyact.leaky_relu_grad(F, F, slopes, out=out, name="layer 3")
    assert (out == 7).all()


# ---- threads ----

@of_each
def test_threads_give_the_same_bits(name, dtype):
    """Above the size from which threads are used, and that from which results are written past the cache."""
    n = 24_000_000 // (3 * dtype.itemsize) + 13
    a, b = (np.resize(x, n) for x in operands(name, dtype, 65_003))
    # A short array is computed on one thread.
    short = gradient_of(name, a[:65_003], b[:65_003])
    want = np.resize(short, n)
    wide = np.zeros(2 * n, dtype)
    for threads in (1, 2, 5):
        with cyact.num_threads(threads):
            assert_same_bits(gradient_of(name, a[1:], b[1:]), want[1:], threads)
            assert_same_bits(gradient_of(name, a[1:], b[1:], out=np.empty(n - 1, dtype)), want[1:], threads)
            wide[::2] = 0
            gradient_of(name, a, b, out=wide[::2])
            assert_same_bits(wide[::2], want, threads)
            given = a.copy()
            gradient_of(name, given, b, out=given)
            assert_same_bits(given, want, threads)
    assert not wide[1::2].any()
