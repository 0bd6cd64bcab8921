"""The C API: every address against the Python function, to the bit; a Cython module and a C library that use the header."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, FLOATS, assert_same_bits, sample, special

from cyact import c_api

SUFFIXES = {f"{kind}{bits}": f"{kind[0]}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
SUFFIXES |= {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}


def c_name(case, dtype):
    """cyact_gelu_approximate_f32 is gelu with approximate=True."""
    return f"{case.name}_{SUFFIXES[dtype.name]}"


def c_function(name, arrays, parameters):
    kind = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * arrays, ctypes.c_ssize_t, *[ctypes.c_double] * parameters)
    return kind(c_api.addresses[name])


def test_names():
    """Each function of the table for each of its dtypes, and nothing else."""
    assert set(c_api.addresses) == {c_name(case, dtype) for case in CASES.values() for dtype in case.dtypes} | (
        set() if len(FLOATS) == 4 else {name for name in c_api.addresses if name.endswith("_bf16")}
    )
    assert len(set(c_api.addresses.values())) == len(c_api.addresses)


def test_bits(case, dtype):
    x = np.concatenate([special(dtype), sample(dtype, 1000)])
    arrays = [x, np.roll(x, 7)][:len(case.inputs)]
    out = np.empty(x.shape, case.result(dtype))
    # Numbers that no float holds: rounded once, to the dtype of the computation.
    for numbers in ([default for default, _ in case.parameters.values()], [0.1 + 1e-9] * len(case.parameters)):
        function = c_function(c_name(case, dtype), len(arrays) + 1, len(numbers))
        for n in (len(x), 1, 0):
            out[:] = 7
            assert function(*[a.ctypes.data for a in arrays], out.ctypes.data, n, *numbers) == 0
            assert_same_bits(out[:n], case.function(*[a[:n] for a in arrays], *numbers, **case.keywords))
            assert np.all(out[n:] == 7)


def test_single_numbers(case, dtype):
    """One number is computed as scalar code: to the same bits as among others."""
    x = np.concatenate([special(dtype), sample(dtype, 300)])
    arrays, numbers = [x, np.roll(x, 7)][:len(case.inputs)], [other for _, other in case.parameters.values()]
    function, out = c_function(c_name(case, dtype), len(arrays) + 1, len(numbers)), np.empty(x.shape, case.result(dtype))
    places = [a.ctypes.data for a in (*arrays, out)]
    for i in range(len(x)):
        ends = [place + i * a.itemsize for place, a in zip(places, (*arrays, out))]
        assert function(*ends, 1, *numbers) == 0
    assert_same_bits(out, case.function(*arrays, *numbers, **case.keywords))


def test_large():
    """So many elements that threads share them."""
    x = sample(np.dtype("float32"), 2**18)
    expected = CASES["sigmoid"](x)
    assert c_function("sigmoid_f32", 2, 0)(x.ctypes.data, x.ctypes.data, x.size) == 0
    assert_same_bits(x, expected)


def test_refused():
    """-1 and nothing written."""
    x = np.arange(-8, 8, dtype="float32")
    before, start = x.copy(), x.ctypes.data
    sigmoid, mixed = c_function("sigmoid_f32", 2, 0), c_function("sigmoid_i32", 2, 0)
    assert sigmoid(start, start + 4, 8) == -1       # overlaps
    assert sigmoid(start + 4, start, 8) == -1
    assert sigmoid(start, start + 33, 4) == -1      # not aligned
    assert sigmoid(start + 1, start + 32, 4) == -1
    assert sigmoid(start, start + 32, -1) == -1
    assert sigmoid(start, start + 32, 2**63 - 1) == -1
    assert mixed(start, start, 4) == -1             # float64 over int32
    assert_same_bits(x, before)
    assert sigmoid(start, start + 32, 8) == 0       # side by side


# ---- compiled callers ----

LIBRARY = """
#include "cyact.h"

int start(void) { return import_cyact(); }

/* Not a function of one call alone: a hidden layer's sum, say. */
double sum_of_sigmoids(const float *x, float *scratch, Py_ssize_t n) {
    double sum = 0;
    Py_ssize_t i;
    if (cyact_sigmoid_f32(x, scratch, n)) return -1;
    for (i = 0; i < n; i++) sum += scratch[i];
    return sum;
}
"""

MODULE = """
from cyact.c_api cimport cyact_leaky_relu_grad_f64, import_cyact

import_cyact()

def leaky_relu_grad(const double[::1] gradients, const double[::1] features, double[::1] out, double alpha):
    cdef int status
    with nogil:
        status = cyact_leaky_relu_grad_f64(&gradients[0], &features[0], &out[0], out.shape[0], alpha)
    return status
"""

SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup
from cyact import c_api

include = [c_api.get_include()]
setup(name="callers", ext_modules=[
    Extension("library", ["library.c"], include),
    *cythonize([Extension("module", ["module.pyx"], include)], language_level=3),
])
"""


@pytest.fixture(scope="module")
def callers(tmp_path_factory):
    """A Cython module, and a C library that is no module, compiled against the header; the folder of both."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    if sys.platform == "win32":
        pytest.skip("a library has to say what it exports")
    folder = tmp_path_factory.mktemp("callers")
    for name, text in (("library.c", LIBRARY), ("module.pyx", MODULE), ("setup.py", SETUP)):
        (folder / name).write_text(text)
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    environment = {**os.environ, "CFLAGS": "-O1 -Wall -Werror=incompatible-pointer-types"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def library(callers):
    library = ctypes.PyDLL(str(next(callers.glob("library*.so"))))
    library.sum_of_sigmoids.restype = ctypes.c_double
    return library


def test_library(library):
    assert library.start() == 0
    x = sample(np.dtype("float32"), 1000)
    x = x[np.isfinite(x)]
    out = np.empty_like(x)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, out)]
    total = library.sum_of_sigmoids(*pointers, ctypes.c_ssize_t(x.size))
    assert_same_bits(out, CASES["sigmoid"](x))
    assert total == sum(out.tolist())


@pytest.mark.parametrize("version, count, message", [
    (c_api.VERSION + 1, 0, f"compiled for version {c_api.VERSION} .* has version {c_api.VERSION + 1}"),
    (c_api.VERSION, 0, "no C function relu_i8"),
])
def test_another_version(library, monkeypatch, version, count, message):
    """Compiled against a header that the installed package does not go with: an ImportError, nothing called."""
    table = (ctypes.c_int * 4)(version, count, 0, 0)    # and a pointer
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    monkeypatch.setattr(c_api, "table", new(ctypes.addressof(table), b"cyact.c_api.table", None))
    with pytest.raises(ImportError, match=message):
        library.start()


def test_cython(callers, monkeypatch):
    monkeypatch.syspath_prepend(str(callers))
    import module

    assert Path(module.__file__).parent == callers
    g, x = (sample(np.dtype("float64"), 1000, seed) for seed in range(2))
    out = np.empty_like(x)
    assert module.leaky_relu_grad(g, x, out, 0.3) == 0
    assert_same_bits(out, CASES["leaky_relu_grad"].function(g, x, 0.3))
