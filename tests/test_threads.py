"""Threads: no effect on results, counts from everywhere they may come from, Python threads, forks, signals.

What could hang or change the process for good runs in a subprocess with a time limit: each ``script_*`` function below
is run alone, by ``python test_threads.py NAME``.
"""

import ctypes
import ctypes.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, FLOATS, HAS_OPENMP, REPRESENTATIVES, assert_same_bits, bits, sample
from conftest import of_pairs

import cyact

pytestmark = pytest.mark.mechanics

HERE = Path(__file__)
SOURCE = "".join(path.read_text() for path in (HERE.parent.parent / "cyact").glob("*.p[yx][xd]"))
LIMITS = {name: int(number) for name, number in re.findall(r"^    ([A-Z_]+) = (\d+)$", SOURCE, re.MULTILINE)}
LIGHT, HEAVY, CHUNK = LIMITS["MEMORY_BOUND_THREADED"], LIMITS["COMPUTE_BOUND_THREADED"], LIMITS["CHUNK"]
COUNTS = (1, 3, 8)
UNSET = ("CYACT_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_DYNAMIC")

needs_openmp = pytest.mark.skipif(not HAS_OPENMP, reason="built without OpenMP")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def run(*arguments, timeout=120, **environment):
    """Python in the directory of the tests, without the variables that set a number of threads, but for those given."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE.parent, env={**kept, **environment}, capture_output=True, text=True,
        timeout=timeout,
    )


def run_script(name, *arguments, **keywords):
    done = run(HERE.name, name, *arguments, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("done\n"), done.stdout + done.stderr


def threaded_size(case):
    """Elements from which the function's calls are split."""
    return HEAVY if case.formula and case.arrays == 1 else LIGHT


@pytest.fixture(autouse=True)
def same_count_afterwards():
    before = cyact.get_num_threads()
    yield
    assert cyact.get_num_threads() == before


# ---- the same bits ----

# How a call is split does not depend on the dtype, but for its size.
SOME = [np.dtype(name) for name in ("float16", "float32", "float64", "uint8")]


def typical(case):
    return case in REPRESENTATIVES.values()


def in_pieces(case, operands, **keywords):
    """The result by calls on few elements each, which no threads take part in."""
    with cyact.num_threads(1):
        step = min(HEAVY, LIGHT) // 4
        parts = [case(*(x[i:i + step] for x in operands), **keywords) for i in range(0, len(operands[0]), step)]
    return np.concatenate(parts)


def sizes(case):
    n = threaded_size(case)
    return [n - 1, n, n + CHUNK + 37]


def test_same_bits_contiguous(case, dtype):
    x = case.operands(dtype, max(sizes(case)))
    whole = in_pieces(case, x)
    for n in sizes(case):
        part = tuple(a[:n] for a in x)
        for count in COUNTS:
            with cyact.num_threads(count):
                assert_same_bits(case(*part), whole[:n], (n, count))


@pytest.mark.every_function
def test_same_bits_of_every_function(case):
    """From where each is split for certain."""
    n = LIGHT + CHUNK + 37
    for dtype in set(FLOATS) & set(case.dtypes):
        x = [np.resize(a, n) for a in case.operands(dtype, 4093)]
        want = np.resize(in_pieces(case, [a[:4093] for a in x]), n)
        with cyact.num_threads(3):
            assert_same_bits(case(*x), want)


@of_pairs(typical, SOME)
def test_same_bits_strided(case, dtype):
    """One axis that is not straight, and two that cannot be merged; rows shorter and longer than a block."""
    n = threaded_size(case) + 37
    x = case.operands(dtype, n)
    whole = in_pieces(case, x)
    result = case.result(dtype)
    spread = [np.zeros(2 * n + 1, dtype)[1::2] for _ in x]
    for a, values in zip(spread, x, strict=True):
        a[...] = values
    for count in COUNTS:
        with cyact.num_threads(count):
            assert_same_bits(case(*spread), whole, count)
            assert_same_bits(case(*(a[::-1] for a in spread)), whole[::-1], count)
            out = np.zeros(3 * n, result)
            case(*x, out=out[1::3])
            assert_same_bits(out[1::3], whole, count)
            assert not bits(out[::3]).any()
            assert not bits(out[2::3]).any()
    for columns in (7, 2501):
        rows = n // columns
        padded = [np.zeros((rows, columns + 3), dtype) for _ in x]
        for a, values in zip(padded, x, strict=True):
            a[:, 1:-2] = values[:rows * columns].reshape(rows, columns)
        want = whole[:rows * columns].reshape(rows, columns)
        for count in (2, 3):
            with cyact.num_threads(count):
                assert_same_bits(case(*(a[:, 1:-2] for a in padded)), want, (columns, count))
                assert_same_bits(case(*(a.T[1:-2] for a in padded)), want.T, (columns, count))


@of_pairs(typical, SOME)
def test_same_bits_in_place(case, dtype):
    n = threaded_size(case) + 37
    x = case.operands(dtype, n)
    truncated = case.result(dtype) != dtype
    keywords = {"casting": "unsafe"} if truncated else {}
    with cyact.num_threads(1):
        pieces = [case(*(a[i:i + 4096] for a in x), out=np.zeros_like(x[0][i:i + 4096]), **keywords)
                  for i in range(0, n, 4096)]
    whole = np.concatenate(pieces)
    for count in COUNTS:
        for position in range(case.arrays):
            for step in (1, 2):
                given = list(x)
                given[position] = np.zeros(step * n, dtype)[::step]
                given[position][...] = x[position]
                with cyact.num_threads(count):
                    case(*given, out=given[position], **keywords)
                assert_same_bits(given[position], whole, (count, position, step))


@of_pairs(typical, SOME)
def test_same_bits_on_the_general_road(case, dtype):
    """Broadcast, swapped and misaligned input, a mask: what NumPy's machinery runs."""
    columns = threaded_size(case) + 37
    x = case.operands(dtype, columns)
    whole = in_pieces(case, x)
    result = case.result(dtype)
    memory = np.zeros(columns * dtype.itemsize + 1, np.uint8)
    shifted = memory[1:].view(dtype)
    shifted[...] = x[0]
    for count in COUNTS:
        with cyact.num_threads(count):
            out = np.zeros((2, columns), result)
            case(x[0], *(np.stack([a, a]) for a in x[1:]), out=out)
            assert_same_bits(out, np.stack([whole, whole]), count)
            assert_same_bits(case(shifted, *x[1:]), whole, count)
            out = np.zeros(columns, result)
            mask = np.ones(columns, bool)
            mask[[0, columns // 2]] = False
            case(*x, out=out, where=mask)
            assert_same_bits(out[mask], whole[mask], count)
            assert not bits(out[~mask]).any()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_same_bits_with_slopes(dtype):
    """An array of slopes, one an element and one a channel."""
    rows, columns = LIGHT // 100 + 1, 101
    x, slopes = sample(dtype, rows * columns).reshape(rows, columns), sample(dtype, columns, 1)
    with cyact.num_threads(1):
        want = np.stack([cyact.leaky_relu(row, slopes) for row in x])
    each = np.broadcast_to(slopes, x.shape).copy()
    for count in COUNTS:
        with cyact.num_threads(count):
            for given in (slopes, each):
                assert_same_bits(cyact.leaky_relu(x, given), want, count)
                assert_same_bits(cyact.leaky_relu(np.asfortranarray(x), given), want, count)
                assert_same_bits(cyact.leaky_relu(x.ravel(), each.ravel()), want.ravel(), count)


@pytest.mark.parametrize("shift", [1, 1000, CHUNK, -1, -CHUNK])
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_overlap_by_a_shift(name, shift):
    """NumPy passes input that is ahead of the output on to the loop, which must then go forward, as one thread does.

    What two threads do to each other is a matter of luck: hence many chunks, and many trials.
    """
    case, n = CASES[name], 40 * CHUNK
    given, out = (slice(shift, None), slice(None, n)) if shift > 0 else (slice(None, n), slice(-shift, None))
    for step in (1, 2):
        memory = np.zeros(step * (n + abs(shift)), "f4")[::step]
        original = sample(memory.dtype, memory.size)
        want = case(original[given].copy())
        for _ in range(6):
            memory[...] = original
            with cyact.num_threads(3):
                case(memory[given], out=memory[out])
            assert_same_bits(memory[out], want, step)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("n", [5, 700, LIGHT + 5])
def test_reduce_and_accumulate(dtype, n):
    """Each step reads what the one before has written: the loop must not run ahead."""
    x = sample(dtype, 3 * n, 5)
    for name in ("relu_grad", "sigmoid_grad"):
        ufunc = CASES[name].ufunc
        for step in (1, 3):
            given = np.clip(np.nan_to_num(x[::step][:n].astype("float64")), -1, 1).astype(dtype)
            given[-4:] = dtype.type(0.5)
            want = [given[0]]
            for value in given[1:700]:
                want.append(ufunc(want[-1], value))
            spread = np.zeros(step * n, dtype)[::step]
            spread[...] = given
            with cyact.num_threads(3):
                found = ufunc.accumulate(spread)
                total = ufunc.reduce(spread)
            assert_same_bits(found[:700], np.array(want, dtype), (name, step))
            assert_same_bits(total, found[-1], (name, step))


# ---- counts ----

@needs_openmp
def test_set_and_get():
    before = cyact.get_num_threads()
    try:
        for n in (1, 2, 7, np.int8(3), np.uint64(5), np.array(4), 4096):
            assert cyact.set_num_threads(n) is None
            assert cyact.get_num_threads() == int(n)
    finally:
        cyact.set_num_threads(before)


class HasIndex:
    def __index__(self):
        return 3


@needs_openmp
def test_an_object_with_index_is_an_integer():
    with cyact.num_threads(HasIndex()):
        assert cyact.get_num_threads() == 3


BAD = [
    0, -1, 1.5, 2.0, "2", b"2", True, False, None, 10**9, 2**31, 2**64, -2**70, np.float32(2), np.bool_(True), [2],
    np.array([2]), np.array([1, 2]), np.array(2.0), 4097, 2 + 0j, float("nan"), object(), int,
]


@pytest.mark.parametrize("n", BAD, ids=repr)
@pytest.mark.parametrize("call", [cyact.set_num_threads, cyact.num_threads])
def test_bad_count(call, n):
    before = cyact.get_num_threads()
    with pytest.raises(ValueError, match=f"{call.__name__}.*number of threads"):
        call(n)
    assert cyact.get_num_threads() == before


@pytest.mark.parametrize("call", [cyact.set_num_threads, cyact.num_threads])
def test_wrong_number_of_arguments(call):
    for arguments in ((), (1, 2)):
        with pytest.raises(TypeError):
            call(*arguments)


@needs_openmp
def test_blocks_nest_and_are_left_by_exceptions():
    before = cyact.get_num_threads()
    with cyact.num_threads(5) as block:
        assert isinstance(block, cyact.num_threads)
        assert cyact.get_num_threads() == 5
        with cyact.num_threads(2), cyact.num_threads(3):
            assert cyact.get_num_threads() == 3
        assert cyact.get_num_threads() == 5
        try:
            with cyact.num_threads(1):
                assert cyact.get_num_threads() == 1
                raise KeyError
        except KeyError:
            pass
        assert cyact.get_num_threads() == 5
    assert cyact.get_num_threads() == before


@needs_openmp
def test_block_takes_precedence_and_set_is_seen_after_it():
    before = cyact.get_num_threads()
    try:
        with cyact.num_threads(5):
            cyact.set_num_threads(3)
            assert cyact.get_num_threads() == 5
        assert cyact.get_num_threads() == 3
    finally:
        cyact.set_num_threads(before)


@needs_openmp
def test_block_used_again():
    before = cyact.get_num_threads()
    block = cyact.num_threads(6)
    assert cyact.get_num_threads() == before
    for _ in range(2):
        with block:
            assert cyact.get_num_threads() == 6
        assert cyact.get_num_threads() == before


@needs_openmp
def test_block_is_refused_while_in_use():
    """By its own thread and by others, which keep what they had."""
    before = cyact.get_num_threads()
    block = cyact.num_threads(6)

    def other():
        with cyact.num_threads(3):
            with pytest.raises(RuntimeError, match="num_threads"), block:
                pass
            return cyact.get_num_threads()

    with block:
        with pytest.raises(RuntimeError, match="num_threads"), block:
            pass
        assert cyact.get_num_threads() == 6
        assert in_thread(other) == 3
        assert cyact.get_num_threads() == 6
        with pytest.raises(RuntimeError, match="num_threads"):
            cyact.num_threads(2).__exit__(None, None, None)
        assert cyact.get_num_threads() == 6
    assert cyact.get_num_threads() == before


def in_thread(call):
    """The result of a call in another Python thread."""
    result = []
    thread = threading.Thread(target=lambda: result.append(call()))
    thread.start()
    thread.join()
    return result[0]


@needs_openmp
def test_block_is_of_its_thread():
    before = cyact.get_num_threads()
    with cyact.num_threads(5):
        assert in_thread(cyact.get_num_threads) == before
        in_thread(cyact.num_threads(7).__enter__)
        assert cyact.get_num_threads() == 5


@needs_openmp
def test_set_is_for_all_threads():
    before = cyact.get_num_threads()
    try:
        cyact.set_num_threads(5)
        assert in_thread(cyact.get_num_threads) == 5
        in_thread(lambda: cyact.set_num_threads(3))
        assert cyact.get_num_threads() == 3
    finally:
        cyact.set_num_threads(before)


@needs_openmp
@pytest.mark.parametrize(("value", "count"), [("1", 1), ("3", 3), (" 2 ", 2), ("4096", 4096)])
def test_variable(value, count):
    done = run("-c", "import cyact; print(cyact.get_num_threads())", CYACT_NUM_THREADS=value, OMP_NUM_THREADS="5")
    assert done.stdout == f"{count}\n", done.stderr


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "two", "True", "1e1", "1000000000", "2,2", "²", "9" * 5000])
def test_bad_variable(value):
    done = run("-c", "import cyact", CYACT_NUM_THREADS=value)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: "), done.stderr
    assert "CYACT_NUM_THREADS" in last


def quota():
    """Processors that the container may use, by its control group of version 2 or 1; infinite without a limit."""
    group = Path("/sys/fs/cgroup")
    try:
        if (group / "cpu.max").exists():
            limit, period = (group / "cpu.max").read_text().split()
        else:
            limit, period = ((group / f"cpu/cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return max(1, round(int(limit) / int(period))) if int(limit) > 0 else np.inf
    except (OSError, ValueError):
        return np.inf


@needs_openmp
@pytest.mark.parametrize("variable", [None, "1", "7"])
def test_default_count(variable):
    """OpenMP's own number, which honours its variable and the affinity, but at most the quota."""
    environment = {"OMP_NUM_THREADS": variable} if variable else {}
    done = run("-c", "import cyact; print(cyact.get_num_threads())", **environment)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert done.stdout == f"{min(int(variable or available), quota())}\n", done.stderr


@needs_openmp
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity")
def test_affinity():
    before = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])"
    done = run("-c", f"{before}; import cyact; print(cyact.get_num_threads())")
    assert done.stdout == "1\n", done.stderr


def script_threadpoolctl():
    import threadpoolctl

    before = cyact.get_num_threads()
    assert before == min(6, quota())
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert cyact.get_num_threads() == 1
        count = tasks()
        cyact.tanh(np.zeros(4 * HEAVY))
        assert tasks() == count
    assert cyact.get_num_threads() == before
    print("done")


@needs_openmp
def test_threadpoolctl():
    pytest.importorskip("threadpoolctl")
    run_script("threadpoolctl", OMP_NUM_THREADS="6")


def tasks():
    return len(os.listdir("/proc/self/task"))


def script_tasks():
    """OpenMP's threads stay, and can be counted: whether a call was split is seen from outside."""
    before = tasks()
    cyact.set_num_threads(5)
    small, large = np.zeros(HEAVY - 1, "f4"), np.zeros(HEAVY, "f4")
    cyact.tanh(small)
    cyact.tanh(small[::2])
    cyact.relu(np.zeros(LIGHT - 1, "f4"))
    assert tasks() == before
    with cyact.num_threads(1):
        cyact.tanh(large)
    assert tasks() == before
    with cyact.num_threads(2):
        cyact.tanh(large)
        assert tasks() == before + 1
    cyact.tanh(np.zeros((2 * HEAVY, 2), "f4")[:, 1])
    assert tasks() == before + 4
    cyact.set_num_threads(6)
    cyact.relu(np.zeros(LIGHT, "f4"))       # a quarter of that for each
    assert tasks() <= before + 4
    cyact.relu(np.zeros(2 * LIGHT, "f4"))
    assert tasks() == before + 5
    cyact.set_num_threads(8)
    more = np.zeros(8 * CHUNK, "f4")
    cyact.tanh(more, out=more, where=np.ones(1, bool))
    assert tasks() == before + 7
    # Never more than there are chunks of work for, however many are allowed.
    cyact.set_num_threads(64)
    cyact.tanh(more)
    cyact.tanh(more.reshape(2, -1)[:, ::2])
    assert tasks() <= before + 7
    print("done")


@needs_openmp
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no list of threads")
def test_calls_take_the_threads_they_are_given():
    run_script("tasks")


# ---- where no thread can be started ----

# OpenMP would end the process. The result is right all the same, on one thread.
STARVED = """
import os, resource, numpy as np, cyact
x = np.linspace(-3, 3, 1 << 21, dtype="f4")
with cyact.num_threads(1):
    expected = cyact.sigmoid(x)
{limit}
assert np.array_equal(cyact.sigmoid(x), expected)
assert np.array_equal(cyact.sigmoid(x[::-1]), expected[::-1])
{lifted}
print("done", cyact.get_num_threads())
"""
NO_MEMORY = """
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + x.nbytes + (6 << 20), hard))
"""


@needs_openmp
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no Linux")
@pytest.mark.parametrize("lifted, count", [("", 1), ("resource.setrlimit(resource.RLIMIT_AS, (soft, hard))", 1),
                                           ("cyact.set_num_threads(4)", 4)])
def test_no_memory_for_a_thread(lifted, count):
    """From then on one thread is used, until another number is set."""
    done = run("-c", STARVED.format(limit=NO_MEMORY, lifted=lifted), OMP_NUM_THREADS="4", OMP_STACKSIZE="32M")
    assert (done.stdout, done.returncode) == (f"done {count}\n", 0), done.stderr


@needs_openmp
@pytest.mark.skipif(not hasattr(os, "setuid") or os.geteuid() != 0, reason="not root")
def test_no_thread_left_for_the_user():
    limit = "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)); os.setgid(65534); os.setuid(65534)"
    done = run("-c", STARVED.format(limit=limit, lifted=""), OMP_NUM_THREADS="4")
    assert (done.stdout, done.returncode) == ("done 1\n", 0), done.stderr


ON_SMALL_STACKS = """
import numpy as np, cyact
x = np.linspace(-3, 3, 1 << 21)
y = x.reshape(1024, -1)
outs = [cyact.softmax(y), cyact.softmax_grad(y, y), cyact.softmax(y, axis=0), cyact.logsumexp(x.reshape(-1, 32)),
        cyact.relu(y.T, out=np.empty((2048, 1024))), cyact.rescale(x.reshape(-1, 64, 2), (0.5, 2.0)), cyact.gelu(x[::-2])]
print("done")
"""


@needs_openmp
@pytest.mark.parametrize("size", ["64K", "128K"])
def test_small_stacks(size):
    """What every thread of musl has is enough; on smaller ones nothing runs."""
    done = run("-c", ON_SMALL_STACKS, OMP_NUM_THREADS="2", OMP_STACKSIZE=size)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


@needs_openmp
@pytest.mark.parametrize("variables", [
    {"OMP_NUM_THREADS": "2147483648"}, {"OMP_NUM_THREADS": "100000"}, {"OMP_NUM_THREADS": "2", "OMP_STACKSIZE": "4000G"},
    {"OMP_NUM_THREADS": "2", "OMP_STACKSIZE": "999999999999999999999"}, {"OMP_NUM_THREADS": "2", "OMP_STACKSIZE": "none"},
    {"OMP_NUM_THREADS": "2", "GOMP_STACKSIZE": "100"}, {"OMP_NUM_THREADS": "2", "OMP_STACKSIZE": " 64 K "},
])
def test_openmp_variables_out_of_measure(variables):
    done = run("-c", STARVED.format(limit="assert 1 <= cyact.get_num_threads() <= 4096", lifted=""), **variables)
    assert (done.stdout[:4], done.returncode) == ("done", 0), done.stderr


# ---- Python threads ----

def test_eight_python_threads():
    """Each on its own input and in place, and all on one shared input; some of the calls are split in their turn."""
    shared = {dtype: sample(dtype, LIGHT + 999) for dtype in FLOATS}
    cases = list(REPRESENTATIVES.values())
    want = {(case.name, dtype): case(*[shared[dtype]] * case.arrays) for case in cases for dtype in FLOATS}
    wrong, start = [], threading.Barrier(8)

    def work(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(40):
            case, dtype = cases[rng.integers(len(cases))], FLOATS[rng.integers(len(FLOATS))]
            n = int(rng.choice([10, 5000, HEAVY + 5, LIGHT + 999]))
            x = [shared[dtype][:n]] * case.arrays
            with cyact.num_threads(int(rng.integers(1, 4))):
                kind = rng.integers(3)
                if kind == 0:
                    found = case(*x)
                elif kind == 1:
                    found = case(*x, out=np.empty(2 * n, dtype)[::2])
                else:
                    own = x[0].copy()
                    found = case(own, *x[1:], out=own)
            if (bits(found) != bits(want[case.name, dtype][:n])).any():
                wrong.append((case.name, dtype, n, kind))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("road", ["contiguous", "strided", "general"])
def test_python_goes_on_during_a_call(road):
    """The GIL is released: the main thread sees a result of which a part is written."""
    x, memory = np.linspace(-9, 9, 1 << 23), np.zeros(1 << 23)
    given, out = {
        "contiguous": (x, memory), "strided": (x[::-2], memory[::-2]), "general": (x[None], memory[None, None])
    }[road]

    def work():
        with cyact.num_threads(1):
            cyact.sigmoid(given, out=out)

    for _ in range(200):
        memory[...] = 0
        thread = threading.Thread(target=work)
        thread.start()
        part = False
        while thread.is_alive() and not part:
            # Read in this order: one end is written, and afterwards the other isn't yet.
            part = (out.flat[0] and not out.flat[-1]) or (out.flat[-1] and not out.flat[0])
        thread.join()
        assert out.flat[0]
        assert out.flat[-1]
        if part:
            return
    pytest.fail("the main thread never ran during a call")


# ---- forks ----

def check_child(message="child"):
    """Calls of every kind, in a forked child."""
    assert cyact.get_num_threads() == 1, message
    x = np.linspace(-9, 9, HEAVY + 5)
    assert_same_bits(cyact.tanh(x), np.concatenate([cyact.tanh(x[:999]), cyact.tanh(x[999:])]))
    with cyact.num_threads(3):
        assert cyact.get_num_threads() == 1
        cyact.sigmoid(x[::2], out=x[::2])
        cyact.leaky_relu(np.zeros((1, LIGHT), "f2"), np.full((1, 1), 0.1, "f2"))
    cyact.set_num_threads(4)
    assert cyact.get_num_threads() == 1
    cyact.relu(x, where=True)


def fork_and_check(limit=30):
    """Whether a child's calls succeed; a child that hangs is killed by its alarm."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(limit)
            check_child()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def warm_up():
    cyact.set_num_threads(3)
    cyact.tanh(np.zeros(4 * HEAVY))
    cyact.relu(np.zeros(2 * LIGHT)[::2])


def script_forks():
    for _ in range(200):
        warm_up()
        assert fork_and_check() == 0
    assert cyact.get_num_threads() == (3 if HAS_OPENMP else 1)
    # A child's child, and a fork from another Python thread while a third is in a call.
    child = os.fork()
    if child == 0:
        os._exit(0 if fork_and_check() == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
    stop = threading.Event()

    def busy():
        x = np.zeros(8 * HEAVY)
        while not stop.is_set():
            cyact.tanh(x, out=x)

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert in_thread(fork_and_check) == 0
    stop.set()
    for thread in threads:
        thread.join()
    print("done")


@needs_fork
def test_two_hundred_forks():
    run_script("forks")


def pool_task(seed):
    check_child(f"worker {seed}")
    return float(cyact.sigmoid(np.full(2 * HEAVY, seed)).sum())


def script_pool():
    import multiprocessing

    warm_up()
    want = [float(cyact.sigmoid(np.full(2 * HEAVY, seed)).sum()) for seed in range(20)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map_async(pool_task, range(20)).get(60) == want
    warm_up()
    print("done")


@needs_fork
def test_multiprocessing_pool():
    run_script("pool")


class Items:
    """What a DataLoader takes: each item is computed in a worker."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        check_child(f"worker {index}")
        return cyact.sigmoid(np.full(2 * HEAVY, index, "f4"))


def script_torch():
    """With torch's threads used first, ours first, or both; twice, since workers are forked each time."""
    import torch

    torch.set_num_threads(2)
    for first in ("torch", "cyact", "both"):
        if first != "cyact":
            torch.zeros(1 << 21).sigmoid_().sum()
        if first != "torch":
            warm_up()
        options = {"num_workers": 2, "timeout": 60, "multiprocessing_context": "fork"}
        loader = torch.utils.data.DataLoader(Items(), batch_size=4, **options)
        batches = [batch.numpy() for batch in loader]
        want = np.stack([cyact.sigmoid(np.full(2 * HEAVY, index, "f4")) for index in range(16)])
        assert_same_bits(np.concatenate(batches), want)
    assert torch.zeros(1 << 21).sigmoid_().sum() == 1 << 20
    print("done")


@needs_fork
def test_torch_data_loader():
    pytest.importorskip("torch")
    run_script("torch", timeout=300)


# ---- signals ----

@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no pthread_kill")
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("interrupts", [False, True], ids=["own handler", "KeyboardInterrupt"])
def test_interrupt_during_a_call(count, interrupts):
    """The handler runs after the call, which is complete by then; the next calls are right."""
    x = np.linspace(-9, 9, 1 << 22)
    want = in_pieces(CASES["sigmoid"], [x])
    out, events = np.zeros_like(x), []
    main = threading.get_ident()

    def handler(number, frame):
        events.append(("signal", bool(out[0]), (out == want).all()))
        if interrupts:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handler)
    try:
        for attempt in range(200):
            out[...] = 0
            events.clear()
            ready = threading.Event()

            def send(ready=ready, delay=1e-4 * (attempt % 40)):
                ready.wait()
                time.sleep(delay)
                signal.pthread_kill(main, signal.SIGINT)

            thread = threading.Thread(target=send)
            thread.start()
            try:
                with cyact.num_threads(count):
                    ready.set()
                    cyact.sigmoid(x, out=out)
                    events.append("returned")
                thread.join()
                time.sleep(0)
            except KeyboardInterrupt:
                thread.join()
            signalled = [event for event in events if event != "returned"]
            assert len(signalled) == 1
            assert signalled[0][1] == signalled[0][2], "the handler saw part of a result"
            if events[0] == ("signal", True, True):
                break
        else:
            pytest.fail("no signal came during a call")
    finally:
        signal.signal(signal.SIGINT, before)
    with cyact.num_threads(count):
        assert_same_bits(cyact.sigmoid(x), want)


# ---- the processor's floating-point state ----

@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs libm's functions")
@pytest.mark.parametrize("count", [1, 3])
def test_floating_point_state(case, dtype, count):
    """Rounding and subnormal numbers are as before; NumPy finds no flags of ours, in our calls or after them."""
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    mode, tiny, ones = libm.fegetround(), np.full(3, 5e-324), np.ones(3, "f4")
    for n in (100, threaded_size(case) + 5):
        x = case.operands(dtype, n)
        out = np.zeros(n, case.result(dtype))
        spread = np.zeros(2 * n, case.result(dtype))[::2]
        everywhere = np.ones(n, bool)
        with cyact.num_threads(count), np.errstate(all="raise"):
            for keywords in ({}, {"out": out}, {"out": spread}, {"order": "C"}, {"out": out, "where": everywhere}):
                case(*x, **keywords)
                assert (ones + ones * ones).tolist() == [2, 2, 2]
                assert (tiny * 1.0).tolist() == tiny.tolist()
                assert tiny[0] + 0.0 == 5e-324
                assert libm.fegetround() == mode


if __name__ == "__main__":
    globals()[f"script_{sys.argv[1]}"]()
