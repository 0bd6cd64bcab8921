"""Arrays as the fast paths see them: what may be computed directly, and where its elements lie."""

cimport numpy as cnp
from cpython.object cimport PyObject

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
    int PyArray_ITEMSIZE(PyArrayObject* x)
    void* PyArray_DATA(PyArrayObject* x)

cdef enum:
    GIL_FREE = 1024     # elements: what releasing the GIL costs is lost in the work from here on
    CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


cdef inline bint is_plain(PyObject* x) noexcept:
    return (
        PyArray_CheckExact(x)
        and PyArray_FLAGS(<PyArrayObject*> x) & cnp.NPY_ARRAY_ALIGNED
        and PyArray_ISNOTSWAPPED(<PyArrayObject*> x)
    )


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
