"""dask: calls stay lazy, run in other processes, on arrays that no process has room for; pickling, to the same bits.

The workers run at another instruction-set level than the tests, where the machine has two with fused multiply-add.
"""

import functools
import os
import pickle
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from cases import CASES, DISPATCH, FLOATS, KINDS, LEVEL, REPRESENTATIVES, assert_same_bits, special, ufuncs

import cyact
from cyact import cpu

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("dask.distributed")
cloudpickle = pytest.importorskip("cloudpickle")

FUSED = [level for level in cpu.levels() if level != "x86_64_v2"]
OTHERS = [level for level in FUSED if LEVEL in FUSED and level != LEVEL]
OTHER_LEVEL = OTHERS[0] if OTHERS else LEVEL
MEMORY_LIMIT = 256 << 20

every_dtype = pytest.mark.parametrize("dtype", [np.dtype("float32"), np.dtype("float64"), FLOATS[0]], ids=str)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    cluster = distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, memory_limit=MEMORY_LIMIT, dashboard_address=None,
        env={"CYACT_LEVEL": OTHER_LEVEL}, local_directory=str(tmp_path_factory.mktemp("dask")),
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def operands(case, dtype, shape=(50, 60)):
    """Plain arrays and the same in dask, in chunks that do not divide them."""
    x = [np.random.default_rng(i).normal(0, 2, shape).astype(dtype) for i in range(case.arrays)]
    return x, [da.from_array(a, chunks=(17, 25)) for a in x]


# ---- lazy ----

class Untouchable:
    """An array that only says what it is: who asks for its elements fails."""

    shape, ndim, dtype = (1000, 1000), 2, np.dtype("float32")

    def __getitem__(self, index):
        raise RuntimeError("computed")


@pytest.mark.mechanics
def test_calls_are_lazy(case):
    x = da.from_array(Untouchable(), chunks=500, meta=np.zeros((0, 0), "float32"))
    result = case(*[x] * case.arrays)
    assert type(result) is da.Array
    assert (result.shape, result.dtype, result.chunks) == (x.shape, x.dtype, x.chunks)
    with pytest.raises(RuntimeError, match="computed"):
        result.compute(scheduler="synchronous")


@pytest.mark.mechanics
@every_dtype
def test_same_bits_as_without_dask(case, dtype):
    x, lazy = operands(case, dtype)
    for given in (lazy, [lazy[0], *x[1:]], [*x[:-1], lazy[-1]]):
        result = case(*given)
        assert type(result) is da.Array and result.dtype == dtype
        assert_same_bits(result.compute(scheduler="threads"), case(*x))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64"])
@pytest.mark.mechanics
def test_integers(case, dtype):
    if np.dtype(dtype) not in case.dtypes:
        return
    x = np.arange(100).astype(dtype)
    result = case(*[da.from_array(x, chunks=30)] * case.arrays)
    want = case(*[x] * case.arrays)
    assert result.dtype == want.dtype
    assert_same_bits(result.compute(scheduler="synchronous"), want)


def test_slopes():
    """Of each channel, as an array, a dask array or a number; they promote as without dask."""
    x, (lazy,) = operands(CASES["leaky_relu"], np.dtype("float32"))
    slopes = np.linspace(-1, 2, 60)
    for alpha in (slopes.astype("float32"), slopes, np.float64(0.1), 0.1, 3):
        want = cyact.leaky_relu(*x, alpha)
        in_dask = [alpha] if np.ndim(alpha) == 0 else [alpha, da.from_array(alpha, chunks=25)]
        for given in in_dask:
            for result, expected in ((cyact.leaky_relu(lazy, given), want),
                                     (cyact.leaky_relu_grad(lazy, lazy, given), cyact.leaky_relu_grad(*x, *x, alpha))):
                assert type(result) is da.Array and result.dtype == expected.dtype
                assert_same_bits(result.compute(scheduler="synchronous"), expected)


def test_out_is_a_name_for_the_result():
    x, (lazy,) = operands(CASES["tanh"], np.dtype("float32"))
    out = da.zeros_like(lazy)
    cyact.tanh(lazy, out=out)
    assert_same_bits(out.compute(scheduler="synchronous"), cyact.tanh(x[0]))


def test_unsupported_dtype_is_refused_at_once():
    for dtype in (bool, complex, "M8[s]"):
        with pytest.raises(TypeError, match=r"^sigmoid \(name='lazy'\): "):
            cyact.sigmoid(da.zeros(10, dtype=dtype), name="lazy")


# ---- in other processes ----

# Functions that are sent are local or lambdas: those go by value, and workers need not find this file.

def test_workers_are_other_processes_of_another_level(client):
    places = client.run(lambda name=DISPATCH: (os.getpid(), import_module(name).level_name)).values()
    assert len({pid for pid, _ in places} | {os.getpid()}) == 3
    assert {level for _, level in places} == {OTHER_LEVEL}


@pytest.mark.mechanics
@every_dtype
def test_on_a_cluster(client, case, dtype):
    x, lazy = operands(case, dtype)
    result = case(*lazy)
    assert type(result) is da.Array
    assert_same_bits(result.compute(), case(*x))


def test_map_blocks(client):
    def in_place(block):
        block = block.copy()        # others use it
        cyact.tanh(block, out=block)
        return block

    x, lazy = operands(CASES["relu_grad"], np.dtype("float32"))
    g, features = lazy
    slopes = np.linspace(-1, 2, 60, dtype="float32")
    by_channel = da.from_array(slopes, chunks=25)
    for result, want in [
        (features.map_blocks(cyact.sigmoid), cyact.sigmoid(x[1])),
        (features.map_blocks(cyact.leaky_relu, 0.3), cyact.leaky_relu(x[1], 0.3)),
        (features.map_blocks(cyact.leaky_relu, by_channel), cyact.leaky_relu(x[1], slopes)),
        (features.map_blocks(functools.partial(cyact.leaky_relu, alpha=-2)), cyact.leaky_relu(x[1], -2)),
        (features.map_blocks(in_place), cyact.tanh(x[1])),
        (da.map_blocks(cyact.relu_grad, g, features), cyact.relu_grad(*x)),
        (da.map_blocks(cyact.leaky_relu_grad, g, features, alpha=0.3), cyact.leaky_relu_grad(*x, 0.3)),
        (da.map_blocks(cyact.leaky_relu_grad, g, features, by_channel), cyact.leaky_relu_grad(*x, slopes)),
        (da.map_blocks(cyact.sigmoid_grad, cyact.sigmoid(features), g), cyact.sigmoid_grad(cyact.sigmoid(x[1]), x[0])),
        (da.map_blocks(ufuncs.tanh_grad, cyact.tanh(features), g), cyact.tanh_grad(cyact.tanh(x[1]), x[0])),
        (da.map_overlap(cyact.tanh, features, depth=1, boundary="none"), cyact.tanh(x[1])),
        (da.blockwise(cyact.relu, "ij", features, "ij", dtype="float32"), cyact.relu(x[1])),
    ]:
        assert result.dtype == want.dtype
        assert_same_bits(result.compute(), want)


def test_functions_as_tasks(client):
    x = np.linspace(-3, 3, 100)
    futures = [
        client.submit(case.function, *[x] * case.arrays, *case.tried, **case.keywords, pure=False) for case in CASES.values()
    ]
    for case, result in zip(CASES.values(), client.gather(futures), strict=True):
        assert_same_bits(result, case(*[x] * case.arrays))
    failed = client.submit(cyact.relu, x > 0, name="on a worker")
    with pytest.raises(TypeError, match=r"^relu \(name='on a worker'\): .*bool"):
        failed.result()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by Linux's /proc")
def test_array_larger_than_the_memory_of_all_workers(client):
    """Chunks come and go; no worker reaches its limit, and none is restarted."""
    def memory():
        # Not ru_maxrss, which a process inherits from the one that started it.
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return os.getpid(), int(peak.split()[1]) * 1024

    n = 140_000_000
    x = da.linspace(-8, 8, n, chunks=1 << 21, dtype="float32")
    assert x.nbytes > 2 * MEMORY_LIMIT
    before = client.run(memory)
    y = cyact.sigmoid(x)
    slope = cyact.sigmoid_grad(y, np.float32(1))
    mean, area, last = da.compute(y.mean(dtype="float64"), 16 * slope.mean(dtype="float64"), y[-5:])
    assert abs(mean - 0.5) < 1e-7
    assert abs(area - (1 - 2 / (1 + np.exp(8)))) < 1e-6
    assert_same_bits(last, cyact.sigmoid(x[-5:].compute()))
    after = client.run(memory)
    assert [pid for pid, _ in after.values()] == [pid for pid, _ in before.values()]
    assert max(peak for _, peak in after.values()) < MEMORY_LIMIT


# ---- pickling ----

@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_cloudpickle_by_name(protocol):
    """Small, and the same object when read again; pickle itself is tested with the ufuncs."""
    functions = [case.function for case in CASES.values()] + [getattr(ufuncs, name) for name in ufuncs.functions]
    assert len(functions) >= 2 * len(CASES)
    for function in functions:
        data = cloudpickle.dumps(function, protocol=protocol)
        assert len(data) < 100
        assert pickle.loads(data) is function


READ_AND_RUN = f"""
import pickle, sys
calls = pickle.load(sys.stdin.buffer)
from {DISPATCH} import level_name
results = [function(*arguments) for function, arguments in calls]
pickle.dump((level_name, results), sys.stdout.buffer)
"""


@pytest.mark.parametrize("module", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_unpickled_on_another_level(module, tmp_path):
    """What is sent names functions and ufuncs; the reader's level computes the same bits."""
    calls = []
    for case in REPRESENTATIVES.values():
        for dtype in set(KINDS) & set(case.dtypes):
            x = [*(np.concatenate([a, np.resize(special(dtype), 50)]) for a in case.operands(dtype, 3000))]
            calls.append((case.function, [*x, *case.tried]))
            tried = [np.array(value).astype(case.result(dtype)) for value in case.tried]
            calls.append((case.ufunc, [*x, *tried]))
    calls.append((functools.partial(cyact.leaky_relu, alpha=0.7), [np.linspace(-3, 3, 100)]))
    if module is cloudpickle:
        alpha = 0.3
        calls.append((lambda x: cyact.tanh(cyact.leaky_relu(x, alpha)), [np.linspace(-3, 3, 100)]))
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_RUN], input=module.dumps(calls), capture_output=True,
        env={**os.environ, "CYACT_LEVEL": OTHER_LEVEL}, cwd=tmp_path, check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    level, results = pickle.loads(done.stdout)
    assert level == OTHER_LEVEL
    for (function, arguments), result in zip(calls, results, strict=True):
        assert_same_bits(result, function(*arguments), function)
