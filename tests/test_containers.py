"""What users keep arrays in: pandas, xarray, masked arrays, subclasses, files, structured fields, array-likes.

The values are those of the plain array, bit for bit; the container, its labels and its mask are kept.
"""

import warnings

import numpy as np
import pytest
from cases import CASES, SMALL, assert_same_bits, sample

import cyact

pytestmark = pytest.mark.mechanics

DTYPES = [np.dtype("float32"), np.dtype("float64"), SMALL[0]]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def values(case, dtype, shape):
    """Finite operands of a case, and their result as plain arrays."""
    x = [np.random.default_rng(i).normal(0, 2, shape).astype(dtype) for i in range(case.arrays)]
    return x, case(*x)


# ---- pandas ----

@pytest.fixture
def pd():
    return pytest.importorskip("pandas")


@every_dtype
def test_series(pd, case, dtype):
    x, want = values(case, dtype, 5)
    index = pd.Index(list("abcde"), name="key")
    result = case(*(pd.Series(a, index=index, name="v") for a in x))
    assert type(result) is pd.Series and result.name == "v" and result.index.equals(index)
    assert_same_bits(result.to_numpy(), want)
    # Beside a plain array the labels are the Series'.
    if case.arrays == 2:
        for given in ((pd.Series(x[0], index), x[1]), (x[0], pd.Series(x[1], index))):
            result = case(*given)
            assert type(result) is pd.Series and result.index.equals(index)
            assert_same_bits(result.to_numpy(), want)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_series_of_integers(pd, case, dtype):
    if np.dtype(dtype) not in case.dtypes:
        pytest.skip("refused")
    x = np.array([1, 3, 0, 100], dtype)
    assert_same_bits(case(*[pd.Series(x)] * case.arrays).to_numpy(), case(*[x] * case.arrays))


def test_series_are_aligned_by_their_labels(pd):
    g = pd.Series([1.0, 2.0, 3.0], list("abc"))
    x = pd.Series([-1.0, 1.0, 1.0], list("cab"))
    assert cyact.relu_grad(g, x).to_dict() == {"a": 1.0, "b": 2.0, "c": 0.0}
    slopes = pd.Series([0.5, 0.25], list("ab"))
    assert cyact.leaky_relu(pd.Series([-1.0, -2.0], list("ba")), slopes).to_dict() == {"a": -1.0, "b": -0.25}
    # A float32 Series with a Python number stays float32.
    assert cyact.leaky_relu(x.astype("float32"), 0.1).dtype == "float32"


@every_dtype
def test_data_frame(pd, case, dtype):
    x, want = values(case, dtype, (4, 3))
    frames = [pd.DataFrame(a, index=list("wxyz"), columns=["a", "b", "c"]) for a in x]
    result = case(*frames)
    assert type(result) is pd.DataFrame
    assert result.index.equals(frames[0].index) and result.columns.equals(frames[0].columns)
    assert (result.dtypes == dtype).all(), "a Python number as slope is weak"
    assert_same_bits(result.to_numpy(), want)


def test_data_frame_of_several_dtypes(pd):
    frame = pd.DataFrame({"a": np.array([-1, 2], "float32"), "b": [-1.0, 2.0], "c": np.array([-1, 2], "int8")})
    result = cyact.sigmoid(frame)
    assert result.dtypes.astype(str).to_dict() == {"a": "float32", "b": "float64", "c": "float32"}
    for column in frame:
        assert_same_bits(result[column].to_numpy(), cyact.sigmoid(frame[column].to_numpy()))
    assert cyact.relu(frame).dtypes.equals(frame.dtypes)


def test_data_frame_without_columns(pd, case):
    """It has no dtype to compute in; the result is as empty as it is."""
    for frame in (pd.DataFrame(), pd.DataFrame(index=[1, 2])):
        result = case(*[frame] * case.arrays)
        assert type(result) is pd.DataFrame
        assert result.shape == frame.shape


def test_slope_of_each_column(pd):
    frame = pd.DataFrame({"a": [-1.0, 2.0], "b": [-3.0, -4.0]})
    assert cyact.leaky_relu(frame, np.array([0.5, 0.25])).to_numpy().tolist() == [[-0.5, -0.75], [2.0, -1.0]]


@pytest.mark.parametrize("nullable", ["Float64", "Float32", "Int8", "Int64"])
def test_nullable_series(pd, case, nullable):
    """<NA> stays; the result's dtype is the nullable one of what the plain array gives."""
    dtype = nullable.lower()
    if np.dtype(dtype) not in case.dtypes:
        pytest.skip("refused")
    x = pd.Series([-1, None, 3, 0], dtype=nullable, index=list("abcd"))
    plain = np.array([-1, 1, 3, 0], dtype)
    want = case(*[plain] * case.arrays)
    result = case(*[x] * case.arrays)
    assert result.index.equals(x.index)
    assert result.isna().tolist() == [False, True, False, False]
    assert result.dtype == want.dtype.name.capitalize()
    keep = [0, 2, 3]
    assert_same_bits(result.iloc[keep].to_numpy(want.dtype), want[keep])
    result = case(*[x.array] * case.arrays)         # the array in it
    assert type(result) is type(pd.array([1], dtype=want.dtype.name.capitalize()))


@pytest.mark.parametrize("dtype", ["Float32", "Float64"])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_nullable_data_frame(pd, name, dtype):
    case = CASES[name]
    frame = pd.DataFrame({"a": [-1, None], "b": [0.5, 2]}, dtype=dtype)
    result = case(frame)
    assert (result.dtypes == dtype).all()
    assert result.isna().to_numpy().tolist() == [[False, False], [True, False]]
    want = case(np.array([0.5, 2], dtype.lower()))
    assert_same_bits(result["b"].to_numpy(), want)


def test_nullable_data_frame_by_columns(pd, case):
    """pandas gives a ufunc of several inputs the frame as one array of objects, so a column at a time."""
    frame = pd.DataFrame({"a": [-1, None], "b": [0.5, 2]}, dtype="Float32")
    if case.arrays == 2 or case.parameters:
        with pytest.raises(TypeError, match=rf"{case.function.__name__}: "):
            case(*[frame] * case.arrays)
    result = frame.apply(lambda column: case(*[column] * case.arrays))
    assert (result.dtypes == "Float32").all()
    assert result.isna().to_numpy().tolist() == [[False, False], [True, False]]


def test_read_only_values_of_copy_on_write(pd):
    """What pandas hands out is read-only: in place is refused and nothing written; pandas itself can be asked."""
    series = pd.Series([-1.0, 2.0])
    frame = pd.DataFrame({"a": [-1.0, 2.0], "b": [3.0, -4.0]})
    if series.to_numpy().flags.writeable:
        pytest.skip("pandas before 3 without copy-on-write")
    for given in (series.to_numpy(), series.values, frame.to_numpy(), frame["a"].to_numpy()):
        before = given.copy()
        for case in CASES.values():
            with pytest.raises(ValueError, match=rf"^{case.function.__name__} \(name='column'\): .*read-only"):
                case(*[given] * case.arrays, out=given, name="column")
        assert_same_bits(given, before)
        assert_same_bits(cyact.relu(given), np.where(before < 0, 0, before))        # reading is fine
    other = series.copy()
    cyact.relu(series, out=series)
    assert series.tolist() == [0.0, 2.0] and other.tolist() == [-1.0, 2.0]
    writeable = frame.to_numpy(copy=True)
    assert cyact.relu(writeable, out=writeable) is writeable
    assert frame["a"].tolist() == [-1.0, 2.0]


def test_index_and_unsupported_columns(pd):
    assert_same_bits(cyact.relu(pd.Index([1.0, -1.0])).to_numpy(), np.array([1.0, 0.0]))
    for column in (pd.Series(["a"]), pd.Series([True]), pd.Series([1j]), pd.Series(pd.to_datetime(["2020-01-01"])),
                   pd.Series([True, None], dtype="boolean"), pd.Series(["a"], dtype="category")):
        with pytest.raises(TypeError, match=r"^relu \(name='column'\): "):
            cyact.relu(column, name="column")


# ---- xarray ----

@pytest.fixture
def xr():
    return pytest.importorskip("xarray")


def labelled(xr, a, **keywords):
    coords = {"time": [10, 20, 30, 40], "channel": ["r", "g", "b"]}
    return xr.DataArray(a, dims=("time", "channel"), coords=coords, name="v", **keywords)


@every_dtype
def test_data_array(xr, case, dtype):
    x, want = values(case, dtype, (4, 3))
    given = [labelled(xr, a) for a in x]
    result = case(*given)
    assert type(result) is xr.DataArray
    assert result.dims == ("time", "channel") and result.name == "v"
    assert result.coords.equals(given[0].coords)
    assert_same_bits(result.to_numpy(), want)
    # By names, not by position.
    turned = case(*(a.transpose("channel", "time") if i else a for i, a in enumerate(given)))
    assert turned.dims == ("time", "channel")
    assert_same_bits(turned.to_numpy(), want)
    out = given[0].to_numpy()
    assert case(*(a.to_numpy() for a in given), out=out) is out
    assert_same_bits(given[0].values, want)     # in place, through the array


def test_slopes_by_dimension(xr):
    x = labelled(xr, np.full((4, 3), -1, "float32"))
    slopes = xr.DataArray(np.array([0.1, 0.2, 0.3], "float32"), dims="channel", coords={"channel": ["r", "g", "b"]})
    result = cyact.leaky_relu(x, slopes)
    assert result.dims == x.dims and result.dtype == "float32"
    assert (result.sel(channel="g") == -np.float32(0.2)).all()
    assert cyact.leaky_relu(x, slopes.rename(channel="other")).dims == ("time", "channel", "other")
    gradient = cyact.leaky_relu_grad(x.transpose(), x, slopes)
    assert gradient.dims == ("channel", "time") and (gradient.sel(channel="b") == -np.float32(0.3)).all()
    assert cyact.leaky_relu(x, slopes.astype("float64")).dtype == "float64"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["a", "b", "d", "e", "f", "float16", "temperature"])
def test_slope_does_not_depend_on_names_in_a_dataset(xr, name, dtype):
    """Some are also NumPy's names of dtypes; the slope takes the variable's dtype."""
    dataset = xr.Dataset({name: ("time", np.array([-1], dtype))})
    for result in (cyact.leaky_relu(dataset, 0.1), cyact.leaky_relu_grad(dataset, dataset, 0.1)):
        assert_same_bits(result[name].to_numpy(), np.array([-0.1], dtype))


def test_dataset(xr):
    dataset = xr.Dataset({"a": labelled(xr, np.full((4, 3), -1, "float32")), "b": ("time", np.arange(-2.0, 2.0))})
    result = cyact.leaky_relu(dataset, 0.5)
    assert type(result) is xr.Dataset and list(result) == ["a", "b"]
    assert result["a"].dtype == "float32" and (result["a"] == -0.5).all()
    assert result["b"].to_numpy().tolist() == [-1.0, -0.5, 0.0, 1.0]


# ---- masked arrays ----

MASK = np.array([False, True, False, False, True, False])


@every_dtype
def test_masked_array(case, dtype):
    """The mask and the fill value are kept, and the values that are not masked right."""
    x, want = values(case, dtype, 6)
    given = [np.ma.array(a, mask=MASK if i == 0 else np.roll(MASK, 1), fill_value=7) for i, a in enumerate(x)]
    mask = np.ma.getmask(sum(given))
    result = case(*given)
    assert type(result) is np.ma.MaskedArray and result.dtype == want.dtype
    assert result.mask.tolist() == mask.tolist()
    assert result.fill_value == 7
    assert_same_bits(result.data[~mask], want[~mask])
    plain = case(given[0], *x[1:])
    assert plain.mask.tolist() == MASK.tolist()


@every_dtype
def test_masked_array_in_place(case, dtype):
    x, want = values(case, dtype, 6)
    given = np.ma.array(x[0].copy(), mask=MASK)
    assert case(given, *x[1:], out=given) is given
    assert given.mask.tolist() == MASK.tolist()
    assert_same_bits(given.data[~MASK], want[~MASK])


def test_masked_special_cases():
    assert cyact.relu(np.ma.masked) is np.ma.masked
    assert cyact.relu(np.ma.array(-5.0)) == 0
    assert cyact.leaky_relu(np.ones(6), np.ma.array(np.ones(6), mask=MASK)).mask.tolist() == MASK.tolist()
    integers = cyact.sigmoid(np.ma.array([0, 1], mask=[False, True], dtype="int8"))
    assert integers.dtype == "float32" and integers.mask.tolist() == [False, True]
    with pytest.raises(TypeError):
        cyact.relu(np.ma.array([True, False]))


# ---- subclasses ----

class Labelled(np.ndarray):
    """A subclass with an attribute, after NumPy's manual."""

    def __array_finalize__(self, parent):
        self.label = getattr(parent, "label", None)


@every_dtype
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_subclasses(case, dtype):
    x, want = values(case, dtype, (3, 4))
    result = case(*(np.matrix(a) for a in x))
    assert type(result) is np.matrix
    assert_same_bits(np.asarray(result), want)
    assert type(case(*(np.matrix(a)[0] for a in x))) is np.matrix
    given = [a.copy().view(Labelled) for a in x]
    given[0].label = "pressure"
    result = case(*given)
    assert type(result) is Labelled and result.label == "pressure"
    assert_same_bits(np.asarray(result), want)
    assert type(case(*given, subok=False)) is np.ndarray
    assert type(case(*given, subok=True)) is Labelled
    target = np.empty_like(want).view(Labelled)
    assert case(*x, out=target) is target
    assert_same_bits(np.asarray(target), want)
    assert type(case(*(a[::2, ::-1] for a in given))) is Labelled
    assert case(*given, out=given[0]) is given[0]
    assert_same_bits(np.asarray(given[0]), want)
    # A plain ``out`` stays what it is.
    out = np.zeros((3, 4), want.dtype)
    assert case(*(np.matrix(a) for a in x), out=out) is out and type(out) is np.ndarray
    assert_same_bits(out, want)


class Wrapping(Labelled):
    """Decides what becomes of results."""

    def __array_wrap__(self, array, context=None, return_scalar=False):
        result = array.view(Wrapping)
        result.label = f"{context[0].__name__} of {len(context[1])}, {context[2]}"
        return result


class WrappingOfOld(Labelled):
    """The same by the signature of NumPy 1."""

    def __array_wrap__(self, array, context=None):
        return array.view(WrappingOfOld)


class Preferred(Labelled):
    __array_priority__ = 5.0


class Yielding(Labelled):
    __array_priority__ = -5.0


class Refusing(np.ndarray):
    __array_ufunc__ = None


SUBCLASSES = [np.matrix, np.recarray, Labelled, Wrapping, WrappingOfOld, Preferred, Yielding]


def of_class(x, kind):
    x = x.copy().view(kind)
    if isinstance(x, Labelled):
        x.label = "pressure"
    return x


def outcome(call, operands, **keywords):
    """All that can be told of a call: its result's class, label, owner, layout and bits, and the warnings it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*operands, **keywords)
    base = type(result.base) if type(result) is not np.matrix else None     # a transposed one is a view of a view
    kept = (result.shape, result.strides, result.dtype, result.flags.owndata, result.flags.writeable, base)
    return type(result), getattr(result, "label", None), kept, np.asarray(result).tobytes(), [w.category for w in caught]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", SUBCLASSES)
@pytest.mark.parametrize("name", ["relu", "sigmoid", "relu_grad"])
def test_subclasses_fare_as_with_the_ufunc(name, kind):
    """Views of other shapes and strides, beside other classes, with ``out``: what NumPy's machinery makes of each."""
    function = getattr(cyact, name)
    whole = np.linspace(-3, 3, 48, dtype="float32").reshape(6, 8)
    parts = [lambda a: a, lambda a: a.T, lambda a: a[::2, ::-2], lambda a: a[:0], lambda a: a[1:2, 3:4]]
    if kind is not np.matrix:
        parts += [lambda a: a[2], lambda a: a[2, 3:4].reshape(())]
    for part in parts:
        x = part(of_class(whole, kind))
        plain = np.array(part(whole))
        others = [[]] if name != "relu_grad" else [[x], [plain], [part(of_class(whole, Preferred))]]
        for rest in others:
            for operands in [[x, *rest], [*rest, x]]:
                assert outcome(function, operands) == outcome(function.ufunc, operands)
                for make in (np.zeros_like, lambda a: np.zeros(a.shape, "float32"), lambda a: of_class(np.asarray(a), Labelled)):
                    ours, theirs = make(x), make(x)
                    assert outcome(function, operands, out=ours) == outcome(function.ufunc, operands, out=theirs)
                    assert_same_bits(np.asarray(ours), np.asarray(theirs))
        again = x.copy()
        result = function(again, *others[0][:1], out=again)
        assert result is again or kind in (Wrapping, WrappingOfOld)     # which make one of their own


def test_subclass_that_takes_part_in_no_ufunc():
    x = np.ones(3).view(Refusing)
    for call in (lambda: cyact.relu(x), lambda: cyact.relu(np.ones(3), out=x), lambda: cyact.relu_grad(x, x)):
        with pytest.raises(TypeError):
            call()


# ---- files ----

@every_dtype
def test_memory_map(case, dtype, tmp_path):
    """In place into the file; its neighbours in the file stay."""
    x, want = values(case, dtype, (50, 70))
    path = tmp_path / "data"
    frame = np.full(5, 9, dtype)
    np.concatenate([frame, x[0].ravel(), frame]).tofile(path)
    mapped = np.memmap(path, dtype, "r+", 5 * dtype.itemsize, (50, 70))
    assert_same_bits(np.asarray(case(mapped, *x[1:])), want)
    assert case(mapped, *x[1:], out=mapped) is mapped
    mapped.flush()
    stored = np.fromfile(path, dtype)
    assert_same_bits(stored[5:-5].reshape(50, 70), want)
    assert_same_bits(stored[:5], frame)
    assert_same_bits(stored[-5:], frame)


def test_memory_map_that_must_not_be_written(case, tmp_path):
    path = tmp_path / "data"
    data = np.linspace(-1, 1, 100)
    data.tofile(path)
    mapped = np.memmap(path, "float64", "r")
    with pytest.raises(ValueError, match=rf"^{case.function.__name__} \(name='file'\): .*read-only"):
        case(*[mapped] * case.arrays, out=mapped, name="file")
    assert_same_bits(np.fromfile(path), data)
    # Copy on write: the memory changes, the file doesn't.
    private = np.memmap(path, "float64", "c")
    case(*[private] * case.arrays, out=private)
    assert_same_bits(np.asarray(private), case(*[data] * case.arrays))
    assert_same_bits(np.fromfile(path), data)


def test_npy_file_opened_by_load(tmp_path):
    path = tmp_path / "data.npy"
    data = sample(np.dtype("float32"), 3000)
    np.save(path, data)
    for part in np.array_split(np.load(path, mmap_mode="r+"), 7):
        cyact.tanh(part, out=part)
    assert_same_bits(np.load(path), cyact.tanh(data))


# ---- structured arrays ----

@every_dtype
@pytest.mark.parametrize("align", [True, False], ids=["aligned", "packed"])
def test_fields(case, dtype, align):
    """Views with gaps, misaligned where the record is packed; the other fields stay."""
    x, want = values(case, dtype, 700)
    record = np.dtype([("id", "u1"), ("a", dtype), ("flag", "?"), ("b", dtype, (2,))], align=align)
    data = np.zeros(700, record)
    data["id"], data["flag"], data["a"] = 7, True, x[0]
    data["b"] = x[-1][:, None]
    given = [data["a"], data["b"][:, 1]][: case.arrays]
    assert_same_bits(case(*given), want)
    others = data["b"].copy()
    out = data["a"]
    assert case(*given, out=out) is out
    assert_same_bits(data["a"].copy(), want)
    assert (data["id"] == 7).all() and data["flag"].all()
    assert_same_bits(data["b"].copy(), others)
    with pytest.raises(TypeError):
        case(*[data] * case.arrays)


@every_dtype
def test_record_array(dtype):
    x = sample(dtype, 300)
    x = np.where(np.isnan(x), dtype.type(1), x)
    records = np.rec.fromarrays([np.arange(300), x], names="id, v")
    assert_same_bits(np.asarray(cyact.relu(records.v)), cyact.relu(x))
    cyact.leaky_relu(records.v, 0.5, out=records.v)
    assert_same_bits(records["v"].copy(), cyact.leaky_relu(x, 0.5))
    assert (records.id == np.arange(300)).all()


# ---- iterators ----

@every_dtype
@pytest.mark.parametrize("order", ["C", "F"])
def test_nditer_chunks(case, dtype, order):
    """Buffered chunks of an outer loop, cast by the iterator; the last one is shorter."""
    x, want = values(case, dtype, (37, 41))
    result = np.zeros((37, 41), want.dtype)
    operands = [np.array(a, order=order) for a in x] + [result]
    flags = [["readonly"]] * case.arrays + [["writeonly"]]
    with np.nditer(operands, ["external_loop", "buffered"], flags, buffersize=128, order=order) as chunks:
        for *given, out in chunks:
            assert case(*given, out=out) is out
    assert_same_bits(result, want)
    in_place = x[0].copy()
    flags = [["readwrite"], ["readonly"]][: case.arrays]
    with np.nditer([in_place, *x[1:]], ["external_loop"], flags, order=order) as chunks:
        for chunk in chunks:
            given = chunk if case.arrays == 2 else (chunk,)
            case(*given, out=given[0])
    assert_same_bits(in_place, want)


def test_nditer_elements():
    x = sample(np.dtype("float32"), 40).reshape(5, 8)
    result = x.copy()
    with np.nditer(result, [], ["readwrite"]) as elements:
        for element in elements:
            cyact.tanh(element, out=element)
    assert_same_bits(result, cyact.tanh(x))


# ---- array-likes ----

class ByArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class ByInterface:
    def __init__(self, array):
        self.array = array
        self.__array_interface__ = array.__array_interface__


class ByStruct:
    def __init__(self, array):
        self.array = array
        self.__array_struct__ = array.__array_struct__


@every_dtype
@pytest.mark.parametrize("kind", [ByArray, ByInterface, ByStruct, memoryview, list, tuple])
def test_array_likes(case, dtype, kind):
    x, want = values(case, dtype, 9)
    result = case(*(kind(a) for a in x))
    assert type(result) is np.ndarray
    assert_same_bits(result, want)
    assert_same_bits(case(kind(x[0][::-1]), *(a[::-1] for a in x[1:]))[::-1], want)
    if case.parameters:
        slopes = np.linspace(-1, 1, 9).astype(dtype)
        assert_same_bits(case.function(*x, kind(slopes)), case.function(*x, slopes))
    # An array-like is no place to store into; a tuple is one of outputs.
    given = kind(x[0])
    before = x[0].copy()
    with pytest.raises(ValueError if kind is tuple else TypeError, match=rf"^{case.function.__name__} \(name='like'\): "):
        case(given, *x[1:], out=given, name="like")
    assert_same_bits(x[0], before)


def test_array_like_of_unsupported_dtype():
    for array in (np.array([True]), np.array(["a"]), np.array([1j]), np.array([None])):
        with pytest.raises(TypeError, match=r"^relu \(name='like'\): "):
            cyact.relu(ByArray(array), name="like")


@pytest.mark.parametrize("kind", [bytearray, lambda b: memoryview(b)], ids=["bytearray", "memoryview"])
def test_buffers(kind):
    """A buffer of bytes is an array of uint8, as np.asarray takes it."""
    assert_same_bits(cyact.relu(kind(b"\x00\x05\xff")), np.array([0, 5, 255], "uint8"))


def test_error_of_an_array_like_is_passed_on():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        cyact.relu(Broken())
