"""The functions for compiled callers: addresses for ctypes, cffi and numba, and the table that ``cyact.h`` reads.

A C function has no argument for the kernel that it is to call, so there is one for each function and dtype. They are
made by the C preprocessor, from the list in ``cyact_functions.h``, and all of them end in ``run``.
"""

from cpython.pycapsule cimport PyCapsule_New
from cpython.pyport cimport PY_SSIZE_T_MAX

import os
from types import MappingProxyType

from cyact.arrays cimport GIL_FREE
from cyact.dispatch cimport level, run_contiguous, store
from cyact.kernels.table cimport MAX_OPERANDS, MAX_PARAMETERS, Kernel

cdef extern from *:
    """
    static int cyact_run(int function, const void **arrays, Py_ssize_t n, const double *parameters);

    #define CYACT_ITEMS(...) __VA_ARGS__

    /* The place of each function in the list. */
    #define CYACT_FUNCTION(name, arguments, arrays, parameters) CYACT_PLACE_##name,
    enum {
    #include "cyact_functions.h"
        CYACT_COUNT
    };
    #undef CYACT_FUNCTION

    #define CYACT_FUNCTION(name, arguments, arrays, parameters)                                     \\
        static int cyact_call_##name arguments {                                                    \\
            const void *operands[] = {CYACT_ITEMS arrays};                                          \\
            const double numbers[] = {CYACT_ITEMS parameters};                                      \\
            return cyact_run(CYACT_PLACE_##name, operands, n, numbers);                             \\
        }
    #include "cyact_functions.h"
    #undef CYACT_FUNCTION

    #define CYACT_FUNCTION(name, arguments, arrays, parameters) {#name, (void (*)(void))cyact_call_##name},
    static const cyact_entry cyact_entries[] = {
    #include "cyact_functions.h"
    };
    #undef CYACT_FUNCTION
    """
    enum: COUNT "CYACT_COUNT"
    const cyact_entry* ENTRIES "cyact_entries"

cdef extern from "cyact.h":
    enum: CYACT_C_API_VERSION
    ctypedef struct cyact_entry:
        const char* name
        void* function
    ctypedef struct cyact_table:
        int version
        int count
        const cyact_entry* entries

VERSION = CYACT_C_API_VERSION

cdef const Kernel* kernels[COUNT]


cdef int run "cyact_run"(int function, const void** arrays, Py_ssize_t n, const double* parameters) noexcept nogil:
    """What every C function calls: its kernel, where the arrays are such as a kernel takes."""
    cdef const Kernel* kernel = kernels[function]
    cdef char* args[MAX_OPERANDS]
    cdef double numbers[MAX_PARAMETERS]             # as bytes of any dtype
    cdef int inputs = kernel.inputs, last = kernel.operands - 1, o, i
    cdef char* out = <char*> arrays[inputs]
    cdef char* out_end
    # Beyond PY_SSIZE_T_MAX // 8 elements, counts of bytes would overflow.
    if n < 0 or n > PY_SSIZE_T_MAX // 8 or <size_t> out & kernel.itemsize[last] - 1:
        return -1
    out_end = out + n * kernel.itemsize[last]
    args[last] = out
    for o in range(inputs):
        args[o] = <char*> arrays[o]
        if <size_t> args[o] & kernel.itemsize[o] - 1:
            return -1
        if args[o] < out_end and out < args[o] + n * kernel.itemsize[o]:
            if args[o] != out or kernel.types[o] != kernel.types[last]:
                return -1
    for i in range(kernel.parameters):
        args[inputs + i] = <char*> &numbers[i]
        store(parameters[i], kernel.types[inputs + i], &numbers[i])
    if n < GIL_FREE:        # too few for threads, as the Python functions have it; a call less
        kernel.call(kernel, args, n, True, False)
    else:
        run_contiguous(kernel, args, n, True, False)
    return 0


cdef dict CODES = {
    "i8": b"b", "i16": b"h", "i32": b"i", "i64": b"q", "u8": b"B", "u16": b"H", "u32": b"I", "u64": b"Q",
    "f16": b"e", "bf16": b"E", "f32": b"f", "f64": b"d",
}


def _find_kernels():
    """Give each C function its kernel; the address of each by its name."""
    cdef int i
    cdef Py_ssize_t k
    places = {(level.kernels[k].function, (<char*> level.kernels[k].types)[:1]): k for k in range(level.count)}
    found = {}
    for i in range(COUNT):
        name = ENTRIES[i].name.decode()
        function, _, suffix = name.rpartition("_")
        k = places.get((function.encode(), CODES[suffix]), -1)
        if k < 0:
            raise ImportError(f"the kernels' table has no {function} for {suffix}")
        kernels[i] = &level.kernels[k]
        found[name] = <size_t> ENTRIES[i].function
    return MappingProxyType(found)


addresses = _find_kernels()

cdef cyact_table c_table
c_table.version, c_table.count, c_table.entries = VERSION, COUNT, ENTRIES
table = PyCapsule_New(&c_table, "cyact.c_api.table", NULL)


def get_include():
    """The directory of ``cyact.h``, for a compiler's ``-I`` or an extension's ``include_dirs``."""
    return os.path.join(os.path.dirname(__file__), "include")
