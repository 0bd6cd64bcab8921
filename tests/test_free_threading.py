"""Python threads that call at the same time, with and without the GIL: each gets what it would get alone.

``python test_free_threading.py CALLS`` makes so many calls from eight threads of a fresh process, in which no dtype was met yet.
"""

import ctypes
import os
import sys
import sysconfig
import threading
from itertools import cycle

import numpy as np
import pytest
from cases import FLOATS, HAS_OPENMP, INTEGERS, assert_same_bits
from test_threads import HEAVY, run

import cyact
from cyact import c_api

THREADS = 8
CALLS = 1_000_000 if os.environ.get("CYACT_SLOW_TESTS") == "1" else 20_000
C_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_ssize_t, ctypes.c_double)(c_api.addresses["leaky_relu_f32"])
# What one expression of NumPy gives, to the bit.
EXACT = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "step": lambda x: x >= 0,
}


def whole_numbers(dtype, seed):
    """From -9 or 0 to 9, none of them -0."""
    values = np.random.default_rng(seed).integers(-9 if dtype.kind != "u" else 0, 10, 16)
    return values.astype(dtype)


def every_dtype(seed):
    """Calls of all exact functions, in an order of the thread's own: who comes first has NumPy look for the loop."""
    pairs = [(name, dtype) for name in EXACT for dtype in (*FLOATS, *INTEGERS)]
    np.random.default_rng(seed).shuffle(pairs)
    for name, dtype in pairs:
        x = whole_numbers(np.dtype(dtype), seed)
        want = EXACT[name](x.astype("f8")).astype(dtype)
        for keywords in ({"casting": "same_kind"}, {}):
            yield getattr(cyact, name), (x,), keywords, want


def own_slopes(seed):
    """A slope that no other thread has, by every way that a number takes."""
    for dtype in FLOATS:
        x, slope = whole_numbers(dtype, seed), dtype.type(0.5 + seed / 64)
        want = np.where(x < 0, slope * x, x)
        out, mask, number = np.empty_like(x), np.ones(x.shape, bool), float(slope)
        for given in (number, np.full(x.shape, slope)):
            yield cyact.leaky_relu, (x, given), {}, want
            yield cyact.leaky_relu, (x, given), {"out": out}, want
            yield cyact.leaky_relu, (x, given), {"out": out, "casting": "same_kind"}, want
            yield cyact.leaky_relu, (x, given), {"out": out, "where": mask}, want
            yield cyact.leaky_relu_grad, (x, x, given), {}, want
    x, slope = whole_numbers(np.dtype("f4"), seed), 0.5 + seed / 64

    def c_function():
        out = np.empty_like(x)
        C_FUNCTION(x.ctypes.data, out.ctypes.data, x.size, slope)
        return out

    yield c_function, (), {}, np.where(x < 0, np.float32(slope) * x, x)
    place = np.arange(4) == seed % 4
    rows, want = np.where([place] * 3, np.float32(0), np.float32(-np.inf)), np.array([place] * 3, "f4")
    yield cyact.softmax, (rows,), {}, want
    yield cyact.softmax, (rows,), {"casting": "same_kind"}, want


def check_counts(seed, shared):
    """The thread's own number within its blocks, that of some thread without; a block that all share has one at a time."""
    with cyact.num_threads(10 + seed):
        assert cyact.get_num_threads() == 10 + seed
        with cyact.num_threads(20 + seed):
            assert cyact.get_num_threads() == 20 + seed
        cyact.set_num_threads(1 + seed % 3)
        assert cyact.get_num_threads() == 10 + seed
    assert cyact.get_num_threads() in (1, 2, 3)
    try:
        with shared:
            assert cyact.get_num_threads() == 99
    except RuntimeError:
        pass
    assert cyact.get_num_threads() in (1, 2, 3)


def check_team(seed):
    """A call that is split among threads of its own."""
    x = np.full(2 * HEAVY, 1 + seed, "f4")
    with cyact.num_threads(2):
        assert_same_bits(cyact.elu(x), x)


def work(seed, calls, start, shared):
    plans = [*every_dtype(seed), *own_slopes(seed)]
    start.wait()
    for n, (function, arguments, keywords, want) in zip(range(calls), cycle(plans)):
        assert_same_bits(function(*arguments, **keywords), want, (function, arguments, keywords))
        if n % 20 == 0 and HAS_OPENMP:
            check_counts(seed, shared)
        if n % 2000 == 0:
            check_team(seed)


def main(calls):
    sys.setswitchinterval(1e-5)
    start, shared, errors = threading.Barrier(THREADS), cyact.num_threads(99), []

    def watched(seed):
        try:
            work(seed, calls // THREADS, start, shared)
        except BaseException as error:
            errors.append(error)

    cyact.set_num_threads(1)
    threads = [threading.Thread(target=watched, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    print(f"{calls} calls")


def test_eight_threads():
    done = run(__file__, str(CALLS), timeout=1200)
    assert done.stdout == f"{CALLS} calls\n", done.stderr


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="an interpreter with a GIL")
def test_import_keeps_the_gil_off():
    done = run("-W", "error", "-c", "import cyact, cyact.c_api, sys; print(sys._is_gil_enabled())")
    assert done.stdout == "False\n", done.stderr


if __name__ == "__main__":
    main(int(sys.argv[1]))
