"""NumPy ufuncs, one for each function in the kernels' table.

They are the general road of the public functions, which add defaults, checks and messages. NumPy broadcasts, casts, resolves overlap, applies ``where`` and
hands over to ``__array_ufunc__``. ``truncated_*`` take integers and store the result into the same integer dtype, toward zero.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

import numpy as np

from cyact.kernels.table cimport Job, Kernel
from cyact.parallel cimport compute, compute_job, level

cnp.import_array()
cnp.import_ufunc()

cdef extern from "numpy/ufuncobject.h":
    ctypedef int (*type_resolver_t "PyUFunc_TypeResolutionFunc *")(
        PyUFuncObject*, cnp.NPY_CASTING, PyObject**, PyObject*, PyObject**
    ) except -1
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        type_resolver_t type_resolver


cdef void loop(char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data) noexcept nogil:
    """The inner loop of every ufunc; ``data`` is the kernel. ``args`` is left as it was: under ``where=`` NumPy goes on from it."""
    cdef const Kernel* kernel = <const Kernel*> data
    cdef int out = kernel.operands - 1, o
    cdef bint scalar = out > 1 and steps[out - 1] == 0, straight = True
    cdef Job job
    for o in range(out + 1):
        straight = straight and (steps[o] == kernel.itemsize[o] or scalar and o == out - 1)
    if straight:
        compute(kernel, args, dimensions[0], scalar)
        return
    job.kernel = kernel
    job.ndim = 1
    job.shape[0] = dimensions[0]
    for o in range(out + 1):
        job.strides[o][0] = steps[o]
        job.data[o] = args[o]
    compute_job(&job)


cdef type_resolver_t numpy_resolver     # what PyUFunc_FromFuncAndData sets


cdef int resolver(
    PyUFuncObject* ufunc, cnp.NPY_CASTING casting, PyObject** operands, PyObject* type_tuple, PyObject** descriptors
) except -1:
    """NumPy's choice of a loop, but for two things.

    bool is refused, which NumPy would cast to int8. And where only the result's dtype is asked for (``dtype=``), every other operand is computed in it too:
    NumPy would take the first loop with that result, and cast an int32 array to int8 for it.
    """
    cdef int nargs = ufunc.nin + ufunc.nout, i
    for i in range(ufunc.nin):
        if cnp.PyArray_TYPE(<cnp.ndarray> operands[i]) == cnp.NPY_BOOL:
            raise TypeError(f"ufunc '{(<object> <PyObject*> ufunc).__name__}' not supported for bool")
    types = <object> type_tuple if type_tuple != NULL else None
    if type(types) is tuple and len(types) == nargs and types[nargs - 1] is not None and types[:-1] == (None,) * ufunc.nin:
        types = (types[nargs - 1],) * nargs
        return numpy_resolver(ufunc, casting, operands, <PyObject*> types, descriptors)
    return numpy_resolver(ufunc, casting, operands, type_tuple, descriptors)


cdef class Function:
    """A function's kernels as the direct road looks them up, and its ufunc."""

    def __cinit__(self, str name, list rows):
        # NumPy keeps these arrays, and a ufunc lives as long as the process.
        cdef Py_ssize_t count = len(rows), i
        cdef int nin = len(rows[0][1]) - 1
        cdef bytes name_bytes = name.encode()
        cdef bytes types = b"".join([bytes(numbers) for _, numbers in rows])
        cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*> PyMem_Malloc(count * sizeof(loops[0]))
        cdef void** data = <void**> PyMem_Malloc(count * sizeof(data[0]))
        if loops == NULL or data == NULL:
            raise MemoryError
        for i, (index, numbers) in enumerate(rows):
            loops[i] = <cnp.PyUFuncGenericFunction> loop
            data[i] = <void*> &level.kernels[<Py_ssize_t> index]
            self.kernels[<int> numbers[0]] = &level.kernels[<Py_ssize_t> index]
            self.results[<int> numbers[0]] = numbers[nin]
        for constant in (name_bytes, types):
            Py_INCREF(constant)
        self.name = name
        self.ufunc = cnp.PyUFunc_FromFuncAndData(
            loops, data, types, count, nin, 1, cnp.PyUFunc_None, name_bytes, b"See cyact.", 0
        )
        global numpy_resolver
        numpy_resolver = (<PyUFuncObject*> self.ufunc).type_resolver
        (<PyUFuncObject*> self.ufunc).type_resolver = resolver

    cpdef object result_dtype(self, object dtype):
        """The dtype of the result for features of a dtype, None where there is no such kernel."""
        cdef int number = getattr(dtype, "num", TYPES)
        return cnp.PyArray_DescrFromType(self.results[number]) if number < TYPES and self.kernels[number] else None


def _functions():
    """The level's table as ``Function`` objects, by name."""
    # NumPy may have several types for one of the table's: int64 is both long and long long on Linux.
    alike = {code: [char for char in "bBhHiIlLqQefd" if np.dtype(char) == np.dtype(code)] for code in "bBhHiIqQefd"}
    cdef Py_ssize_t index
    cdef dict rows = {}
    for index in range(level.count):
        types = level.kernels[index].types.decode()
        for char in alike.get(types[0], ()):
            numbers = [np.dtype(char if code == types[0] else code).num for code in types]
            rows.setdefault(level.kernels[index].function.decode(), []).append((index, numbers))
    cdef dict functions = {name: Function(name, rows[name]) for name in rows}
    cdef Function function
    for function in functions.values():
        function.truncated = functions.get(f"truncated_{function.name}")
    return functions


functions = _functions()
globals().update({name: function.ufunc for name, function in functions.items()})
__all__ = list(functions)
