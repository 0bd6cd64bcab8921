"""Times the functions of the C API, called from compiled C: one number a call, and 4,096 beside a call from Python.

    python asv_benches/c_calls.py [--dtype f32] [--functions relu sigmoid]

Wants a C compiler and Python's headers. A call from Python takes time of its own: that of an array of one number less the C
function's is taken off before its 4,096 numbers are compared.
"""

import argparse
import ctypes
import shlex
import subprocess
import sysconfig
import tempfile
import timeit
from pathlib import Path

import numpy as np
from benchmarks.common import FORMS, operands

import cyact
from cyact import c_api

TYPES = {"f32": ("float", "float32"), "f64": ("double", "float64")}
START = '#include "cyact.h"\n#include <time.h>\nint start(void) { return import_cyact(); }\n'
# Each call of one number takes the next of so many.
SPREAD = 1024
TIMER = """
double time_{function}(const {real} *first, const {real} *second, {real} *out, Py_ssize_t n, Py_ssize_t calls) {{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (Py_ssize_t i = 0; i < calls; i++) {{
        Py_ssize_t k = n == 1 ? i % {spread} : 0;
        if (cyact_{function}_{suffix}({inputs}, out, n{parameters})) return -1;
    }}
    clock_gettime(CLOCK_MONOTONIC, &after);
    return ((after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec)) / calls;
}}
"""


def compiled(functions, suffix, folder):
    """A library with a timer for each function."""
    text = START
    for name in functions:
        row = FORMS[name].row
        inputs = ", ".join(["first + k", "second + k"][:len(row.inputs)])
        text += TIMER.format(
            function=name, real=TYPES[suffix][0], suffix=suffix, inputs=inputs, spread=SPREAD,
            parameters="".join(f", {parameter.default}" for parameter in row.parameters),
        )
    source, library = folder / "calls.c", folder / "calls.so"
    source.write_text(text)
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    include = [f"-I{sysconfig.get_path('include')}", f"-I{c_api.get_include()}"]
    subprocess.run([*compiler, "-O2", "-w", "-fPIC", "-shared", *include, source, "-o", library], check=True)
    loaded = ctypes.PyDLL(str(library))
    assert loaded.start() == 0
    return loaded


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dtype", choices=TYPES, default="f32")
    parser.add_argument("--functions", nargs="+", choices=list(FORMS), default=list(FORMS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    size = 4096
    print(f"{options.dtype}, ns a call, {cyact.dispatch.level_name}")
    print(f"{'':24} 1 from C   4,096 from C   4,096 from Python   C / Python less its overhead")
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(options.functions, options.dtype, Path(folder))
        for name in options.functions:
            timer = getattr(library, f"time_{name}")
            timer.restype = ctypes.c_double
            arrays = operands(name, (size,), TYPES[options.dtype][1])
            out = np.empty_like(arrays[0])
            pointers = [ctypes.c_void_p(array.ctypes.data) for array in (arrays[0], arrays[-1], out)]
            form = FORMS[name]
            function = getattr(cyact, form.row.name)

            def from_python(n, calls, function=function, arrays=arrays, out=out, keywords=form.keywords):
                given, result = [array[:n] for array in arrays], out[:n]
                return timeit.timeit(lambda: function(*given, out=result, **keywords), number=calls) / calls * 1e9

            def from_c(n, calls, timer=timer, pointers=pointers):
                return timer(*pointers, ctypes.c_ssize_t(n), ctypes.c_ssize_t(calls))

            timings = [(from_c, 1, 200_000), (from_c, size, 1000), (from_python, size, 1000), (from_python, 1, 10_000)]
            one, c, python, python_one = (min(times) for times in zip(*(
                [time(n, calls) for time, n, calls in timings] for _ in range(options.rounds)
            )))
            print(f"{name:24} {one:8.1f} {c:14.0f} {python:19.0f} {c / (python - (python_one - one)):14.2f}")


if __name__ == "__main__":
    main()
