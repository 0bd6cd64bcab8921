"""Arrays as all calls see them: what may be computed directly, where elements lie, how to walk over them."""

cimport numpy as cnp
from cpython.object cimport Py_TYPE, PyObject

from cyact.dispatch cimport run_strided
from cyact.kernels.table cimport MAX_DIMS, NEST_OPERANDS, Kernel, LoopNest, magnitude

cdef extern from "numpy/arrayobject.h":
    # Each steals a reference, the first to the dtype.
    object PyArray_NewLikeArray(PyArrayObject* prototype, cnp.NPY_ORDER order, cnp.dtype dtype, int subok)
    object PyArray_Return(cnp.ndarray array)
    # Borrowed pointers: counting references takes as long as sixteen elements do.
    ctypedef struct PyArrayObject
    bint PyArray_CheckExact(PyObject* x)
    bint PyArray_ISNOTSWAPPED(PyArrayObject* x)
    int PyArray_FLAGS(PyArrayObject* x)
    int PyArray_TYPE(PyArrayObject* x)
    int PyArray_NDIM(PyArrayObject* x)
    cnp.npy_intp PyArray_DIM(PyArrayObject* x, int axis)
    cnp.npy_intp PyArray_STRIDE(PyArrayObject* x, int axis)
    cnp.npy_intp* PyArray_DIMS(PyArrayObject* x)
    cnp.npy_intp* PyArray_STRIDES(PyArrayObject* x)
    int PyArray_ITEMSIZE(PyArrayObject* x)
    void* PyArray_DATA(PyArrayObject* x)

cdef enum:
    GIL_FREE = 1024     # elements: what releasing the GIL costs is lost in the work from here on
    CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


# Whether the kernels can read and write an array as it lies: it is aligned, and of the machine's byte order.
cdef inline bint is_readable(PyObject* x) noexcept:
    return PyArray_FLAGS(<PyArrayObject*> x) & cnp.NPY_ARRAY_ALIGNED and PyArray_ISNOTSWAPPED(<PyArrayObject*> x)


# That, and an ndarray itself, not of a subclass.
cdef inline bint is_plain(PyObject* x) noexcept:
    return PyArray_CheckExact(x) and is_readable(x)


# The same of an array's own class instead of ndarray.
cdef inline bint is_plain_as(PyObject* x, PyObject* array) noexcept:
    return Py_TYPE(<object> x) == Py_TYPE(<object> array) and is_readable(x)


cdef inline bint same_shape(PyArrayObject* a, PyArrayObject* b) noexcept:
    cdef int axis
    if PyArray_NDIM(a) != PyArray_NDIM(b):
        return False
    for axis in range(PyArray_NDIM(a)):
        if PyArray_DIM(a, axis) != PyArray_DIM(b, axis):
            return False
    return True


cdef inline Py_ssize_t size(PyArrayObject* x) noexcept:
    cdef Py_ssize_t n = 1
    cdef int axis
    for axis in range(PyArray_NDIM(x)):
        n *= PyArray_DIM(x, axis)
    return n


# Of arrays of one shape. The stride of an axis of one element means nothing.
cdef inline bint same_strides(PyArrayObject* a, PyArrayObject* b) noexcept:
    cdef int axis
    for axis in range(PyArray_NDIM(a)):
        if PyArray_STRIDE(a, axis) != PyArray_STRIDE(b, axis) and PyArray_DIM(a, axis) > 1:
            return False
    return True


cdef inline void bounds(PyArrayObject* x, char** low, char** high) noexcept:
    cdef Py_ssize_t extent
    cdef int axis
    low[0] = <char*> PyArray_DATA(x)
    high[0] = low[0] + PyArray_ITEMSIZE(x)
    for axis in range(PyArray_NDIM(x)):
        extent = PyArray_STRIDE(x, axis) * (PyArray_DIM(x, axis) - 1)
        if extent < 0:
            low[0] += extent
        else:
            high[0] += extent


# Whether all of one array lies below all of the other.
cdef inline bint lie_apart(PyArrayObject* a, PyArrayObject* b) noexcept:
    cdef char* low
    cdef char* high
    cdef char* other_low
    cdef char* other_high
    bounds(a, &low, &high)
    bounds(b, &other_low, &other_high)
    return high <= other_low or other_high <= low


# Whether ``out`` may be written while ``x``, of the same shape, is read: they are the same elements, or lie apart.
cdef inline bint bounds_allow(PyArrayObject* out, PyArrayObject* x) noexcept:
    return (
        PyArray_DATA(out) == PyArray_DATA(x) and PyArray_TYPE(out) == PyArray_TYPE(x) and same_strides(out, x)
        or lie_apart(out, x)
    )


# Whether ``out`` may be written while ``x`` is read, both of the kernel's types and n elements: they are the same
# elements, or lie apart.
cdef inline bint may_write(PyArrayObject* out, PyArrayObject* x, const Kernel* kernel, Py_ssize_t n) noexcept:
    cdef char* p = <char*> PyArray_DATA(out)
    cdef char* q = <char*> PyArray_DATA(x)
    # As a rule they are contiguous and apart.
    return (
        out == x
        or PyArray_FLAGS(out) & CONTIGUOUS
        and PyArray_FLAGS(x) & CONTIGUOUS
        and (p + n * kernel.itemsize[kernel.operands - 1] <= q or q + n * kernel.itemsize[0] <= p)
        or bounds_allow(out, x)
    )


# An array's strides in a shape that it is broadcast to: 0 along an axis that it has one element of. False where it does
# not fit.
cdef inline bint broadcast_strides(
    PyArrayObject* array, int ndim, const cnp.npy_intp* shape, cnp.npy_intp* strides
) noexcept:
    cdef int first = ndim - PyArray_NDIM(array), axis
    cdef cnp.npy_intp n
    if first < 0:
        return False
    for axis in range(ndim):
        n = 1 if axis < first else PyArray_DIM(array, axis - first)
        if n != 1 and n != shape[axis]:
            return False
        strides[axis] = 0 if n == 1 else PyArray_STRIDE(array, axis - first)
    return True


# Fills in a nest's axes and data, of operands that have a shape in common; ``begin_nest`` comes before. An operand
# without strides (NULL) is one value. Axes are sorted by descending stride of the output, and merged where all operands
# allow. False where elements of the output may overlap each other.
cdef inline bint fill_nest(
    LoopNest* nest, int ndim, const cnp.npy_intp* shape, const cnp.npy_intp** all_strides, char** data
) noexcept nogil:
    cdef int count = nest.operands, output = nest.kernel.operands - 1
    cdef const cnp.npy_intp* out = all_strides[output]
    cdef int axes[MAX_DIMS]
    cdef int axis, a, o
    cdef Py_ssize_t strides[NEST_OPERANDS]
    cdef Py_ssize_t n, extent = nest.itemsize[output]
    cdef bint backwards, merge
    for axis in range(ndim):
        a = axis
        while a > 0 and magnitude(out[axes[a - 1]]) < magnitude(out[axis]):
            axes[a] = axes[a - 1]
            a -= 1
        axes[a] = axis
    for o in range(count):
        nest.data[o] = data[o]
    nest.ndim = 0
    for a in range(ndim):
        axis = axes[a]
        n = shape[axis]
        if n == 1:
            continue
        backwards = True
        for o in range(count):
            strides[o] = 0 if all_strides[o] == NULL else all_strides[o][axis]
            backwards = backwards and strides[o] <= 0
        merge = nest.ndim > 0
        for o in range(count):
            if backwards:
                nest.data[o] += strides[o] * (n - 1)
                strides[o] = -strides[o]
            merge = merge and nest.strides[o][nest.ndim - 1] == strides[o] * n
        if not merge:
            nest.shape[nest.ndim] = 1
            nest.ndim += 1
        nest.shape[nest.ndim - 1] *= n
        for o in range(count):
            nest.strides[o][nest.ndim - 1] = strides[o]
    for a in range(nest.ndim - 1, -1, -1):
        if magnitude(nest.strides[output][a]) < extent:
            return False
        extent += magnitude(nest.strides[output][a]) * (nest.shape[a] - 1)
    if nest.ndim == 0:
        nest.ndim = 1
        nest.shape[0] = 1
        for o in range(count):
            nest.strides[o][0] = nest.itemsize[o]
    return True


# Computes the n elements of operands as ``fill_nest`` takes them. False, and nothing is written, where it is False.
cdef inline bint compute_strided(
    LoopNest* nest, int ndim, const cnp.npy_intp* shape, const cnp.npy_intp** strides, char** data, Py_ssize_t n
) noexcept:
    if not fill_nest(nest, ndim, shape, strides, data):
        return False
    if n < GIL_FREE:
        run_strided(nest)
    else:
        with nogil:
            run_strided(nest)
    return True
