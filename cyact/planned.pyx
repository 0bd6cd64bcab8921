"""Calls whose operands are broadcast, masked or cast: by the plan of the kernels, without NumPy's machinery.

NumPy's ufunc hands over what it broadcasts, and what a mask selects, in short runs, and casts by way of buffers. Where
all operands are numbers or aligned, native arrays, their strides and dtypes say all there is to know, and the kernels
cut the call into blocks that suit them. Whatever else is met, the answer is None, nothing was written, and the ufunc
defines what happens.
"""

cimport numpy as cnp
from cpython.object cimport Py_TYPE, PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memset

import numpy as np

from cyact.arguments cimport (
    CASTING, DTYPE, ORDER, OUT, PARAMETER, SUBOK, WHERE, Signature, read_input, read_number,
)
from cyact.arrays cimport (
    PyArray_DATA, PyArray_DIM, PyArray_FLAGS, PyArray_ISNOTSWAPPED, PyArray_NDIM, PyArray_NewLikeArray, PyArray_Return,
    PyArray_TYPE, PyArrayObject, broadcast_strides, compute_strided, is_plain, lie_apart, same_strides,
)
from cyact.dispatch cimport begin_nest, clear_raised_flags, store
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_DIMS, NEST_OPERANDS, Kernel, LoopNest
from cyact.ufuncs cimport NPY_HALF, NUMPY_TYPES, Function, PyArray_Descr, type_index

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    int PyArray_DescrConverter(object dtype, PyArray_Descr** descriptor) except 0

# The kernels' type character for each type number of NumPy's, 0 for what they do not take; and what they call bool.
cdef char codes[NUMPY_TYPES + 1]
for _dtype in map(np.dtype, "bBhHiIlLqQefd"):
    codes[_dtype.num] = ord(next(code for code in "bBhHiIqQefd" if np.dtype(code) == _dtype))
codes[NUMPY_TYPES] = b"E"

cdef object memmap = np.memmap
# Before NumPy 2 the value of an operand without axes, not its dtype, had a say in the result's dtype.
cdef bint by_dtype_alone = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


# The operands of a call, in the kernel's order; behind the output there may be a mask. A number has no array: it stands
# in ``numbers``, as bytes of its dtype.
cdef struct Operands:
    int count, out
    PyArrayObject* arrays[NEST_OPERANDS]
    char types[NEST_OPERANDS]
    double numbers[NEST_OPERANDS]
    char* data[NEST_OPERANDS]
    int ndim
    cnp.npy_intp shape[MAX_DIMS]
    cnp.npy_intp strides[NEST_OPERANDS][MAX_DIMS]


# ---- shapes ----

# The shape that all operands up to the output are broadcast to. False where there is none.
cdef bint broadcast_shape(Operands* operands) noexcept:
    cdef PyArrayObject* array
    cdef cnp.npy_intp n
    cdef int o, axis, first
    operands.ndim = 0
    for o in range(operands.out):
        if operands.arrays[o] != NULL:
            operands.ndim = max(operands.ndim, PyArray_NDIM(operands.arrays[o]))
    for axis in range(operands.ndim):
        operands.shape[axis] = 1
    for o in range(operands.out):
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


# Where an operand begins, and its strides in that shape. False where it does not fit.
cdef bint locate(Operands* operands, int o) noexcept:
    cdef PyArrayObject* array = operands.arrays[o]
    if array == NULL:
        operands.data[o] = <char*> &operands.numbers[o]
        memset(operands.strides[o], 0, operands.ndim * sizeof(operands.strides[o][0]))
        return True
    operands.data[o] = <char*> PyArray_DATA(array)
    return broadcast_strides(array, operands.ndim, operands.shape, operands.strides[o])


# Whether the output may be written while an operand is read: they are the same elements, or lie apart.
cdef bint may_overwrite(const Operands* operands, int o) noexcept:
    cdef PyArrayObject* out = operands.arrays[operands.out]
    cdef PyArrayObject* array = operands.arrays[o]
    cdef int axis
    if array == NULL or lie_apart(out, array):
        return True
    if PyArray_DATA(array) != PyArray_DATA(out) or operands.types[o] != operands.types[operands.out]:
        return False
    for axis in range(operands.ndim):
        if operands.strides[o][axis] != operands.strides[operands.out][axis]:
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
    for o in range(operands.out):
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
    for o in range(1, operands.out):
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


# ---- dtypes ----

# What the fast path takes, and memory-mapped files, which NumPy's results are not.
cdef inline bint is_usable(PyObject* x) noexcept:
    return is_plain(x) or (
        <PyObject*> Py_TYPE(<object> x) == <PyObject*> memmap
        and PyArray_FLAGS(<PyArrayObject*> x) & cnp.NPY_ARRAY_ALIGNED
        and PyArray_ISNOTSWAPPED(<PyArrayObject*> x)
    )


cdef bint use_array(Operands* operands, int o, PyObject* x) noexcept:
    """Take an array as an operand; False where it is none, or of a dtype that no kernel takes."""
    cdef int number
    operands.arrays[o] = NULL
    if not is_usable(x):
        return False
    operands.arrays[o] = <PyArrayObject*> x
    number = type_index(PyArray_TYPE(operands.arrays[o]))
    operands.types[o] = 0 if number < 0 else codes[number]
    return operands.types[o] != 0


cdef inline int number_of(char type) noexcept:
    return cnp.NPY_DOUBLE if type == b"d" else cnp.NPY_FLOAT if type == b"f" else NPY_HALF


cdef inline int size_of(char type) noexcept:
    return 1 if type in b"bB?" else 2 if type in b"hHeE" else 4 if type in b"iIf" else 8


cdef inline bint is_float(char type) noexcept:
    return type == b"e" or type == b"f" or type == b"d"


# The floating-point type that NumPy computes two operands in, one of which has such a type; 0 where it is not plain.
cdef char wider(char type, PyArrayObject* array, char other) noexcept:
    if other == b"E" or not is_float(type):
        return 0
    if cnp.PyArray_CanCastSafely(PyArray_TYPE(array), number_of(type)):
        return type
    if cnp.PyArray_CanCastSafely(PyArray_TYPE(array), cnp.NPY_FLOAT) and type != b"d":
        return b"f"
    return b"d"


# Whether an operand that is given has no axes.
cdef bint any_without_axes(const Operands* operands, int count) noexcept:
    cdef int o
    for o in range(count):
        if operands.types[o] != 0 and (operands.arrays[o] == NULL or PyArray_NDIM(operands.arrays[o]) == 0):
            return True
    return False


# What NumPy chooses by the operands' dtypes; NULL where that is more than a glance tells. ``index`` is that of the
# first input's dtype, and becomes the kernel's.
cdef const Kernel* natural_kernel(Function function, Operands* operands, int* index) noexcept:
    cdef const Kernel* kernel = function.kernels[index[0]]
    cdef bint differ = False
    cdef char type
    cdef int o
    if kernel == NULL:
        return NULL
    type = kernel.types[kernel.inputs] if kernel.parameters else kernel.types[0]
    for o in range(1, kernel.operands - 1):
        if operands.types[o] == 0 or operands.types[o] == type and o >= kernel.inputs:
            continue
        if o < kernel.inputs:
            if operands.types[o] == operands.types[0]:
                continue
            if not is_float(operands.types[0]) or not is_float(operands.types[o]):
                return NULL
        if operands.arrays[o] == NULL:
            return NULL
        differ = True
        type = wider(type, operands.arrays[o], operands.types[o])
        if type == 0:
            return NULL
        if type != kernel.types[kernel.operands - 1]:
            index[0] = number_of(type)
            kernel = function.kernels[index[0]]
            if kernel == NULL or operands.arrays[0] == NULL:
                return NULL
    if differ and not by_dtype_alone and any_without_axes(operands, kernel.operands - 1):
        return NULL
    return kernel


cdef bint can_convert(char given, char computed) noexcept:
    """Whether the kernels' plan converts an input on the way."""
    return given == computed or (computed == b"f" or computed == b"d") and given != b"E"


cdef bint can_store(char computed, char stored) noexcept:
    return (
        computed == stored
        or computed == b"f" and (stored == b"d" or stored == b"e")
        or computed == b"d" and stored == b"f"
    )


# ---- the call ----

cdef const Kernel* choose_kernel(
    Signature function, Function chosen, PyObject** values, Operands* operands, int* index
) except? NULL:
    """Read the operands up to the output, and find what computes them; NULL where the ufunc has to be asked."""
    cdef int o, i, number
    cdef const Kernel* kernel
    cdef double value
    cdef cnp.dtype wanted
    cdef PyArray_Descr* descriptor = NULL
    for o in range(function.inputs):
        if not use_array(operands, o, values[o]):
            if operands.arrays[o] != NULL:
                return NULL
            number = read_input(values[o], &operands.numbers[o])
            operands.types[o] = 0 if number < 0 else codes[number]
            if operands.types[o] == 0:
                return NULL
        else:
            number = type_index(PyArray_TYPE(operands.arrays[o]))
        if o == 0:
            index[0] = number
    for i in range(function.parameters):
        o = function.inputs + i
        operands.arrays[o], operands.types[o] = NULL, 0
        if values[PARAMETER + i] != NULL and cnp.PyArray_Check(<object> values[PARAMETER + i]):
            if not use_array(operands, o, values[PARAMETER + i]):
                return NULL
    if values[DTYPE] == NULL or <object> values[DTYPE] is None:
        kernel = natural_kernel(chosen, operands, index)
    else:
        try:
            PyArray_DescrConverter(<object> values[DTYPE], &descriptor)
        except (TypeError, ValueError):
            return NULL
        wanted = <cnp.dtype> <PyObject*> descriptor
        Py_DECREF(wanted)       # of the two references to it
        index[0] = type_index(wanted.type_num)
        if index[0] < 0 or not cnp.PyDataType_ISNOTSWAPPED(wanted):
            return NULL
        kernel = chosen.kernels[index[0]]
        # dtype= is that of every operand.
        if kernel != NULL and kernel.types[0] != kernel.types[kernel.operands - 1]:
            return NULL
    if kernel == NULL:
        return NULL
    for i in range(function.parameters):
        o = function.inputs + i
        if operands.arrays[o] == NULL:
            value = function.defaults[i]
            if values[PARAMETER + i] != NULL and not read_number(values[PARAMETER + i], kernel.types[o], &value):
                return NULL
            store(value, kernel.types[o], &operands.numbers[o])
            operands.types[o] = kernel.types[o]
    for o in range(kernel.operands - 1):
        if not can_convert(operands.types[o], kernel.types[o]):
            return NULL
    return kernel


cdef object find_output(Operands* operands, const Kernel* kernel, int type_number, PyObject* out):
    """The output, and the shape that all operands are broadcast to; None where the ufunc has to be asked."""
    cdef PyArrayObject* array
    cdef int axis
    if out != NULL:
        if not use_array(operands, operands.out, out):
            return None
        array = operands.arrays[operands.out]
        if not PyArray_FLAGS(array) & cnp.NPY_ARRAY_WRITEABLE:
            return None
        if not can_store(kernel.types[operands.out], operands.types[operands.out]):
            return None
        operands.ndim = PyArray_NDIM(array)
        for axis in range(operands.ndim):
            operands.shape[axis] = PyArray_DIM(array, axis)
        return <object> out
    if not broadcast_shape(operands):
        return None
    result = new_result(operands, type_number)
    if result is not None:
        operands.arrays[operands.out] = <PyArrayObject*> <PyObject*> result
        operands.types[operands.out] = kernel.types[operands.out]
    return result


cdef object planned_call(Signature function, Function chosen, PyObject** values):
    """The result; None where the ufunc has to be called."""
    cdef Operands operands
    cdef LoopNest nest
    cdef const Kernel* kernel
    cdef const cnp.npy_intp* strides[NEST_OPERANDS]
    cdef PyObject* out = NULL if values[OUT] == <PyObject*> None else values[OUT]
    cdef PyObject* mask = NULL if values[WHERE] == <PyObject*> True else values[WHERE]
    cdef object result
    cdef Py_ssize_t n = 1
    cdef int index = -1, o, axis
    cdef unsigned int status = get_status()
    if values[ORDER] != NULL or values[SUBOK] != NULL:
        return None
    if values[CASTING] != NULL:
        if type(<object> values[CASTING]) is not str or <object> values[CASTING] not in ("same_kind", "unsafe"):
            return None
    if mask != NULL:
        if out == NULL or not is_plain(mask) or PyArray_TYPE(<PyArrayObject*> mask) != cnp.NPY_BOOL:
            return None
    kernel = choose_kernel(function, chosen, values, &operands, &index)
    if kernel == NULL:
        return None
    operands.out = kernel.operands - 1
    operands.count = kernel.operands + (mask != NULL)
    result = find_output(&operands, kernel, chosen.results[index], out)
    if result is None:
        return None
    if mask != NULL:
        operands.arrays[operands.out + 1], operands.types[operands.out + 1] = <PyArrayObject*> mask, b"?"
    for o in range(operands.count):
        if not locate(&operands, o):
            return None
        strides[o] = operands.strides[o]
    for axis in range(operands.ndim):
        n *= operands.shape[axis]
    if n == 0:
        return result
    for o in range(operands.count):
        if o != operands.out and not may_overwrite(&operands, o):
            return None
    begin_nest(&nest, kernel)
    nest.operands, nest.masked = operands.count, mask != NULL
    for o in range(operands.count):
        nest.itemsize[o] = size_of(operands.types[o])
        if o < kernel.operands:
            nest.types[o] = operands.types[o]
    if not compute_strided(&nest, operands.ndim, operands.shape, strides, operands.data, n):
        return None
    clear_raised_flags(status)
    if out == NULL and operands.ndim == 0:
        Py_INCREF(result)
        return PyArray_Return(result)
    return result
