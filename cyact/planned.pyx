"""Calls whose operands are broadcast: by the plan of the kernels, without NumPy's machinery.

NumPy's ufunc hands over what it broadcasts in short runs, or copies it into buffers. Where all operands are numbers or
exact, aligned, native arrays of the dtypes that a kernel takes, their strides say all there is to know, and the kernels
cut the call into blocks that suit them. Whatever else is met, the answer is None, nothing was written, and the ufunc
defines what happens.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

import numpy as np

from cyact.arguments cimport OUT, PARAMETER, Signature, read_input, read_number
from cyact.arrays cimport (
    GIL_FREE, PyArray_CheckExact, PyArray_DATA, PyArray_DIM, PyArray_FLAGS, PyArray_ITEMSIZE,
    PyArray_NDIM, PyArray_NewLikeArray, PyArray_Return, PyArray_STRIDE, PyArray_TYPE, PyArrayObject,
    fill_nest, is_plain, lie_apart, same_strides,
)
from cyact.dispatch cimport clear_raised_flags, run_strided, store
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_DIMS, MAX_OPERANDS, Kernel, LoopNest
from cyact.ufuncs cimport NUMPY_TYPES, Function, type_index

cnp.import_array()

# The kernels' type character for each type number of NumPy's; 0 for what they do not take.
cdef char codes[NUMPY_TYPES + 1]
for _dtype in map(np.dtype, "bBhHiIlLqQefd"):
    codes[_dtype.num] = ord(next(code for code in "bBhHiIqQefd" if np.dtype(code) == _dtype))
codes[NUMPY_TYPES] = b"E"


# The operands of a call, in the kernel's order. A number has no array: it stands in ``numbers``, as bytes of its dtype.
cdef struct Operands:
    int count
    PyArrayObject* arrays[MAX_OPERANDS]
    double numbers[MAX_OPERANDS]
    char* data[MAX_OPERANDS]
    int ndim
    cnp.npy_intp shape[MAX_DIMS]
    cnp.npy_intp strides[MAX_OPERANDS][MAX_DIMS]


# ---- shapes ----

# The shape that all operands up to the output are broadcast to. False where there is none.
cdef bint broadcast_shape(Operands* operands) noexcept:
    cdef PyArrayObject* array
    cdef cnp.npy_intp n
    cdef int o, axis, first
    operands.ndim = 0
    for o in range(operands.count - 1):
        if operands.arrays[o] != NULL:
            operands.ndim = max(operands.ndim, PyArray_NDIM(operands.arrays[o]))
    for axis in range(operands.ndim):
        operands.shape[axis] = 1
    for o in range(operands.count - 1):
        array = operands.arrays[o]
        if array == NULL:
            continue
        first = operands.ndim - PyArray_NDIM(array)
        for axis in range(first, operands.ndim):
            n = PyArray_DIM(array, axis - first)
            if operands.shape[axis] == 1:
                operands.shape[axis] = n
            elif n != 1 and n != operands.shape[axis]:
                return False
    return True


# An operand's strides in that shape: 0 along an axis that it has one element of. False where it does not fit.
cdef bint broadcast_strides(Operands* operands, int o) noexcept:
    cdef PyArrayObject* array = operands.arrays[o]
    cdef int axis, first
    cdef cnp.npy_intp n
    operands.data[o] = <char*> (&operands.numbers[o] if array == NULL else PyArray_DATA(array))
    first = operands.ndim if array == NULL else operands.ndim - PyArray_NDIM(array)
    if first < 0:
        return False
    for axis in range(operands.ndim):
        n = 1 if axis < first else PyArray_DIM(array, axis - first)
        if n != 1 and n != operands.shape[axis]:
            return False
        operands.strides[o][axis] = 0 if n == 1 else PyArray_STRIDE(array, axis - first)
    return True


# Whether the output may be written while an operand is read: they are the same elements, or lie apart.
cdef bint may_overwrite(const Operands* operands, int o) noexcept:
    cdef PyArrayObject* out = operands.arrays[operands.count - 1]
    cdef PyArrayObject* array = operands.arrays[o]
    cdef int axis
    if array == NULL or lie_apart(out, array):
        return True
    if PyArray_DATA(array) != PyArray_DATA(out) or PyArray_ITEMSIZE(array) != PyArray_ITEMSIZE(out):
        return False
    for axis in range(operands.ndim):
        if operands.strides[o][axis] != operands.strides[operands.count - 1][axis]:
            return False
    return True


# Whether an array has the shape that all have together.
cdef bint has_shape(PyArrayObject* array, const Operands* operands) noexcept:
    cdef int axis
    if array == NULL or PyArray_NDIM(array) != operands.ndim:
        return False
    for axis in range(operands.ndim):
        if PyArray_DIM(array, axis) != operands.shape[axis]:
            return False
    return True


# Axes that an array has more than one element of.
cdef int long_axes(PyArrayObject* array) noexcept:
    cdef int axis, count = 0
    for axis in range(PyArray_NDIM(array)):
        count += PyArray_DIM(array, axis) > 1
    return count


# Whether NumPy would order the axes of a new result as in C. An operand that has two axes in that order decides of
# these.
cdef bint result_in_c_order(const Operands* operands) noexcept:
    cdef bint all_in_order = True, in_order
    cdef int o
    for o in range(operands.count - 1):
        if operands.arrays[o] != NULL:
            in_order = PyArray_FLAGS(operands.arrays[o]) & cnp.NPY_ARRAY_C_CONTIGUOUS != 0
            if in_order and has_shape(operands.arrays[o], operands):
                return True
            all_in_order = all_in_order and in_order
    return all_in_order


# Whether the first operand alone decides.
cdef bint result_like_first(const Operands* operands) noexcept:
    cdef PyArrayObject* first = operands.arrays[0]
    cdef PyArrayObject* array
    cdef int o
    for o in range(1, operands.count - 1):
        array = operands.arrays[o]
        if array != NULL and long_axes(array) > 1 and not (has_shape(array, operands) and same_strides(array, first)):
            return False
    return True


cdef object new_result(const Operands* operands, int type_number):
    """An array for the result, in the order that NumPy gives it; None where that is more than a glance tells."""
    cdef cnp.dtype descriptor
    if result_in_c_order(operands):
        return cnp.PyArray_EMPTY(operands.ndim, operands.shape, type_number, 0)
    if not (has_shape(operands.arrays[0], operands) and result_like_first(operands)):
        return None
    descriptor = cnp.PyArray_DescrFromType(type_number)
    Py_INCREF(descriptor)
    return PyArray_NewLikeArray(operands.arrays[0], cnp.NPY_KEEPORDER, descriptor, 0)


# ---- the call ----

cdef const Kernel* find_kernel(Function function, PyObject** inputs, Operands* operands, int* index):
    """What computes inputs of one dtype, which are read into ``operands``; NULL where nothing does."""
    cdef int o, number
    for o in range(function.inputs):
        operands.arrays[o] = NULL
        if PyArray_CheckExact(inputs[o]):
            if not is_plain(inputs[o]):
                return NULL
            operands.arrays[o] = <PyArrayObject*> inputs[o]
            number = type_index(PyArray_TYPE(operands.arrays[o]))
        else:
            number = read_input(inputs[o], &operands.numbers[o])
        if number < 0 or number > NUMPY_TYPES or o > 0 and number != index[0]:
            return NULL
        index[0] = number
    return function.kernels[index[0]]


cdef bint read_parameters(Signature function, PyObject** values, const Kernel* kernel, Operands* operands) except -1:
    """Numbers and arrays of the dtype that the kernel takes; False where one is something else."""
    cdef double value
    cdef PyObject* parameter
    cdef int i, o
    for i in range(kernel.parameters):
        o = kernel.inputs + i
        parameter = values[PARAMETER + i]
        value = function.defaults[i]
        operands.arrays[o] = NULL
        if parameter == NULL or read_number(parameter, kernel.types[o], &value):
            store(value, kernel.types[o], &operands.numbers[o])
            continue
        if not is_plain(parameter):
            return False
        operands.arrays[o] = <PyArrayObject*> parameter
        if PyArray_TYPE(operands.arrays[o]) > NUMPY_TYPES and type_index(PyArray_TYPE(operands.arrays[o])) < 0:
            return False
        if codes[type_index(PyArray_TYPE(operands.arrays[o]))] != kernel.types[o]:
            return False
    return True


cdef object planned_call(Signature function, Function chosen, PyObject** values):
    """The result; None where the ufunc has to be called."""
    cdef Operands operands
    cdef LoopNest nest
    cdef const Kernel* kernel
    cdef const cnp.npy_intp* strides[MAX_OPERANDS]
    cdef PyArrayObject* out
    cdef object result
    cdef Py_ssize_t n = 1
    cdef int index = -1, o, last, axis
    cdef unsigned int status = get_status()
    kernel = find_kernel(chosen, values, &operands, &index)
    if kernel == NULL or not read_parameters(function, values, kernel, &operands):
        return None
    operands.count = kernel.operands
    last = kernel.operands - 1
    if values[OUT] != NULL and <object> values[OUT] is not None:
        out = <PyArrayObject*> values[OUT]
        if (
            not is_plain(values[OUT])
            or PyArray_TYPE(out) != chosen.results[index]
            or not PyArray_FLAGS(out) & cnp.NPY_ARRAY_WRITEABLE
        ):
            return None
        result = <object> values[OUT]
        operands.ndim = PyArray_NDIM(out)
        for axis in range(operands.ndim):
            operands.shape[axis] = PyArray_DIM(out, axis)
    else:
        if not broadcast_shape(&operands):
            return None
        result = new_result(&operands, chosen.results[index])
        if result is None:
            return None
        out = <PyArrayObject*> result
    operands.arrays[last] = out
    for o in range(kernel.operands):
        if not broadcast_strides(&operands, o):
            return None
        strides[o] = operands.strides[o]
    for axis in range(operands.ndim):
        n *= operands.shape[axis]
    for o in range(last):
        if n > 0 and not may_overwrite(&operands, o):
            return None
    nest.kernel = kernel
    if n == 0:
        return result
    if not fill_nest(&nest, operands.ndim, operands.shape, strides, operands.data):
        return None
    if n < GIL_FREE:
        run_strided(&nest)
    else:
        with nogil:
            run_strided(&nest)
    clear_raised_flags(status)
    if values[OUT] == NULL and operands.ndim == 0:
        Py_INCREF(result)
        return PyArray_Return(result)
    return result
