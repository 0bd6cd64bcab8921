"""Building blocks of the formulas: the bits of floating-point numbers, powers of two, constants that several share."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

# Cython has no hexadecimal floating-point literals; C has, and puts what stands in the quotes wherever the name is
# used.
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

    const int32_t SIGN_F "INT32_MIN"
    const int64_t SIGN "INT64_MIN"


cdef inline int32_t bits_f(float x) noexcept nogil:
    cdef int32_t b
    memcpy(&b, &x, sizeof(b))
    return b


cdef inline float from_bits_f(int32_t b) noexcept nogil:
    cdef float x
    memcpy(&x, &b, sizeof(x))
    return x


cdef inline int64_t bits(double x) noexcept nogil:
    cdef int64_t b
    memcpy(&b, &x, sizeof(b))
    return b


cdef inline double from_bits(int64_t b) noexcept nogil:
    cdef double x
    memcpy(&x, &b, sizeof(x))
    return x


# 2^k, from bits that end in k + bias.
cdef inline float pow2_f(int32_t biased) noexcept nogil:
    return from_bits_f(<int32_t> (<uint32_t> biased << 23))


cdef inline double pow2(int64_t biased) noexcept nogil:
    return from_bits(<int64_t> (<uint64_t> biased << 52))
