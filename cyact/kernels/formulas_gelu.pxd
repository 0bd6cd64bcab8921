# The formulas of gelu, exact and by tanh, and their gradients. What holds of all formulas is said in formulas.pxd.

from cyact.kernels.dtypes cimport real
from cyact.kernels.elementary cimport (
    INFINITY, ROUND, ROUND_F, SCALE, SCALE_F, SCALED_ROUND, SCALED_ROUND_F, UPSCALED_ROUND_F, absolute, exceeds,
    exp_exponent, exp_terms, fma, mad, mills_ratio, normal_density, or_first_nan, or_nan, positive_part, pow2,
    pow2_thirds, with_sign_of,
)
from cyact.kernels.formulas cimport exp_parts_16_bit, logistic_16_bit

# gelu(x) = x Phi(x) = x erfc(-x / sqrt2) / 2
#
# Maximum error 0.964 ULP for float, over all 2^32 inputs, and 0.95 ULP for double; results down to the last subnormal.
# -inf gives -0.0, inf gives inf; zeros and NaN give themselves, payload kept. t = |x| is clamped to 14.4 (38.7), beyond
# which the result is x or -0.0.
#
# 1. t phi(t) as g + gl, times 2^64 (2^512), so that nothing is subnormal before the end.
# 2. Far from 0: max(x, 0) - t Phi(-t), where t Phi(-t) = (g + gl) (q + ql) with the Mills ratio: one rounding counts.
# 3. Near 0: x / 2 + u E(u), u = x^2. E(u) = erf(x / sqrt2) / (2 x).
# 4. The sign of -0.0.
#
# E: Sollya fpminimax, degree 4 for float, 2^-28.8 of the result on u < 0.243; 8 for double, 2^-60 on u < 0.24.
cdef extern from *:
    const float GELU_ROUND_F "(0x1.8p+23f + 189.0f)"        # ROUND with the scale 2^64 (2^512), and a quarter of it
    const double GELU_ROUND "(0x1.8p+52 + 1533.0)"
    const float GELU_NEAR_F "0.243f"
    const double GELU_NEAR "0.24"
    const float GELU_C0_F "0x1.988454p-2f"
    const float GELU_C1_F "(-0x1.1058d2p-4f)"
    const float GELU_C2_F "0x1.471264p-7f"
    const float GELU_C3_F "(-0x1.41a61p-10f)"
    const float GELU_C4_F "0x1.7870e4p-13f"
    const double GELU_C0 "0x1.9884533d43651p-2"
    const double GELU_C1 "(-0x1.1058377e2d02cp-4)"
    const double GELU_C2 "0x1.46d042978bfa2p-7"
    const double GELU_C3 "(-0x1.37403f85f1d5bp-10)"
    const double GELU_C4 "0x1.e42b22618bcc5p-14"
    const double GELU_C5 "(-0x1.3cedc1e43fa8ep-17)"
    const double GELU_C6 "0x1.66c5dd2550d44p-21"
    const double GELU_C7 "(-0x1.8d43dd0db3dadp-25)"
    const double GELU_C8 "0x1.cf6dd63ad54b2p-28"


cdef inline void gelu_prepare(real magnitude, real parameter, real* g, real* gl, real* t) noexcept nogil:
    cdef real round = GELU_ROUND_F if real is float else GELU_ROUND, h, e
    cdef real scaled = magnitude * pow2(normal_density(magnitude, round, &h, &e)), w = <real> 2 + (h + e)
    cdef real wl = ((<real> 2 - w) + h) + e, product = scaled * w
    g[0] = product
    gl[0] = fma(scaled, wl, fma(scaled, w, -product))
    t[0] = magnitude


cdef inline real gelu_series(real u) noexcept nogil:
    cdef real E
    if real is float:
        return mad(u, mad(u, mad(u, mad(u, GELU_C4_F, GELU_C3_F), GELU_C2_F), GELU_C1_F), GELU_C0_F)
    else:
        E = mad(u, mad(u, mad(u, mad(u, GELU_C8, GELU_C7), GELU_C6), GELU_C5), GELU_C4)
        return mad(u, mad(u, mad(u, mad(u, E, GELU_C3), GELU_C2), GELU_C1), GELU_C0)


cdef inline real gelu_finish(real p, real pl, real t, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, limit = GELU_NEAR_F if real is float else GELU_NEAR
    cdef real u = t * t, near = fma(u, gelu_series(u), <real> 0.5 * x), q, ql, far
    mills_ratio(t, &q, &ql)
    far = fma(-A, fma(p, q, fma(p, ql, pl * q)), positive_part(x))
    return or_nan(with_sign_of(near if exceeds(limit, u) else far, x), x)


# gelu(x) as a float that is then rounded to float16 or bfloat16, within 0.501 ULP of those: max(x, 0) - t Phi(-t) for
# every t = |x|. Phi(-t) is e^(-t^2 / 2) B(t) / A(t), fitted as tanh_16_bit's N and D (tests/fits.py), with a relative
# error of 2^-21.2. The square of a 16-bit number is exact in a float.
cdef extern from *:
    const float MILLS_B0_16_BIT "0x1.fffff2p-2f"
    const float MILLS_B1_16_BIT "0x1.736726p-2f"
    const float MILLS_B2_16_BIT "0x1.eb506ep-4f"
    const float MILLS_B3_16_BIT "0x1.18ef7ep-6f"
    const float MILLS_A1_16_BIT "0x1.85f476p+0f"
    const float MILLS_A2_16_BIT "0x1.e92f7cp-1f"
    const float MILLS_A3_16_BIT "0x1.33af3cp-2f"
    const float MILLS_A4_16_BIT "0x1.6023bcp-5f"


cdef inline float gelu_16_bit(float magnitude, float x) noexcept nogil:
    cdef float t = magnitude, s, p, A, B
    exp_parts_16_bit(t * (t * <float> -0.5), UPSCALED_ROUND_F, &s, &p)
    B = mad(t, mad(t, mad(t, MILLS_B3_16_BIT, MILLS_B2_16_BIT), MILLS_B1_16_BIT), MILLS_B0_16_BIT)
    A = mad(t, mad(t, mad(t, MILLS_A4_16_BIT, MILLS_A3_16_BIT), MILLS_A2_16_BIT), MILLS_A1_16_BIT)
    A = mad(t, A, <float> 1)
    return or_nan(with_sign_of(fma(-SCALE_F, t * fma(s, p, s) * B / A, positive_part(x)), x), x)


# gelu_approximate(x) = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 = x / (1 + e^-v), v = x (c1 + c3 x^2)
#
# Maximum error 0.943 ULP for float, over all 2^32 inputs, and 0.77 ULP for double; results down to the last subnormal.
# -inf gives -0.0, inf gives inf; zeros and NaN give themselves, payload kept. x is clamped to [-11, 6] ([-22, 9]),
# above which the result is x.
#
# 1. v as the sum of two numbers: x^2 and c3 x^2 with their errors, c1 and c3 in two parts.
# 2. e^-v = s (1 + r + q), times 2^-64 (2^-512), so that a subnormal result is rounded once, at the end.
# 3. D + dl = 1 + e^-v. 4. The quotient x / D with its rest. 5. The sign of -0.0.
#
# c1 = 2 sqrt(2 / pi) has so few bits that what is lost in c1 + c3 x^2 is exact; c3 = 0.044715 c1, with the rest of it
# by its ratio.
cdef extern from *:
    const float GELU_TANH_C1_F "0x1.98846p+0f"
    const float GELU_TANH_C1_LOW_F "(-0x1.985794p-21f)"
    const float GELU_TANH_C3_F "0x1.2444f2p-4f"
    const float GELU_TANH_C3_LOW_RATIO_F "0x1.20c792p-25f"
    const double GELU_TANH_C1 "0x1.9884533d43640p+0"
    const double GELU_TANH_C1_LOW "0x1.08d0fcb3c500cp-48"
    const double GELU_TANH_C3 "0x1.2444f2a4d8b4bp-4"
    const double GELU_TANH_C3_LOW_RATIO "(-0x1.3f4818e3786e6p-57)"


# c3 x^2 as cube + cl, and c1 + c3 x^2 as factor + fl.
cdef inline void gelu_factor(real x, real* cube, real* cl, real* factor, real* fl) noexcept nogil:
    cdef real c1 = GELU_TANH_C1_F if real is float else GELU_TANH_C1
    cdef real c1_low = GELU_TANH_C1_LOW_F if real is float else GELU_TANH_C1_LOW
    cdef real c3 = GELU_TANH_C3_F if real is float else GELU_TANH_C3
    cdef real c3_low_ratio = GELU_TANH_C3_LOW_RATIO_F if real is float else GELU_TANH_C3_LOW_RATIO
    cdef real u = x * x, ul = fma(u, c3_low_ratio, fma(x, x, -u)), p = c3 * u, h = c1 + p
    cube[0] = p
    cl[0] = fma(c3, ul, fma(c3, u, -p))
    factor[0] = h
    fl[0] = (p - (h - c1)) + (cl[0] + c1_low)


cdef inline void gelu_approximate_prepare(real clamped, real parameter, real* D, real* dl, real* x) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, round = SCALED_ROUND_F if real is float else SCALED_ROUND
    cdef real cube, cl, factor, fl, v, s, r, q, sum
    gelu_factor(clamped, &cube, &cl, &factor, &fl)
    v = clamped * factor
    exp_terms(-v, -fma(clamped, fl, fma(clamped, factor, -v)), round, &s, &r, &q)
    sum = fma(s, r + q, A + s)
    D[0] = sum
    dl[0] = fma(s, q, fma(s, r, A - (sum - s)))
    x[0] = clamped


cdef inline real gelu_approximate_finish(real D, real dl, real clamped, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, highest = <real> 6 if real is float else <real> 9
    cdef real inverse = 1 / D, y = clamped * inverse
    y = fma(fma(-y, dl, fma(-y, D, clamped)), inverse, y) * A
    return x if exceeds(x, highest) else with_sign_of(y, x)


# The same as a float that is then rounded to float16 or bfloat16, within 0.501 ULP of those. ``clamped`` is x within
# [-11, 6]; in the product x is at least -11.
cdef inline float gelu_approximate_16_bit(float clamped, float x) noexcept nogil:
    cdef float raised = clamped if x < 0 else x
    cdef float v = clamped * fma(clamped * clamped, GELU_TANH_C3_F, <float> GELU_TANH_C1)
    return or_nan(raised * logistic_16_bit(v), x)


# gelu_grad(g, x) = g (Phi(x) + x phi(x))
#
# Maximum error 1.83 ULP of the larger of the result and the larger term of the sum, 0 at -0.7518. 0 at -inf, for
# infinite g too; an infinite g elsewhere gives infinity with the slope's sign. NaN is chosen by hand, the first
# input's. t = |x| is clamped to 20 (54.5): as far as the largest g counts.
#
# 1. phi(t) = 2^k (1 + p). k is a number, since 2^k is out of range where g is large.
# 2. R = phi(t) (q - t), q the Mills ratio and q - t a sum of two numbers: the result is g R below 0, g - g R above.
# 3. Near 0: g (1 / 2 + x F(u)), u = x^2.
#
# F: Sollya fpminimax for (Phi(x) + x phi(x) - 1 / 2) / x on u < 0.24, degree 4 for float, 9 for double.
cdef extern from *:
    const float GELU_GRAD_NEAR_F "0.24f"
    const float GELU_ZERO_F "(-0.7517915246935645f)"      # where the slope is 0
    const double GELU_ZERO "(-0.7517915246935645)"
    const float SLOPE_C0_F "0x1.988454p-1f"
    const float SLOPE_C1_F "(-0x1.105886p-2f)"
    const float SLOPE_C2_F "0x1.ea5a14p-5f"
    const float SLOPE_C3_F "(-0x1.39cc18p-7f)"
    const float SLOPE_C4_F "0x1.47b802p-10f"
    const double SLOPE_C0 "0x1.9884533d43651p-1"
    const double SLOPE_C1 "(-0x1.1058377e2cfb8p-2)"
    const double SLOPE_C2 "0x1.ea3863e33b54bp-5"
    const double SLOPE_C3 "(-0x1.37403f7a75c07p-7)"
    const double SLOPE_C4 "0x1.2e9af05c094efp-10"
    const double SLOPE_C5 "(-0x1.db629508aa5bfp-14)"
    const double SLOPE_C6 "0x1.39d494f7fbeebp-17"
    const double SLOPE_C7 "(-0x1.9bab3bc43574bp-21)"
    const double SLOPE_C8 "0x1.120e99c16413cp-22"
    const double SLOPE_C9 "(-0x1.8844a2185dba6p-23)"


cdef inline void gelu_grad_prepare(real magnitude, real parameter, real* k, real* p, real* t) noexcept nogil:
    cdef real round = ROUND_F if real is float else ROUND, h, e
    k[0] = normal_density(magnitude, round, &h, &e) - round - 1
    p[0] = (h + e) * <real> 0.5
    t[0] = magnitude


cdef inline real gelu_grad_series(real u) noexcept nogil:
    cdef real F
    if real is float:
        return mad(u, mad(u, mad(u, mad(u, SLOPE_C4_F, SLOPE_C3_F), SLOPE_C2_F), SLOPE_C1_F), SLOPE_C0_F)
    else:
        F = mad(u, mad(u, mad(u, mad(u, SLOPE_C9, SLOPE_C8), SLOPE_C7), SLOPE_C6), SLOPE_C5)
        F = mad(u, mad(u, mad(u, mad(u, F, SLOPE_C4), SLOPE_C3), SLOPE_C2), SLOPE_C1)
        return mad(u, F, SLOPE_C0)


# What both gradients do with an infinite g, and with NaN.
cdef inline real gelu_grad_special(real y, real x, real g, real zero) noexcept nogil:
    cdef real infinite = -g if x < zero else g
    y = infinite if absolute(g) == INFINITY else y
    y = <real> 0 if x == -INFINITY else y
    return or_first_nan(y, g, x)


cdef inline real gelu_grad_finish(real k, real p, real t, real x, real parameter, real g) noexcept nogil:
    cdef real limit = GELU_GRAD_NEAR_F if real is float else GELU_NEAR
    cdef real zero = GELU_ZERO_F if real is float else GELU_ZERO
    cdef real factor = g if x < 0 else <real> 1, u = t * t, clamped = -t if x < 0 else t
    cdef real near = g * fma(clamped, gelu_grad_series(u), <real> 0.5), q, ql, v, vl, s1, s3, R, y
    mills_ratio(t, &q, &ql)
    pow2_thirds(k, &s1, &s3)
    v = q - t
    vl = s3 * ((q - (v + t)) + ql)
    v = s3 * v
    R = factor * v
    R = ((fma(R, p, fma(factor, vl, fma(factor, v, -R))) + R) * s1) * s1
    y = fma(-g, R, g)
    y = R if x < 0 else y
    y = near if u < limit else y
    return gelu_grad_special(y, x, g, zero)


# gelu_grad_approximate(g, x) = g s (1 + w (1 - s)), s = 1 / (1 + e^-v), w = x v' = x (c1 + 3 c3 x^2)
#
# Maximum error 1.9 ULP of the larger of the result and the larger term of the sum, 0 at -0.7525. Special values
# as those of gelu_grad. x is clamped to 14 (27.6) from zero: as far as the largest g counts.
#
# 1. e^-|v| = 2^k (1 + p), v as above. 2. D + dl = 1 + e^-|v|, for which k is at least -64 (-200); 1 / D with its error
#    e.
# 3. Above 0: g / D (1 + w e^-|v| / D). 4. Below 0: g / D (1 + w / D) e^-|v|, in which both factors and their product
#    are sums of two numbers, w too.
cdef extern from *:
    const float GELU_APPROXIMATE_ZERO_F "(-0.7524614220710162f)"
    const double GELU_APPROXIMATE_ZERO "(-0.7524614220710162)"


cdef inline void gelu_grad_approximate_prepare(real clamped, real parameter, real* k, real* p, real* x) noexcept nogil:
    cdef real z = -absolute(clamped), cube, cl, factor, fl, v
    gelu_factor(clamped, &cube, &cl, &factor, &fl)
    v = z * factor
    exp_exponent(v, fma(z, fl, fma(z, factor, -v)), k, p)
    x[0] = clamped


cdef inline real gelu_grad_approximate_finish(
    real k, real p, real clamped, real x, real parameter, real g
) noexcept nogil:
    cdef real round = ROUND_F if real is float else ROUND, lowest = <real> -64 if real is float else <real> -200
    cdef real zero = GELU_APPROXIMATE_ZERO_F if real is float else GELU_APPROXIMATE_ZERO
    cdef real cube, cl, factor, fl, slope, w, wl, s, t, D, dl, inverse, e, s1, s3, quotient, f, above, M, Ml, G, L, y
    gelu_factor(clamped, &cube, &cl, &factor, &fl)
    slope = fma(<real> 2, cube, factor)
    fl = fma(<real> 2, cube, factor - slope) + fma(<real> 2, cl, fl)
    w = fma(clamped, slope, clamped * fl)
    wl = fma(clamped, fl, fma(clamped, slope, -w))
    s = pow2((lowest if k < lowest else k) + round)
    t = fma(s, p, s)
    D = 1 + t
    dl = (t - (D - <real> 1)) + fma(s, p, s - t)
    inverse = 1 / D
    e = fma(-dl, inverse, fma(-D, inverse, <real> 1))
    pow2_thirds(k, &s1, &s3)
    quotient = g * inverse
    above = quotient + fma(quotient, fma(w * inverse, t, e), fma(g, inverse, -quotient))
    f = fma(w, inverse, <real> 1)
    M = inverse * f
    Ml = fma(wl, inverse, fma(w, inverse, -f) + 1)
    Ml = fma(inverse, fma(e, fma(<real> 2, f, <real> -1), Ml), fma(inverse, f, -M))
    s = (g * s3) * s1
    G = s * M
    L = fma(s, Ml, fma(s, M, -G))
    y = (fma(G, p, fma(L, p, L)) + G) * s1
    y = y if x < 0 else above
    return gelu_grad_special(y, x, g, zero)
