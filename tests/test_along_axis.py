"""softmax and its like: values against MPFR, the same bits of any layout, special values, arguments, threads."""

import pickle
import subprocess
import sys

import gmpy2
import numpy as np
import pytest
from accuracy import ulp_errors_mpfr
from cases import FLOATS, INTEGERS, assert_same_bits, real, ufuncs
from conftest import FLAGS
from exact_rows import GRADIENTS, LIMITS, OF_LOGITS, errors, exact_row, limit
from hypothesis import given
from hypothesis import strategies as st
from test_guard_pages import Guarded

import cyact
from cyact import cpu
from cyact.along_axis import ALONG_AXIS

ELEMENT_WISE = ["softmax", "log_softmax"]
COMPUTED = [np.dtype("float32"), np.dtype("float64")]
# Around vectors, groups of rows, tiles and segments.
LENGTHS = [1, 2, 3, 7, 10, 15, 16, 17, 21, 63, 64, 65, 130, 513, 1000, 4096, 4097, 12_345]


def operands(name, shape, dtype, seed=0):
    """One array of logits, or the output of an activation and a gradient."""
    rng = np.random.default_rng([seed, *shape])
    if dtype.kind in "iu":
        return [rng.integers(0, 9, shape).astype(dtype)]
    x = rng.normal(0, 4, shape)
    if name not in GRADIENTS:
        return [x.astype(dtype)]
    y = getattr(cyact, name.removesuffix("_grad"))(x) if x.size else x
    return [y.astype(dtype), rng.normal(size=shape).astype(dtype)]


# ---- values ----

def hard_rows(dtype):
    """Rows of a dtype. Those of 16 bits are float32's, brought below the largest float16."""
    for row in hard_numbers(dtype if dtype in COMPUTED else COMPUTED[0]):
        yield row.astype(dtype) if dtype in COMPUTED else np.minimum(row, 6e4).astype(dtype)


def hard_numbers(dtype):
    rng = np.random.default_rng(5)
    span = 110 if dtype == np.float32 else 760
    for n in (1, 2, 3, 10, 16, 17, 64, 100, 1000, 5000):
        yield np.full(n, -77.7)
        yield np.full(n, 1e30)
        for scale in (0.1, 1, 5, span / 3, 3000):
            yield rng.normal(0, scale, n)
        for gap in (8, 14, 20, 40, 90, span - 5, span + 5):
            row = rng.normal(0, 1, n)
            row[n // 2] += gap      # one that dominates
            yield row
        yield rng.uniform(-span, span, n) + 2048        # where x - m is exact, and where not
        masked = rng.normal(0, 2, n)
        masked[: n // 2] = -np.inf
        yield masked
        # One element's exponential and that of all others are wrong in opposite directions, by as much as floats' can be.
        yield np.array([0, -5.882966, *[-0.31258413195610046] * n])
        yield np.array([0, *[-17.4] * n])       # each too small to change a float of the largest one
        # Results near the smallest normal number.
        tiny = np.log(np.finfo(dtype).tiny)
        yield np.array([0, *rng.uniform(tiny, tiny + 2, n)]) + 7.3
    yield np.array([-0.25433075, -0.6927655])       # logsumexp cancels, and an exponential is just above 1


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_equal_shares(dtype):
    """Equal elements have equal shares, rounded once, whatever they are; what is far below has none."""
    x = np.random.default_rng(0).normal(0, 5, (1000, 1)).astype(dtype)
    for n in (1, 2, 3, 10, 16, 100, 5000):
        rows = np.repeat(x[: 20_000 // n], n, axis=1)
        assert np.all(cyact.softmax(rows) == dtype.type(1) / dtype.type(n))
        masked = np.hstack([rows, np.full_like(rows, -np.inf)])
        assert np.all(cyact.softmax(masked)[:, :n] == dtype.type(1) / dtype.type(n))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", OF_LOGITS)
def test_errors(name, dtype):
    for row in hard_rows(dtype):
        result = np.atleast_1d(getattr(cyact, name)(row))
        found = errors(name, result, exact_row(name, row))
        assert found.max() <= limit(name, dtype), (row[:4], len(row), found.argmax())


def test_errors_of_short_rows():
    """log_softmax of float32, whose exponentials are rounded at once, in many rows: against longdouble, as nothing cancels."""
    rng = np.random.default_rng(7)
    for n in (2, 3, 5, 20):
        for scale in (0.05, 0.3, 1, 5, 20):
            x = rng.normal(0, scale, (20_000, n)).astype("float32")
            wide = x.astype(np.longdouble)
            less = wide - wide.max(axis=1, keepdims=True)
            others = np.exp(less)
            others[np.arange(len(x)), x.argmax(axis=1)] = 0
            exact = less - np.log1p(others.sum(axis=1, keepdims=True))
            found = np.abs(cyact.log_softmax(x) - exact) / np.spacing(np.abs(exact).astype("float32"))
            assert found.max() <= limit("log_softmax", x.dtype), (n, scale)


@pytest.mark.parametrize("dtype", COMPUTED, ids=str)
@pytest.mark.parametrize("name", GRADIENTS)
def test_errors_of_gradients(name, dtype):
    """In ULP of the larger of the two terms."""
    rng = np.random.default_rng(6)
    for n in (1, 2, 5, 16, 40, 200, 5000):
        for scale in (1, 6, 40):
            y = getattr(cyact, name.removesuffix("_grad"))(rng.normal(0, scale, n).astype(dtype))
            dy = (rng.normal(size=n) * 2.0 ** rng.integers(-20, 20, n)).astype(dtype)
            found = errors(name, getattr(cyact, name)(y, dy), exact_row(name, y, dy))
            assert found.max() <= limit(name, dtype), (n, scale, found.argmax())


@pytest.mark.parametrize("name", OF_LOGITS)
def test_a_million_elements(name):
    """Errors of the sum do not grow with the length."""
    for dtype in COMPUTED:
        x = np.random.default_rng(7).normal(0, 3, 2**20).astype(dtype)
        y = np.atleast_1d(getattr(cyact, name)(x))[:500]
        with gmpy2.context(precision=100):
            exponentials = np.exp(x.astype("longdouble"))       # 2^-64, which is enough
            total = gmpy2.fsum(exponentials.reshape(-1, 1024).sum(-1).astype("f8").tolist())
            rest = exponentials.reshape(-1, 1024).sum(-1)
            total += gmpy2.fsum((rest - rest.astype("f8")).astype("f8").tolist())
            values = [gmpy2.mpfr(v) - gmpy2.log(total) for v in x[:500].tolist()]
            if name == "softmax":
                values = [gmpy2.exp(v) for v in values]
            elif name == "logsumexp":
                values = [gmpy2.log(total)]
            assert ulp_errors_mpfr(y, values).max() <= LIMITS[dtype.name]


@pytest.mark.parametrize("dtype", [d for d in FLOATS if d.itemsize == 2], ids=str)
@pytest.mark.parametrize("name", GRADIENTS)
def test_16_bits_are_rounded_floats(name, dtype):
    for n in (3, 40, 5000):
        given = operands(name, (3, n), dtype)
        wide = getattr(cyact, name)(*(x.astype("float32") for x in given))
        assert_same_bits(getattr(cyact, name)(*given), wide.astype(dtype))


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("name", OF_LOGITS)
def test_integers_are_floats(name, dtype):
    for n in (3, 40, 5000):
        x, = operands(name, (3, n), dtype)
        assert_same_bits(getattr(cyact, name)(x), getattr(cyact, name)(x.astype(real(dtype))))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_special_values(dtype):
    inf, nan = np.inf, np.nan
    rows = [[inf, 1, 2], [-inf, -inf, -inf], [nan, 1, 2], [inf, nan, 1], [-inf, nan, -inf], [inf, inf, -inf]]
    sums = [inf, -inf, nan, nan, nan, inf]
    for length in (3, 40, 5000):
        x = np.full((len(rows) + 1, length), -inf)
        x[1:, :3] = rows
        x[0] = 0        # a row beside them is as it is alone
        x = x.astype(dtype)
        for array, axis in ((x, -1), (np.ascontiguousarray(x.T), 0)):
            for name in ELEMENT_WISE:
                y = getattr(cyact, name)(array, axis).T if axis == 0 else getattr(cyact, name)(array)
                assert np.isnan(y[1:].astype("f8")).all()
                assert_same_bits(y[0], getattr(cyact, name)(x[0]))
            np.testing.assert_array_equal(cyact.logsumexp(array, axis)[1:].astype("f8"), sums)
    masked = np.array([-inf, 3, -inf], dtype)
    np.testing.assert_array_equal(cyact.softmax(masked).astype("f8"), [0, 1, 0])
    np.testing.assert_array_equal(cyact.log_softmax(masked).astype("f8"), [-inf, 0, -inf])


def test_empty():
    assert cyact.softmax(np.zeros((2, 0))).shape == (2, 0)
    assert cyact.softmax(np.zeros((0, 3), "f4")).shape == (0, 3)
    assert cyact.logsumexp(np.zeros((0, 3))).shape == (0,)
    np.testing.assert_array_equal(cyact.logsumexp(np.zeros((2, 0), "f4")), [-np.inf, -np.inf])
    np.testing.assert_array_equal(cyact.ufuncs.logsumexp(np.zeros((2, 0))), [-np.inf, -np.inf])


def test_no_warnings(libm):
    """The ufunc asks NumPy's error state; a call past it leaves the flags as they were."""
    x = np.array([[np.inf, 1], [np.nan, -np.inf], [-np.inf, -np.inf], [3e38, -3e38]], "f4")
    with np.errstate(all="raise"):
        for name in OF_LOGITS:
            getattr(ufuncs, name)(x)
            for given in (x, np.tile(x, (600, 1))):
                libm.feclearexcept(FLAGS)
                getattr(cyact, name)(given)
                assert libm.fetestexcept(FLAGS) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [40, 66, 300, 5000])
def test_far_from_0(dtype, length):
    """Rows whose elements are 2048 or more are computed relative to the largest, of whatever length and layout."""
    x = np.random.default_rng(3).integers(-40, 1, (65, length)).astype(dtype)
    expected = cyact.softmax(x)
    np.testing.assert_allclose(cyact.softmax(x + 4096), expected, 4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(cyact.softmax(np.ascontiguousarray(x.T) + 4096, 0), expected.T, 4 * np.finfo(dtype).eps)


# ---- the same bits ----

@pytest.mark.parametrize("dtype", [*FLOATS, np.dtype("int8"), np.dtype("int64")], ids=str)
@pytest.mark.parametrize("name", list(ALONG_AXIS))
def test_same_bits_of_any_layout(name, dtype):
    if name in GRADIENTS and dtype.kind == "i":
        return
    function = getattr(cyact, name)
    for n in LENGTHS:
        given = operands(name, (5, n), dtype)
        want = np.stack([function(*row) for row in zip(*given, strict=True)])

        for layout, change, axis in (
            ("rows", lambda x: x, 1),
            ("across", lambda x: np.ascontiguousarray(x.T), 0),
            ("across, a page apart", lambda x: np.pad(x.T, ((0, 0), (0, 4096 // x.itemsize - 5)))[:, :5], 0),
            ("backwards", lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1], 1),
            ("every second", lambda x: np.repeat(x, 2, axis=1)[:, ::2], 1),
            ("apart", lambda x: np.pad(x, ((0, 0), (0, 3)))[:, :-3], 1),
        ):
            arrays = [change(x) for x in given]
            result = function(*arrays, axis)
            assert_same_bits(result if result.ndim == 1 else np.moveaxis(result, axis, -1), want, (n, layout))
            if name == "logsumexp" or dtype.kind == "i":
                continue
            for i in range(len(arrays)):
                again = [change(x.copy()) for x in given]
                assert function(*again, axis=axis, out=again[i]) is again[i]
                assert_same_bits(np.moveaxis(again[i], axis, -1), want, (n, layout, "in place"))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_any_axes(shape, data):
    """A tuple of axes is one axis of all their elements, in C order."""
    axes = tuple(data.draw(st.sets(st.integers(0, len(shape) - 1)).map(sorted)))
    layout = data.draw(st.permutations(range(len(shape))))
    dtype = data.draw(st.sampled_from([*COMPUTED, np.dtype("float16"), np.dtype("uint8")]))
    for name in OF_LOGITS:
        x, = operands(name, tuple(shape), dtype)
        x = np.ascontiguousarray(x.transpose(layout)).transpose(np.argsort(layout))
        ends = tuple(range(-len(axes), 0))
        moved = np.moveaxis(x, axes, ends)
        outer = moved.shape[:x.ndim - len(axes)]
        flat = np.asarray(getattr(cyact, name)(np.ascontiguousarray(moved.reshape(*outer, -1))))
        result = np.asarray(getattr(cyact, name)(x, axes))
        general = np.asarray(getattr(cyact, name)(x, axes, subok=False))       # by the ufunc
        if name == "logsumexp":
            want = flat
            kept = cyact.logsumexp(x, axes, keepdims=True)
            assert kept.shape == tuple(1 if i in axes else n for i, n in enumerate(shape))
            assert_same_bits(kept.reshape(flat.shape), flat)
        else:
            want = np.moveaxis(flat.reshape(moved.shape), ends, axes)
        assert_same_bits(result, want)
        assert_same_bits(general, want)


@pytest.mark.parametrize("dtype", [*COMPUTED, np.dtype("float16")], ids=str)
@pytest.mark.parametrize("name", list(ALONG_AXIS))
def test_same_bits_on_any_number_of_threads(name, dtype):
    for shape in ((3, 200_001), (4000, 70), (30_000, 10), (2, 100_003, 2)):
        given = operands(name, shape, dtype)
        for axis in (-1, 1) if len(shape) > 2 else (-1,):
            results = []
            for threads in (1, 2, 3):
                with cyact.num_threads(threads):
                    results.append(getattr(cyact, name)(*given, axis=axis))
            assert_same_bits(results[1], results[0])
            assert_same_bits(results[2], results[0])


def digests():
    """Of the results of every function and length, for comparing levels."""
    import zlib

    for name in ALONG_AXIS:
        for dtype in (np.dtype("float16"), *COMPUTED):
            crc = 0
            for n in LENGTHS:
                given = operands(name, (5, n), dtype)
                crc = zlib.crc32(np.asarray(getattr(cyact, name)(*given)).tobytes(), crc)
            print(name, dtype, crc)


def test_same_bits_on_any_level(run_on_level):
    """Those with fused multiply-add."""
    levels = [level for level in cpu.levels() if level != "x86_64_v2"]
    done = [run_on_level(level, "-c", "import test_along_axis as t; t.digests()") for level in levels]
    assert all(run.returncode == 0 and run.stdout for run in done), done[0].stderr
    assert len({run.stdout for run in done}) == 1


@pytest.mark.parametrize("name", list(ALONG_AXIS))
def test_nothing_beyond_an_array(name):
    """Arrays between pages that nobody may touch; a wrong access ends the process."""
    if sys.platform == "win32":
        return
    code = f"import test_along_axis as t; t.sweep({name!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=__file__.rpartition("/")[0], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def sweep(name):
    for dtype in (np.dtype("float16"), *COMPUTED):
        rooms = [Guarded(110_000), Guarded(110_000), Guarded(110_000)]
        for n in [*range(1, 70), 511, 513, 1000, 4097]:
            for rows in (1, 3):
                given = operands(name, (rows, n), dtype)
                want = getattr(cyact, name)(*given)
                for at_end in (False, True):
                    places = [room.line(dtype, rows * n, at_end).reshape(rows, n) for room in rooms]
                    for place, x in zip(places, given, strict=False):
                        place[...] = x
                    out = places[2]
                    if name == "logsumexp":
                        out = rooms[2].line(dtype, rows, at_end)
                    getattr(cyact, name)(*places[:len(given)], out=out)
                    assert_same_bits(out, want)
                    places = [room.line(dtype, rows * n, at_end).reshape(n, rows) for room in rooms]
                    for place, x in zip(places, given, strict=False):
                        place[...] = x.T
                    if name != "logsumexp":
                        getattr(cyact, name)(*places[:len(given)], axis=0, out=places[0])
                        assert_same_bits(places[0].T, want)


# ---- calls ----

@pytest.mark.parametrize("name", OF_LOGITS)
def test_general_arrays(name):
    """What the fast path does not take has the same values: lists, byte orders, alignment, casts, dtype=."""
    function = getattr(cyact, name)
    x = operands(name, (4, 6), np.dtype("float32"))[0]
    want = function(x)
    np.testing.assert_allclose(function(x.tolist()), want, rtol=1e-6)
    assert_same_bits(np.asarray(function(x.astype(">f4"))).astype("f4"), want)
    unaligned = np.frombuffer(b"x" + x.tobytes(), "u1")[1:].view("f4").reshape(x.shape)
    assert_same_bits(function(unaligned), want)
    assert function(x.astype("i4"), dtype="float32").dtype == np.float32
    out = np.zeros(want.shape, "f8")
    assert function(x, out=out) is out
    assert_same_bits(out, want.astype("f8"))
    assert function(x, out=(out,)) is out
    assert_same_bits(pickle.loads(pickle.dumps(function))(x), want)
    assert function(5.0, axis=None) == (5 if name == "logsumexp" else 1 if name == "softmax" else 0)
    if name != "logsumexp":
        overlapping = np.concatenate([x.ravel(), [0]]).astype("f4")
        function(overlapping[:-1].reshape(x.shape), out=overlapping[1:].reshape(x.shape))
        assert_same_bits(overlapping[1:].reshape(x.shape), want)
        integers = np.array([[1, 2], [3, 3]], "i4")
        assert function(integers, axis=None, out=integers, casting="unsafe") is integers


def test_gradients_broadcast():
    y, dy = operands("softmax_grad", (3, 5), np.dtype("float64"))
    assert_same_bits(cyact.softmax_grad(y[0], dy), cyact.softmax_grad(np.tile(y[0], (3, 1)), dy))
    assert_same_bits(cyact.softmax_grad(y, dy[0], axis=0), cyact.softmax_grad(y, np.tile(dy[0], (3, 1)), axis=0))


@pytest.mark.parametrize("keywords, error, words", [
    ({"axis": 2}, np.exceptions.AxisError, "axis 2 is out of bounds"),
    ({"axis": (0, 0)}, ValueError, "duplicate"),
    ({"axis": 0.5}, TypeError, "axis must be"),
    ({"axis": True}, TypeError, "axis must be"),
    ({f"no{i}": i for i in range(60)}, TypeError, "unexpected keyword argument"),
    ({"where": True}, TypeError, "unexpected keyword argument 'where'"),
    ({"out": np.zeros(3)}, ValueError, "dimension"),
    ({"out": np.zeros((2, 3), "i4")}, TypeError, "casting"),
    ({"out": np.zeros((2, 3), "i4"), "axis": None}, TypeError, "cast"),
    ({"out": np.broadcast_to(np.zeros(3), (2, 3))}, ValueError, "read-only"),
])
def test_bad_arguments(keywords, error, words):
    x = np.zeros((2, 3))
    before = None if "out" not in keywords else keywords["out"].copy()
    with pytest.raises(error, match=words) as caught:
        cyact.softmax(x, name="head", **keywords)
    assert str(caught.value).startswith("softmax (name='head'): ")
    if before is not None:
        np.testing.assert_array_equal(keywords["out"], before)


@pytest.mark.parametrize("dtype", ["bool", "complex64", "longdouble", "O", "U3", "M8[s]"])
def test_dtypes_that_are_refused(dtype):
    for name in OF_LOGITS:
        with pytest.raises(TypeError, match=f"^{name}: .*not supported"):
            getattr(cyact, name)(np.zeros(3).astype(dtype))
    with pytest.raises(TypeError, match="^softmax_grad"):
        cyact.softmax_grad(np.zeros(3, "i4"), np.zeros(3, "i4"))


def test_order_of_several_axes():
    x = operands("softmax", (3, 4, 5), np.dtype("float32"))[0]
    for order in "CF":
        y = cyact.softmax(x, (0, 2), order=order)
        assert y.flags[f"{order}_CONTIGUOUS"]
        assert_same_bits(y, cyact.softmax(x, (0, 2)))
    with pytest.raises(ValueError, match="^softmax: order must be"):
        cyact.softmax(x, None, order="Z")


def test_keepdims():
    x = np.zeros((2, 3, 4), "f4")
    assert cyact.logsumexp(x, (0, 2), keepdims=True).shape == (1, 3, 1)
    out = np.zeros((1, 3, 1), "f4")
    assert cyact.logsumexp(x, (0, 2), out, keepdims=True) is out
    with pytest.raises(TypeError, match="keepdims must be a bool"):
        cyact.logsumexp(x, keepdims=1)
    with pytest.raises(TypeError, match="keepdims"):
        cyact.softmax(x, keepdims=True)


def test_containers():
    x = operands("softmax", (4, 6), np.dtype("float32"))[0]
    want = cyact.softmax(x)
    assert_same_bits(np.asarray(cyact.softmax(np.ma.masked_array(x))), want)
    da = pytest.importorskip("dask.array")
    lazy = cyact.softmax(da.from_array(x, chunks=(2, 6)), axis=-1)
    assert isinstance(lazy, da.Array)
    assert_same_bits(lazy.compute(), want)
    applied = da.apply_gufunc(cyact.logsumexp.ufunc, "(n)->()", da.from_array(x, chunks=(2, 6)))
    assert_same_bits(applied.compute(), cyact.logsumexp(x))
    with pytest.raises(TypeError, match="one axis"):
        cyact.softmax(da.from_array(x, chunks=(2, 6)), axis=None)
    xr = pytest.importorskip("xarray")
    array = xr.DataArray(x, dims=("item", "class"))
    along = xr.apply_ufunc(cyact.softmax, array, input_core_dims=[["class"]], output_core_dims=[["class"]])
    assert along.dims == ("item", "class")
    assert_same_bits(along.values, want)


# ---- the command line ----

@pytest.mark.parametrize("axis", [0, 1, -1, None, (0, 2), ()], ids=str)
@pytest.mark.parametrize("dtype", [np.dtype("float16"), *COMPUTED, np.dtype("int8")], ids=str)
def test_masked_arrays(dtype, axis):
    """What a mask hides has no share in a row, whatever it is; a row that is hidden in full is hidden in the result."""
    x = operands("softmax", (3, 4, 5), dtype)[0]
    hidden = np.random.default_rng(1).random(x.shape) < 0.4
    hidden[0] = hidden[:, 1] = hidden[..., 2] = True
    known = np.where(hidden, -np.inf, x.astype(real(dtype)))
    x[hidden] = 100
    if dtype.kind == "f":
        x[0] = np.nan
    masked = np.ma.array(x, mask=hidden)
    for name in ELEMENT_WISE:
        result = getattr(cyact, name)(masked, axis)
        np.testing.assert_array_equal(np.ma.getmaskarray(result), hidden)
        assert_same_bits(result.data[~hidden], getattr(cyact, name)(known.astype(real(dtype)), axis)[~hidden])
        assert type(getattr(cyact, name)(masked, axis, subok=False)) is np.ndarray
        out = np.ma.zeros(x.shape, real(dtype))
        assert getattr(cyact, name)(masked, axis, out) is out
        np.testing.assert_array_equal(np.ma.getmaskarray(out), hidden)
    for keepdims in (False, True):
        result = cyact.logsumexp(masked, axis, keepdims=keepdims)
        rows = hidden.all(axis, keepdims=keepdims)
        np.testing.assert_array_equal(np.ma.getmaskarray(result), rows)
        want = cyact.logsumexp(known.astype(real(dtype)), axis, keepdims=keepdims)
        assert_same_bits(np.asarray(np.ma.getdata(result))[~rows], np.asarray(want)[~rows])
        assert str(result)
    if dtype.kind == "f":
        y, dy = operands("softmax_grad", x.shape, dtype)
        result = cyact.softmax_grad(np.ma.array(y, mask=hidden), dy, axis)
        assert_same_bits(
            result.data[~hidden], cyact.softmax_grad(np.where(hidden, dtype.type(0), y), dy, axis)[~hidden]
        )


@pytest.mark.parametrize("order", ["C", "F"])
def test_apply(tmp_path, monkeypatch, order):
    from cyact.__main__ import main
    from cyact.commands import apply

    monkeypatch.setattr(apply, "BLOCK", 50)
    x = np.asarray(operands("softmax", (6, 7, 8), np.dtype("float32"))[0], order=order)
    path = tmp_path / "logits.npy"
    for axis in (-1, 0, 1):
        np.save(path, x)
        assert main(["apply", "softmax", str(path), "--axis", str(axis)]) == 0
        assert_same_bits(np.load(tmp_path / "logits.softmax.npy"), cyact.softmax(x, axis))
        assert main(["apply", "log_softmax", str(path), "--axis", str(axis), "--in-place"]) == 0
        assert_same_bits(np.load(path), cyact.log_softmax(x, axis))
        assert main(["apply", "logsumexp", str(path), "--axis", str(axis), "-o", str(tmp_path / "sums.npy")]) == 0
        assert_same_bits(np.load(tmp_path / "sums.npy"), cyact.logsumexp(np.load(path), axis))
    assert main(["apply", "softmax", str(path), "--axis", "3"]) == 1
    with pytest.raises(SystemExit):
        main(["apply", "relu", str(path), "--axis", "0"])


