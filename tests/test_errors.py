"""Bad input: NumPy's exception types; the message names function, label and what is wrong; nothing is written."""

import decimal
import re
import sys

import numpy as np
import pytest
from cases import CASES, FLOATS, assert_same_bits
from conftest import of_cases

import cyact

pytestmark = pytest.mark.mechanics

LABEL = "conv_3/activation"
PARAMETERS = [(name, parameter) for name, case in CASES.items() for parameter in case.parameters]
of_each_parameter = pytest.mark.parametrize(("name", "parameter"), PARAMETERS)


def refused(case, error, says, *operands, **keywords):
    """The exception, after the checks that every one has to pass."""
    out = keywords.get("out")
    before = out.copy() if isinstance(out, np.ndarray) else None
    inputs = [x.copy() if isinstance(x, np.ndarray) else x for x in operands]
    with pytest.raises(error) as caught:
        case.function(*operands, name=LABEL, **keywords)
    message = str(caught.value)
    assert case.public in message
    assert LABEL in message
    assert re.search(says, message, re.IGNORECASE | re.DOTALL), message
    # A label is optional.
    with pytest.raises(error, match=rf"(?s){case.public}"):
        case.function(*operands, **keywords)
    if before is not None:
        assert out.tobytes() == before.tobytes(), "written"
    for x, kept in zip(operands, inputs, strict=True):
        if isinstance(x, np.ndarray) and x.dtype != object:
            assert x.tobytes() == kept.tobytes(), "an input was written"
    return caught.value


def good(case, shape=(4, 6), dtype="float32"):
    return [np.linspace(-2, 2, int(np.prod(shape))).reshape(shape).astype(dtype)] * case.arrays


# ---- every function says who it is ----

@pytest.mark.every_function
def test_one_error_of_each_kind(case):
    refused(case, TypeError, "bool", *[np.ones((4, 6), bool)] * case.arrays, *case.tried)
    refused(case, TypeError, "cast", *good(case), *case.tried, out=np.ones((4, 6), "int32"))
    refused(case, ValueError, "shape|broadcast", *good(case), *case.tried, out=np.ones((4, 5), "float32"))
    refused(case, TypeError, "axis", *good(case), *case.tried, axis=1)
    out = np.ones((4, 6), "float32")
    out.flags.writeable = False
    refused(case, ValueError, "read-only|read only", *good(case), *case.tried, out=out)
    with pytest.raises(TypeError, match=case.public):
        case.function()


# ---- unsupported dtypes ----

UNSUPPORTED = [
    "bool", "complex64", "complex128", "longdouble", "clongdouble", "object", "U3", "S3", "datetime64[s]",
    "timedelta64[s]", "V4", [("a", "f4")],
]


@pytest.mark.parametrize("dtype", UNSUPPORTED, ids=str)
def test_unsupported_dtype(case, dtype):
    if np.dtype(dtype) == np.float64:
        pytest.skip("longdouble is float64 here")
    x = np.zeros((4, 6), dtype)
    says = "bool" if dtype == "bool" else "not supported|no loop|unsupported|could not"
    refused(case, TypeError, says, *[x] * case.arrays, *case.tried)
    refused(case, TypeError, says, *[x] * case.arrays, *case.tried, out=np.ones((4, 6), "float32"))
    if dtype != "object":       # an element of which is a Python number
        refused(case, TypeError, says, *[x[0, 0]] * case.arrays, *case.tried)
    refused(case, TypeError, "", *[x[::2, ::-1]] * case.arrays, *case.tried, out=np.ones((2, 6)), casting="unsafe")
    if case.arrays == 2:
        for operands in ([good(case)[0], x], [x, good(case)[0]]):
            refused(case, TypeError, says, *operands, *case.tried, out=np.ones((4, 6), "float32"))


@pytest.mark.parametrize("value", [
    None, "text", b"text", True, 1j, [True, False], ["a"], [None], {}, {1.0}, 2**70, [2**70],
], ids=repr)
def test_unsupported_object(case, value):
    refused(case, TypeError, "", *[value] * case.arrays, *case.tried)


def test_unsupported_features_message_names_the_dtype(case):
    """What was wrong: the dtype itself."""
    for dtype in ("complex128", "longdouble", "datetime64[s]"):
        x = np.zeros(3, dtype)
        assert x.dtype.name.split("[")[0] in str(refused(case, TypeError, "", *[x] * case.arrays, *case.tried))


@pytest.mark.every_function
def test_integers_where_only_floats_are_supported(case):
    for dtype in {"int8", "uint16", "int64"} - {dtype.name for dtype in case.dtypes}:
        refused(case, TypeError, "integer", *good(case, dtype=dtype), *case.tried)


def test_ragged_list(case):
    refused(case, ValueError, "inhomogeneous|sequence", *[[[1.0], [1.0, 2.0]]] * case.arrays, *case.tried)


# ---- out ----

def test_read_only_out(case, dtype):
    for shape in ((), (1,), (4, 6), (50, 60), (0, 3)):
        x = [a.reshape(shape) for a in case.operands(dtype, int(np.prod(shape, dtype=int)))]
        out = np.ones(shape, case.result(dtype))
        out.flags.writeable = False
        refused(case, ValueError, "read-only|read only", *x, *case.tried, out=out)
        if case.result(dtype) == dtype:
            x[0].flags.writeable = False
            refused(case, ValueError, "read-only|read only", *x, *case.tried, out=x[0])
        view = np.broadcast_to(np.ones((), case.result(dtype)), shape)
        if shape:
            refused(case, ValueError, "read-only|read only", *x, *case.tried, out=view)


@pytest.mark.parametrize("shape", [
    (4, 5), (6, 4), (4,), (6,), (1, 6), (4, 1), (24,), (), (0,), (4, 6, 1), (2, 4, 5),
], ids=str)
def test_out_of_the_wrong_shape(case, shape):
    out = np.ones(shape, "float32")
    error = refused(case, ValueError, "shape|broadcast|dimension", *good(case), *case.tried, out=out)
    assert str(shape) in str(error) or "(4, 6)" in str(error) or "(4,6)" in str(error)


@pytest.mark.parametrize(("stored", "casting"), [
    ("int32", "same_kind"), ("uint8", "same_kind"), ("bool", "same_kind"), ("datetime64[s]", "same_kind"),
    ("float16", "safe"), ("float64", "no"), ("float64", "equiv"), (">f4", "no"), ("int32", "safe"), ("int64", "no"),
], ids=str)
def test_out_of_a_forbidden_dtype(case, stored, casting):
    for keywords in ({}, {"where": np.eye(4, 6, dtype=bool)}):
        out = np.ones((4, 6), stored)
        error = refused(case, TypeError, "cast", *good(case), *case.tried, out=out, casting=casting, **keywords)
        assert "UFuncTypeError" in [kind.__name__ for kind in type(error).__mro__]
        assert casting in str(error)


def test_integers_in_place_name_the_remedy(case, dtype):
    if case.result(dtype) == dtype:
        return
    x = case.operands(dtype, 40)
    for out in (x[0], np.zeros(40, "int64"), np.zeros(40, dtype)):
        error = refused(case, TypeError, 'casting="unsafe"', *x, *case.tried, out=out)
        assert "same_kind" in str(error)


def test_features_that_casting_forbids(case):
    """An input is never cast without safety, whatever ``casting`` says of the output."""
    refused(case, TypeError, "", *good(case, dtype="complex64"), *case.tried, casting="unsafe", out=np.ones((4, 6)))
    refused(case, TypeError, "cast", *good(case, dtype="float64"), *case.tried, dtype="float32", casting="safe")
    refused(case, TypeError, "cast|loop", *good(case, dtype="float64"), *case.tried, dtype="int32")


@pytest.mark.parametrize("out", [
    3, 1.5, "text", [1.0], [[0.0] * 6] * 4, (), (None, None), {}, True, np.float32(1), range(24),
], ids=repr)
def test_out_that_is_no_array(case, out):
    refused(case, (TypeError, ValueError), "", *good(case), *case.tried, out=out)


def test_tuple_of_two_outputs(case):
    a, b = np.ones((4, 6), "float32"), np.ones((4, 6), "float32")
    refused(case, ValueError, "tuple", *good(case), *case.tried, out=(a, b))
    assert (a == 1).all()
    assert (b == 1).all()


# ---- parameters ----

@of_each_parameter
@pytest.mark.parametrize("value", [
    None, True, False, np.True_, "0.2", b"0.2", 0.2j, np.complex64(1), {}, [None], ["0.2"], [True], np.array(["a"]),
    np.array([0.2], object), np.array([True]), np.array(0.2j), decimal.Decimal("0.2"), np.datetime64(1, "s"),
    np.array([1], "timedelta64[s]"), object(), np.array([True, False] * 3),
], ids=repr)
def test_parameter_that_is_no_number(name, parameter, value):
    case = CASES[name]
    for dtype in [*FLOATS, np.dtype("int8"), np.dtype("int64")]:
        if dtype in case.dtypes:
            x = good(case, dtype=dtype)
            refused(case, TypeError, parameter, *x, **{parameter: value})
            refused(case, TypeError, parameter, *x, **{parameter: value}, out=np.ones((4, 6), case.result(dtype)))
            refused(case, TypeError, parameter, *x, **{parameter: value}, out=np.ones((4, 6), "int8"), casting="unsafe")


@of_each_parameter
@pytest.mark.parametrize("shape", [(5,), (4,), (4, 5), (3, 1), (2, 4, 5), (0,)], ids=str)
def test_parameter_that_does_not_broadcast(name, parameter, shape):
    case = CASES[name]
    wrong, out = np.ones(shape, "float32"), np.ones((4, 6), "float32")
    refused(case, ValueError, "broadcast", *good(case), **{parameter: wrong})
    refused(case, ValueError, "broadcast", *good(case), **{parameter: wrong}, out=out)
    refused(case, ValueError, "broadcast", *good(case), **{parameter: wrong.tolist()}, out=out)


@of_each_parameter
def test_parameter_that_enlarges_the_result_beyond_out(name, parameter):
    case = CASES[name]
    wide = {parameter: np.ones((3, 1, 1), "float32")}
    refused(case, ValueError, "broadcast|shape", *good(case), **wide, out=np.ones((4, 6), "float32"))


@of_each_parameter
def test_parameter_too_large_for_any_float(name, parameter):
    """An integer above the largest float64 is none; one that float64 holds is."""
    case = CASES[name]
    errors = (OverflowError, TypeError, ValueError)
    refused(case, errors, f"too large|{parameter}", *good(case), **{parameter: 10**400})
    refused(case, errors, f"too large|{parameter}", *good(case), **{parameter: -(10**400)}, out=np.ones((4, 6), "float32"))
    assert_same_bits(case.function(*good(case), **{parameter: 10**300}), case.function(*good(case), **{parameter: 1e300}))


@of_each_parameter
def test_ragged_parameter(name, parameter):
    case = CASES[name]
    refused(case, ValueError, "inhomogeneous|sequence", *good(case), **{parameter: [[1.0], [1.0, 2.0]]})


# ---- the other arguments ----

def test_shapes_that_do_not_broadcast(case):
    if case.arrays < 2:
        return
    refused(case, ValueError, "broadcast", np.ones((4, 6)), np.ones((4, 5)), *case.tried)
    refused(case, ValueError, "broadcast", np.ones((4, 6)), np.ones((4, 5)), *case.tried, out=np.ones((4, 6)))


@pytest.mark.parametrize("keyword", [
    "axis", "keepdims", "inplace", "axes", "features_", "Alpha", "signature", "sig", "extobj", "__out",
])
def test_unknown_keyword(case, keyword):
    out = np.ones((4, 6), "float32")
    refused(case, TypeError, re.escape(keyword), *good(case), *case.tried, out=out, **{keyword: 1})


@pytest.mark.every_function
def test_parameter_where_there_is_none(case):
    for parameter in {parameter for _, parameter in PARAMETERS} - set(case.parameters):
        refused(case, TypeError, parameter, *good(case), **{parameter: 0.2})


@pytest.mark.parametrize("value", [None, 1, 0, 0.0, "tanh", np.ones(6, bool), np.array(True), np.int8(1)], ids=repr)
@of_cases(lambda case: case.keywords)
def test_option_that_is_no_bool(case, value):
    (option,) = case.keywords
    public = CASES[case.public]
    out = np.ones((4, 6), "float32")
    refused(public, TypeError, f"{option} must be a bool", *good(case), out=out, **{option: value})
    with pytest.raises(TypeError, match=case.public):
        case.function(*good(case), out, True)


@pytest.mark.parametrize(("keyword", "value", "error", "says"), [
    ("casting", "nonsense", ValueError, "casting"), ("casting", 3, TypeError, ""), ("casting", None, TypeError, ""),
    ("order", "nonsense", ValueError, "order"), ("order", 3, TypeError, ""),
    ("dtype", "nonsense", TypeError, "nonsense"), ("dtype", "complex64", TypeError, ""), ("dtype", bool, TypeError, ""),
    ("dtype", object, TypeError, ""), ("dtype", "U3", TypeError, ""), ("dtype", 3, TypeError, ""),
    ("dtype", ">f4", TypeError, ""), ("dtype", "M8[s]", TypeError, ""), ("dtype", "longdouble", TypeError, ""),
    ("where", np.array([1, 0, 1, 0, 1, 0]), TypeError, "cast"), ("where", np.ones(6), TypeError, "cast"),
    ("where", [True] * 5, ValueError, "broadcast"), ("where", np.ones((3, 6), bool), ValueError, "broadcast"),
], ids=str)
def test_bad_keyword_values(case, keyword, value, error, says):
    out = np.ones((4, 6), "float32")
    refused(case, error, says, *good(case), *case.tried, out=out, **{keyword: value})


def test_wrong_number_of_arguments(case):
    with pytest.raises(TypeError, match=case.public):
        case.function()
    with pytest.raises(TypeError, match=case.public):
        case.function(*good(case), *case.tried, np.ones((4, 6), "float32"), True)
    with pytest.raises(TypeError, match=case.public):
        case.function(*good(case), *case.tried, np.ones((4, 6), "float32"), out=np.ones((4, 6), "float32"))
    if case.arrays == 2:
        with pytest.raises(TypeError, match=case.public):
            case.function(np.ones(3))
    for name in (*case.inputs, *case.parameters):
        with pytest.raises(TypeError, match=f"{case.public}.*multiple values.*{name}"):
            case.function(*good(case), *case.tried, **{name: 1.0})


@pytest.mark.parametrize("label", ["", "layer 3", 7, ("block", 2), "a\nb", "{0}%s", "ünïcode"], ids=repr)
def test_any_label(case, label):
    """Shown as repr shows it, so that its limits can be seen."""
    with pytest.raises(TypeError, match=re.escape(repr(label))):
        case(*good(case, dtype="complex64"), name=label)


def test_cause_is_kept(case):
    """NumPy's own exception, with what it knows, is the cause."""
    out = np.ones((4, 6), "int32")
    error = refused(case, TypeError, "cast", *good(case), *case.tried, out=out)
    assert isinstance(error.__cause__, TypeError)


def test_huge_result_is_a_memory_error(case):
    """A result that no machine can hold."""
    x = np.broadcast_to(np.float32(1), (1 << 20, 1 << 20, 1 << 10))
    with pytest.raises((MemoryError, ValueError)):
        case(*[x] * case.arrays)
    assert sys.getrefcount(x) < 10


def test_errors_of_array_ufunc_pass_unchanged(case):
    """Another library's exceptions are its own."""

    class Failing:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            raise ZeroDivisionError("its own")

    with pytest.raises(ZeroDivisionError, match=r"^its own$"):
        case(*[Failing()] * case.arrays)


def test_working_after_errors():
    """A refused call leaves nothing behind."""
    for _ in range(3):
        with pytest.raises(TypeError):
            cyact.leaky_relu(np.ones(3), None)
        assert_same_bits(cyact.leaky_relu(np.array([-1.0, 1.0])), np.array([-0.2, 1.0]))
