"""The ufunc of ``rescale``, and its kernels by the dtypes of the features and of the result.

Its inputs are features of any dtype, and scale and offset as float64, whatever they are given as: they never promote.
The result is of any floating-point dtype: that of ``dtype=``, that of a floating-point ``out``, or what the rule for
functions of real numbers gives.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

import numpy as np

from cyact.dispatch cimport level
from cyact.kernels.table cimport Kernel
from cyact.ufuncs cimport (
    NPY_HALF, NUMPY_TYPES, TYPES, PyArray_Descr, PyArrayObject, PyUFunc_ValidateCasting, PyUFuncObject, loop, meet,
    type_index,
)

from cyact.ufuncs import bfloat16_hooks

cnp.import_array()
cnp.import_ufunc()


# ---- dtypes ----

cdef int result_number(object dtype) except -2:
    """NumPy's number of a floating-point dtype, bfloat16 among them; -1 for any other."""
    if not isinstance(dtype, cnp.dtype):
        return -1
    cdef int number = (<cnp.dtype> dtype).type_num
    if number in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE, NPY_HALF):
        return number
    meet(dtype)
    return number if type_index(number) == NUMPY_TYPES else -1


cdef int natural_number(object dtype) except -2:
    """That of the result for features of a dtype, by the rule for functions of real numbers; -1 for none."""
    if isinstance(dtype, cnp.dtype) and (<cnp.dtype> dtype).kind in b"iu":
        return cnp.NPY_FLOAT if (<cnp.dtype> dtype).itemsize <= 2 else cnp.NPY_DOUBLE
    return result_number(dtype)


cdef int resolver(
    PyUFuncObject* ufunc,
    cnp.NPY_CASTING casting,
    PyArrayObject** operands,
    PyObject* type_tuple,
    PyArray_Descr** descriptors,
) except -1:
    cdef object dtype = (<cnp.ndarray> operands[0]).dtype, double = np.dtype("float64"), wanted = None
    cdef int natural = natural_number(dtype), o
    if natural < 0:
        raise TypeError(f"{dtype} is not supported")
    if type_tuple != NULL and type(<object> type_tuple) is tuple:
        wanted = (<tuple> type_tuple)[3]
        if wanted is not None and result_number(wanted) < 0:
            raise TypeError(f"the result cannot be {wanted}")
    elif operands[3] != NULL and result_number((<cnp.ndarray> operands[3]).dtype) >= 0:
        wanted = (<cnp.ndarray> operands[3]).dtype
    if wanted is None:
        wanted = cnp.PyArray_DescrFromType(natural)
    types = (dtype.newbyteorder("="), double, double, wanted.newbyteorder("="))
    for o in range(4):
        Py_INCREF(types[o])
        descriptors[o] = <PyArray_Descr*> <PyObject*> types[o]
    return PyUFunc_ValidateCasting(ufunc, casting, operands, descriptors)


# ---- the kernels, and the ufunc ----

# By the features' and the result's type, as ``type_index`` has them. NULL where there is none.
cdef const Kernel* kernels[TYPES][TYPES]


cdef const Kernel* kernel_of(int index, int result) noexcept:
    return kernels[index][type_index(result)]


def _fill():
    """Finds the rows in the level's table."""
    cdef const Kernel* kernel
    cdef Py_ssize_t i
    cdef int x, result
    cdef dict alike = {b"E": [NUMPY_TYPES]}
    for code in b"bBhHiIqQefd":
        alike[bytes([code])] = [np.dtype(c).num for c in "bBhHiIlLqQefd" if np.dtype(c) == np.dtype(chr(code))]
    for i in range(level.count):
        kernel = &level.kernels[i]
        if kernel.function != b"rescale":
            continue
        for x in alike[bytes([kernel.types[0]])]:
            for result in alike[bytes([kernel.types[kernel.operands - 1]])]:
                kernels[x][result] = kernel


cdef object make_ufunc():
    cdef list all_pairs = [(x, result) for x in range(NUMPY_TYPES) for result in range(NUMPY_TYPES)]
    cdef list pairs = [(x, result) for x, result in all_pairs if kernels[x][result] != NULL]
    cdef Py_ssize_t count = len(pairs), i
    cdef bytes types = b"".join([bytes([x, cnp.NPY_DOUBLE, cnp.NPY_DOUBLE, result]) for x, result in pairs])
    # NumPy keeps these arrays, and a ufunc lives as long as the process.
    cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*> PyMem_Malloc(count * sizeof(loops[0]))
    cdef void** data = <void**> PyMem_Malloc(count * sizeof(data[0]))
    if loops == NULL or data == NULL:
        raise MemoryError
    for i, (x, result) in enumerate(pairs):
        loops[i], data[i] = <cnp.PyUFuncGenericFunction> loop, <void*> kernels[<int> x][<int> result]
    Py_INCREF(types)
    made = cnp.PyUFunc_FromFuncAndData(loops, data, types, count, 3, 1, cnp.PyUFunc_None, b"rescale", b"See cyact.", 0)
    (<PyUFuncObject*> made).type_resolver = resolver
    return made


_fill()
rescale = make_ufunc()      # by this name it is pickled


def add_bfloat16_rows(dtype):
    """Adds the loops from and to bfloat16, when it is first met."""
    cdef int number = dtype.num, x, result
    cdef int types[4]
    for x in range(TYPES):
        for result in range(TYPES):
            if kernels[x][result] != NULL and NUMPY_TYPES in (x, result):
                types[0], types[1] = number if x == NUMPY_TYPES else x, cnp.NPY_DOUBLE
                types[2], types[3] = cnp.NPY_DOUBLE, number if result == NUMPY_TYPES else result
                cnp.PyUFunc_RegisterLoopForType(
                    rescale, number, <cnp.PyUFuncGenericFunction> loop, types, <void*> kernels[x][result]
                )


bfloat16_hooks.append(add_bfloat16_rows)
