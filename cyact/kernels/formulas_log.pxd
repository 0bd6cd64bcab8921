# The formulas that are logarithms, and their gradients. What holds of all formulas is said in formulas.pxd.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from cyact.kernels.dtypes cimport real
from cyact.kernels.elementary cimport (
    INFINITY, LN2_HIGH, LN2_HIGH_F, LN2_LOW, LN2_LOW_F, NAN, ROUND, ROUND_F, SCALE, SCALE_F, absolute, bits_d, bits_f,
    exp_exponent, exp_series, fma, from_bits_d, from_bits_f, log1p_scaled, mad, or_first_nan, or_nan,
    positive_part, pow2, pow2_thirds, reduce, with_sign_of,
)
from cyact.kernels.simd cimport KEEPS_NAN

# softplus(x) = log(1 + e^x)
#
# Maximum error 0.913 ULP for float, over all 2^32 inputs, and 0.93 ULP for double. Monotone; not negative; results down
# to the last subnormal, at -103.97 and -745.13; -inf gives 0, inf gives inf; NaN gives itself, payload kept. |x| is
# clamped to 105 (746): log(1 + t) is 0 there, or lost beside x.
#
# 1. t = e^-|x| = s (1 + r + q), times 2^64 (2^512), so that nothing is subnormal before the end. The low part of the
#    reduced argument is in q, and in the series as far as one number holds both.
# 2. Far from 0, from |x| = 0.95 (0.8) on: max(x, 0) + log(1 + t), t as the sum of two numbers.
# 3. Near 0: ln 2 + x / 2 + u E(u), u = x^2. What is even in it is log cosh(x / 2), small beside ln 2, so that the
#    result stays monotone where its neighbours differ by less than the error of the other form.
#
# E: Sollya fpminimax, degree 3 for float, absolute error of u E 2^-28.8 on |x| < 0.95; 8 for double, absolute error
# 2^-60 on |x| < 0.8.
cdef extern from *:
    const float RAISED_ROUND_F "(0x1.8p+23f + 191.0f)"      # ROUND with the scale 2^64 (2^512)
    const double RAISED_ROUND "(0x1.8p+52 + 1535.0)"
    # Magnitudes end at 191 ln 2 (1535 ln 2) and a little, where the bits of s are those of 0. Results are 0, or x, from
    # 105 (746) on: there nothing may underflow on the way, which takes some processors many times as long.
    const float SOFTPLUS_END_F "132.4f"
    const double SOFTPLUS_END "1064.0"
    const float NEAR_SQUARE_F "0.9025f"
    const double NEAR_SQUARE "0.64"
    const float LOG_COSH_C0_F "0x1.ffffeap-4f"
    const float LOG_COSH_C1_F "(-0x1.554664p-8f)"
    const float LOG_COSH_C2_F "0x1.68e6f6p-12f"
    const float LOG_COSH_C3_F "(-0x1.7417acp-16f)"
    const double LOG_COSH_C0 "0x1p-3"
    const double LOG_COSH_C1 "(-0x1.5555555555462p-8)"
    const double LOG_COSH_C2 "0x1.6c16c16be6e82p-12"
    const double LOG_COSH_C3 "(-0x1.ba1ba18652fe1p-16)"
    const double LOG_COSH_C4 "0x1.1ea5c600a7b21p-19"
    const double LOG_COSH_C5 "(-0x1.8339a3c4fbc9p-23)"
    const double LOG_COSH_C6 "0x1.0cb459a58de0ep-26"
    const double LOG_COSH_C7 "(-0x1.74e9efaa93639p-30)"
    const double LOG_COSH_C8 "0x1.aa54fda635decp-34"


cdef inline void softplus_prepare(real magnitude, real parameter, real* s, real* r, real* q) noexcept nogil:
    cdef real round = RAISED_ROUND_F if real is float else RAISED_ROUND, t, k, c, sum
    cdef real ln2_low = LN2_LOW_F if real is float else LN2_LOW
    reduce(-magnitude, round, &t, &k, r)
    c = k * -ln2_low
    sum = r[0] + c
    q[0] = fma(sum * sum, exp_series(sum, sum * sum), c)
    s[0] = pow2(t)


cdef inline real log_cosh(real u) noexcept nogil:
    cdef real E
    if real is float:
        return mad(u, mad(u, mad(u, LOG_COSH_C3_F, LOG_COSH_C2_F), LOG_COSH_C1_F), LOG_COSH_C0_F)
    else:
        E = mad(u, mad(u, mad(u, mad(u, LOG_COSH_C8, LOG_COSH_C7), LOG_COSH_C6), LOG_COSH_C5), LOG_COSH_C4)
        return mad(u, mad(u, mad(u, mad(u, E, LOG_COSH_C3), LOG_COSH_C2), LOG_COSH_C1), LOG_COSH_C0)


# log(1 + t) / A for the form far from 0, and what is even in the other form, but for ln 2. Whether it is far.
cdef inline bint softplus_terms(real s, real r, real q, real x, real* log, real* even) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, limit = NEAR_SQUARE_F if real is float else NEAR_SQUARE
    cdef real ln2_low = LN2_LOW_F if real is float else LN2_LOW, t = fma(s, r + q, s), u = x * x
    log[0] = log1p_scaled(t, fma(s, q, fma(s, r, s - t)), A)
    even[0] = fma(u, log_cosh(u), ln2_low)
    return u >= limit       # near for NaN, where there is but one


cdef inline real softplus_finish(real s, real r, real q, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, ln2 = LN2_HIGH_F if real is float else LN2_HIGH, log, even
    cdef bint far = softplus_terms(s, r, q, x, &log, &even)
    return or_nan(fma(A, log, positive_part(x)) if far else ln2 + fma(x, <real> 0.5, even), x)


# log_sigmoid(x) = -log(1 + e^-x) = -softplus(-x)
#
# The bits of softplus with the other sign: errors, order and special values are its own. inf gives -0.0. The
# first stage is softplus's.
cdef inline real log_sigmoid_finish(real s, real r, real q, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, ln2 = LN2_HIGH_F if real is float else LN2_HIGH, log, even
    cdef bint far = softplus_terms(s, r, q, x, &log, &even)
    return or_nan(-fma(A, log, positive_part(-x)) if far else fma(x, <real> 0.5, -even) - ln2, x)


# logit(x) = log(x / (1 - x))
#
# Maximum error 0.864 ULP for float, over all of [0, 1], and 0.864 ULP for double. Monotone; logit(1 - x) = -logit(x) to
# the bit where 1 - x is exact; 0 and -0.0 give -inf, 1 gives inf; NaN outside [0, 1]; NaN gives itself, payload
# kept.
#
# 1. z and D are the smaller and the larger of x and 1 - x. The result for z is negative; it gets the sign of x - 1/2.
# 2. D / z = 2^n [1, 2): n is the difference of their exponents, z times 2^64 (2^512) since it may be subnormal. n comes
#    as n 2^23 for float; for double as the low bits of a number, since AVX2 does not convert integers of 64 bits.
# 3. With w = 2^n z in (D / 2, D], N = w - D and S = w + D: log(w / D) = 2 atanh(f), f = N / S in (-1/3, 0]. N is exact.
#    What 1 - x and S have lost, Dl and Sl, is in the quotient's low part. Near 1/2 N is 2 x - 1 and S is 1.
# 4. -n ln2 + 2 f + 2 f^3 P(f^2): the terms have one sign, so that nothing cancels.
#
# P: Sollya fpminimax for (atanh(f) - f) / f^3, degree 4 for float, absolute error 2^-31.6; 9 for double, 2^-57.5.
cdef extern from *:
    const float UNSCALE_F "0x1p64f"
    const double UNSCALE "0x1p512"
    const float UNIT_LN2_HIGH_F "(-0x1p-23f * 0x1.62e43p-1f)"       # times n 2^23
    const float UNIT_LN2_LOW_F "(0x1p-23f * 0x1.05c61p-29f)"
    const double INTEGER "0x1p52"                   # its low bits are an integer
    const float ATANH_C0_F "0x1.555556p-2f"
    const float ATANH_C1_F "0x1.999866p-3f"
    const float ATANH_C2_F "0x1.24d76ep-3f"
    const float ATANH_C3_F "0x1.bb3124p-4f"
    const float ATANH_C4_F "0x1.e1216p-4f"
    const double ATANH_C0 "0x1.5555555555555p-2"
    const double ATANH_C1 "0x1.999999999a27cp-3"
    const double ATANH_C2 "0x1.24924923df843p-3"
    const double ATANH_C3 "0x1.c71c726c171afp-4"
    const double ATANH_C4 "0x1.745cf154e8581p-4"
    const double ATANH_C5 "0x1.3b18a6cd119f3p-4"
    const double ATANH_C6 "0x1.10acf61876aa7p-4"
    const double ATANH_C7 "0x1.eb8a175c590e7p-5"
    const double ATANH_C8 "0x1.688edd07e1f92p-5"
    const double ATANH_C9 "0x1.4afd63cfd0f0cp-4"


cdef inline void logit_prepare(real x, real parameter, real* w, real* D, real* n) noexcept nogil:
    cdef real opposite = 1 - x, z = opposite if opposite < x else x
    cdef uint32_t e
    cdef uint64_t j
    D[0] = x if opposite < x else opposite
    if real is float:
        z = z * UNSCALE_F
        e = (<uint32_t> bits_f(D[0]) - <uint32_t> bits_f(z)) & <uint32_t> 0xff800000        # (n - 64) 2^23
        w[0] = from_bits_f(<int32_t> (<uint32_t> bits_f(z) + e))
        n[0] = <float> <int32_t> (e + (<uint32_t> 64 << 23))
    else:
        z = z * UNSCALE
        j = <uint64_t> bits_d(D[0]) - <uint64_t> bits_d(z) + (<uint64_t> 1024 << 52)        # n + 512, then a fraction
        w[0] = from_bits_d(<int64_t> (<uint64_t> bits_d(z) + (j & <uint64_t> 0x7ff << 52) - (<uint64_t> 1024 << 52)))
        n[0] = from_bits_d(<int64_t> (j >> 52 | <uint64_t> bits_d(INTEGER))) - (INTEGER + 512.0)


cdef inline real atanh_series(real u) noexcept nogil:
    cdef real P
    if real is float:
        return mad(u, mad(u, mad(u, mad(u, ATANH_C4_F, ATANH_C3_F), ATANH_C2_F), ATANH_C1_F), ATANH_C0_F)
    else:
        P = mad(u, mad(u, mad(u, mad(u, ATANH_C9, ATANH_C8), ATANH_C7), ATANH_C6), ATANH_C5)
        P = mad(u, mad(u, mad(u, mad(u, P, ATANH_C4), ATANH_C3), ATANH_C2), ATANH_C1)
        return mad(u, P, ATANH_C0)


cdef inline real logit_finish(real w, real D, real n, real x, real parameter, real g) noexcept nogil:
    cdef real opposite = 1 - x, z = opposite if opposite < x else x, N = w - D, S = w + D
    cdef real Dl = (<real> 1 - D) - z, Sl = (w - (S - D)) + Dl, inverse = 1 / S, f, fl, u, y
    f = N * inverse
    fl = (fma(-f, Sl, fma(-f, S, N)) - Dl) * inverse
    u = f * f
    f = f + f
    fl = fl + fl
    if real is float:
        y = fma(n, UNIT_LN2_HIGH_F, f + fma(f * u, atanh_series(u), fma(n, UNIT_LN2_LOW_F, fl)))
    else:
        y = fma(n, -LN2_HIGH, f + fma(f * u, atanh_series(u), fma(n, -LN2_LOW, fl)))
    y = <real> INFINITY if z == 0 else absolute(y)
    y = with_sign_of(y, x - <real> 0.5)
    return or_nan(<real> NAN if z < 0 else y, x)


# softplus_grad(g, x) = g / (1 + e^-x)
#
# Maximum error 1.86 ULP for float and 1.6 ULP for double, subnormal results too. 0 at -inf, for infinite g too; an
# infinite g elsewhere gives itself. NaN is chosen by hand, the first input's. x is clamped to 200 (1500) from zero: as
# far as the largest g counts.
#
# 1. e^-|x| = 2^k (1 + p). k is a number, since 2^k is out of range where g is large.
# 2. D + dl = 1 + e^-|x|, for which k is at least -64; 1 / D with its error e, |e| small.
# 3. x >= 0: g / D (1 + e). x < 0: that times 2^k (1 + p), with (1 + p) (1 + e) = 1 + p + e + p e.
cdef inline void softplus_grad_prepare(real clamped, real parameter, real* k, real* p, real* x) noexcept nogil:
    exp_exponent(-absolute(clamped), <real> 0, k, p)
    x[0] = clamped


# But for NaN.
cdef inline real softplus_grad_number(real k, real p, real clamped, real x, real g) noexcept nogil:
    cdef real round = ROUND_F if real is float else ROUND, D, dl, inverse, e, s1, s3, w, y
    cdef real s = pow2((<real> -64 if k < -64 else k) + round), b = 1 + s
    D = fma(s, p, b)
    dl = fma(s, p, b - D)
    inverse = 1 / D
    e = fma(-dl, inverse, fma(-D, inverse, <real> 1))
    pow2_thirds(k if clamped < 0 else <real> 0, &s1, &s3)
    w = (g * inverse) * s3
    p = p + fma(p, e, e)
    e = p if clamped < 0 else e
    y = (fma(w, e, w) * s1) * s1
    y = g if absolute(g) == INFINITY else y
    return <real> 0 if x == -INFINITY else y


cdef inline real softplus_grad_finish(real k, real p, real clamped, real x, real parameter, real g) noexcept nogil:
    return or_first_nan(softplus_grad_number(k, p, clamped, x, g), g, x)


# log_sigmoid_grad(g, x) = g / (1 + e^x): softplus_grad of -x, with its error and special values.
cdef inline void log_sigmoid_grad_prepare(real clamped, real parameter, real* k, real* p, real* x) noexcept nogil:
    softplus_grad_prepare(-clamped, parameter, k, p, x)


cdef inline real log_sigmoid_grad_finish(real k, real p, real opposite, real x, real parameter, real g) noexcept nogil:
    return or_first_nan(softplus_grad_number(k, p, opposite, -x, g), g, x)


# logit_grad(g, x) = g / (x (1 - x))
#
# Two roundings, of x - x^2 and of the quotient: at most 1.5 ULP. At 0, -0.0 and 1 an infinity of g's sign, but 0 where
# g is 0; NaN outside [0, 1]. Of two NaNs the first, payload kept.
cdef inline real logit_grad(real g, real x) noexcept nogil:
    cdef real d = fma(-x, x, x) + 0, y      # not -0.0, whose quotient would have the other sign
    d = <real> NAN if (x < 0) | (x > 1) else d
    y = g * d if g == 0 else g / d
    return y if KEEPS_NAN else or_first_nan(y, g, x)
