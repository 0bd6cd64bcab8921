"""Large arrays: results written past the cache, and more elements than 32 bits count.

The latter need some 5 GB and half a minute: they run where CYACT_SLOW_TESTS=1 is set.
"""

import os

import numpy as np
import pytest
from cases import CASES, REPRESENTATIVES, STREAMED, assert_same_bits
from test_threads import CHUNK, in_pieces

import cyact

MARGIN = 128


# ---- past the cache ----

def test_from_the_size_of_the_last_cache_on(run_on_level):
    """Within limits: 16 MiB where it is small or not known, 160 where many processors share it."""
    done = run_on_level("", "-c", "from cases import set_streamed; print(set_streamed(0))")
    assert 2**24 <= int(done.stdout) <= 10 * 2**24


def streamed_size(case, dtype):
    """Elements from which a result is written past the cache: the bytes of arrays count."""
    itemsize = case.arrays * dtype.itemsize + case.result(dtype).itemsize
    return STREAMED // itemsize + 1


def tiled(case, dtype, n):
    """``n`` elements, and the result, by repeating what a few thousand give; 4093 is a prime, so that blocks differ."""
    few = case.operands(dtype, 4093)
    want = in_pieces(case, few)
    return [np.resize(x, n) for x in few], np.resize(want, n)


def check_streamed(case, operands, want, offset, count):
    """Into an output ``offset`` bytes after the start of a line, with canaries on both sides of it."""
    buffer = np.full(want.nbytes + 2 * MARGIN + 64, 0xA5, np.uint8)
    first = -buffer.ctypes.data % 64 + MARGIN + offset
    out = np.ndarray(want.shape, want.dtype, buffer, first)
    assert out.ctypes.data % 64 == offset
    with cyact.num_threads(count):
        assert case(*operands, out=out) is out
    assert_same_bits(out, want, (offset, count))
    assert (buffer[:first] == 0xA5).all(), "written before"
    assert (buffer[first + want.nbytes:] == 0xA5).all(), "written behind"


@pytest.mark.mechanics
def test_streamed_at_every_offset(case, dtype):
    """Every misalignment for relu, which has a kernel of each size; the others at three, with odd sizes."""
    result = case.result(dtype)
    n = streamed_size(case, dtype)
    longest = n + CHUNK + 65
    operands, want = tiled(case, dtype, longest)
    offsets = range(0, 64, result.itemsize)
    if case.name != "relu":
        offsets = (0, result.itemsize, 64 - result.itemsize)
    for i, offset in enumerate(offsets):
        m = longest - i if i % 3 else n + i
        check_streamed(case, [x[:m] for x in operands], want[:m], offset, 1 + i % 2)


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64"])
def test_streamed_sizes(dtype):
    """Every length of the last line, and both sides of the threshold."""
    case, dtype = CASES["relu"], np.dtype(dtype)
    n = streamed_size(case, dtype)
    operands, want = tiled(case, dtype, n + 64)
    for m in (n - 1, *range(n, n + 64 // dtype.itemsize)):
        check_streamed(case, [x[:m] for x in operands], want[:m], (m % 16) * dtype.itemsize % 64, 1 + m % 2)


def test_streamed_fresh_result_and_slopes():
    """Without ``out``; with one slope in an array, and with a slope for each element."""
    for dtype in (np.dtype("float32"), np.dtype("int8")):
        case = CASES["leaky_relu"]
        (x,), want = tiled(case, dtype, streamed_size(case, dtype) + 77)
        slope = np.float32(case.tried[0])
        for alpha in (float(case.tried[0]), np.array(slope), np.full(x.size, slope)):
            assert_same_bits(cyact.leaky_relu(x, alpha), want)
            out = np.zeros(x.size + 1, "f4")[1:]
            assert_same_bits(cyact.leaky_relu(x[None], alpha, out=out[None])[0], want)


def test_large_overlap_is_not_streamed_over_its_input():
    """In place, and each input of a gradient as the output."""
    for case in REPRESENTATIVES.values():
        dtype = np.dtype("float32")
        operands, want = tiled(case, dtype, streamed_size(case, dtype) + 5)
        for position in range(case.arrays):
            given = [x.copy() for x in operands]
            case(*given, out=given[position])
            assert_same_bits(given[position], want, case.name)


# ---- more than 2^31 elements ----

N = 2**31 + 12_345
PERIOD = 65_521         # a prime: what is wrong by 2^31 or 2^32 elements isn't hidden
slow = [
    pytest.mark.slow, pytest.mark.skipif(os.environ.get("CYACT_SLOW_TESTS") != "1", reason="CYACT_SLOW_TESTS=1 runs it")
]


def pattern():
    return np.random.default_rng(0).integers(-128, 128, PERIOD, np.int8)


def fill(array, values):
    """``values`` again and again along a 1-d array."""
    whole = len(array) // len(values) * len(values)
    array[:whole].reshape(-1, len(values))[...] = values
    array[whole:] = values[:len(array) - whole]


def assert_repeats(array, values):
    """That ``values`` repeat along a 1-d array, without an array of its size for the comparison."""
    rows = (64 << 20) // len(values)
    for start in range(0, len(array), rows * len(values)):
        part = array[start:start + rows * len(values)]
        whole = len(part) // len(values) * len(values)
        assert (part[:whole].reshape(-1, len(values)) == values).all(), start
        assert (part[whole:] == values[:len(part) - whole]).all(), start


def huge(pytest_function):
    for mark in slow:
        pytest_function = mark(pytest_function)
    return pytest_function


@huge
def test_huge_contiguous():
    """Fresh, into ``out``, and in place, through the direct road and through NumPy's."""
    values = pattern()
    x = np.empty(N, np.int8)
    fill(x, values)
    out = np.empty_like(x)
    relu = np.maximum(values, 0)
    for given, target in [(x, out), (x[None], out[None])]:
        out[...] = 77
        assert cyact.relu(given, out=target) is target
        assert_repeats(out, relu)
    del out, target
    assert_repeats(cyact.relu(x), relu)
    assert_repeats(x, values)
    halves = np.trunc(np.where(values < 0, values * 0.5, values)).astype(np.int8)
    assert cyact.leaky_relu(x, 0.5, out=x, casting="unsafe") is x
    assert_repeats(x, halves)
    cyact.relu(x, out=x, where=np.ones(1, bool))
    assert_repeats(x, relu)


@huge
def test_huge_strided():
    """Every second element, backwards, rows with gaps, an input with stride 0."""
    values = pattern()
    relu = np.maximum(values, 0)
    x = np.empty(2 * N, np.int8)
    fill(x, values)
    even = 2 * np.arange(PERIOD) % PERIOD
    cyact.relu(x[::2], out=x[::2])
    assert_repeats(x[::2], relu[even])
    assert_repeats(x[1::2], np.roll(values, -1)[even])
    fill(x, values)
    reverse = x[::-1][:N]
    cyact.relu(reverse, out=reverse)
    assert_repeats(x[N:], np.roll(relu, -(N % PERIOD)))
    assert_repeats(x[:N], values)
    fill(x, values)
    rows = x[:33_000 * PERIOD].reshape(-1, PERIOD)
    part = rows[:, :-1]
    assert part.size > 2**31
    cyact.relu(part, out=part)
    assert_repeats(rows.ravel(), np.append(relu[:-1], values[-1]))
    assert_repeats(x[33_000 * PERIOD:], values)
    constant = np.broadcast_to(np.int8(-5), N)
    assert_repeats(cyact.relu(constant), np.zeros(PERIOD, np.int8))


@huge
def test_huge_distance():
    """Few elements whose strides are more than 2^31 bytes; a float16 array of more than 2^31 bytes."""
    memory = np.zeros(2 * N + 1, np.int8)
    far = memory[::N]
    far[...] = (-3, 5, -7)
    assert cyact.relu(far).tolist() == [0, 5, 0]
    cyact.relu(far, out=far)
    assert far.tolist() == [0, 5, 0]
    assert np.count_nonzero(memory) == 1
    halves = memory[:N // 2 * 2].view(np.float16)
    halves[...] = np.float16(1)
    cyact.tanh(halves, out=halves)
    assert_repeats(halves, np.full(PERIOD, np.tanh(1), np.float16))
