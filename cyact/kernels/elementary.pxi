# Building blocks of the formulas: the bits of floating-point numbers, fused multiply-add, powers of two, constants
# that several formulas share.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #include <math.h>
    #if defined(__FP_FAST_FMAF) || defined(__AVX2__) || defined(_M_ARM64)
    #define cyact_fmaf fmaf
    #define cyact_fma fma
    #define cyact_madf fmaf
    #define cyact_mad fma
    #define CYACT_HAS_FMA 1
    #else
    #define CYACT_HAS_FMA 0
    /* Without the instruction, fma() is a library call of some 20 ns. A product of floats is exact in double; one of
       doubles is split by Veltkamp's and Dekker's method, and the sum's error found by Knuth's. Both are rounded twice,
       so that now and then a last bit differs. */
    static CYTHON_INLINE float cyact_fmaf(float a, float b, float c) { return (float)((double)a * b + c); }
    static CYTHON_INLINE double cyact_fma(double a, double b, double c) {
        double ta = 134217729.0 * a, ah = ta - (ta - a), al = a - ah;
        double tb = 134217729.0 * b, bh = tb - (tb - b), bl = b - bh;
        double p = a * b, pe = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
        double s = p + c, v = s - p, se = (p - (s - v)) + (c - v);
        return s + (pe + se);
    }
    static CYTHON_INLINE float cyact_madf(float a, float b, float c) { return a * b + c; }
    static CYTHON_INLINE double cyact_mad(double a, double b, double c) { return a * b + c; }
    #endif

    /* What does not fit is undefined, but is to be the same in a vector, which aarch64 makes of int64. */
    #if defined(__aarch64__)
    #define CYACT_INT32(x) ((int32_t)(int64_t)(x))
    #else
    #define CYACT_INT32(x) ((int32_t)(x))
    #endif

    /* AVX2's arithmetic hands a NaN on as it is, payload and sign; elsewhere negation may change its sign. */
    #if defined(__AVX2__)
    #define CYACT_OR_NAN(y, x) (y)
    #else
    #define CYACT_OR_NAN(y, x) ((x) != (x) ? (x) : (y))
    #endif
    """
    const bint HAS_FMA "CYACT_HAS_FMA"                          # as an instruction
    int32_t to_int32 "CYACT_INT32"(double x) noexcept nogil     # toward zero
    # a b + c, rounded once
    float fmaf "cyact_fmaf"(float a, float b, float c) noexcept nogil
    double fma "cyact_fma"(double a, double b, double c) noexcept nogil
    # the same where the processor can, else rounded twice: for the small terms of a polynomial
    float madf "cyact_madf"(float a, float b, float c) noexcept nogil
    double mad "cyact_mad"(double a, double b, double c) noexcept nogil
    # The result of a formula, but x where that is NaN.
    float or_nan_f "CYACT_OR_NAN"(float y, float x) noexcept nogil
    double or_nan "CYACT_OR_NAN"(double y, double x) noexcept nogil

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
cdef inline float exp2_f(int32_t biased) noexcept nogil:
    return from_bits_f(<int32_t> (<uint32_t> biased << 23))


cdef inline double exp2(int64_t biased) noexcept nogil:
    return from_bits(<int64_t> (<uint64_t> biased << 52))
