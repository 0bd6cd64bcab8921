"""Building blocks of the formulas, each for float and double: bits, powers of two, constants that several share.

Cython has no hexadecimal floating-point literals. C has, and puts what stands in the quotes wherever a name is used.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyact.kernels.dtypes cimport real
from cyact.kernels.simd cimport fma_d, fma_f, mad_d, mad_f, or_nan_d, or_nan_f

cdef extern from *:
    const float LOG2E_F "0x1.715476p+0f"
    const float LN2_HIGH_F "0x1.62e43p-1f"          # the float nearest to ln 2: fma(k, LN2_HIGH_F, x) is then exact
    const float LN2_LOW_F "(-0x1.05c61p-29f)"       # ln 2 - LN2_HIGH_F
    const double LOG2E "0x1.71547652b82fep+0"
    const double LN2_HIGH "0x1.62e42fefa39efp-1"    # the double nearest to ln 2
    const double LN2_LOW "0x1.abc9e3b39803fp-56"    # ln 2 - LN2_HIGH

    # A number plus 1.5 * 2^23 (2^52) is rounded to an integer k, which stands in the low bits of the sum. With the
    # exponent's bias added too, those bits shifted into the exponent's place are 2^k.
    const float ROUND_F "(0x1.8p+23f + 127.0f)"
    const double ROUND "(0x1.8p+52 + 1023.0)"


# a b + c, rounded once
cdef inline real fma(real a, real b, real c) noexcept nogil:
    return fma_f(a, b, c) if real is float else fma_d(a, b, c)


# The same where the processor can, else rounded twice: for the small terms of a polynomial.
cdef inline real mad(real a, real b, real c) noexcept nogil:
    return mad_f(a, b, c) if real is float else mad_d(a, b, c)


# The result y of a formula, but x where that is NaN.
cdef inline real or_nan(real y, real x) noexcept nogil:
    return or_nan_f(y, x) if real is float else or_nan_d(y, x)


cdef inline int32_t bits_f(float x) noexcept nogil:
    cdef int32_t b
    memcpy(&b, &x, sizeof(b))
    return b


cdef inline float from_bits_f(int32_t b) noexcept nogil:
    cdef float x
    memcpy(&x, &b, sizeof(x))
    return x


cdef inline int64_t bits_d(double x) noexcept nogil:
    cdef int64_t b
    memcpy(&b, &x, sizeof(b))
    return b


cdef inline double from_bits_d(int64_t b) noexcept nogil:
    cdef double x
    memcpy(&x, &b, sizeof(x))
    return x


# 2^k, from a sum whose low bits are k + bias.
cdef inline real pow2(real t) noexcept nogil:
    if real is float:
        return from_bits_f(<int32_t> (<uint32_t> bits_f(t) << 23))
    else:
        return from_bits_d(<int64_t> (<uint64_t> bits_d(t) << 52))


# A magnitude with the sign of x.
cdef inline real with_sign_of(real magnitude, real x) noexcept nogil:
    if real is float:
        return from_bits_f(bits_f(magnitude) | bits_f(x) & <int32_t> (<uint32_t> 1 << 31))
    else:
        return from_bits_d(bits_d(magnitude) | bits_d(x) & <int64_t> (<uint64_t> 1 << 63))
