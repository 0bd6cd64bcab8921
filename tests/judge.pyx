"""What exhaustive.py does to every number, in one pass where NumPy takes ten. Nothing here calls cyact.

Arrays are given by their addresses: memoryviews would take most of the time that this is compiled in.
"""

from libc.math cimport INFINITY, fabs
from libc.math cimport erfc as libm_erfc
from libc.stdint cimport int64_t


cdef union Double:
    double value
    int64_t bits


def largest_error(size_t results, size_t exact, Py_ssize_t n):
    """The largest error of float32 results whose exact values are float64: of accuracy.py's ulp_errors_64, to the bit.

    But it is infinity if any result or value is not finite, even where they agree.
    """
    cdef const float *y = <const float *> results
    cdef const double *values = <const double *> exact
    cdef Double ulp, error
    cdef int64_t largest = 0
    cdef Py_ssize_t i
    with nogil:
        for i in range(n):
            ulp.value = fabs(values[i])
            ulp.bits >>= 52                                 # the biased exponent of the value
            if ulp.bits < 1023 - 126:
                ulp.bits = 1023 - 126
            ulp.bits = (1023 + 23 + 1023 - ulp.bits) << 52  # 1 / ulp
            error.value = fabs(y[i] - values[i]) * ulp.value
            # Their bits are in the errors' order, with a NaN above infinity.
            if error.bits > largest:
                largest = error.bits
    error.bits = largest
    return error.value if error.value < INFINITY else INFINITY


def erfc(size_t x, size_t y, Py_ssize_t n):
    """The C library's, which takes its time where the limits are reached."""
    cdef const double *given = <const double *> x
    cdef double *result = <double *> y
    cdef Py_ssize_t i
    with nogil:
        for i in range(n):
            if given[i] <= -6:
                result[i] = 2
            elif given[i] >= 28:
                result[i] = 0
            else:
                result[i] = libm_erfc(given[i])
