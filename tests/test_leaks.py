"""Memory and reference counts are flat over many calls of each kind, errors included.

A million of each with CYACT_SLOW_TESTS=1, which takes some minutes; else few enough for every run.
"""

import gc
import os
import pickle
import sys

import numpy as np
import pytest
from cases import FLOATS, INTEGERS, SMALL, ufuncs

import cyact

# ml_dtypes warns when it casts, and pickle looks into every module for a ufunc: pytest keeps each warning that gives.
pytestmark = [pytest.mark.mechanics, pytest.mark.filterwarnings("ignore")]

SLOW = os.environ.get("CYACT_SLOW_TESTS") == "1"
GROWTH = 1 << 20        # bytes that the allocator may keep
KEYWORDS = ("out", "alpha", "where", "casting", "order", "dtype", "subok", "name")
LABEL = "layer " + str(7)


class Refuses:
    __array_ufunc__ = None


class Text(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        raise ValueError("eq")


def kinds(case, dtype):
    """Calls of each kind, those that raise apart, and the objects whose references are counted."""
    result, small = case.result(dtype), SMALL[-1]
    x = [np.array([-1, 2, 3], "float32").astype(dtype)] * case.arrays
    line, wide = [np.ones(3000, dtype)] * case.arrays, [np.ones((3, 8), dtype)[:, ::2]] * case.arrays
    out, read_only, wrong, mask = np.empty(3, result), np.empty(3, result), np.empty(4, result), np.array([True, False, True])
    read_only.flags.writeable = False
    one, refuses, own = (out,), Refuses(), x[0].copy()
    unknown, equal, hostile = {"".join(["unk", "nown"]): 1}, {"".join(["o", "ut"]): out}, {Text("out"): out}
    calls = {
        "fresh": lambda: case(*x),
        "out": lambda: case(*x, out=out),
        "positional out": lambda: case.function(*x, *case.tried, out),
        "tuple": lambda: case(*x, out=one),
        "out None": lambda: case(*x, out=None),
        "equal keyword": lambda: case(*x, **equal),     # equal to the interned name, not the same object
        "long": lambda: case(*line),
        "strided": lambda: case(*wide),
        "fortran": lambda: case(*(a.T for a in wide)),
        "zero dimensions": lambda: case(*(a[0].reshape(()) for a in x)),
        "scalar": lambda: case(*(a[0] for a in x)),
        "Python scalar": lambda: case(*(0.5 for _ in x)),
        "list": lambda: case(*([1.0, 2.0] for _ in x)),
        "where": lambda: case(*x, out=out, where=mask, name=LABEL),
        "order": lambda: case(*x, order="F", subok=True),
        "subclass": lambda: case(*(a.view(np.ma.MaskedArray) for a in x)),
        "name": lambda: case(*x, name=LABEL),
        "self-overlapping": lambda: case(*x, out=np.lib.stride_tricks.as_strided(out, (3,), (0,))),
        "pickle": lambda: pickle.loads(pickle.dumps(case.function)),
    }
    errors = {
        "unknown keyword": lambda: case(*x, **unknown),
        "hostile keyword": lambda: case(*x, **hostile),
        "twice": lambda: case.function(*x, *case.tried, out, out=out),
        "too many": lambda: case.function(*x, *case.tried, out, None, None),
        "nothing": lambda: case.function(),
        "out alone": lambda: case.function(out=out),
        "None": lambda: case.function(*[None] * len(x), where=None, casting=None, order=None, dtype=None),
        "unsupported dtype": lambda: case(*(a.astype("complex64") for a in x)),
        "refuses": lambda: case(*[refuses] * len(x)),
        "read-only": lambda: case(*x, out=read_only, name=LABEL),
        "shape": lambda: case(*x, out=wrong),
        "casting": lambda: case(*x, out=mask),
    }
    if dtype.kind == "f" or result == dtype:
        calls["dtype"] = lambda: case(*x, dtype="float64", casting="same_kind", order="K")
    if np.dtype("float64") == dtype:
        calls["small result"] = lambda: case(*x, dtype=small)
        errors["small casting"] = lambda: case(*x, dtype=small, out=mask)
    if case.parameters:
        slopes = np.full(3, 0.5).astype(result)
        calls["number"] = lambda: case.function(*x, 0.25, out)
        calls["integer"] = lambda: case.function(*x, 3, name=LABEL)
        calls["number of the general path"] = lambda: case.function(*x, 0.5, where=mask, out=out)
        calls["array"] = lambda: case.function(*x, slopes)
        calls["list of them"] = lambda: case.function(*x, [0.5, 1, 2])
        calls["NumPy scalar"] = lambda: case.function(*x, slopes[0])
        errors["no number"] = lambda: case.function(*x, None)
        errors["text"] = lambda: case.function(*x, "a")
        errors["huge"] = lambda: case.function(*x, 10**400)
        errors["shape of an array"] = lambda: case.function(*x, wrong)
    if result != dtype:
        calls["truncated"] = lambda: case(*x, out=own, casting="unsafe")
        calls["truncated, where"] = lambda: case(*x, out=own, casting="unsafe", where=mask)
    dtypes = [np.dtype(d) for d in (*FLOATS, *INTEGERS, "bool", "complex64") if np.dtype(d).name != "bfloat16"]
    kept = [
        *x, *line, *wide, own, out, read_only, wrong, mask, one, refuses, unknown, *unknown, equal, *equal, *hostile, LABEL, *dtypes,
        dtype, small, None, True, False, np.True_, np.float32, np.ndarray, *map(sys.intern, (*KEYWORDS, *case.parameters)),
        "same_kind", "unsafe", "K", "F", "float64", 0.5, 0.25, case.function, *(getattr(ufuncs, name) for name in ufuncs.functions),
    ]
    # Some are immortal.
    return calls, errors, [thing for thing in kept if sys.getrefcount(thing) < 1 << 30]


@pytest.fixture(autouse=True, scope="module")
def quick_collections():
    """What there is already need not be searched for cycles each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def repeat(call, times, fails):
    for _ in range(times):
        try:
            call()
        except (TypeError, ValueError, OverflowError):
            assert fails
        else:
            assert not fails
    gc.collect()


def of_each_kind(case, dtype):
    calls, errors, kept = kinds(case, dtype)
    for name, call in {**calls, **errors}.items():
        yield name, call, name in errors, kept


def test_reference_counts(case, dtype):
    """No reference is lost or kept: of arrays, of dtypes (a few of NumPy's functions steal one), of None, of the strings."""
    times = 10_000 if SLOW else 60
    for name, call, fails, kept in of_each_kind(case, dtype):
        repeat(call, 1, fails)
        before = [sys.getrefcount(thing) for thing in kept]
        repeat(call, times, fails)
        drift = np.array([sys.getrefcount(thing) for thing in kept]) - before
        # Caches of other parties may take or give a few; a leak is one or more for every call.
        changed = [(repr(kept[i])[:60], drift[i]) for i in np.flatnonzero(drift)]
        assert np.abs(drift).max() < 20, (name, changed)


def test_stolen_references(case, dtype):
    """Results that are alive hold a reference to their dtype each; none is taken from those of others."""
    if sys.getrefcount(dtype) > 1 << 28:
        pytest.skip("without the GIL NumPy's own dtypes have no reference count")
    x = [np.ones((4, 6), dtype)[:, ::2]] * case.arrays
    result = np.dtype(case.result(dtype))
    for make in (lambda: case(*x), lambda: case(*(a.T for a in x)), lambda: case(*(np.ascontiguousarray(a) for a in x)),
                 lambda: case(*(a[0, 0].reshape(()) for a in x))):
        make()
        before = sys.getrefcount(result), sys.getrefcount(dtype)
        results = [make() for _ in range(300)]
        grown = sys.getrefcount(result) - before[0]
        alive = 300 * isinstance(results[0], np.ndarray)        # scalars of NumPy's own dtypes hold none
        assert alive - 10 <= grown <= 310
        del results
        drift = [sys.getrefcount(result) - before[0], sys.getrefcount(dtype) - before[1]]
        assert all(-10 <= change <= 10 for change in drift), drift


@pytest.mark.parametrize("dtype", [np.dtype("float64"), np.dtype("int32")], ids=str)
def test_memory_is_flat(case, dtype):
    """A leak is one of Python's blocks or more for each call, in every round; caches, NumPy's too, fill more slowly."""
    if dtype not in case.dtypes:
        return
    rounds, times = 3, 10_000 if SLOW else 120
    for name, call, fails, _ in of_each_kind(case, dtype):
        used = []
        for _ in range(rounds + 1):
            repeat(call, times, fails)
            used.append(sys.getallocatedblocks())
        assert min(np.diff(used)) < times / 2, (name, used)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_resident_memory_is_flat(case):
    """What Python does not allocate: the process itself does not grow, by all kinds in turn."""
    every = [(call, fails) for name, call, fails, _ in of_each_kind(case, np.dtype("float64")) if name != "pickle"]
    times = 1_000_000 if SLOW else 2000

    def all_of_them():
        for call, fails in every:
            repeat(call, times, fails)

    all_of_them()
    for _ in range(3):      # what else runs in the process may take memory meanwhile, but not every time
        before = resident()
        all_of_them()
        grown = resident() - before
        if grown < GROWTH:
            return
    raise AssertionError(f"{grown} bytes in {times} calls of each kind, three times")


def test_num_threads_keeps_nothing():
    before = sys.getrefcount(cyact.num_threads)
    for _ in range(1000):
        with cyact.num_threads(2):
            pass
    assert abs(sys.getrefcount(cyact.num_threads) - before) < 20
