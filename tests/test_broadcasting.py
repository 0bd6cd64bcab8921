"""Operands of any shapes and dtypes together: broadcast along every axis, cast, masked, over the same memory.

The reference calls the function once for each value of a parameter, with contiguous arrays of one shape, which
test_values.py checks. What NumPy decides is compared with the ufunc, which NumPy runs: the order of a new result's axes,
the dtype that operands are computed in, every cast.
"""

import itertools

import numpy as np
import pytest
from cases import REPRESENTATIVES, assert_same_bits, sample
from conftest import of_cases

import cyact

pytestmark = pytest.mark.mechanics

DTYPES = [np.dtype(name) for name in ("float16", "float32", "float64", "int8", "int32")]


def random_shape(rng):
    ndim = int(rng.integers(1, 6))
    shape = [int(n) for n in rng.integers(1, 5, ndim)]
    shape[rng.integers(ndim)] = int(rng.choice([0, 1, 3, 20, 70, 130, 700], p=[0.02, 0.08, 0.3, 0.2, 0.2, 0.15, 0.05]))
    return tuple(shape)


def part_of(rng, shape):
    """A shape that is broadcast to this one: some axes of length 1, the first ones left out at will."""
    part = [1 if rng.random() < 0.4 else n for n in shape]
    while part and part[0] == 1 and rng.random() < 0.7:
        del part[0]
    return tuple(part)


def laid_out(rng, values):
    """The same values in an array of other strides."""
    ndim = values.ndim
    if ndim == 0 or rng.random() < 0.3:
        return values
    axes = rng.permutation(ndim) if rng.random() < 0.6 else np.arange(ndim)
    steps = [int(rng.choice([1, 1, 1, 2, 3])) for _ in range(ndim)]
    room = np.empty([values.shape[axis] * step for axis, step in zip(axes, steps, strict=True)], values.dtype)
    view = room[tuple(slice(None, None, step * int(rng.choice([1, 1, -1]))) for step in steps)]
    view = view.transpose(np.argsort(axes))
    view[...] = values
    return view


def one_call_for_each_number(case, inputs, parameters):
    """The result for arrays of one shape, by calls whose parameters are numbers."""
    shape = inputs[0].shape
    flat = [np.ascontiguousarray(a).ravel() for a in inputs]
    numbers = [np.ascontiguousarray(a).ravel() for a in parameters]
    want = np.empty(flat[0].size, case.result(inputs[0].dtype))
    for values in itertools.product(*map(np.unique, numbers)):
        chosen = np.ones(want.shape, bool)
        for a, value in zip(numbers, values, strict=True):
            chosen &= a == value
        want[chosen] = case.function(*(a[chosen] for a in flat), *map(float, values))
    return want.reshape(shape)


def drawn(rng, case, dtype, shape):
    """Inputs and parameters whose shapes together are ``shape``, as they are and as full arrays."""
    own = [part_of(rng, shape) for _ in range(case.arrays + len(case.parameters))]
    if rng.random() < 0.5:
        own[0] = shape
    inputs = [sample(dtype, int(np.prod(part)), int(rng.integers(100))).reshape(part) for part in own[:case.arrays]]
    choice = np.array([0.25, -1.5, 3]).astype(case.result(dtype))
    parameters = [rng.choice(choice, part) for part in own[case.arrays:]]
    full = np.broadcast_shapes(*own)
    want = one_call_for_each_number(
        case, [np.broadcast_to(a, full) for a in inputs], [np.broadcast_to(a, full) for a in parameters]
    )
    return [laid_out(rng, a) for a in inputs + parameters], want


@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_every_shape_with_every_other(case):
    rng = np.random.default_rng(1)
    for dtype in DTYPES:
        for trial in range(60 if dtype in case.dtypes else 0):
            operands, want = drawn(rng, case, dtype, random_shape(rng))
            result = case.function(*operands)
            assert_same_bits(np.asarray(result), want, trial)
            by_ufunc = case.ufunc(*operands)
            assert type(result) is type(by_ufunc)
            strides = zip(result.strides, by_ufunc.strides, result.shape, strict=True)
            assert want.size == 0 or all(a == b for a, b, n in strides if n > 1)
            # Into an array that may have more axes.
            shape = (2, *want.shape) if rng.random() < 0.2 else want.shape
            out = laid_out(rng, np.zeros(shape, want.dtype))
            assert case.function(*operands, out=out) is out
            assert_same_bits(out, np.broadcast_to(want, shape), trial)


@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_output_among_the_operands(case):
    """In place, or over other parts of the operands' memory: as if these had been copied first."""
    rng = np.random.default_rng(2)
    for dtype in DTYPES:
        if dtype not in case.dtypes or case.result(dtype) != dtype:
            continue
        for trial in range(60):
            operands, want = drawn(rng, case, dtype, random_shape(rng))
            position = int(rng.integers(len(operands)))
            memory = np.zeros(3 * want.size + operands[position].size + 8, dtype)
            start = int(rng.integers(0, 4))
            given = memory[start:start + operands[position].size].reshape(operands[position].shape)
            given[...] = operands[position]
            operands[position] = given
            if rng.random() < 0.4 and given.shape == want.shape:
                out = given
            else:
                start = int(rng.integers(0, 8))
                step = int(rng.choice([1, 1, 2, 3]))
                out = memory[start:start + step * want.size:step][:want.size]
                out = out.reshape(want.shape) if rng.random() < 0.5 else out.reshape(want.shape[::-1]).T
            expected = memory.copy()
            place = np.ndarray(out.shape, dtype, expected, out.ctypes.data - memory.ctypes.data, out.strides)
            place[...] = want
            assert case.function(*operands, out=out) is out
            assert_same_bits(memory, expected, trial)


@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_shapes_that_do_not_fit(case):
    """The ufunc's error, and nothing written."""
    operands = [np.ones((3, 4), "float32")] * (case.arrays + len(case.parameters))
    for position in range(len(operands)):
        for shape in [(5,), (2, 4), (3, 1, 1)]:
            given = [np.ones(shape, "float32") if i == position else a for i, a in enumerate(operands)]
            out = np.zeros((3, 4), "float32")
            if len(given) > 1 or shape == (3, 1, 1):
                with pytest.raises(ValueError, match=f"{case.public}.*layer 3"):
                    case.function(*given, out=out, name="layer 3")
                assert not out.any()


# ---- masks ----

def masks(rng, shape):
    """Of every density, in runs and at random."""
    yield np.zeros(shape, bool)
    yield np.ones(shape, bool)
    yield rng.random(shape) < rng.choice([0.02, 0.5, 0.98])
    if len(shape) == 1:
        yield np.sort(rng.random(shape) < 0.5)


@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_masks_of_every_length(case):
    rng = np.random.default_rng(3)
    for dtype in DTYPES if case.result(np.dtype("int8")) == "int8" else case.dtypes[:4]:
        if dtype not in case.dtypes:
            continue
        x = case.operands(dtype, 140)
        whole = case(*x)
        for n in range(131):
            given = [a[5:5 + n] for a in x]
            for mask in masks(rng, (n,)):
                for step in (1, 2):
                    memory = sample(whole.dtype, 300, n).copy()
                    expected = memory.copy()
                    np.copyto(expected[7:7 + step * n:step][:n], whole[5:5 + n], where=mask)
                    out = memory[7:7 + step * n:step][:n]
                    assert case(*given, out=out, where=mask) is out
                    assert_same_bits(memory, expected, (n, step))


@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_masks_of_every_shape(case):
    rng = np.random.default_rng(4)
    for dtype in DTYPES:
        for trial in range(40 if dtype in case.dtypes else 0):
            operands, want = drawn(rng, case, dtype, random_shape(rng))
            shape = want.shape if rng.random() < 0.6 else part_of(rng, want.shape)
            for mask in masks(rng, shape):
                out = laid_out(rng, sample(want.dtype, want.size, trial).reshape(want.shape))
                expected = out.copy()
                np.copyto(expected, want, where=mask)
                assert case.function(*operands, out=out, where=laid_out(rng, mask)) is out
                assert_same_bits(out, expected, trial)
                if operands[0].shape == want.shape and case.result(dtype) == dtype:
                    given = operands[0].copy(order="K")
                    expected = given.copy()
                    np.copyto(expected, want, where=mask)
                    assert case.function(given, *operands[1:], out=given, where=mask) is given
                    assert_same_bits(given, expected, trial)


# ---- dtypes ----

@of_cases(lambda case: case in REPRESENTATIVES.values())
def test_every_dtype_with_every_other(case):
    """Inputs, parameters, ``dtype`` and ``out``: what the ufunc gives, and the error where it gives one."""
    rng = np.random.default_rng(5)
    kinds = [np.dtype(name) for name in ("f2", "f4", "f8", "i1", "u2", "i4", "u8", ">f4")]
    for trial in range(400):
        count = case.arrays + len(case.parameters)
        shape = tuple(int(n) for n in rng.choice([1, 3, 40, 1300], rng.integers(1, 3), p=[0.2, 0.4, 0.3, 0.1]))
        own = [shape if rng.random() < 0.7 else part_of(rng, shape) for _ in range(count)]
        operands = [laid_out(rng, (rng.normal(size=part) * 30).astype("i1").astype(rng.choice(kinds))) for part in own]
        keywords = {}
        if rng.random() < 0.5:
            keywords["dtype"] = rng.choice(kinds)
        if rng.random() < 0.3:
            keywords["casting"] = str(rng.choice(["same_kind", "unsafe", "safe", "no"]))
        given = dict(keywords)
        if rng.random() < 0.5:
            stored = rng.choice(kinds)
            full = np.broadcast_shapes(*own)
            keywords["out"], given["out"] = np.ones(full, stored), np.ones(full, stored)
            if rng.random() < 0.4:
                keywords["where"] = given["where"] = rng.random(full) < 0.6
        try:
            with np.errstate(all="ignore"):
                want = case.ufunc(*operands, **keywords)
        except TypeError:
            continue        # what the function refuses, test_errors.py tells
        result = case.function(*operands, **given)
        assert type(result) is type(want)
        assert_same_bits(np.asarray(result), np.asarray(want), (trial, keywords, [a.dtype for a in operands]))


def test_memory_mapped_files(tmp_path):
    """As plain arrays: NumPy's results of them are such, and so are ours."""
    x = sample(np.dtype("float32"), 3000)
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", "float32", "r+")
    want = cyact.sigmoid(x)
    for result in (cyact.sigmoid(mapped), cyact.sigmoid(mapped[:, None])[:, 0]):
        assert type(result) is np.ndarray
        assert_same_bits(result, want)
    assert type(cyact.sigmoid(mapped[5:6].reshape(()))) is np.float32
    assert cyact.sigmoid(x, out=mapped) is mapped
    assert_same_bits(np.asarray(mapped), want)


# ---- threads ----

def test_parameters_on_several_threads():
    """Rows whose slope repeats in every block, and rows of one slope each."""
    x = np.resize(sample(np.dtype("float32"), 4096), (1, 1100, 1000))
    for own in [(1000,), (1100, 1), (1, 1100, 1000)]:
        slopes = np.resize(np.array([0.25, -1.5, 3], "float32"), own)
        with cyact.num_threads(1):
            want = cyact.leaky_relu(x, slopes)
        with cyact.num_threads(2):
            assert_same_bits(cyact.leaky_relu(x, slopes), want)
        assert_same_bits(want[0, 7], one_call_for_each_number(
            REPRESENTATIVES["leaky_relu"], [x[0, 7]], [np.broadcast_to(slopes, x.shape)[0, 7]]))


def test_masks_and_casts_on_several_threads():
    x = np.resize(sample(np.dtype("float64"), 4099), 1_200_000)
    mask = np.resize(np.random.default_rng(6).random(4093) < 0.5, x.shape)
    with np.errstate(over="ignore"):
        want = cyact.tanh(x.astype("float32"))
    for count in (1, 2):
        with cyact.num_threads(count):
            assert_same_bits(cyact.tanh(x, dtype="float32"), want)
            out = np.full(x.shape, 7, "float32")
            cyact.tanh(x, out=out, where=mask, dtype="float32")
            assert_same_bits(out, np.where(mask, want, np.float32(7)))
