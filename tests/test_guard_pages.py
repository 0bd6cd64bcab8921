"""No read or write past an array: each lies between two pages that nobody may touch.

A level's sweep runs in a process of its own, which a wrong access ends; its last line says where.
"""

import faulthandler
import itertools
import mmap
import sys

import numpy as np
import pytest
from cases import CASES, REPRESENTATIVES, STREAMED, assert_same_bits, set_streamed

import cyact

LENGTHS = range(601)
# As many elements as a test with strides uses; odd ones, around vectors and blocks.
STRIDED = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 131, 511, 512, 513, 600]
PAGE = mmap.PAGESIZE


class Guarded:
    """Room for some bytes that begins and ends at a page boundary, with a forbidden page on either side."""

    def __init__(self, size):
        import ctypes

        pages = -(-size // PAGE)
        self.map = mmap.mmap(-1, (pages + 2) * PAGE)
        self.bytes = np.frombuffer(self.map, np.uint8)
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for page in (0, pages + 1):
            if protect(self.bytes.ctypes.data + page * PAGE, PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self.low, self.high = PAGE, (pages + 1) * PAGE

    def line(self, dtype, n, at_end, step=1):
        """``n`` elements ``step`` apart whose first (last) byte is the room's."""
        size = ((n - 1) * abs(step) + 1) * dtype.itemsize if n else 0
        low = self.high - size if at_end else self.low
        first = low if step > 0 else low + size - dtype.itemsize
        return np.ndarray(n, dtype, self.map, first if n else low, step * dtype.itemsize)

    def rows(self, dtype, shape, gap, at_end):
        """Rows with a gap between, none after the last."""
        stride = (shape[1] + gap) * dtype.itemsize
        size = (shape[0] - 1) * stride + shape[1] * dtype.itemsize
        return np.ndarray(shape, dtype, self.map, self.high - size if at_end else self.low, (stride, dtype.itemsize))


def say(*words):
    print(*words, flush=True)


def sweep_lines(case, dtype, rooms):
    """Every length, contiguous, at both ends, out of place and in place."""
    result = case.result(dtype)
    x = case.operands(dtype, max(LENGTHS))
    want = case(*x)
    for at_end in (True, False):
        for n in LENGTHS:
            given = [room.line(dtype, n, at_end) for room in rooms[:case.arrays]]
            for a, values in zip(given, x, strict=True):
                a[...] = values[:n]
            out = rooms[-1].line(result, n, at_end)
            case(*given, out=out)
            assert_same_bits(out, want[:n], (n, at_end))
            if result == dtype:
                case(*given, out=given[-1])
                assert_same_bits(given[-1], want[:n], (n, at_end))
            else:
                case(*given, out=given[0], casting="unsafe")


def sweep_strides(case, dtype, rooms):
    """Steps of both signs, rows, and what NumPy's machinery hands on: a mask, slopes, an input with stride 0."""
    result = case.result(dtype)
    x = case.operands(dtype, 1200)
    want = case(*x)
    keywords = {"casting": "unsafe"} if result != dtype else {}
    for at_end in (True, False):
        for n in STRIDED:
            for step in (-3, -2, -1, 2, 3, 4):
                for out_step in (step, 1):
                    given = [room.line(dtype, n, at_end, step) for room in rooms[:case.arrays]]
                    for a, values in zip(given, x, strict=True):
                        a[...] = values[:n]
                    out = rooms[-1].line(result, n, at_end, out_step)
                    case(*given, out=out)
                    assert_same_bits(out, want[:n], (n, step, out_step))
                    case(*given, out=given[0], **keywords)
        for shape in [(2, 1), (3, 5), (7, 63), (5, 65), (2, 300), (2, 513)]:
            n = shape[0] * shape[1]
            given = [room.rows(dtype, shape, 3, at_end) for room in rooms[:case.arrays]]
            for a, values in zip(given, x, strict=True):
                a[...] = values[:n].reshape(shape)
            out = rooms[-1].rows(result, shape, 1, at_end)
            for order in ("C", "F"):
                turn = np.transpose if order == "F" else np.asarray
                case(*map(turn, given), out=turn(out))
                assert_same_bits(out, want[:n].reshape(shape), (shape, order))
            mask = rooms[-2].rows(np.dtype(bool), shape, 0, at_end)
            mask[...] = np.arange(n).reshape(shape) % 3 != 0
            case(*given, out=out, where=mask)
            assert_same_bits(out, want[:n].reshape(shape), shape)
            case(*(np.broadcast_to(a[:1], shape) for a in given), out=out)
            case(*given, out=given[0], **keywords)
    if case.parameters:
        for at_end in (True, False):
            for n in STRIDED:
                given = [room.line(dtype, n, at_end) for room in rooms[:case.arrays]]
                for a, values in zip(given, x, strict=True):
                    a[...] = values[:n]
                alpha, out = rooms[-2].line(result, n, at_end), rooms[-1].line(result, n, at_end)
                alpha[...] = case.tried[0]
                case.function(*given, alpha, out=out)
                assert_same_bits(out, want[:n], n)
                case.function(*given, alpha[-1:], out=out)
                assert_same_bits(out, want[:n], n)


def sweep_transposes(case, dtype, rooms):
    """Columns to rows, in blocks for what the cache holds and for what it does not."""
    result = case.result(dtype)
    x = case.operands(dtype, 1200)
    want = case(*x)
    for streamed, at_end, gap in itertools.product((0, STREAMED), (True, False), (0, 3)):
        set_streamed(streamed)
        for shape in [(3, 5), (2, 300), (300, 3), (16, 64), (64, 16), (33, 35), (65, 17), (4, 131), (33, 2), (40, 3)]:
            n = shape[0] * shape[1]
            given = [room.rows(dtype, shape[::-1], gap, at_end).T for room in rooms[:case.arrays]]
            for a, values in zip(given, x, strict=True):
                a[...] = values[:n].reshape(shape)
            out = rooms[-1].rows(result, shape, gap, at_end)
            case(*given, out=out)
            assert_same_bits(out, want[:n].reshape(shape), (shape, gap, streamed))
    set_streamed(STREAMED)


def sweep_masks(case, dtype, rooms):
    """An output that goes on in the forbidden page, where the mask is false."""
    result = case.result(dtype)
    x = case.operands(dtype, 200)
    want = case(*x)
    room = rooms[-1]
    for n in range(131):
        for beyond in (1, 20):
            for step in (1, 2):
                first = room.high - max(0, n * step - step + 1) * result.itemsize
                out = np.ndarray(n + beyond, result, room.map, first, (step * result.itemsize,))
                mask = np.zeros(n + beyond, bool)
                for density in (1, 2, 5):
                    mask[:n:density] = True
                    case(*(a[:n + beyond] for a in x), out=out, where=mask)
                    assert_same_bits(out[:n:density], want[:n:density], (n, beyond, step))
                    mask[...] = False


def sweep_large(case, dtype, rooms):
    """Split among threads, and written past the cache."""
    result = case.result(dtype)
    n = STREAMED // (case.arrays * dtype.itemsize + result.itemsize) + 13
    x = [np.resize(a, n) for a in case.operands(dtype, 4093)]
    want = np.resize(case(*(a[:4093] for a in x)), n)
    for at_end in (True, False):
        given = [room.line(dtype, n, at_end) for room in rooms[:case.arrays]]
        for a, values in zip(given, x, strict=True):
            a[...] = values
        out = rooms[-1].line(result, n, at_end)
        for count in (1, 2):
            with cyact.num_threads(count):
                out[...] = 0
                case(*given, out=out)
                assert_same_bits(out, want, (n, at_end))
    with cyact.num_threads(2):
        case(*given, out=given[-1], **({"casting": "unsafe"} if result != dtype else {}))


def sweep():
    faulthandler.enable()
    set_streamed(STREAMED)
    small = [Guarded(3 * 1200 * 8) for _ in range(4)]
    for case in REPRESENTATIVES.values():
        for dtype in case.dtypes:
            for part in (sweep_lines, sweep_strides, sweep_transposes, sweep_masks):
                say(part.__name__, case.name, dtype)
                part(case, dtype, small)
    large = [Guarded(18 << 20) for _ in range(4)]
    for case, dtype in [("relu", "int8"), ("relu", "float16"), ("tanh", "uint8"), ("sigmoid", "float64"),
                        ("leaky_relu", "float32"), ("leaky_relu_grad", "float16")]:
        say("sweep_large", case, dtype)
        sweep_large(CASES[case], np.dtype(dtype), large)
    say("done")


@pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")
def test_guards_guard(run_on_level):
    """One element too many is noticed, in reading and in writing, on both sides."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
        "import numpy as np; from test_guard_pages import *; room = Guarded(100); "
        "room.line(np.dtype('i1'), 100, {})[...] = 1; say('so far'); "
        "np.ndarray(101, 'i1', room.map, {}){}; say('alive')"
    )
    for at_end, first in [(True, "room.high - 100"), (False, "room.low - 1")]:
        for use in ("[...] = 1", ".sum()"):
            done = run_on_level("", "-c", script.format(at_end, first, use))
            assert done.stdout == "so far\n", done.stderr
            assert done.returncode < 0


@pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")
def test_no_access_outside(level, run_on_level):
    done = run_on_level(level, "test_guard_pages.py")
    assert (done.returncode, done.stdout[-5:]) == (0, "done\n"), done.stdout[-200:] + done.stderr


if __name__ == "__main__":
    sweep()
