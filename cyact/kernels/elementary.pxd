"""Building blocks of the formulas, each for float and double: bits, powers of two, constants that several share.

Cython has no hexadecimal floating-point literals. C has, and puts what stands in the quotes wherever a name is used.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyact.kernels.dtypes cimport real
from cyact.kernels.simd cimport fma_d, fma_f, mad_d, mad_f, or_nan_d, or_nan_f

cdef extern from "<math.h>":
    const float INFINITY
    const float FLT_MAX "3.402823466e+38f"
    const double DBL_MAX "1.7976931348623157e+308"
    float fabsf(float x) noexcept nogil
    double fabs(double x) noexcept nogil

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


cdef inline real absolute(real x) noexcept nogil:
    return fabsf(x) if real is float else fabs(x)


# x where the condition holds, else 0: by bits, where gcc would make a branch of a select.
cdef inline real where_true(bint condition, real x) noexcept nogil:
    if real is float:
        return from_bits_f(bits_f(x) & -<int32_t> condition)
    else:
        return from_bits_d(bits_d(x) & -<int64_t> condition)


# x, but 0 where it is not finite: a factor for low parts, which then add nothing.
cdef inline real finite_or_zero(real x) noexcept nogil:
    cdef real largest = FLT_MAX if real is float else DBL_MAX
    return x if absolute(x) <= largest else 0


# ---- the exponential ----
#
# e^x = s e^r with s = 2^k and r = x - k ln2, |r| <= ln2 / 2. k ln2 is taken in two parts, so that h, which is r but for
# the low part c, is exact. ``round`` is ROUND, perhaps with a scale in its exponent, which s then has too.

cdef extern from *:
    # (e^r - 1 - r) / r^2 on |r| <= ln2 / 2, by Sollya's fpminimax with coefficients of the type.
    # Degree 4: relative error of e^r 2^-28.2.
    const float EXP_C2_F "0x1.fffffap-2f"
    const float EXP_C3_F "0x1.555492p-3f"
    const float EXP_C4_F "0x1.555a26p-5f"
    const float EXP_C5_F "0x1.12397cp-7f"
    const float EXP_C6_F "0x1.694c86p-10f"
    # (e^r - 1 - r - r^2 / 2) / r^3. Degree 4, weighted for e^r - 1: relative error of that 2^-30.
    const float EXPM1_C3_F "0x1.555554p-3f"
    const float EXPM1_C4_F "0x1.5554eep-5f"
    const float EXPM1_C5_F "0x1.1113p-7f"
    const float EXPM1_C6_F "0x1.6d462cp-10f"
    const float EXPM1_C7_F "0x1.9e1c64p-13f"
    # Degree 9, likewise.
    const double EXPM1_C3 "0x1.5555555555559p-3"
    const double EXPM1_C4 "0x1.5555555555558p-5"
    const double EXPM1_C5 "0x1.111111110f653p-7"
    const double EXPM1_C6 "0x1.6c16c16c14f57p-10"
    const double EXPM1_C7 "0x1.a01a01b0042bcp-13"
    const double EXPM1_C8 "0x1.a01a01addd5d3p-16"
    const double EXPM1_C9 "0x1.71ddf80eb9892p-19"
    const double EXPM1_C10 "0x1.27e4caffd7d3ep-22"
    const double EXPM1_C11 "0x1.af5f2b028e442p-26"
    const double EXPM1_C12 "0x1.1f8dd785ce2fp-29"

    # ROUND with the scale A = 2^-64 (2^-512): no power of two overflows, and a subnormal result is rounded once, when A
    # is taken out at the end.
    const float SCALE_F "0x1p-64f"
    const float SCALED_ROUND_F "(0x1.8p+23f + 63.0f)"
    const double SCALE "0x1p-512"
    const double SCALED_ROUND "(0x1.8p+52 + 511.0)"

    # With the scale 1 / A, for negative exponents.
    const float UPSCALED_ROUND_F "(0x1.8p+23f + 191.0f)"
    const double UPSCALED_ROUND "(0x1.8p+52 + 1535.0)"
    # For ``pow2_halves``: the bias twice, with the scale 1 / A and with A; and the bits of such a sum without either.
    const float UPSCALED_TWICE_F "(0x1.8p+23f + 318.0f)"
    const float SCALED_TWICE_F "(0x1.8p+23f + 190.0f)"
    const int32_t TWICE_F "0x4b400000"
    const double UPSCALED_TWICE "(0x1.8p+52 + 2558.0)"
    const double SCALED_TWICE "(0x1.8p+52 + 1534.0)"
    const int64_t TWICE "0x4338000000000000"


# (e^r - 1 - r - r^2 / 2) / r^3, for the relative error of e^r - 1.
cdef inline real expm1_series(real r, real r2) noexcept nogil:
    cdef real E
    if real is float:
        return fma(r2, fma(r2, EXPM1_C7_F, fma(r, EXPM1_C6_F, EXPM1_C5_F)), fma(r, EXPM1_C4_F, EXPM1_C3_F))
    else:
        E = fma(r, fma(r, fma(r, fma(r, EXPM1_C12, EXPM1_C11), EXPM1_C10), EXPM1_C9), EXPM1_C8)
        return fma(r, fma(r, fma(r, fma(r, fma(r, E, EXPM1_C7), EXPM1_C6), EXPM1_C5), EXPM1_C4), EXPM1_C3)


# (e^r - 1 - r) / r^2, for the relative error of e^r.
cdef inline real exp_series(real r, real r2) noexcept nogil:
    cdef real E
    if real is float:
        E = fma(r2, EXP_C6_F, fma(r, EXP_C5_F, EXP_C4_F))
        return fma(r2, E, fma(r, EXP_C3_F, EXP_C2_F))
    else:
        return fma(r, expm1_series(r, r2), <real> 0.5)


# e^(x + low) as 2^k (1 + p), t = k + round. p is rounded once: within 0.51 ULP of 1 + p, before it is added to 1.
cdef inline void exp_sum(real x, real low, real round, real* t, real* p) noexcept nogil:
    cdef real k, h, c, h2, S
    if real is float:
        t[0] = fma(x, LOG2E_F, round)
        k = t[0] - round
        h = fma(k, -LN2_HIGH_F, x)
        c = fma(k, -LN2_LOW_F, low)
    else:
        t[0] = fma(x, LOG2E, round)
        k = t[0] - round
        h = fma(k, -LN2_HIGH, x)
        c = fma(k, -LN2_LOW, low)
    h2 = h * h
    S = exp_series(h, h2)
    p[0] = fma(h2, S, fma(c, fma(h2, S, h), c)) + h


# The same as s (1 + p).
cdef inline void exp_parts(real x, real low, real round, real* s, real* p) noexcept nogil:
    cdef real t
    exp_sum(x, low, round, &t, p)
    s[0] = pow2(t)


# 2^k as a product of two powers of two, from a sum with the bias twice: k may be twice the largest exponent.
cdef inline void pow2_halves(real t, real* first, real* second) noexcept nogil:
    cdef uint32_t k_f, half_f
    cdef uint64_t k, half
    if real is float:
        k_f = <uint32_t> (bits_f(t) - TWICE_F)
        half_f = k_f >> 1
        first[0] = from_bits_f(<int32_t> (half_f << 23))
        second[0] = from_bits_f(<int32_t> ((k_f - half_f) << 23))
    else:
        k = <uint64_t> (bits_d(t) - TWICE)
        half = k >> 1
        first[0] = from_bits_d(<int64_t> (half << 52))
        second[0] = from_bits_d(<int64_t> ((k - half) << 52))


# The same as s (1 + r + q), r exact and |r| <= 0.35, q the rest: for where the rounding of p is too much.
cdef inline void exp_terms(real x, real low, real round, real* s, real* r, real* q) noexcept nogil:
    cdef real t, k, h, c, h2, S
    if real is float:
        t = fma(x, LOG2E_F, round)
        k = t - round
        h = fma(k, -LN2_HIGH_F, x)
        c = fma(k, -LN2_LOW_F, low)
    else:
        t = fma(x, LOG2E, round)
        k = t - round
        h = fma(k, -LN2_HIGH, x)
        c = fma(k, -LN2_LOW, low)
    h2 = h * h
    S = exp_series(h, h2)
    q[0] = fma(h2, S, fma(c, fma(h2, S, h), c))
    r[0] = h
    s[0] = pow2(t)


# The same for x <= 0, with a small relative error in e^r - 1 too: r^2 / 2 is not rounded before it is added. c is added
# to q as it is: what that leaves out is small beside 1 - e^x.
cdef inline void expm1_parts(real x, real* s, real* r, real* q) noexcept nogil:
    cdef real t, k, h, c, h2
    if real is float:
        t = fma(x, LOG2E_F, ROUND_F)
        k = t - ROUND_F
        h = fma(k, -LN2_HIGH_F, x)
        c = k * -LN2_LOW_F
    else:
        t = fma(x, LOG2E, ROUND)
        k = t - ROUND
        h = fma(k, -LN2_HIGH, x)
        c = k * -LN2_LOW
    h2 = h * h
    q[0] = fma(h * <real> 0.5, h, fma(h2 * h, expm1_series(h, h2), c))
    r[0] = h
    s[0] = pow2(t)


# e^x - 1 = high + low from these; no cancellation, since s - 1 is exact.
cdef inline void expm1_sum(real s, real r, real q, real* high, real* low) noexcept nogil:
    cdef real m = s - 1
    high[0] = fma(s, r, m)
    low[0] = fma(s, q, fma(s, r, m - high[0]))
