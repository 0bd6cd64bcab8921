"""Building blocks of the formulas, each for float and double: bits, powers of two, constants that several share.

Cython has no hexadecimal floating-point literals. C has, and puts what stands in the quotes wherever a name is used.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyact.kernels.dtypes cimport real
from cyact.kernels.simd cimport fma_d, fma_f, mad_d, mad_f, or_nan_d, or_nan_f

cdef extern from "<math.h>":
    const float INFINITY
    const float NAN
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


# max(x, 0), by bits: where a formula keeps the floating-point units busy, those of integers have the time. 0 for a NaN
# with the sign bit.
cdef inline real positive_part(real x) noexcept nogil:
    if real is float:
        return from_bits_f(bits_f(x) & ~(bits_f(x) >> 31))
    else:
        return from_bits_d(bits_d(x) & ~(bits_d(x) >> 63))


# Whether a > b, for a number b that is not negative: by bits, since a comparison of floating-point numbers raises a
# flag for NaN. A NaN without the sign bit is above everything.
cdef inline bint exceeds(real a, real b) noexcept nogil:
    return bits_f(a) > bits_f(b) if real is float else bits_d(a) > bits_d(b)


# y, but where an input is NaN the first that is, payload kept. By bits: from what one comparison of floating-point
# numbers says of another gcc 16 makes branches, and no vector code then.
cdef inline real or_first_nan(real y, real first, real second) noexcept nogil:
    y = second if exceeds(absolute(second), <real> INFINITY) else y
    return first if exceeds(absolute(first), <real> INFINITY) else y


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


# h = x - k LN2_HIGH, exact, where k is the integer nearest to x / ln2; t = k + round.
cdef inline void reduce(real x, real round, real* t, real* k, real* h) noexcept nogil:
    cdef real log2e = LOG2E_F if real is float else LOG2E, ln2 = LN2_HIGH_F if real is float else LN2_HIGH
    t[0] = fma(x, log2e, round)
    k[0] = t[0] - round
    h[0] = fma(k[0], -ln2, x)


# e^(x + low) as 2^k (1 + p), t = k + round. p is rounded once: within 0.51 ULP of 1 + p, before it is added to 1.
cdef inline void exp_sum(real x, real low, real round, real* t, real* p) noexcept nogil:
    cdef real k, h, c, h2, S, ln2_low = LN2_LOW_F if real is float else LN2_LOW
    reduce(x, round, t, &k, &h)
    c = fma(k, -ln2_low, low)
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
    cdef real t, k, h, c, h2, S, ln2_low = LN2_LOW_F if real is float else LN2_LOW
    reduce(x, round, &t, &k, &h)
    c = fma(k, -ln2_low, low)
    h2 = h * h
    S = exp_series(h, h2)
    q[0] = fma(h2, S, fma(c, fma(h2, S, h), c))
    r[0] = h
    s[0] = pow2(t)


# The same for x <= 0, with a small relative error in e^r - 1 too: r^2 / 2 is not rounded before it is added. c is added
# to q as it is: what that leaves out is small beside 1 - e^x.
cdef inline void expm1_parts(real x, real* s, real* r, real* q) noexcept nogil:
    cdef real t, k, h, c, h2, round = ROUND_F if real is float else ROUND
    cdef real ln2_low = LN2_LOW_F if real is float else LN2_LOW
    reduce(x, round, &t, &k, &h)
    c = k * -ln2_low
    h2 = h * h
    q[0] = fma(h * <real> 0.5, h, fma(h2 * h, expm1_series(h, h2), c))
    r[0] = h
    s[0] = pow2(t)


# e^x - 1 = high + low from these; no cancellation, since s - 1 is exact.
cdef inline void expm1_sum(real s, real r, real q, real* high, real* low) noexcept nogil:
    cdef real m = s - 1
    high[0] = fma(s, r, m)
    low[0] = fma(s, q, fma(s, r, m - high[0]))


# e^(x + low) as 2^k (1 + p), k a number: for powers of two that are out of range, and p in which low counts.
cdef inline void exp_exponent(real x, real low, real* k, real* p) noexcept nogil:
    cdef real round = ROUND_F if real is float else ROUND, log2e = LOG2E_F if real is float else LOG2E, s, r, q
    exp_terms(x, low, round, &s, &r, &q)
    k[0] = fma(x, log2e, round) - round
    p[0] = r + q


cdef extern from *:
    const float THIRD_F "0x1.555556p-2f"            # a little more than it
    const double THIRD "0x1.5555555555556p-2"


# 2^k = s1 s1 s3 for an integer k from -370 (-3000) to 0, s3 <= s1 <= 1: multiplied in one after the other, the smallest
# first, no product overflows, and one that ends as a subnormal number is rounded where it becomes one.
cdef inline void pow2_thirds(real k, real* s1, real* s3) noexcept nogil:
    cdef real third = THIRD_F if real is float else THIRD, round = ROUND_F if real is float else ROUND
    cdef real t = fma(k, third, third) + round
    s1[0] = pow2(t)
    s3[0] = pow2(fma(t - round, <real> -2, k) + round)


# ---- the logarithm of 1 + t ----

cdef extern from *:
    # (log(1 + t) - t) / t^2, by Sollya's fpminimax with coefficients of the type: relative error of log(1 + t) 2^-27.1
    # on [0, e^-0.95] for float, 2^-57.7 on [0, e^-0.8] for double.
    const float LOG1P_C2_F "(-0x1.ffffb2p-2f)"
    const float LOG1P_C3_F "0x1.55458ep-2f"
    const float LOG1P_C4_F "(-0x1.fdd7f6p-3f)"
    const float LOG1P_C5_F "0x1.87d2a2p-3f"
    const float LOG1P_C6_F "(-0x1.0786d6p-3f)"
    const float LOG1P_C7_F "0x1.a1d89ep-5f"
    const double LOG1P_C2 "(-0x1.fffffffffffd1p-2)"
    const double LOG1P_C3 "0x1.5555555552a03p-2"
    const double LOG1P_C4 "(-0x1.fffffffe3f814p-3)"
    const double LOG1P_C5 "0x1.9999994ff1d11p-3"
    const double LOG1P_C6 "(-0x1.55554e1cf4ee2p-3)"
    const double LOG1P_C7 "0x1.2491d2bf43d81p-3"
    const double LOG1P_C8 "(-0x1.fff5844d2d489p-4)"
    const double LOG1P_C9 "0x1.c6c7463c8bb8cp-4"
    const double LOG1P_C10 "(-0x1.979d9cd600e32p-4)"
    const double LOG1P_C11 "0x1.6b8b3d863826dp-4"
    const double LOG1P_C12 "(-0x1.37de6861f7c9ep-4)"
    const double LOG1P_C13 "0x1.e1854b528279dp-5"
    const double LOG1P_C14 "(-0x1.2cfb5587d6321p-5)"
    const double LOG1P_C15 "0x1.0368bc67e7615p-6"
    const double LOG1P_C16 "(-0x1.beb6e135ed96dp-9)"


# log(1 + scale (high + low)) / scale, for scale (high + low) within the interval of the fit. low is a rounding error of
# high; scale, a power of two, keeps small numbers out of the subnormal range. Within 0.85 ULP, float and double.
cdef inline real log1p_scaled(real high, real low, real scale) noexcept nogil:
    cdef real t = high * scale, W
    cdef real C2 = LOG1P_C2_F if real is float else LOG1P_C2, C3 = LOG1P_C3_F if real is float else LOG1P_C3
    if real is float:
        W = mad(t, mad(t, mad(t, LOG1P_C7_F, LOG1P_C6_F), LOG1P_C5_F), LOG1P_C4_F)
    else:
        W = mad(t, mad(t, mad(t, mad(t, LOG1P_C16, LOG1P_C15), LOG1P_C14), LOG1P_C13), LOG1P_C12)
        W = mad(t, mad(t, mad(t, mad(t, W, LOG1P_C11), LOG1P_C10), LOG1P_C9), LOG1P_C8)
        W = mad(t, mad(t, mad(t, mad(t, W, LOG1P_C7), LOG1P_C6), LOG1P_C5), LOG1P_C4)
    W = t * fma(t, fma(t, W, C3), C2)
    return high + fma(high, W, fma(low, W, low))


# ---- erfc ----
#
# erfc(t / sqrt2) / 2 = Phi(-t), the normal distribution's lower tail, as phi(t) (q + low): phi is its density, q the
# Mills ratio. Both for t from 0.49 on, where erfc is not better had from erf.

cdef extern from *:
    # ln 2 with so few bits that k LN2_SHORT + DENSITY_LN is exact, and the rest of it.
    const float LN2_SHORT_F "0x1.62e4p-1f"
    const float LN2_REST_F "0x1.7f7d1cp-20f"
    const double LN2_SHORT "0x1.62e42fefa3800p-1"
    const double LN2_REST "0x1.ef35793c76730p-45"
    # ln sqrt(2 pi) - ln 2 in two parts, and -log2 of sqrt(2 pi) / 2.
    const float DENSITY_LN_F "0x1.ce68p-3f"
    const float DENSITY_LN_LOW_F "(-0x1.d92d5p-18f)"
    const float DENSITY_LOG2_F "(-0.3257480647361594f)"
    const double DENSITY_LN "0x1.ce6bb25aa2000p-3"
    const double DENSITY_LN_LOW "0x1.9d47735272397p-44"
    const double DENSITY_LOG2 "(-0.3257480647361594)"

    # With t + 7/16 = T, the Mills ratio is B(t) / (T B(t) + A(t)): it is near 1 / T, so that A is small beside the
    # denominator, and the rounding of A and B counts an eighth of itself at most. By reweighted rational least
    # squares (tests/fits.py): degree 4 each for float, relative error 2^-27.7 on [0.49, 14.4]; 10 for double, 2^-60.7
    # on [0.49, 38.7].
    const float MILLS_A0_F "0x1.086e84p-1f"
    const float MILLS_A1_F "(-0x1.dfd03ep-6f)"
    const float MILLS_A2_F "(-0x1.e894e0p-4f)"
    const float MILLS_A3_F "(-0x1.847f44p-5f)"
    const float MILLS_A4_F "(-0x1.e80660p-8f)"
    const double MILLS_A0 "0x1.273a1ec86ac70p-1"
    const double MILLS_A1 "0x1.a1b6e8c3967c3p-2"
    const double MILLS_A2 "0x1.07abba3b6974ap-6"
    const double MILLS_A3 "(-0x1.f19b43014ba9bp-4)"
    const double MILLS_A4 "(-0x1.59abb042a8f91p-4)"
    const double MILLS_A5 "(-0x1.06a9f32502b35p-5)"
    const double MILLS_A6 "(-0x1.0966c07ef288fp-7)"
    const double MILLS_A7 "(-0x1.74d672b683084p-10)"
    const double MILLS_A8 "(-0x1.66e7380686937p-13)"
    const double MILLS_A9 "(-0x1.b59a3a2470d02p-17)"
    const double MILLS_A10 "(-0x1.08349e083073ep-21)"
    const float MILLS_B0_F "0x1.6ee168p+0f"
    const float MILLS_B1_F "0x1.5d157ep+0f"
    const float MILLS_B2_F "0x1.38d228p-1f"
    const float MILLS_B3_F "0x1.2d8198p-3f"
    const float MILLS_B4_F "0x1.16e67ap-6f"
    const double MILLS_B0 "0x1.999999999999ap+0"
    const double MILLS_B1 "0x1.5f632a74610dbp+1"
    const double MILLS_B2 "0x1.2a13dbd96ded3p+1"
    const double MILLS_B3 "0x1.43fb935f73c83p+0"
    const double MILLS_B4 "0x1.efac5fb3b9e4ap-2"
    const double MILLS_B5 "0x1.15dd880267763p-3"
    const double MILLS_B6 "0x1.ce428cd6c6d11p-6"
    const double MILLS_B7 "0x1.1a65768f206b2p-8"
    const double MILLS_B8 "0x1.e7c859273a0e1p-12"
    const double MILLS_B9 "0x1.0fa057eb9df66p-15"
    const double MILLS_B10 "0x1.2df2fdc03a45dp-20"


# phi(t) = 2^(k - 2) (2 + h + e) for t >= 0; the result is k + ``round``. h is exact where k is not 0, e so small that
# it may be rounded; the sum has a relative error of at most 2^-25 (2^-54.2). t^2 is taken with its rounding error.
#
# h + e is 2 (e^(r / 2) - 1): with r twice what it would be for 1 + h + e, t^2 is subtracted as it is. The series for
# float has the powers of 1/2 in its coefficients.
cdef inline real normal_density(real t, real round, real* h, real* e) noexcept nogil:
    cdef real u = t * t, ul = fma(t, t, -u), m, k, rest, r, r2, half
    if real is float:
        m = fma(u, -LOG2E_F / 2, DENSITY_LOG2_F) + round
        k = m - round
        h[0] = fma(k, -2 * LN2_SHORT_F, -2 * DENSITY_LN_F) - u
        rest = fma(k, -2 * LN2_REST_F, 2 * DENSITY_LN_LOW_F) - ul
        r = h[0] + rest
        r2 = r * r
        e[0] = fma(r2, EXP_C6_F / 32, fma(r, EXP_C5_F / 16, EXP_C4_F / 8))
        e[0] = fma(r2, fma(r2, e[0], fma(r, EXP_C3_F / 4, EXP_C2_F / 2)), rest)
    else:
        m = fma(u, -LOG2E / 2, DENSITY_LOG2) + round
        k = m - round
        h[0] = fma(k, -2 * LN2_SHORT, -2 * DENSITY_LN) - u
        rest = fma(k, -2 * LN2_REST, 2 * DENSITY_LN_LOW) - ul
        r = h[0] + rest
        half = r * <real> 0.5
        e[0] = fma(r * half, exp_series(half, half * half), rest)
    return m


# q + low, the Mills ratio Phi(-t) / phi(t): the sum has a relative error of at most 2^-25 (2^-54.4), q alone is within
# 2.9 ULP.
cdef inline void mills_ratio(real t, real* q, real* low) noexcept nogil:
    cdef real T = t + <real> 0.4375, Tl = (t - T) + <real> 0.4375, A, B, D, Dl, inverse
    if real is float:
        A = mad(t, mad(t, mad(t, mad(t, MILLS_A4_F, MILLS_A3_F), MILLS_A2_F), MILLS_A1_F), MILLS_A0_F)
        B = mad(t, mad(t, mad(t, mad(t, MILLS_B4_F, MILLS_B3_F), MILLS_B2_F), MILLS_B1_F), MILLS_B0_F)
    else:
        A = mad(t, mad(t, mad(t, mad(t, MILLS_A10, MILLS_A9), MILLS_A8), MILLS_A7), MILLS_A6)
        A = mad(t, mad(t, mad(t, mad(t, A, MILLS_A5), MILLS_A4), MILLS_A3), MILLS_A2)
        A = mad(t, mad(t, A, MILLS_A1), MILLS_A0)
        B = mad(t, mad(t, mad(t, mad(t, MILLS_B10, MILLS_B9), MILLS_B8), MILLS_B7), MILLS_B6)
        B = mad(t, mad(t, mad(t, mad(t, B, MILLS_B5), MILLS_B4), MILLS_B3), MILLS_B2)
        B = mad(t, mad(t, B, MILLS_B1), MILLS_B0)
    D = fma(T, B, A)
    Dl = fma(Tl, B, fma(T, B, -D) + A)
    inverse = 1 / D
    q[0] = B * inverse
    low[0] = fma(-q[0], Dl, fma(-q[0], D, B)) * inverse
