"""Properties, by hypothesis: any arrays, keywords and threads against the references; any objects at all as arguments.

CYACT_EXAMPLES is the number of examples of each test. The fuzz of arguments runs in a process of its own as well, so
that a crash is a failure: ``python test_properties.py SEED CALLS``.
"""

import faulthandler
import math
import os
import sys
import warnings

import numpy as np
from accuracy import ulp_errors
from cases import CASES, FLOATS, INTEGERS, LEVEL, REPRESENTATIVES, ROWS, SMALL, bits, is_float, isnan, sample
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import cyact

EXAMPLES = int(os.environ.get("CYACT_EXAMPLES", 300))
run_examples = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, print_blob=True
)


TYPICAL = list(REPRESENTATIVES.values())
# An option's second form is a call with a keyword more, of a function that is here anyway.
DRAWN = [case for case in ROWS if not case.keywords]


# ---- the oracle ----

# Errors of gradients from the output hold for what an activation puts out.
ROUGH = [case.name for case in ROWS if case.formula and case.arrays == 2]


def check_values(found, case, arrays, parameters, dtype, context):
    """``found``, in the computation's dtype, is what the plain call gives; and that is the truth, to the bit or nearly."""
    inputs = [np.ascontiguousarray(a.astype(dtype)) for a in arrays]
    with cyact.num_threads(1):
        plain = case.function(*inputs, *parameters)
    check_equal(found, plain, arrays, context)
    if case.reference:
        check_equal(found, case.reference(*inputs, *parameters), arrays, context)
    elif all(np.ndim(value) == 0 and 2**-10 <= abs(value) <= 2**10 for value in parameters):
        # With parameters of 0 or infinity a formula may be no number, whatever its limit is: see the rows' special values.
        case = case.giving(*parameters)
        chosen = [x[:1000] for x in case.inside([*inputs, found])]
        errors = ulp_errors(case, chosen[:-1], chosen[-1])
        assert (errors <= case.limit(dtype)).all(), context


def check_equal(found, want, arrays, context):
    """To the bit, but for NaNs."""
    wrong = np.flatnonzero((bits(found) != bits(want)) & ~(isnan(found) & isnan(want)))
    if len(wrong):
        i = wrong[0]
        inputs = [a.ravel()[i] for a in arrays]
        raise AssertionError(f"{context}: {len(wrong)} wrong, at {i}: {inputs} gave {found[i]!r}, not {want[i]!r}")


# ---- arrays ----

def swapped(dtype):
    return dtype.newbyteorder() if dtype.kind in "iuf" else dtype       # ml_dtypes has one byte order


@st.composite
def layouts(draw, shape, itemsize, zero=False):
    """Strides of either sign with gaps, in any order of the axes; the lowest and the highest byte, from the first's."""
    order = draw(st.permutations(range(len(shape))))
    plain = draw(st.booleans())
    strides, distance = [0] * len(shape), itemsize
    for axis in reversed(sorted(order) if plain else order):
        step = 1 if plain else draw(st.sampled_from([1, 1, 1, 2, 3, -1, -1, -2]))
        gap = 0 if plain else draw(st.sampled_from([0, 0, 0, 1, 5]))
        if zero and not plain and draw(st.integers(0, 9)) == 0:
            continue
        distance += gap * itemsize
        strides[axis] = distance * step
        distance = distance * abs(step) * max(shape[axis], 1)
    low = sum(min(0, stride * (n - 1)) for stride, n in zip(strides, shape, strict=True) if n)
    high = sum(max(0, stride * (n - 1)) for stride, n in zip(strides, shape, strict=True) if n) + itemsize
    return tuple(strides), low, high


@st.composite
def places(draw, shape, dtype, zero=False):
    """What ``np.ndarray`` needs to find an array in a buffer, and the bytes that the buffer needs from its start."""
    if draw(st.integers(0, 5)) == 0:
        dtype = swapped(dtype)
    strides, low, high = draw(layouts(shape, dtype.itemsize, zero))
    offset = draw(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 8, 16, 61])) - low
    return {"shape": shape, "dtype": dtype, "offset": offset, "strides": strides}, offset + high


SHAPES = st.one_of(
    st.lists(st.integers(0, 9), max_size=5).map(tuple),
    st.integers(0, 1500).map(lambda n: (n,)),
    st.tuples(st.integers(1, 40), st.integers(1, 80)),
    st.tuples(st.integers(1, 3), st.integers(500, 1100)),
)
# Around the thresholds for threads; rare, as they take time.
LARGE = st.one_of(
    st.sampled_from([32767, 32769, 65573, 262181, 300007]).map(lambda n: (n,)),
    st.sampled_from([(263, 1000), (1000, 263), (37, 911), (3, 90001), (70, 5, 101)]),
)


def broadcastable(draw, shape):
    """A shape that broadcasts to this one."""
    kept = [1 if draw(st.integers(0, 3)) == 0 else n for n in shape]
    return tuple(kept[draw(st.integers(0, len(kept))):])


def values(name, position, dtype, shape, seed):
    x = sample(dtype, math.prod(shape), seed).reshape(shape)
    low, high = CASES[name].domain
    if name in ROUGH and position == 0 and np.isfinite([low, high]).all():
        inside = np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)
        with np.errstate(invalid="ignore"):
            x = np.where(np.isnan(x) | (x >= low) & (x <= high), x, inside)
    return x.astype(dtype)


@st.composite
def calls(draw):
    """A call: the function, operands as places in buffers, keywords."""
    case = draw(st.sampled_from(DRAWN))
    dtype = draw(st.sampled_from(case.dtypes))
    large = draw(st.integers(0, 24)) == 0
    shape = draw(LARGE if large else SHAPES)
    seed = draw(st.integers(0, 2**32 - 1))
    inputs, sizes = [], []
    for _ in range(case.arrays):
        own = shape if large or draw(st.integers(0, 2)) else broadcastable(draw, shape)
        place, size = draw(places(own, dtype, zero=not large))
        inputs.append(place)
        sizes.append(size)
    computed = case.result(dtype)
    call = {"name": case.name, "dtype": dtype, "seed": seed, "inputs": inputs, "threads": draw(st.integers(1, 4))}
    call["shape"] = np.broadcast_shapes(*(place["shape"] for place in inputs))
    if case.parameters:
        kind = draw(st.sampled_from(["float", "float", "int", "0-d", "channel", "full"]))
        number = draw(st.one_of(st.floats(width=16), st.sampled_from([0.0, -0.0, 0.2, 1.0, -1.5, 1e9, np.inf, np.nan])))
        if kind == "int":
            number = float(draw(st.integers(-300, 300)))
            call["alpha"] = int(number)
        elif kind == "float":
            call["alpha"] = number
        else:
            slope_shape = {"0-d": (), "channel": call["shape"][-1:], "full": call["shape"]}[kind]
            place, _ = draw(places(slope_shape, computed))
            call["alpha"] = place
        call["number"] = number
    elif dtype in FLOATS and dtype not in SMALL and draw(st.integers(0, 9)) == 0:
        call["dtype="] = np.dtype(draw(st.sampled_from(["float32", "float64"])))
    # One buffer for all, or one for each.
    call["shared"] = (case.arrays == 1 and draw(st.integers(0, 3)) == 0) or draw(st.integers(0, 5)) == 0
    result = call.get("dtype=", computed)
    out = draw(st.sampled_from(["none", "fresh", "fresh", "in place", "wider", "tuple"]))
    if out == "in place":
        fits = [i for i, place in enumerate(inputs) if place["shape"] == call["shape"] and 0 not in place["strides"]]
        if not fits:
            out = "fresh"
        else:
            call["in place"] = draw(st.sampled_from(fits))
    call["out"] = out
    call["casting"] = "same_kind"
    if out in ("fresh", "wider", "tuple"):
        stored = result
        if out == "wider":
            stored = draw(st.sampled_from([np.dtype("float32"), np.dtype("float64")]))
            call["casting"] = "unsafe"
        call["target"], _ = draw(places(call["shape"], stored))
    if out == "in place" and result != dtype:
        call["casting"] = "unsafe"
    # A mask, a cast and overlap: NumPy (maximum, too) casts what the mask excludes to the computation's dtype and back.
    call["where"] = draw(st.integers(0, 3)) == 0 and out != "none" and not (call["shared"] and out == "wider")
    if call["where"]:
        call["mask shape"] = broadcastable(draw, call["shape"])
    call["order"] = draw(st.sampled_from("KKKCFA"))
    call["subok"] = draw(st.booleans())
    call["name="] = draw(st.sampled_from([None, None, "layer 3"]))
    return call


def extent(place):
    """Bytes that an array takes from its buffer's start."""
    ends = sum(max(0, stride * (n - 1)) for stride, n in zip(place["strides"], place["shape"], strict=True) if n)
    return place["offset"] + ends + place["dtype"].itemsize


def at(buffer, place):
    return np.ndarray(place["shape"], place["dtype"], buffer, place["offset"], place["strides"])


def native(array):
    """A copy that has nothing to do with the original's memory, in C order."""
    return np.array(array, array.dtype.newbyteorder("=") if array.dtype.kind in "iuf" else array.dtype, order="C")


def check_call(call):
    case, dtype, shape = CASES[call["name"]], call["dtype"], call["shape"]
    rng = np.random.default_rng(call["seed"])
    everything = call["inputs"] + ([call["target"]] if "target" in call else [])
    size = max(map(extent, everything)) // dtype.itemsize + 8
    memory = [sample(dtype, size, seed).view(np.uint8).copy() for seed in range(len(everything))]
    if call["shared"]:
        memory = [memory[0]] * len(everything)
    arrays = [at(m, place) for m, place in zip(memory, call["inputs"], strict=False)]
    for i, (place, array) in enumerate(zip(call["inputs"], arrays, strict=True)):
        single = tuple(slice(None) if stride else slice(0, 1) for stride in place["strides"])
        array[single] = values(call["name"], i, dtype, array[single].shape, call["seed"] + i)
    given = [native(a) for a in arrays]
    if not all(map(usual, given)) or (call["shared"] and call["name"] in ROUGH):
        return      # what one view of a shared buffer makes of another's values
    keywords = {"order": call["order"], "subok": call["subok"], "name": call["name="], "casting": call["casting"]}
    computed = case.result(dtype)
    alpha = slopes = number = None
    if "alpha" in call:
        with np.errstate(all="ignore"):
            number = np.array(call["number"]).astype(computed)
        alpha, slopes = call["alpha"], np.broadcast_to(number, shape)
        if isinstance(alpha, dict):
            alpha = at(np.zeros(extent(alpha), np.uint8), alpha)
            alpha[...] = number
            if alpha.size:
                alpha[(0,) * alpha.ndim] = 0.75     # not all the same
            slopes = np.broadcast_to(native(alpha), shape)
        # The first parameter varies, others are what the generic tests give.
        keywords.update(zip(case.parameters, (alpha, *case.tried[1:])))
    if "dtype=" in call:
        keywords["dtype"] = computed = call["dtype="]
    out = None
    if "in place" in call:
        k = call["in place"]
        out, place = arrays[k], call["inputs"][k]
    elif "target" in call:
        k, place = len(memory) - 1, call["target"]
        out = at(memory[k], place)
    mask = True
    if call["where"]:
        mask = rng.random(call["mask shape"]) < 0.6
        keywords["where"] = mask
    mask = np.broadcast_to(mask, shape)
    if out is not None:
        keywords["out"] = (out,) if call["out"] == "tuple" else out
    before = [m.copy() for m in memory]
    with cyact.num_threads(call["threads"]), warnings.catch_warnings():
        warnings.simplefilter("error")
        result = case.function(*arrays, **keywords)
    event(f"{call['name']}, out {call['out']}")
    if out is None:
        assert np.shape(result) == shape
        assert result.dtype == computed
        assert isinstance(result, np.ndarray) == bool(shape)
        found = np.asarray(result)
    else:
        assert result is out
        found = native(out)
        assert (bits(found) == bits(native(at(before[k], place))))[~mask].all(), "written where the mask is false"
        at(before[k], place)[...] = out
    for i, (m, expected) in enumerate(zip(memory, before, strict=True)):
        if out is None or i == k or not call["shared"]:
            assert (m == expected).all(), "written outside"
    with np.errstate(all="ignore"):
        operands = [np.broadcast_to(g, shape)[mask] for g in given]
        given = [slopes[mask] if isinstance(alpha, np.ndarray) else number, *case.tried[1:]] if case.parameters else []
        check_stored(found[mask], call, operands, given, computed)


def usual(x):
    """No signalling NaN: an operation makes it quiet, a copy doesn't."""
    if not is_float(x.dtype):
        return True
    quiet = bits(np.array([np.nan], x.dtype))[0] & ~bits(np.array([np.inf], x.dtype))[0]
    with np.errstate(all="ignore"):
        return (~np.isnan(x) | (bits(x) & quiet != 0)).all()


def check_stored(found, call, operands, parameters, computed):
    """The value; if it was cast on the way out, NumPy's cast of the package's own result, which is checked first."""
    case = CASES[call["name"]]
    if found.dtype == computed:
        check_values(found, case, operands, parameters, computed, call)
    elif found.dtype.kind in "iu":
        check_truncated(found, case, operands[0], parameters, computed, call)
    else:
        inner = case.function(*operands, *parameters, **({} if parameters else {"dtype": computed}))
        check_values(inner, case, operands, parameters, computed, call)
        check_equal(found, inner.astype(found.dtype), operands, call)


def check_truncated(found, case, x, parameters, computed, context):
    """Integers in place: toward zero; what doesn't fit is the cast's own affair."""
    exact = np.trunc(case.function(x.astype(computed), *parameters))
    fits = (exact >= np.iinfo(x.dtype).min) & (exact < 2.0 ** (8 * x.itemsize - (x.dtype.kind == "i")))
    if case.name == "leaky_relu":   # what is not negative stays as it is, above 2^53 too
        assert (found[x >= 0] == x[x >= 0]).all(), context
        fits &= x < 0
    assert (found[fits] == exact[fits].astype(x.dtype)).all(), context


@run_examples
@given(calls())
def test_calls(call):
    check_call(call)


# ---- overlap ----

@st.composite
def overlaps(draw):
    """Input and output anywhere in one buffer."""
    case = draw(st.sampled_from(TYPICAL))
    dtype = draw(st.sampled_from(case.dtypes))
    large = draw(st.integers(0, 19)) == 0
    shape = draw(LARGE if large else SHAPES)
    wanted = [draw(places(shape, dtype, zero=not large))[0] for _ in range(case.arrays)]
    wanted.append(draw(places(shape, case.result(dtype)))[0])
    if draw(st.booleans()):
        # The same layout at some distance: what is nearly in place.
        for place in wanted[:-1]:
            scaled = dtype.itemsize == wanted[-1]["dtype"].itemsize
            if scaled:
                place["strides"] = wanted[-1]["strides"]
                place["offset"] = wanted[-1]["offset"]
    for place in wanted:
        place["offset"] += draw(st.one_of(st.integers(0, 20).map(lambda n: 8 * n), st.integers(0, 2000)))
    return case.name, wanted, draw(st.integers(1, 4)), draw(st.integers(0, 1000)), draw(st.booleans())


@run_examples
@given(overlaps())
def test_overlap(case):
    """As if the inputs had been copied first, bit for bit; nothing else in the buffer changes."""
    name, wanted, threads, seed, masked = case
    size = max(extent(place) for place in wanted) + 64
    dtype = np.empty(0, wanted[0]["dtype"])
    dtype = native(dtype).dtype
    memory = sample(dtype, size // dtype.itemsize + 8, seed).view(np.uint8).copy()
    *inputs, out = (at(memory, place) for place in wanted)
    copies = [native(x) for x in inputs]
    if not all(map(usual, copies)):
        return
    mask = np.random.default_rng(seed).random(out.shape) < 0.5 if masked else True
    expected = memory.copy()
    with cyact.num_threads(1):
        np.copyto(at(expected, wanted[-1]), CASES[name](*copies), where=mask)
    with cyact.num_threads(threads):
        CASES[name](*inputs, out=out, where=mask)
    different = np.flatnonzero(memory != expected)
    if len(different):      # NaNs that went through an operation with another NaN may be either
        assert np.array_equal(native(at(memory, wanted[-1])), native(at(expected, wanted[-1])), equal_nan=True)
        at(memory, wanted[-1])[...] = at(expected, wanted[-1])
        assert (memory == expected).all()


# ---- any object in any place ----

class Hostile:
    """Raises whatever it is asked for."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __index__(self):
        raise ValueError("index")

    def __float__(self):
        raise ValueError("float")

    def __bool__(self):
        raise ValueError("bool")

    def __eq__(self, other):
        raise ValueError("eq")

    def __len__(self):
        raise ValueError("len")

    def __repr__(self):
        raise ValueError("repr")

    __hash__ = object.__hash__


class Attributes:
    """An object of some attributes, as array-likes have; ``dtype`` and the like may be nonsense."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Array(np.ndarray):
    def __array_finalize__(self, parent):
        if isinstance(parent, Array):
            raise ValueError("finalize")


class Refuses:
    __array_ufunc__ = None


class Answers:
    def __init__(self, answer):
        self.answer = answer

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return self.answer


class ArrayMethod:
    def __init__(self, answer):
        self.answer = answer

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Number(float):
    def __float__(self):
        return "not a number"


class Text(str):
    def __eq__(self, other):
        raise ValueError("eq")

    __hash__ = str.__hash__


def objects():
    """Objects of every kind, made anew, since calls write into arrays."""
    read_only = np.ones(6)
    read_only.flags.writeable = False
    nested = []
    nested.append(nested)
    everything = [
        None, True, False, 0, 1, -7, 2**31, 2**63, 2**64, -2**70, 10**400, 0.0, -0.0, 0.25, 1e308, math.nan, math.inf,
        1j, "", "a", "float32", "same_kind", "unsafe", "no", "K", "C", "\0", "\ud800", "x" * 10_000, b"", b"float64",
        Text("unsafe"), bytearray(8), memoryview(b"12345678"), (), (None,), [], [1, 2, 3], [[1, 2], [3]], [1, "a"],
        [None], {}, {"a": 1}, {1, 2}, nested, range(6), slice(3), Ellipsis, NotImplemented, object(), object, int,
        float, print, len, lambda: 1, Exception("x"), iter([1]), (i for i in range(3)), math, np, type, Hostile(),
        Refuses(), Answers(1), Answers(None), Answers(NotImplemented), ArrayMethod(np.ones(6)), ArrayMethod(5),
        ArrayMethod(None), ArrayMethod(MemoryError()), Number(3), Text("C"), Attributes(dtype=5),
        Attributes(dtype="float32"), Attributes(dtype=np.dtype("f4")), Attributes(dtype=None, shape=3),
        Attributes(dtype=Hostile()), Attributes(__array_interface__={}), Attributes(__array_interface__=None),
        Attributes(__array_struct__=5), Attributes(dtype=Attributes(kind="i")), Attributes(dtype=Attributes(kind=5)),
        np.float32, np.float64, np.dtype("f2"), np.dtype("i4"), np.dtype("O"), np.dtype("f4,i4"), np.dtype(">f8"),
        np.dtype("S0"), np.float16(1.5), np.float64(-2), np.int8(-3), np.bool_(True), np.longdouble(1),
        np.complex64(1), np.str_("f"), np.datetime64("2020"), np.void(b"abc"), np.timedelta64(3), np.array(None),
        np.array(2.5), np.array([True, False] * 3), np.array(["a", "b"]), np.array([b"a"]), np.array([None] * 6),
        np.array([1, 2.5, "a"], object), np.zeros(6, "f4,i4"), np.zeros(6, "M8[s]"), np.zeros(6, "m8"),
        np.zeros(6, "g"), np.zeros(6, "F"), np.zeros(6, "G"), np.zeros(6, "V3"), np.zeros(0), np.zeros((0, 3)),
        np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((1,) * 30), np.ones(6)[::-1], np.ones(12)[::2],
        np.broadcast_to(1.0, 6), read_only, np.arange(6.0).view(Array), np.ma.masked,
        np.ma.array([1.0, 2] * 3, mask=[0, 1] * 3), np.ones((2, 3)).view(np.matrix), np.rec.array([(1, 2.0)]),
        np.ones(6, ">f8"), np.ones(6, ">i2"), np.zeros(50, np.uint8)[1:49].view("f8"),
        np.lib.stride_tricks.as_strided(np.ones(1), (6,), (0,)), (np.ones(6),), (np.ones(6), np.ones(6)),
        ((np.ones(6),),), [np.ones(6)], (None, None), {"out": 1}, np.memmap, np.errstate(), np.nditer(np.ones(3)),
        np.broadcast(1, 2), np.ones(6).flat, np.ufunc, np.add, sys.stdin, os,
    ]
    if hasattr(np.dtypes, "StringDType"):
        everything += [np.array(["a"] * 6, np.dtypes.StringDType()), np.dtypes.StringDType()]
    for dtype in (*FLOATS, *INTEGERS):
        everything += [np.ones(6, dtype), sample(dtype, 6), dtype, dtype.type, dtype.type(1)]
    return everything


THINGS = objects()
COUNT = len(THINGS)
PARAMETERS = tuple(sorted({name for case in ROWS for name in case.parameters}))
PLACES = ("out", *PARAMETERS, "where", "casting", "order", "dtype", "subok", "name")
UNUSUAL = ("".join(["o", "ut"]), Text("out"), *map(Text, PARAMETERS))    # equal to a keyword, not the same object; cannot be compared
OTHER = ("features", "gradients", "y", "dy", "x", "signature", "sig", "extobj", "axis", "keepdims", "", "ä", "self")


def attempt(case_number, positional, keyword):
    """One call; whether it raised. Arrays stay as they were where it did."""
    arguments = [THINGS[i] for i in positional]
    keywords = {name: THINGS[i] for name, i in keyword.items()}
    arrays = [x for x in [*arguments, *keywords.values()] if isinstance(x, np.ndarray) and x.dtype.kind != "O"]
    before = [np.asarray(x).tobytes() for x in arrays]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            TYPICAL[case_number].function(*arguments, **keywords)
    except SystemError:
        raise       # C code that raised nothing, or went on after an error
    except (Exception, RecursionError):
        assert [np.asarray(x).tobytes() for x in arrays] == before, "written before an exception"
        return True
    if "out" in keywords or len(arguments) > TYPICAL[case_number].arrays:
        THINGS[:] = objects()       # as they were
    return False


indices = st.integers(0, COUNT - 1)


def test_arguments_in_a_process_of_its_own(level, run_on_level):
    done = run_on_level(level, "test_properties.py", "7", str(10 * EXAMPLES))
    assert (done.returncode, done.stdout[-5:]) == (0, "done\n"), done.stdout[-2000:] + done.stderr[-4000:]


@run_examples
@given(
    st.integers(0, len(TYPICAL) - 1),
    st.lists(indices, max_size=5),
    st.dictionaries(st.sampled_from(PLACES + OTHER), indices, max_size=4),
)
def test_any_arguments(case_number, positional, keyword):
    attempt(case_number, positional, keyword)


def fuzz(seed, count):
    """Each object in each place of an otherwise valid call, every dtype with many slopes, then objects at random."""
    faulthandler.enable()
    rng = np.random.default_rng(seed)
    valid = next(i for i, x in enumerate(THINGS) if type(x) is np.ndarray and x.dtype == "f8" and x.shape == (6,))
    trials = []
    for number, case in enumerate(TYPICAL):
        inputs = [valid] * case.arrays
        for i in range(COUNT):
            trials += [(number, [*inputs[:place], i, *inputs[place + 1:]], {}) for place in range(case.arrays)]
            trials += [(number, inputs, {name: i}) for name in PLACES]
            trials += [(number, inputs, {name: i}) for name in UNUSUAL]
            trials += [(number, [*inputs, i], {}), (number, [*inputs, i, i], {}), (number, [], {UNUSUAL[0]: i})]
            trials += [(number, [i] * 5, dict.fromkeys(PLACES, i)), (number, [], dict.fromkeys(PLACES, i))]
    for _ in range(count):
        number = int(rng.integers(len(TYPICAL)))
        positional = [valid if rng.random() < 0.7 else int(rng.integers(COUNT)) for _ in range(TYPICAL[number].arrays)]
        positional = positional[:rng.integers(8)] + rng.integers(0, COUNT, rng.integers(5) // 3).tolist()
        names = rng.choice(PLACES + OTHER[:4], rng.integers(0, 5), replace=False).tolist()
        trials.append((number, positional, {name: int(rng.integers(COUNT)) for name in names}))
    raised = sum(attempt(*trial) for trial in trials)
    for case in TYPICAL:
        for dtype in (x for x in THINGS if isinstance(x, (np.dtype, type)) and case.parameters):
            for slope in rng.normal(0, 1e3, 40) ** 3:
                for keywords in ({"dtype": dtype}, {"dtype": dtype, "casting": "unsafe"}):
                    try:
                        case.function(*[np.ones(6)] * case.arrays, float(slope), **keywords)
                    except (TypeError, ValueError):
                        raised += 1
    assert raised > 0
    print(LEVEL, len(trials), "calls,", raised, "raised; done")


if __name__ == "__main__":
    fuzz(int(sys.argv[1]), int(sys.argv[2]))
