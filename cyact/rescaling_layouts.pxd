cimport numpy as cnp
from libc.stdint cimport uint64_t

from cyact.arrays cimport PyArrayObject
from cyact.kernels.table cimport MAX_DIMS, Kernel

# Scale and offset as a call has them.
cdef struct Given:
    double numbers[2]                           # where they are numbers
    char* data[2]
    const cnp.npy_intp* strides[2]              # by the features' axes; NULL for numbers
    cnp.npy_intp room[2][MAX_DIMS]

cdef enum:
    NONE = -1       # no axis
    SEVERAL = -2

cdef bint broadcast(Given* given, int k, object constant, PyArrayObject* x) noexcept
cdef int channel_axis(const Given* given, PyArrayObject* x) noexcept
cdef int pixel_axis(PyArrayObject* x) noexcept
cdef bint compute_pixels(
    const Kernel* first, const Kernel* second, const uint64_t* numbers, const Given* given, int axis, PyArrayObject* x,
    PyArrayObject* target, Py_ssize_t n, bint allocated,
) noexcept
cdef bint compute_elements(
    const Kernel* kernel, const Given* given, PyArrayObject* x, PyArrayObject* target, Py_ssize_t n
) noexcept
