"""Memory and reference counts are flat over many calls of each kind, errors included.

A million of each with CYACT_SLOW_TESTS=1, which takes some minutes; else few enough for every run.
"""

import gc
import os
import pickle
import sys

import numpy as np
import pytest
from cases import CASES, SMALL

import cyact
from cyact import ufuncs

CALLS = 1_000_000 if os.environ.get("CYACT_SLOW_TESTS") == "1" else 20_000
GROWTH = 1 << 20        # bytes that the allocator may keep; 20,000 leaked objects of the smallest kind are a third of it
KEYWORDS = ("out", "alpha", "where", "casting", "order", "dtype", "subok", "name")

x = np.linspace(-2, 2, 6)
x32 = x.astype("float32")
small = x.astype(SMALL[-1])
integers = np.arange(-3, 3, dtype="int8")
out, out32, wrong = np.empty(6), np.empty(6, "float32"), np.empty(5)
read_only = np.empty(6)
read_only.flags.writeable = False
slopes = np.array([0.1] * 6)
mask = np.array([True, False] * 3)
one = (out,)
label = "layer " + str(7)
unknown = {"".join(["unk", "nown"]): None}
equal = {"".join(["o", "ut"]): out}         # equal to the interned name, not the same object


class Refuses:
    __array_ufunc__ = None


class Text(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        raise ValueError("eq")


refuses, hostile = Refuses(), {Text("out"): out}
KINDS = {
    "fresh": lambda: cyact.tanh(x),
    "out": lambda: cyact.tanh(x, out=out),
    "positional out": lambda: cyact.tanh(x, out),
    "in place": lambda: cyact.relu(out, out=out),
    "tuple": lambda: cyact.tanh(x, out=one),
    "out None": lambda: cyact.tanh(x, None),
    "equal keyword": lambda: cyact.tanh(x, **equal),
    "scalar": lambda: cyact.tanh(0.5),
    "slope": lambda: cyact.leaky_relu(x, 0.5, out),
    "integer slope": lambda: cyact.leaky_relu(x, 3, name=label),
    "slopes": lambda: cyact.leaky_relu(x, slopes, out=out),
    "slope of the general road": lambda: cyact.leaky_relu(x32, 0.5, where=mask, out=out32),
    "gradient": lambda: cyact.leaky_relu_grad(x, x, 0.5),
    "where": lambda: cyact.sigmoid(x, out=out, where=mask, name=label),
    "dtype": lambda: cyact.sigmoid(x, dtype="float32", casting="same_kind", order="K", subok=True),
    "list": lambda: cyact.relu([1.0, 2.0]),
    "truncated": lambda: cyact.leaky_relu(integers, 0.5, out=integers, casting="unsafe"),
    "small": lambda: cyact.sigmoid(small),
    "small slope": lambda: cyact.leaky_relu(small, 0.5, where=mask, out=small),
    "small result": lambda: cyact.relu(x, dtype=small.dtype),
    "pickle": lambda: pickle.loads(pickle.dumps(ufuncs.tanh)),
}
ERRORS = {
    "unknown keyword": lambda: cyact.tanh(x, **unknown),
    "hostile keyword": lambda: cyact.tanh(x, **hostile),
    "twice": lambda: cyact.tanh(x, out, out=out),
    "too many": lambda: cyact.tanh(x, out, None, None),
    "nothing": lambda: cyact.relu(),
    "out alone": lambda: cyact.relu_grad(out=out),
    "read-only": lambda: cyact.tanh(x, out=read_only, name=label),
    "shape": lambda: cyact.tanh(x, out=wrong),
    "casting": lambda: cyact.tanh(integers, out=integers),
    "alpha None": lambda: cyact.leaky_relu(x, None),
    "alpha text": lambda: cyact.leaky_relu(x, "a"),
    "alpha shape": lambda: cyact.leaky_relu(x, wrong),
    "None": lambda: cyact.leaky_relu_grad(None, None, None, None, where=None, casting=None, order=None, dtype=None),
    "bool": lambda: cyact.relu(mask),
    "refuses": lambda: cyact.tanh(refuses),
    "small casting": lambda: cyact.tanh(x, dtype=small.dtype, out=integers),
}
KEPT = [
    x, x32, small, integers, out, out32, wrong, read_only, slopes, mask, one, label, refuses, unknown, *unknown, *equal,
    *hostile, None, True, False, *map(sys.intern, KEYWORDS), "same_kind", "unsafe", "K", "float32", 0.5, x.dtype, x32.dtype,
    small.dtype, integers.dtype, *(case.function for case in CASES.values()), *ufuncs.functions.values(),
]


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def repeat(call, times, fails):
    for _ in range(times):
        try:
            call()
        except (TypeError, ValueError):
            continue
        assert not fails


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
@pytest.mark.filterwarnings("ignore")      # pickle looks into every module for a ufunc; pytest keeps each warning that gives
@pytest.mark.parametrize("kind", [*KINDS, *ERRORS])
def test_nothing_is_kept(kind):
    call = {**KINDS, **ERRORS}[kind]
    repeat(call, 2000, kind in ERRORS)
    gc.collect()
    counts = [sys.getrefcount(thing) for thing in KEPT]
    # What else runs in the process may take memory meanwhile, but not every time.
    for _ in range(3):
        before = resident()
        repeat(call, CALLS, kind in ERRORS)
        gc.collect()
        grown = resident() - before
        if grown < GROWTH:
            break
    changed = [(thing, n, sys.getrefcount(thing)) for thing, n in zip(KEPT, counts) if abs(sys.getrefcount(thing) - n) > 50]
    assert not changed
    assert grown < GROWTH, f"{grown} bytes in {CALLS} calls, three times"
