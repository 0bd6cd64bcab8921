"""Inside numba's ``@njit``: what Python's call gives, to the bit. Where numba is installed."""

import importlib.metadata
import subprocess
import sys

import numpy as np
import pytest
from cases import CASES, FLOATS, SMALL, assert_same_bits, sample, special

import cyact

numba = pytest.importorskip("numba")
pytestmark = pytest.mark.mechanics
FLOAT32 = np.dtype("float32")


def compiled(case, *more):
    """A function of the case's arrays and parameters, and of ``more``, that calls it by name, as numba compiles it."""
    arguments = ", ".join([*case.inputs, *case.parameters, *more])
    keywords = "".join(f", {name}={value}" for name, value in [*case.keywords.items(), *((name, name) for name in more)])
    known = {"cyact": cyact}
    exec(f"def call({arguments}): return cyact.{case.function.__name__}({', '.join([*case.inputs, *case.parameters])}{keywords})", known)
    return numba.njit(known["call"])


def operands(case, dtype):
    x = np.concatenate([special(dtype), sample(dtype, 100)])
    return [np.roll(x, 7 * i) for i in range(case.arrays)], [other for _, other in case.parameters.values()]


def check(case, dtype):
    arrays, numbers = operands(case, dtype)
    assert_same_bits(compiled(case)(*arrays, *numbers), case.function(*arrays, *numbers, **case.keywords))


@pytest.mark.every_function
def test_every_function(case):
    check(case, FLOAT32)


def test_dtypes(case, dtype):
    """Arrays, and numbers. numba has no floats of 16 bits."""
    if dtype in SMALL:
        return
    check(case, dtype)
    arrays, numbers = operands(case, dtype)
    few, call = [x[:20] for x in arrays], compiled(case)
    got = np.array([call(*elements, *numbers) for elements in zip(*few)], case.result(dtype))
    assert_same_bits(got, case.function(*few, *numbers, **case.keywords))


def test_python_numbers():
    """int64 and float64 to numba, as to NumPy; of two, what holds both."""
    assert compiled(CASES["sigmoid"])(2) == cyact.sigmoid(2)
    assert compiled(CASES["relu"])(-2) == 0
    assert compiled(CASES["relu_grad"])(np.float32(2.5), 1) == cyact.relu_grad(2.5, 1)


def test_defaults_and_keywords():
    x = sample(FLOAT32, 50)

    @numba.njit
    def call(x):
        return cyact.leaky_relu(x), cyact.leaky_relu(alpha=0.5, features=x, name="layer"), cyact.gelu(x, approximate=True)

    want = cyact.leaky_relu(x), cyact.leaky_relu(x, 0.5), cyact.gelu(x, approximate=True)
    for got, result in zip(call(x), want, strict=True):
        assert_same_bits(got, result)


def test_out():
    """In place, elsewhere, in Fortran's order."""
    for x in (sample(FLOAT32, 60), np.asfortranarray(sample(FLOAT32, 60).reshape(6, 10))):
        want, call = cyact.sigmoid(x), compiled(CASES["sigmoid"], "out")
        out = np.empty_like(x)
        assert call(x, out) is out
        assert_same_bits(out, want)
        call(x, x)
        assert_same_bits(x, want)


@pytest.mark.parametrize("arguments, message", [
    ((True,), "numbers, or contiguous arrays"),
    ((1j,), "complex128 is not supported"),
    ((np.ones(6, "f4")[::2],), "contiguous arrays"),
    ((np.ones(3, "?"),), "bool is not supported"),
    ((np.ones(3, "c8"),), "complex64 is not supported"),
])
def test_refused_when_compiled(arguments, message):
    with pytest.raises(numba.TypingError, match=f"sigmoid: .*{message}"):
        compiled(CASES["sigmoid"])(*arguments)


@pytest.mark.parametrize("out, message", [
    (np.ones(3, "f8"), "a writable array of float32"),
    (np.ones((3, 1), "f4"), "as many dimensions"),
    (np.broadcast_to(np.float32(1), 3).copy()[::-1], "contiguous arrays"),
])
def test_out_refused_when_compiled(out, message):
    with pytest.raises(numba.TypingError, match=f"sigmoid: .*{message}"):
        compiled(CASES["sigmoid"], "out")(np.ones(3, "f4"), out)


def test_parameter_refused_when_compiled():
    with pytest.raises(numba.TypingError, match="leaky_relu: .*a parameter is a number"):
        compiled(CASES["leaky_relu"])(np.ones(3), np.ones(3))


def test_refused_in_a_call():
    x = np.arange(-4, 4, dtype="float32")
    before = x.copy()
    with pytest.raises(ValueError, match="sigmoid: .*overlaps"):
        compiled(CASES["sigmoid"], "out")(x[:-1], x[1:])
    with pytest.raises(ValueError, match="relu_grad: arrays of different shapes"):
        compiled(CASES["relu_grad"])(x, x[1:])
    assert_same_bits(x, before)


CACHED = """
import numba, numpy as np, cyact

@numba.njit(cache=True)
def call(x):
    return cyact.sigmoid(x)

print(call(np.zeros(3)).tolist(), sum(call.stats.cache_hits.values()))
"""


def test_cached_code(tmp_path):
    """Another process has the functions at other addresses."""
    (tmp_path / "cached.py").write_text(CACHED)
    for hits in (0, 1):
        done = subprocess.run([sys.executable, "cached.py"], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout == f"[0.5, 0.5, 0.5] {hits}\n", done.stderr


def test_numba_is_imported_by_who_uses_it(tmp_path):
    script = "import cyact, cyact.c_api, sys; cyact.relu(1.0); print([name for name in ('numba', 'llvmlite') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_entry_point():
    points = importlib.metadata.entry_points(group="numba_extensions", name="init")
    assert "cyact.numba_extension" in [point.module for point in points]


def test_threads():
    """A loop of numba's own threads, each with a row."""

    @numba.njit(parallel=True)
    def rows(x):
        for i in numba.prange(len(x)):
            cyact.tanh(x[i], out=x[i])

    x = sample(FLOATS[-1], 4000).reshape(40, 100)
    want = cyact.tanh(x)
    rows(x)
    assert_same_bits(x, want)
