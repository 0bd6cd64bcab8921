"""Sizes, strides, alignment, byte order, overlap and memory: an element's result depends on that element alone.

The reference is the function's result for contiguous arrays, which test_values.py checks. Outputs lie in a larger
buffer of random bytes, all of which is compared, so that a write outside the output is found too.
"""

import itertools
import tracemalloc

import numpy as np
import pytest
from cases import CASES, FLOATS, INTEGERS, assert_same_bits, bits, real, sample, set_streamed
from numpy.lib.stride_tricks import as_strided

import cyact

pytestmark = pytest.mark.mechanics

NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
SIZES = [*range(68), *(n + d for n in (128, 256, 384, 512, 1024, 4096) for d in (-1, 0, 1))]
# Below and above what is done with the GIL held, in blocks and by straight runs.
SHAPES = [(5, 7, 6), (2, 131, 9), (3, 4, 200)]
MARGIN = 64


# ---- arrays in buffers ----

NOISE = np.frombuffer(np.random.default_rng(0).bytes(1 << 18), np.uint8)


def room(seed=0, size=1 << 16):
    return NOISE[seed:seed + size].copy()


def line(buffer, dtype, n, step=1, offset=0):
    """``n`` elements ``step`` apart, in the middle of the buffer's bytes; ``offset`` bytes from an aligned place."""
    first = MARGIN + (0 if step >= 0 else (n - 1) * -step * dtype.itemsize)
    return np.ndarray(n, dtype, buffer, first + offset, step * dtype.itemsize) if n else buffer[:0].view(dtype)


LAYOUTS = {
    "c order": lambda shape: (shape, range(3), [1, 1, 1]),
    "fortran order": lambda shape: (shape, (2, 1, 0), [1, 1, 1]),
    "axes moved": lambda shape: (shape, (1, 0, 2), [1, 1, 1]),
    "inner axis outermost": lambda shape: (shape, (2, 0, 1), [1, 1, 1]),
    "part of each row": lambda shape: ((shape[0], shape[1], shape[2] + 1), range(3), [1, 1, 1]),
    "every second row": lambda shape: (shape, range(3), [1, 2, 1]),
    "every second column": lambda shape: (shape, range(3), [1, 1, 2]),
    "every third, fortran order": lambda shape: (shape, (2, 1, 0), [3, 1, 1]),
    "reversed": lambda shape: (shape, range(3), [-1, -1, -1]),
    "rows reversed": lambda shape: (shape, range(3), [1, -1, 1]),
    "columns reversed": lambda shape: (shape, range(3), [1, 1, -1]),
}


def view(buffer, dtype, shape, layout, offset=0):
    """An array of three axes in one of the layouts: extents in memory, axes from the outermost in, and steps."""
    extents, axes, steps = LAYOUTS[layout](shape)
    strides, distance = [0, 0, 0], dtype.itemsize
    for axis in reversed(axes):
        strides[axis] = distance * steps[axis]
        distance *= extents[axis] * abs(steps[axis])
    first = MARGIN + offset - sum(min(0, stride) * (n - 1) for stride, n in zip(strides, shape, strict=True))
    return np.ndarray(shape, dtype, buffer, first, strides)


def check_out(case, operands, make_out, **keywords):
    """The result in an array that ``make_out`` finds in a buffer, and nowhere else."""
    want = case(*(np.array(x, x.dtype.newbyteorder("="), order="C") for x in operands))
    buffer = room(1)
    expected = buffer.copy()
    out = make_out(buffer)
    make_out(expected)[...] = want
    assert case(*operands, out=out, **keywords) is out
    assert_same_bits(out.astype(want.dtype), want)
    assert (buffer == expected).all(), "written outside"


def check_in_place(case, operands, position, make):
    """Like check_out, with an input that is the output."""
    want = case(*operands)
    buffer = room(2)
    expected = buffer.copy()
    make(expected)[...] = want
    given = list(operands)
    given[position] = make(buffer)
    given[position][...] = operands[position]
    assert case(*given, out=given[position]) is given[position]
    assert (buffer == expected).all()


def keeps_dtype(case, dtype):
    return case.result(dtype) == dtype


# ---- one axis ----

@pytest.mark.every_function
def test_sizes(case, dtype):
    """Fresh, into ``out`` and in place, from a start that is not the vectors'."""
    result = case.result(dtype)
    x = case.operands(dtype, 4100)
    whole = case(*x)
    for n in SIZES:
        part = tuple(a[3:3 + n] for a in x)
        assert_same_bits(case(*part), whole[3:3 + n], n)
        check_out(case, part, lambda buffer, n=n: line(buffer, result, n))
        if keeps_dtype(case, dtype):
            for position in range(case.arrays):
                check_in_place(case, part, position, lambda buffer, n=n: line(buffer, dtype, n))


@pytest.mark.every_function
def test_position_does_not_matter(case, dtype):
    """Each element alone, and at every place relative to vectors and blocks."""
    x = case.operands(dtype, 600, seed=3)
    whole = case(*x)
    alone = np.concatenate([case(*(a[i:i + 1] for a in x)) for i in range(600)])
    assert_same_bits(alone, whole, "one by one")
    for start in range(1, 70):
        assert_same_bits(case(*(a[start:] for a in x)), whole[start:], start)
    repeated = case(*(np.tile(a, 9) for a in x))
    assert_same_bits(repeated, np.tile(whole, 9))


@pytest.mark.parametrize("n", [2, 67, 385, 1100])
def test_strides(case, dtype, n):
    """-4 to 4, zero strides of inputs among them, for inputs and output independently."""
    x = case.operands(dtype, n)
    result = case.result(dtype)
    for step in range(-4, 5):
        # The second array's stride is another.
        given = [line(room(i), dtype, n, step if i == 0 else 3 - step) for i in range(case.arrays)]
        for a, values in zip(given, x, strict=True):
            a[...] = values
        assert_same_bits(case(*given), case(*map(np.ascontiguousarray, given)))
        for out_step in (-4, -3, -2, -1, 1, 2, 3, 4):
            check_out(case, given, lambda buffer, s=out_step: line(buffer, result, n, s))
    if keeps_dtype(case, dtype):
        for position, step in itertools.product(range(case.arrays), (-4, -3, -2, -1, 1, 2, 3, 4)):
            check_in_place(case, x, position, lambda buffer, s=step: line(buffer, dtype, n, s))


@pytest.mark.parametrize("n", [1, 67, 1100])
def test_misaligned_and_swapped(case, dtype, n):
    x = case.operands(dtype, n)
    swapped = dtype.newbyteorder() if dtype.kind in "iuf" else dtype       # ml_dtypes has one byte order
    result = case.result(dtype)
    other = result.newbyteorder() if result.kind in "iuf" else result
    for offset, step, given, stored in itertools.product((0, 1, 3), (1, -2), (dtype, swapped), (result, other)):
        arrays = [line(room(i), given, n, step, offset) for i in range(case.arrays)]
        for a, values in zip(arrays, x, strict=True):
            a[...] = values
        assert_same_bits(case(*arrays), case(*x))
        check_out(case, arrays, lambda buffer, s=stored: line(buffer, s, n, 2, 0))
        check_out(case, arrays, lambda buffer, s=stored: line(buffer, s, n, 1, 1))
        if keeps_dtype(case, dtype):
            for position in range(case.arrays):
                check_in_place(case, x, position, lambda buffer, o=offset, s=step, g=given: line(buffer, g, n, s, o))


# ---- several axes ----

@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layouts(case, dtype, shape):
    """Every layout of the input with every layout of the output."""
    n = int(np.prod(shape))
    x = [a.reshape(shape) for a in case.operands(dtype, n)]
    result = case.result(dtype)
    names = list(LAYOUTS)
    for i, layout in enumerate(names):
        given = [view(room(k), dtype, shape, names[(i + k) % len(names)]) for k in range(case.arrays)]
        for a, values in zip(given, x, strict=True):
            a[...] = values
        assert_same_bits(case(*given), case(*x), layout)
        for out_layout in names:
            check_out(case, given, lambda buffer, o=out_layout: view(buffer, result, shape, o))
        if keeps_dtype(case, dtype):
            for position in range(case.arrays):
                check_in_place(case, x, position, lambda buffer, o=layout: view(buffer, dtype, shape, o))
        check_out(case, given, lambda buffer, o=layout: view(buffer, result, shape, o, offset=1))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_transposes_of_every_remainder(dtype):
    """Rows and columns that are no whole squares of vectors, a few channels among them, with and without gaps."""
    case, dtype = CASES["relu"], np.dtype(dtype)
    lengths = [*range(1, 10), 15, 16, 17, 31, 32, 33, 63, 65]
    for rows, n in [*itertools.product(lengths, lengths), (2, 999), (3, 700), (4, 700), (999, 2), (700, 3), (700, 4), (129, 37)]:
        values = case.operands(dtype, rows * n)[0].reshape(rows, n)
        for gap in (0, 1):
            x = room(4, (rows + gap) * n * dtype.itemsize).view(dtype).reshape(n, rows + gap)[:, :rows].T
            x[...] = values
            strides = ((n + gap) * dtype.itemsize, dtype.itemsize)
            check_out(case, [x], lambda buffer, r=rows, k=n, s=strides: np.ndarray((r, k), dtype, buffer, MARGIN, s))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_short_arrays_of_permuted_axes(dtype):
    """Blocks that have whole axes beside a part of another one; input, output and mask in any order."""
    case, dtype = CASES["relu"], np.dtype(dtype)
    for shape in [(70, 5, 9), (3, 40, 4, 5)]:
        x = case.operands(dtype, int(np.prod(shape)))[0].reshape(shape)
        want, mask = case(x), np.random.default_rng(0).random(shape) < 0.7
        for axes in itertools.permutations(range(len(shape))):
            def turned(a, axes=axes):
                return np.ascontiguousarray(a.transpose(axes)).transpose(np.argsort(axes))

            out = turned(np.zeros_like(want))
            for given, to in [(turned(x), np.zeros_like(want)), (x, out), (turned(x), turned(out)), (out, out)]:
                to[...] = x if to is given else 0
                case(given, out=to)
                assert_same_bits(to, want, axes)
            masked = turned(np.zeros_like(want))
            case(turned(x), out=masked, where=turned(mask))
            assert_same_bits(masked, np.where(mask, want, 0), axes)


@pytest.mark.parametrize("shape", [(2, 64, 130), (3, 70, 16), (1, 33, 64), (4, 5, 67), (128, 1, 80)], ids=str)
def test_transposes_too_large_for_the_cache(case, dtype, shape):
    """By other blocks, and past the cache where the output's rows are whole cache lines: what follows them too."""
    x = [a.reshape(shape) for a in case.operands(dtype, int(np.prod(shape)))]
    want, result = case(*x), case.result(dtype)
    given = [np.asfortranarray(a) if i == 0 else np.moveaxis(np.moveaxis(a, 2, 1).copy(), 1, 2) for i, a in enumerate(x)]
    mask = np.random.default_rng(0).random(shape) < 0.9
    mask[:, :20] = True
    before = set_streamed(0)
    try:
        for shift, gap, threads in [(0, 0, 1), (0, 64 // result.itemsize, 1), (result.itemsize, 0, 1), (0, 0, 2)]:
            buffer = room(3, want.nbytes // shape[2] * (shape[2] + gap) + 256)
            first = 64 + -buffer.ctypes.data % 64 + shift
            step = (shape[2] + gap) * result.itemsize
            strides = (shape[1] * step, step, result.itemsize)
            for keywords in ({}, {"where": mask}):
                expected = buffer.copy()
                np.copyto(np.ndarray(shape, result, expected, first, strides), want, **keywords)
                out = np.ndarray(shape, result, buffer, first, strides)
                with cyact.num_threads(threads):
                    assert case(*given, out=out, **keywords) is out
                assert (buffer == expected).all(), (shift, gap, threads, keywords)
                buffer[:] = room(3, buffer.size)
        if result == "float32" and not case.parameters:
            out = np.empty(shape, "float32")
            case(*(a.astype("float64") for a in given), out=out, dtype="float32")
            assert_same_bits(out, case(*(a.astype("float64").astype("float32") for a in x)))
    finally:
        set_streamed(before)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_transposed_input_with_slopes_of_any_shape(dtype, large):
    """Long rows of a tile, which the kernel writes where they belong, and whole tiles; two inputs in two orders."""
    random = np.random.default_rng(0)
    before = set_streamed(0 if large else 2**40)
    try:
        for shape, slopes in itertools.product([(2, 3, 300), (2, 70, 130), (3, 17, 64)], itertools.product([False, True], repeat=3)):
            x, other = (random.normal(0, 3, shape).astype(dtype) for _ in range(2))
            alpha = random.normal(0, 1, [n if kept else 1 for n, kept in zip(shape, slopes, strict=True)]).astype(dtype)
            turned = np.moveaxis(np.moveaxis(x, 1, 2).copy(), 2, 1)
            out, whole = np.zeros_like(x), np.broadcast_to(alpha, shape).copy()
            for given in (alpha, np.asfortranarray(whole)):
                cyact.leaky_relu(turned, given, out=out)
                assert_same_bits(out, cyact.leaky_relu(x.ravel(), whole.ravel()).reshape(shape), (shape, slopes))
                cyact.leaky_relu_grad(turned, np.asfortranarray(other), given, out=out)
                assert_same_bits(out, cyact.leaky_relu_grad(x.ravel(), other.ravel(), whole.ravel()).reshape(shape), (shape, slopes))
    finally:
        set_streamed(before)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_masks_of_every_pattern(dtype):
    """Of eight neighbours, and of rows of every length to 300; bytes that are true without being 1, in masks that are views."""
    random = np.random.default_rng(0)
    patterns = np.array(list(itertools.product([0, 1], repeat=8)), "uint8").ravel()
    x = random.integers(1, 100, 2 * patterns.size).astype(dtype)
    for mask in (patterns, patterns * random.integers(1, 256, patterns.size, "uint8")):
        for step in (1, 2):
            out = np.zeros(step * mask.size, dtype)[::step]
            cyact.relu(x[:mask.size], out=out, where=mask.view(bool))
            assert_same_bits(out, np.where(mask != 0, x[:mask.size], np.zeros(1, dtype)))
    for n in range(300):
        out, mask = np.zeros(n + 8, dtype), random.random(n) < 0.5
        cyact.relu(x[:n], out=out[:n], where=mask)
        assert_same_bits(out, np.append(np.where(mask, x[:n], np.zeros(1, dtype)), np.zeros(8, dtype)), n)


def test_fresh_result_has_the_layout_that_numpy_gives(case, dtype):
    """order="K": the input's axes in their order in memory, without its gaps."""
    for shape, layout in itertools.product([(5, 7, 6), (1, 7, 3), (4, 1, 1)], LAYOUTS):
        given = [view(room(), dtype, shape, layout)] * case.arrays
        for a in given:
            a[...] = sample(dtype, a.size).reshape(shape)
        expected = np.add(given[0].view(f"i{dtype.itemsize}"), 1)
        result = case(*given)
        scale = result.itemsize // dtype.itemsize
        strides = [(a, b * scale) for a, b, n in zip(result.strides, expected.strides, shape, strict=True) if n > 1]
        assert all(found == wanted for found, wanted in strides), layout
        assert result.flags.owndata
        assert result.flags.writeable
        assert type(result) is np.ndarray


def test_broadcast_input(case, dtype):
    """Zero strides: one value along an axis."""
    row, column = (case.operands(dtype, 300, seed)[0] for seed in (0, 1))
    for base, shape in [(row, (40, 300)), (column[:40, None], (40, 300)), (row[:1], (1300,)), (row[0], (6, 7)),
                        (row[:7, None, None], (7, 5, 9)), (row[:3], (50, 20, 3))]:
        x = np.broadcast_to(base, shape)
        given = [x] * case.arrays
        assert_same_bits(case(*given), case(*[x.copy()] * case.arrays))
        check_out(case, given, lambda buffer, s=shape: np.ndarray(s, case.result(dtype), buffer, MARGIN)
                  if np.prod(s) * case.result(dtype).itemsize < 1 << 16 else np.empty(s, case.result(dtype)))


def test_broadcasting_of_the_output(case, dtype):
    """NumPy lets ``out`` have more axes than the input, and a longer axis than one of length 1."""
    x = [a.reshape(1, 30) for a in case.operands(dtype, 30)]
    check_out(case, x[:1] * case.arrays, lambda buffer: np.ndarray((1, 30), case.result(dtype), buffer, MARGIN))
    for shape in [(4, 30), (2, 1, 30), (2, 5, 30)]:
        out = np.zeros(shape, case.result(dtype))
        assert case(*x, out=out) is out
        assert_same_bits(out, np.broadcast_to(case(*x), shape).copy())


def test_zero_dimensions(case, dtype):
    x = [a.reshape(()) for a in case.operands(dtype, 1)]
    want = case(*(a.reshape(1) for a in x))[0]
    result = case(*x)
    assert type(result) is want.dtype.type
    assert_same_bits(result, want)
    check_out(case, x, lambda buffer: np.ndarray((), want.dtype, buffer, MARGIN))
    if keeps_dtype(case, dtype):
        assert case(*x, out=x[0]) is x[0]
        assert_same_bits(x[0], np.array(want))


def test_empty(case, dtype):
    for shape in [(0,), (0, 5), (5, 0), (3, 0, 4), (0, 0), (1, 0, 1)]:
        x = [np.empty(shape, dtype)] * case.arrays
        result = case(*x)
        assert result.shape == shape
        assert result.dtype == case.result(dtype)
        for out in (np.empty(shape, result.dtype), np.empty(shape, result.dtype, order="F")):
            assert case(*x, out=out) is out
        halved = tuple(slice(None, None, -2) for _ in shape)
        assert case(*(a[halved] for a in x)).shape == x[0][halved].shape
        if keeps_dtype(case, dtype):
            assert case(*x, out=x[0][tuple(slice(None, None, -1) for _ in shape)]).shape == shape


def test_many_dimensions(case, dtype):
    """Up to the 32 (64 from NumPy 2 on) that NumPy has."""
    deepest = 64 if NUMPY_2 else 32
    x = case.operands(dtype, 2**9)
    for ndim in (9, 16, deepest):
        shape = (2,) * 9 + (1,) * (ndim - 9)
        deep = [a.reshape(shape) for a in x]
        assert_same_bits(case(*deep), case(*x).reshape(shape))
        turned = [a.transpose(*range(8, -1, -1), *range(9, ndim)) for a in deep]
        assert_same_bits(case(*turned), case(*(a.copy() for a in turned)))


# ---- overlap ----

def copy_first(case, operands, out, expected, expected_out):
    """``out`` overlaps the operands: compare with the same call on copies, over the whole of the memory."""
    expected_out[...] = case(*(np.array(x, order="C") for x in operands))
    assert case(*operands, out=out) is out


@pytest.mark.parametrize("n", [5, 67, 600, 3000])
def test_shifted_overlap(case, dtype, n):
    """Both directions, distances around the vectors' widths, reversed and strided views of the same memory."""
    result = case.result(dtype)
    scale = result.itemsize // dtype.itemsize
    x = case.operands(dtype, n)
    for shift, step, out_step in [(0, 1, -1), (0, -1, 1), (0, 1, 2), (0, 2, 1), (0, 2, -2), (1, 2, 2), (3, -1, 1),
                                  (3, 1, -1),
                                  *((s, 1, 1) for s in (-65, -33, -17, -2, -1, 0, 1, 2, 3, 7, 8, 9, 16, 31, 64, 65))]:
        buffers = [room(1, 5 * n * result.itemsize + 4096) for _ in range(2)]
        views = []
        for buffer in buffers:
            middle = buffer[1024:]
            first = 0 if step > 0 else (n - 1) * -step * dtype.itemsize
            given = np.ndarray(n, dtype, middle, first, step * dtype.itemsize)
            start = 1024 + shift * dtype.itemsize * (scale if shift % scale == 0 else 1)
            start -= start % result.itemsize
            start -= 0 if out_step > 0 else (n - 1) * out_step * result.itemsize
            views.append((given, np.ndarray(n, result, buffer, start, out_step * result.itemsize)))
            given[...] = x[0]
        (given, out), (_, expected_out) = views
        for position in range(case.arrays):
            operands = list(x)
            operands[position] = given
            given[...] = views[1][0][...] = x[position]
            copy_first(case, operands, out, buffers[1], expected_out)
            assert (buffers[0] == buffers[1]).all(), (shift, step, out_step)


def test_transposed_overlap(case, dtype):
    """A square into its own transpose; rows and columns into their neighbours."""
    if not keeps_dtype(case, dtype):
        dtype = case.result(dtype)      # the same memory holds both
        if dtype not in case.dtypes:
            return
    for side in (3, 40, 70):
        square = case.operands(dtype, side * side)[0].reshape(side, side)
        others = case.operands(dtype, side * side)[1:]
        others = [a.reshape(side, side) for a in others]
        for get, put in [
            (lambda a: a, lambda a: a.T), (lambda a: a.T, lambda a: a), (lambda a: a[::-1], lambda a: a),
            (lambda a: a[:, ::-1], lambda a: a), (lambda a: a[::-1, ::-1].T, lambda a: a),
            (lambda a: a[1:], lambda a: a[:-1]), (lambda a: a[:-1], lambda a: a[1:]),
            (lambda a: a[:, 1:], lambda a: a[:, :-1]), (lambda a: a[:, :-1], lambda a: a[:, 1:]),
            (lambda a: a[1:, 1:], lambda a: a[:-1, :-1]), (lambda a: a[:1], lambda a: a),
        ]:
            memory, expected = square.copy(), square.copy()
            rest = [a[:get(a).shape[0], :get(a).shape[1]] for a in others]
            put(expected)[...] = case(get(square).copy(), *rest)
            out = put(memory)
            assert case(get(memory), *rest, out=out) is out
            assert_same_bits(memory, expected)


def test_output_overlapping_itself(case, dtype):
    """What is stored there is undefined, but it is one of the values, and nothing else is touched."""
    result = case.result(dtype)
    x = [a.reshape(40, 30) for a in case.operands(dtype, 1200)]
    want = case(*x)
    buffer = room()
    before = buffer.copy()
    inside = slice(MARGIN, MARGIN + 69 * result.itemsize)
    out = np.ndarray((40, 30), result, buffer, MARGIN, (result.itemsize, result.itemsize))
    assert case(*x, out=out) is out
    found = bits(buffer[inside].view(result))
    assert np.isin(found, bits(want)).all()
    buffer[inside] = before[inside]
    assert (buffer == before).all()
    single = np.zeros(1, result)
    case(*(a.ravel() for a in x), out=as_strided(single, (1200,), (0,)))
    assert bits(single)[0] in bits(want)
    if keeps_dtype(case, dtype):
        case(*[out] * case.arrays, out=out)
        case(*[out[::-1]] * case.arrays, out=out)


def random_view(rng, buffer, dtype, shape):
    """Any strides and any place in a buffer, now and then misaligned; no two elements in one place.

    A ValueError where the buffer is too small.
    """
    axes = rng.permutation(len(shape))
    strides, distance = np.zeros(len(shape), int), dtype.itemsize
    for axis in axes:
        distance += dtype.itemsize * int(rng.integers(0, 3)) * int(rng.random() < 0.3)
        strides[axis] = distance * rng.choice([1, 1, -1]) * rng.choice([1, 1, 2, 3])
        distance = abs(int(strides[axis])) * shape[axis]
    extent = sum(abs(stride) * (n - 1) for stride, n in zip(strides, shape, strict=True)) + dtype.itemsize
    low = int(rng.integers(0, buffer.size - extent + 1))
    if rng.random() < 0.9:
        low -= low % dtype.itemsize
    first = low - sum(min(0, stride) * (n - 1) for stride, n in zip(strides, shape, strict=True))
    return first, tuple(int(stride) for stride in strides)


def test_random_views_of_one_buffer(case, dtype):
    """Inputs and output anywhere in the same memory, with any strides: as if the input had been copied first."""
    rng = np.random.default_rng(11)
    result = case.result(dtype)
    for trial in range(25):
        ndim = int(rng.integers(1, 5))
        shape = tuple(int(n) for n in rng.integers(1, {1: 1500, 2: 60, 3: 13, 4: 7}[ndim], ndim))
        size = int(np.prod(shape)) * result.itemsize * 6 ** min(ndim, 2) + 4096
        values = sample(dtype, size // dtype.itemsize, trial)
        memory = values.view(np.uint8).copy()
        places = []
        for kind in [dtype] * case.arrays + [result]:
            try:
                places.append((shape, kind, *random_view(rng, memory, kind, shape)))
            except ValueError:
                break
        else:
            expected = memory.copy()
            *given, out = (np.ndarray(s, k, memory, first, strides) for s, k, first, strides in places)
            s, k, first, strides = places[-1]
            np.ndarray(s, k, expected, first, strides)[...] = case(*(np.array(a, order="C") for a in given))
            assert case(*given, out=out) is out
            assert (memory == expected).all(), (trial, places)


# ---- memory ----

def peak(call):
    """Bytes that a call allocates at most, while it runs: NumPy reports its arrays to tracemalloc."""
    call()
    tracemalloc.start()
    try:
        call()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


IN_PLACE = {
    "contiguous": lambda a: a,
    "part of each row": lambda a: a[:, :100],
    "every second column": lambda a: a[:, ::2],
    "every second row": lambda a: a[::2],
    "reversed": lambda a: a[::-1, ::-1],
    "transposed": lambda a: a.T,
    "channels": lambda a: a.reshape(128, 32, 4)[..., :3],
    "one axis": lambda a: a.ravel(),
}


@pytest.mark.parametrize("part", IN_PLACE)
def test_in_place_allocates_nothing(case, dtype, part):
    x = [a.reshape(128, 128) for a in case.operands(dtype, 128 * 128)]
    given = [IN_PLACE[part](a) for a in x]
    for target in given:
        if keeps_dtype(case, dtype):
            assert peak(lambda out=target: case(*given, out=out)) < 4096
        else:
            # leaky_relu has a loop for it; for the others NumPy has buffers of 8,192 elements, whatever the size. Before
            # NumPy 2 each parameter had one too.
            cast = 1 if NUMPY_2 else 1 + len(case.parameters)
            buffers = 0 if case.name == "leaky_relu" else 8192 * (dtype.itemsize + cast * case.result(dtype).itemsize)
            assert peak(lambda out=target: case(*given, out=out, casting="unsafe")) < buffers + 4096
            return
    assert peak(lambda: case(*given)) >= given[0].nbytes        # the measure works


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("keywords", ["slopes", "where"])
def test_general_road_in_place_allocates_no_copy(dtype, keywords):
    """Slopes per channel and ``where``, which NumPy's machinery runs: its buffers of 8192 elements, no temporary."""
    x = sample(dtype, 640_000).reshape(800, 800)
    if keywords == "slopes":
        slopes = np.full(800, 0.1).astype(dtype)
        assert peak(lambda: cyact.leaky_relu(x, slopes, out=x)) < x.nbytes / 8
    else:
        mask = np.arange(800) % 3 == 0
        assert peak(lambda: cyact.leaky_relu(x, out=x, where=mask)) < x.nbytes / 8
        assert peak(lambda: cyact.tanh(x, out=x, where=mask)) < x.nbytes / 8


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integer_input_is_not_converted(dtype):
    """Straight into typed loops: ``out`` of the result's dtype, and no copy of the input."""
    x = sample(dtype, 128 * 128).reshape(128, 128)
    out = np.empty(x.shape, real(dtype))
    for case in (case for case in CASES.values() if case.result is real and dtype in case.dtypes):
        for part in IN_PLACE.values():
            assert peak(lambda c=case, p=part: c(p(x), out=p(out))) < 4096
        # np.True_ is not True: this goes by way of the ufunc, for which NumPy before 2.3 copies a slope 8192 times.
        numpys = peak(lambda: np.multiply(out, np.ones((), out.dtype), out=out, where=np.True_))
        assert peak(lambda c=case: c(x, out=out, where=np.True_)) < numpys + 4096
