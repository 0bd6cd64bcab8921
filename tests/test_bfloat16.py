"""What is special to bfloat16, by way of ml_dtypes: promotion, and loops that are added when first needed."""

import subprocess
import sys

import numpy as np
import pytest
from cases import assert_same_bits, bits

import cyact

ml_dtypes = pytest.importorskip("ml_dtypes")
bfloat16 = np.dtype(ml_dtypes.bfloat16)

# ml_dtypes warns when it compares or converts NaNs; what cyact itself must not raise is tested below.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")


# ---- both roads ----

@pytest.mark.mechanics
@pytest.mark.parametrize("n", [1, 31, 600, 70_000])
def test_ufunc_gives_the_same_bits(case, n):
    """Values, layouts and errors are tested with those of the other dtypes."""
    x = case.operands(bfloat16, n)
    want = case(*x)
    assert want.dtype == bfloat16
    assert_same_bits(case.ufunc(*x, *(np.array(value).astype(bfloat16) for value in case.tried)), want)


# ---- promotion ----

X = np.array([-3, -0.5, -0.0, 0.0, 2.5]).astype(bfloat16)
SAME_SLOPE = [
    0.1, np.float32(0.1), ml_dtypes.bfloat16(0.1), np.full(5, 0.1, "float32"), np.full(5, 0.1).astype(bfloat16),
    np.array(0.1, "float32"), np.full((5, 1), 0.1, "float32"),
]


@pytest.mark.parametrize("alpha", SAME_SLOPE, ids=lambda a: f"{type(a).__name__}{np.shape(a)}")
@pytest.mark.parametrize("arrays", [1, 2])
def test_slopes_that_keep_bfloat16(alpha, arrays):
    """Rounded to bfloat16 before the product, whatever they came as."""
    slope = np.array(0.1).astype(bfloat16).astype("float32")
    wide = X.astype("float32")
    expected = np.where(wide < 0, slope * wide, wide).astype(bfloat16) if arrays == 1 else (
        np.where(wide > 0, wide, slope * wide).astype(bfloat16))
    function, given = (cyact.leaky_relu, (X,)) if arrays == 1 else (cyact.leaky_relu_grad, (X, X))
    expected = np.broadcast_to(expected, np.broadcast_shapes(X.shape, np.shape(alpha))).copy()
    assert_same_bits(function(*given, alpha), expected)
    out = np.zeros(expected.shape, bfloat16)
    assert function(*given, alpha, out=out) is out
    assert_same_bits(out, expected)
    assert_same_bits(function(*given, alpha, out=np.zeros_like(out), where=np.ones(5, bool)), expected)
    if expected.ndim == 1:
        x = X.copy()
        function(*[x] * arrays, alpha, out=x)
        assert_same_bits(x, expected)


@pytest.mark.parametrize("alpha", [np.full(5, 0.1), np.float64(0.1), [0.1] * 5], ids=["array", "scalar", "list"])
def test_float64_slopes_promote(alpha):
    wide = X.astype("float64")
    assert_same_bits(cyact.leaky_relu(X, alpha), np.where(wide < 0, 0.1 * wide, wide))
    assert_same_bits(cyact.leaky_relu_grad(X, X, alpha), np.where(wide > 0, wide, 0.1 * wide))


def test_bfloat16_slopes_of_wider_features():
    slopes = np.full(3, 0.1).astype(bfloat16)
    for dtype in ("float32", "float64"):
        x = np.array([-1, 0, 2], dtype)
        assert_same_bits(cyact.leaky_relu(x, slopes), np.where(x < 0, slopes.astype(dtype) * x, x))


@pytest.mark.parametrize("other, expected", [
    ("float32", "float32"), ("float64", "float64"), ("int8", bfloat16), ("uint8", bfloat16),
])
@pytest.mark.parametrize("name", ["relu_grad", "leaky_relu_grad", "sigmoid_grad", "tanh_grad"])
def test_mixed_dtypes(name, other, expected):
    y = np.array([0, 1, 1, 0, 1], other)
    function = getattr(cyact, name)
    for first, second in ((X, y), (y, X)):
        wide = [a.astype(expected) for a in (first, second)]
        assert_same_bits(function(first, second), function(*wide))


@pytest.mark.parametrize("other", ["float16", "int16", "int64", "uint32"])
def test_dtypes_without_a_common_one(other):
    """NumPy's ufuncs take the first loop that both can be cast to; a slope of any kind does not hinder."""
    y = np.array([0, 1, 1, 0, 1], other)
    wide = np.result_type(other, "float32")
    for alpha in (0.5, np.float32(0.5), np.full(5, 0.5, "float32")):
        for given in ((X, y), (y, X)):
            expected = cyact.leaky_relu_grad(*(a.astype(wide) for a in given), 0.5)
            assert_same_bits(cyact.leaky_relu_grad(*given, alpha), expected)


def test_slope_that_takes_part_by_array_ufunc():
    class Recorder:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return ufunc.__name__

    assert cyact.leaky_relu(X, Recorder()) == "leaky_relu"
    assert cyact.leaky_relu(Recorder(), dtype=bfloat16) == cyact.leaky_relu(Recorder()) == "leaky_relu"


def test_dtype_argument():
    x = np.array([-1.25, 1 / 3, 5], "float32")
    for name in ("relu", "sigmoid", "tanh", "leaky_relu"):
        function = getattr(cyact, name)
        assert_same_bits(function(x, dtype=bfloat16), function(x.astype(bfloat16)))
        assert_same_bits(function(x, dtype=ml_dtypes.bfloat16), function(x.astype(bfloat16)))
        assert_same_bits(function(X, dtype="float32"), function(X.astype("float32")))
        assert_same_bits(function(X, dtype="float64"), function(X.astype("float64")))
    g = np.array([2, 1 / 3, -5], "float32")
    assert_same_bits(cyact.relu_grad(g, x, dtype=bfloat16), cyact.relu_grad(g.astype(bfloat16), x.astype(bfloat16)))


@pytest.mark.mechanics
def test_dtype_argument_obeys_casting_and_refuses_the_same_dtypes(case):
    out = np.full(3, 7).astype(bfloat16)
    for refused in (bool, complex, "longdouble", object, "M8[s]", ml_dtypes.float8_e5m2):
        x = np.ones(3, "int64").astype(refused)
        with pytest.raises(TypeError, match=f"^{case.name}: "):
            case(*[x] * case.arrays, dtype=bfloat16, out=out)
    for casting in ("no", "equiv", "safe"):
        with pytest.raises(TypeError, match=f"^{case.name}: "):
            case(*[np.ones(3)] * case.arrays, dtype=bfloat16, casting=casting, out=out)
    if np.dtype("int8") not in case.dtypes:
        with pytest.raises(TypeError, match=f"^{case.name}: "):
            case(*[np.ones(3, "int8")] * case.arrays, dtype=bfloat16, out=out)
    assert (out == 7).all()


def test_out_of_another_dtype():
    """Computed in the input's dtype, then cast, as NumPy does."""
    x = np.array([-1.25, 1 / 3, 5], "float32")
    out = np.zeros(3, bfloat16)
    assert cyact.sigmoid(x, out=out) is out
    assert_same_bits(out, cyact.sigmoid(x).astype(bfloat16))
    wide = np.zeros(5, "float32")
    assert_same_bits(cyact.tanh(X, out=wide), cyact.tanh(X).astype("float32"))
    with pytest.raises(TypeError):
        cyact.sigmoid(x, out=out, casting="safe")


# ---- other dtypes of ml_dtypes ----

OTHERS = [
    "float8_e5m2", "float8_e4m3fn", "float8_e4m3b11fnuz", "float8_e3m4", "float8_e8m0fnu", "float6_e2m3fn",
    "float4_e2m1fn", "int4", "uint4", "int2",
]
OTHERS = [name for name in OTHERS if hasattr(ml_dtypes, name)]      # newer versions have more


@pytest.mark.mechanics
@pytest.mark.parametrize("other", OTHERS)
def test_other_dtypes_are_refused(case, other):
    """None of them is in the contract: no silent conversion to float32 or int8."""
    x = np.ones(3).astype(getattr(ml_dtypes, other))
    out = np.full(3, 7, "float32")
    for keywords in ({}, {"out": out}, {"out": x}, {"dtype": "float32"}):
        with pytest.raises(TypeError, match=rf"{case.name} \(name='layer 3'\): "):
            case(*[x] * case.arrays, name="layer 3", **keywords)
    if case.arrays == 2:
        with pytest.raises(TypeError):
            case(x, np.ones(3, "float32"))
    if case.parameters:
        with pytest.raises(TypeError):
            case.function(*[np.ones(3, "float32")] * case.arrays, x)
    assert (out == 7).all()


# ---- loops are added when first needed ----

SCRIPTS = {
    "cyact does not import ml_dtypes": """
        import sys, numpy as np, cyact
        cyact.leaky_relu(np.ones(3)), cyact.relu(np.ones(3, "float16")), cyact.sigmoid([1, 2])
        assert "ml_dtypes" not in sys.modules
    """,
    "cyact runs without ml_dtypes": """
        import sys
        sys.modules["ml_dtypes"] = None
        import numpy as np, cyact
        assert cyact.sigmoid(np.zeros(3, "float32")).dtype == "float32"
        try:
            cyact.relu(np.zeros(3, "V2"))
        except TypeError:
            pass
        else:
            raise AssertionError
    """,
    "a ufunc first, ml_dtypes imported first": """
        import ml_dtypes, numpy as np, cyact.ufuncs
        check(cyact.ufuncs.relu)
    """,
    "a ufunc first, ml_dtypes imported last": """
        import cyact.ufuncs, numpy as np, ml_dtypes
        check(cyact.ufuncs.relu)
    """,
    "a ufunc imported by its name": """
        from cyact.ufuncs import relu
        import numpy as np, ml_dtypes
        check(relu)
    """,
    "a function first": """
        import cyact, numpy as np, ml_dtypes
        check(cyact.relu)
    """,
    "after calls with other dtypes": """
        import cyact.ufuncs, numpy as np
        for dtype in "bBhHiIqQefd":
            cyact.relu(np.ones(3, dtype)), cyact.ufuncs.relu(np.ones(3, dtype))
        import ml_dtypes
        check(cyact.ufuncs.relu)
    """,
    "after a refused dtype": """
        import cyact.ufuncs, numpy as np, ml_dtypes
        for x in (np.ones(3, bool), np.ones(3, "M8[s]"), np.ones(3, object)):
            try:
                cyact.ufuncs.relu(x)
            except TypeError:
                pass
        check(cyact.ufuncs.relu)
    """,
    "out first": """
        import cyact, numpy as np, ml_dtypes
        out = np.zeros(3, ml_dtypes.bfloat16)
        cyact.relu(np.array([-1, 0, 2], "float32"), out=out)
        assert out.tolist() == [0, 0, 2]
        check(cyact.relu)
    """,
    "dtype= first": """
        import cyact, numpy as np, ml_dtypes
        result = cyact.relu(np.array([-1, 0, 2], "float32"), dtype=ml_dtypes.bfloat16)
        assert result.dtype == ml_dtypes.bfloat16 and result.tolist() == [0, 0, 2]
        check(cyact.relu)
    """,
    "a scalar first": """
        import cyact, numpy as np, ml_dtypes
        assert type(cyact.relu(ml_dtypes.bfloat16(-1))) is ml_dtypes.bfloat16
        check(cyact.relu)
    """,
    "strided and where= first": """
        import cyact, numpy as np, ml_dtypes
        x = np.array([-1, 9, 2, 9], ml_dtypes.bfloat16)[::2]
        assert cyact.relu(x, where=np.array([True, False]), out=x).dtype == ml_dtypes.bfloat16
        check(cyact.relu)
    """,
    "a slope first": """
        import cyact, numpy as np, ml_dtypes
        x = np.array([-1, 0, 2], "float32")
        assert cyact.leaky_relu(x, ml_dtypes.bfloat16(0.5)).tolist() == [-0.5, 0, 2]
        assert cyact.leaky_relu(x.astype(ml_dtypes.bfloat16), np.float32(0.5)).dtype == ml_dtypes.bfloat16
        check(cyact.relu)
    """,
    "mixed dtypes first": """
        import cyact, numpy as np, ml_dtypes
        x = np.array([-1, 0, 2], "float32")
        y = x.astype(ml_dtypes.bfloat16)
        assert cyact.relu_grad(x, y).dtype == cyact.relu_grad(y, x).dtype == "float32"
        assert cyact.relu_grad(y, y).dtype == cyact.leaky_relu_grad(y, y).dtype == ml_dtypes.bfloat16
        check(cyact.relu)
    """,
    "unpickled first": """
        import pickle, numpy as np, ml_dtypes
        x = pickle.loads(pickle.dumps(np.array([-1, 0, 2], ml_dtypes.bfloat16)))
        import cyact
        assert cyact.relu(x).tolist() == [0, 0, 2]
        check(cyact.relu)
    """,
    "from many threads at once": """
        import cyact.ufuncs, numpy as np, ml_dtypes, threading
        barrier, failed = threading.Barrier(8), []

        def run():
            barrier.wait()
            try:
                check(cyact.ufuncs.relu)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run) for _ in range(8)]
        [thread.start() for thread in threads], [thread.join() for thread in threads]
        assert not failed, failed
    """,
}
CHECK = """
def check(relu):
    import numpy as np, ml_dtypes, cyact
    for _ in range(2):
        result = relu(np.array([-1, 0, 2], ml_dtypes.bfloat16))
        assert result.dtype == ml_dtypes.bfloat16 and result.tolist() == [0, 0, 2], result
        assert cyact.tanh_grad(result, result).tolist() == [0, 0, -6]

"""


@pytest.mark.parametrize("order", SCRIPTS)
def test_loops_are_added_when_first_needed(order, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CHECK + "if True:" + SCRIPTS[order])
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


def test_bits_are_of_bfloat16():
    """The helpers see 16 bits, not a converted value."""
    assert bits(np.array([1]).astype(bfloat16)).tolist() == [0x3F80]
