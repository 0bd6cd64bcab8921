# Formulas of functions with an exponential, and of gradients that need one. What ``formulas.pxd`` says of contracts
# holds here too.
#
# Gradients take NaN by hand where two could meet, the first input's first.

from cyact.kernels.dtypes cimport real
from cyact.kernels.elementary cimport (
    INFINITY, LN2_HIGH, LN2_HIGH_F, LN2_LOW, LN2_LOW_F, SCALE, SCALED_ROUND, SCALED_ROUND_F, SCALED_TWICE,
    SCALED_TWICE_F, SCALE_F, UPSCALED_ROUND, UPSCALED_ROUND_F, UPSCALED_TWICE, UPSCALED_TWICE_F, absolute, bits_d,
    bits_f, exceeds, exp_parts, exp_sum, exp_terms, expm1_parts, expm1_series, expm1_sum, finite_or_zero, fma,
    from_bits_d, from_bits_f, or_first_nan, pow2, pow2_halves, reduce, where_true, with_sign_of,
)

# selu(x) = S x if x > 0 else S A (e^x - 1), S = 1.0507009873554805, A = 1.6732632423543772
#
# Maximum error 0.79 ULP for float and 0.78 ULP for double, but 1 ULP where the result is subnormal. Monotone; -inf
# gives -S A; zeros and NaN give themselves, payload kept. x is clamped to [-18, 0] ([-38, 0]), below which e^x is lost
# beside 1.
#
# As elu, with the products of the constants, which are doubles, as sums of two numbers. For double S is one.
cdef extern from *:
    const float SELU_S_F "0x1.0cfabcp+0f"
    const float SELU_S_LOW_F "0x1.6a9114p-24f"
    const float SELU_SA_F "0x1.c212ccp+0f"
    const float SELU_SA_LOW_F "0x1.903c0cp-26f"
    const double SELU_S "1.0507009873554805"
    const double SELU_SA "0x1.c212cc640f03p+0"
    const double SELU_SA_LOW "0x1.092dbf6372048p-54"


cdef inline void selu_prepare(real clamped, real parameter, real* s, real* r, real* q) noexcept nogil:
    expm1_parts(clamped, s, r, q)


cdef inline real selu_finish(real s, real r, real q, real x, real parameter, real g) noexcept nogil:
    cdef real high, low
    expm1_sum(s, r, q, &high, &low)
    if real is float:
        low = fma(SELU_SA_F, low, SELU_SA_LOW_F * high)
        return fma(SELU_SA_F, high, low) if x < 0 else fma(x, SELU_S_F, x * SELU_S_LOW_F)
    else:
        low = fma(SELU_SA, low, SELU_SA_LOW * high)
        return fma(SELU_SA, high, low) if x < 0 else x * SELU_S


# selu_grad(g, y) = S g if y > 0 else g (y + S A), with y = selu(x): since S A e^x = y + S A
#
# Two roundings for the given y, and those of the constants: within 1.5 ULP of the larger of the value and g S A. What y
# has lost by rounding is lost here too: for y near -S A all of it, as in TensorFlow. S A is taken as one number, which
# is minus what selu tends to: the slope there is exactly 0, and an infinite g gives 0.
cdef inline real selu_grad(real g, real y) noexcept nogil:
    cdef real S = SELU_S_F if real is float else SELU_S, SA = SELU_SA_F if real is float else SELU_SA
    cdef real slope = S if y > 0 else y + SA
    cdef real product = <real> 0 if (slope == 0) & (absolute(g) == INFINITY) else g * slope
    product = y if y != y else product
    return g if g != g else product


# The quotient of celu, x / alpha as z + low, for a clamped x <= 0: no further from zero than ``furthest``. Both are
# scaled by 1 / A where |alpha| < 1, so that a subnormal alpha has a reciprocal; what is added to it keeps it from being
# 0.
cdef extern from *:
    const float CELU_LEAST_F "0x1p-126f"
    const double CELU_LEAST "0x1p-1022"
    const float CELU_HIGH_F "132.0f"
    const double CELU_HIGH "1061.0"
    const float EXPONENT_F "0x1.8p+23f"
    const double EXPONENT "0x1.8p+52"


# Above it alpha e^z is too large for a number, by a factor of two to four: alpha's exponent decides. At most CELU_HIGH,
# up to where e^z has a number.
cdef inline real celu_high(real alpha) noexcept nogil:
    cdef real high
    if real is float:
        # The biased exponent as a number: the low bits of a sum are an integer.
        high = from_bits_f(bits_f(EXPONENT_F) + (bits_f(absolute(alpha)) >> 23)) - EXPONENT_F
        high = (<real> 256 - high) * LN2_HIGH_F
        return high if high < CELU_HIGH_F else CELU_HIGH_F
    else:
        high = from_bits_d(bits_d(EXPONENT) + (bits_d(absolute(alpha)) >> 52)) - EXPONENT
        high = (2048 - high) * LN2_HIGH
        return high if high < CELU_HIGH else CELU_HIGH


cdef inline void celu_quotient(real x, real alpha, real furthest, real* z, real* low) noexcept nogil:
    cdef real up = <real> (1 / SCALE_F if real is float else 1 / SCALE) if absolute(alpha) < 1 else 1
    cdef real a = fma(alpha, up, <real> (CELU_LEAST_F if real is float else CELU_LEAST)), inverse = 1 / a
    cdef real bound = -absolute(a) * furthest, v = x * up
    v = bound if v < bound else v
    z[0] = v * inverse
    low[0] = fma(-z[0], a, v) * inverse


# celu(x, alpha) = x if x > 0 else alpha (e^(x / alpha) - 1)
#
# Maximum error 0.81 ULP for float and 0.75 ULP for double, but 1 ULP where the result is subnormal. Monotone where
# alpha is positive; -inf gives -alpha, or -inf for a negative one; zeros and NaN give themselves, payload kept. An
# alpha of 0 gives -0.0, an infinite one x; one of 1 gives the bits of elu. Where alpha is negative the function grows
# exponentially; for alpha within 2^-63 (2^-511) of zero the result stays, from x / alpha = 132 (1061) on, at the value
# there.
#
# 1. z + low = x / alpha as the quotient and what is left, z no lower than -18 (-38).
# 2. e^z - 1 as in elu, low going to q, with s in A 2^k since k may be large, and what s - A loses then; times alpha.
# 3. Where z is tiny, the result is x.
cdef extern from *:
    const float CELU_TINY_F "0x1p-27f"
    const double CELU_TINY "0x1p-56"


cdef inline void celu_prepare(real clamped, real alpha, real* t, real* r, real* q) noexcept nogil:
    cdef real z, low, k, h, c, h2, h3, S, expm1, round = SCALED_ROUND_F if real is float else SCALED_ROUND
    cdef real ln2_low = LN2_LOW_F if real is float else LN2_LOW
    cdef real furthest = 18 if real is float else 38
    furthest = where_true(alpha > 0, furthest) + where_true(not alpha > 0, celu_high(alpha))
    celu_quotient(clamped, alpha, furthest, &z, &low)
    reduce(z, round, t, &k, &h)
    c = fma(k, -ln2_low, low)
    h2 = h * h
    h3 = h2 * h
    S = expm1_series(h, h2)
    expm1 = fma(h3, S, fma(h2, <real> 0.5, h))
    q[0] = fma(h * <real> 0.5, h, fma(h3, S, fma(c if z > 0 else low, expm1, c)))
    r[0] = h


cdef inline real celu_finish(real t, real r, real q, real x, real alpha, real g) noexcept nogil:
    cdef bint small = absolute(alpha) < 1
    cdef real A = SCALE_F if real is float else SCALE, tiny = CELU_TINY_F if real is float else CELU_TINY
    cdef real zero = SCALED_ROUND_F if real is float else SCALED_ROUND, up = <real> 1 / A if small else <real> 1
    cdef real a = alpha * up, s = pow2(t), m = s - A, high = fma(s, r, m)
    cdef real low = fma(s, q, fma(s, r, m - high)) + ((s - m) - A)
    cdef real y = fma(a, high, finite_or_zero(a) * low) * (<real> 1 if small else <real> 1 / A)
    y = -alpha if (x == -INFINITY) & (alpha > 0) else y
    return x if (not x < 0) | ((t == zero) & (absolute(r) <= tiny)) else y


# Gradients are products of g and of a power of two that may both be out of range while the result is not. 1 / A is
# taken out of g where it is large, and else put into the power of two: one rounding to a subnormal result, at the end.
cdef extern from *:
    const float LARGE_F "0x1p60f"
    const double LARGE "0x1p500"

# celu_grad(g, x, alpha) = g if x > 0 else g e^(x / alpha)
#
# Maximum error 1 ULP for float and double. Where x / alpha is below -195 (-1479) the result is 0 whatever g is.
#
# The quotient as in celu; 2^k in two factors. A small g goes with a large scale, or the product would be subnormal
# too early; a large one with a small scale, or it would overflow too early. Where z = x / alpha is not above 0, 2^k is
# scaled by 1 / A, which is taken back from g if that is large, else from the result. Where z is above 0, which takes a
# negative alpha, 2^k is scaled by A, which is taken back from g if that is small, else from the result.
cdef extern from *:
    const float CELU_GRAD_RANGE_F "196.0f"
    const double CELU_GRAD_RANGE "1480.0"


cdef inline void celu_grad_prepare(real clamped, real alpha, real* t, real* p, real* z) noexcept nogil:
    cdef real low
    if real is float:
        celu_quotient(clamped, alpha, <real> CELU_GRAD_RANGE_F, z, &low)
        exp_sum(z[0], low, <real> SCALED_TWICE_F if z[0] > 0 else <real> UPSCALED_TWICE_F, t, p)
    else:
        celu_quotient(clamped, alpha, CELU_GRAD_RANGE, z, &low)
        exp_sum(z[0], low, SCALED_TWICE if z[0] > 0 else UPSCALED_TWICE, t, p)


cdef inline real celu_grad_finish(real t, real p, real z, real x, real alpha, real g) noexcept nogil:
    cdef real first, second, A = SCALE_F if real is float else SCALE, limit = LARGE_F if real is float else LARGE
    cdef real lowest = 1 - (CELU_GRAD_RANGE_F if real is float else CELU_GRAD_RANGE)
    cdef bint rising = z > 0, large = (absolute(g) > limit) | (rising & (absolute(g) > 1)), at_once = large != rising
    cdef real scale = 1 / A if rising else A
    pow2_halves(t, &first, &second)
    cdef real m = g * (scale if at_once else 1) * first
    cdef real y = where_true(not z < lowest, fma(finite_or_zero(m), p, m) * second * (1 if at_once else scale))
    y = g if (x > 0) | ((absolute(g) == INFINITY) & (z >= lowest)) else y
    return or_first_nan(y, g, x)


# gaussian(x) = e^(-x^2)
#
# Maximum error 0.83 ULP for float and 0.77 ULP for double; results down to the last subnormal. Within [0, 1]; even; inf
# and -inf give 0; NaN gives itself, payload kept. |x| is clamped to 10.3 (27.4), where the result is 0.
#
# x^2 and its rounding error; e^-x^2 = s (1 + p), scaled by 1 / A: one rounding to a subnormal result, when A is put in.
cdef inline void gaussian_prepare(real magnitude, real parameter, real* s, real* p, real* c) noexcept nogil:
    cdef real z = magnitude * magnitude, low = fma(magnitude, magnitude, -z)
    exp_parts(-z, -low, <real> (UPSCALED_ROUND_F if real is float else UPSCALED_ROUND), s, p)


cdef inline real gaussian_finish(real s, real p, real c, real x, real parameter, real g) noexcept nogil:
    cdef real y = fma(s, p, s) * <real> (SCALE_F if real is float else SCALE)
    return x if x != x else y


# gaussian_grad(g, x) = -2 x g e^(-x^2)
#
# Maximum error 1.7 ULP for float and 1.5 ULP for double. Where |x| is above 14.1 (38.4) the result is 0 whatever g is,
# and for an infinite g at x = 0.
#
# As gaussian, with 2^k in two factors. |x| is clamped to that limit.
cdef extern from *:
    const float GAUSSIAN_GRAD_HIGH_F "14.1f"
    const double GAUSSIAN_GRAD_HIGH "38.4"


cdef inline void gaussian_grad_prepare(real magnitude, real parameter, real* t, real* p, real* c) noexcept nogil:
    cdef real z = magnitude * magnitude, low = fma(magnitude, magnitude, -z)
    exp_sum(-z, -low, <real> (UPSCALED_TWICE_F if real is float else UPSCALED_TWICE), t, p)


cdef inline real gaussian_grad_finish(real t, real p, real c, real x, real parameter, real g) noexcept nogil:
    cdef real first, second, A = SCALE_F if real is float else SCALE, limit = LARGE_F if real is float else LARGE
    cdef real highest = GAUSSIAN_GRAD_HIGH_F if real is float else GAUSSIAN_GRAD_HIGH
    cdef bint large = absolute(g) > limit
    pow2_halves(t, &first, &second)
    cdef real G = g * A if large else g, m = G * first * -x, y = fma(m, p, m) * (second + second) * (1 if large else A)
    cdef real infinite = 0 if x == 0 else m
    y = infinite if absolute(g) == INFINITY else y
    y = <real> 0 if absolute(x) > highest else y
    return or_first_nan(y, g, x)


# mish(x) = x tanh(log(1 + e^x)) = x n / (n + 2), n = w (w + 2), w = e^x
#
# Maximum error 0.99 ULP for float and 0.9 ULP for double; results down to the last subnormal. -inf gives -0.0; above 20
# (40) x gives itself, as NaN, 0.0 and -0.0 do, payload kept. x is clamped to [-110, 20] ([-753, 40]).
#
# 1. w = s (1 + p) over A, with what the sum lost; n likewise; D = n + 2 with its low part.
# 2. x n with its low part, over D, with one Newton step.
# 3. A is put in: one rounding to a subnormal result. The sign is put on by bits.
cdef extern from *:
    const float MISH_HIGH_F "20.0f"
    const double MISH_HIGH "40.0"


cdef inline void mish_prepare(real clamped, real parameter, real* s, real* p, real* c) noexcept nogil:
    exp_parts(clamped, <real> 0, <real> (UPSCALED_ROUND_F if real is float else UPSCALED_ROUND), s, p)
    c[0] = clamped


cdef inline real mish_finish(real s, real p, real clamped, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, highest = MISH_HIGH_F if real is float else MISH_HIGH
    cdef real W = fma(s, p, s), wl = fma(s, p, s - W), w = W * A, N = fma(W, w, W + W), nl = fma(W, w, W + W - N)
    wl = wl + wl
    nl = nl + fma(wl, w, wl)
    cdef real D = fma(N, A, <real> 2), dl = fma(nl, A, fma(N, A, 2 - D)), inverse = 1 / D
    cdef real M = clamped * N, ml = fma(clamped, nl, fma(clamped, N, -M)), y = M * inverse
    y = fma(fma(-y, dl, fma(-y, D, M) + ml), inverse, y) * A
    return x if exceeds(x, highest) else with_sign_of(y, x)


# Far below zero, where sigmoid(x) and w are e^x, that is taken over A^3 in place of A, and A^2 out of g, which is large
# there or gives 0.
cdef extern from *:
    const float FAR_F "(-120.0f)"
    const double FAR "(-1000.0)"
    const float NOTHING_F "(-200.0f)"           # below it the result is 0
    const double NOTHING "(-1480.0)"
    const float FAR_SCALED_ROUND_F "(0x1.8p+23f - 65.0f)"       # ROUND with the scale A^3
    const double FAR_SCALED_ROUND "(0x1.8p+52 - 513.0)"
    const float FAR_UPSCALED_ROUND_F "(0x1.8p+23f + 319.0f)"    # 1 / A^3
    const double FAR_UPSCALED_ROUND "(0x1.8p+52 + 2559.0)"


# silu_grad(g, x, beta) = g sigma (1 + z (1 - sigma)), z = beta x, sigma = 1 / (1 + e^-z)
#
# Maximum error 1.6 ULP, for float and double, of the larger of the value and the larger term of the sum: the slope
# crosses zero near z = -1.278. Where z is below -200 (-1480) the result is 0 whatever g is.
#
# 1. e^-z as in silu; D + dl = A + s e^r, its reciprocal, and that one's error e.
# 2. 1 - sigma = w + wl, with e, so that it is good where sigma is near 1.
# 3. h + hl = 1 + z (1 - sigma), with what z and the sum lost.
# 4. g / D = m + ml; times (h + hl) (1 + e).
cdef inline void silu_grad_prepare(real x, real beta, real* s, real* r, real* q) noexcept nogil:
    cdef real z = beta * x, low = fma(beta, x, -z)
    if real is float:
        exp_terms(-z, -low, <real> FAR_SCALED_ROUND_F if z < FAR_F else <real> SCALED_ROUND_F, s, r, q)
    else:
        exp_terms(-z, -low, FAR_SCALED_ROUND if z < FAR else SCALED_ROUND, s, r, q)


cdef inline real silu_grad_finish(real s, real r, real q, real x, real beta, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, highest = MISH_HIGH_F if real is float else MISH_HIGH
    cdef real z = beta * x, larger = s if s > A else A, smaller = A if s > A else s
    cdef real D = fma(s, q, fma(s, r, A + s)), dl = fma(s, q, fma(s, r, smaller - (D - larger))), inverse = 1 / D
    cdef real e = fma(-dl, inverse, fma(-D, inverse, <real> 1)), sigma = inverse * A
    cdef real w = 1 - sigma, wl = fma(-sigma, e, (<real> 1 - w) - sigma), h = fma(z, w, <real> 1)
    cdef real hl = fma(z, wl, fma(fma(beta, x, -z), w, fma(z, w, 1 - h)))
    cdef real far_off = FAR_F if real is float else FAR, lowest = NOTHING_F if real is float else NOTHING
    cdef real limit = LARGE_F if real is float else LARGE
    cdef bint far = z < far_off, large = absolute(g) > limit, infinite = absolute(g) == INFINITY
    cdef real G = g * A * (A if far else 1) if large | far else g, m = G * inverse, ml = fma(G, inverse, -m)
    cdef real y = fma(m, h, fma(m, fma(h, e, hl), ml * h)) * (A if far | (not large) else 1)
    y = g * h if infinite else y
    y = <real> 0 if (z < lowest) | (infinite & (h == 0)) else y
    y = g if z > highest else y
    return or_first_nan(y, g, x)


# mish_grad(g, x) = g w (w + 2 + 4 x (w + 1) / D) / D, w = e^x, D = w (w + 2) + 2
#
# Maximum error 1.5 ULP, for float and double, of the larger of the value and the larger term of the sum: the slope
# crosses zero near -1.192. Where x is below -200 (-1480) the result is 0 whatever g is. x is clamped to [-200, 20]
# ([-1480, 40]).
#
# Every product and sum with its low part; g as in silu_grad.
cdef inline void mish_grad_prepare(real clamped, real parameter, real* s, real* p, real* c) noexcept nogil:
    if real is float:
        exp_parts(clamped, <real> 0, <real> FAR_UPSCALED_ROUND_F if clamped < FAR_F else <real> UPSCALED_ROUND_F, s, p)
    else:
        exp_parts(clamped, <real> 0, FAR_UPSCALED_ROUND if clamped < FAR else UPSCALED_ROUND, s, p)
    c[0] = clamped


cdef inline real mish_grad_finish(real s, real p, real clamped, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE, highest = MISH_HIGH_F if real is float else MISH_HIGH
    cdef real W = fma(s, p, s), Wl = fma(s, p, s - W), wl = Wl * A, w = W * A
    cdef real b = w + 2, bl = (<real> 2 - b) + w, N = w * b, nl = fma(w, bl, fma(w, b, -N)), D = N + 2
    cdef real larger = N if N > 2 else 2, smaller = 2 if N > 2 else N
    cdef real dl = fma(b + w, wl, (smaller - (D - larger)) + nl)
    cdef real inverse = 1 / D, e = fma(-dl, inverse, fma(-D, inverse, <real> 1))
    cdef real i4 = 4 * inverse, a = clamped * i4, al = fma(a, e, fma(clamped, i4, -a))
    cdef real c = fma(a, w, a), cl = fma(al, w, fma(a, w, a - c) + al)
    cdef real h = b + c, t = h - b, hl = ((b - (h - t)) + (c - t)) + (bl + cl)
    cdef real far_off = FAR_F if real is float else FAR, lowest = NOTHING_F if real is float else NOTHING
    cdef real limit = LARGE_F if real is float else LARGE
    cdef bint far = x < far_off, large = absolute(g) > limit, infinite = absolute(g) == INFINITY
    cdef real G = g * A * (A if far else 1) if large | far else g
    cdef real U = W * inverse, ul = fma(Wl, inverse, fma(W, inverse, -U)), P = U * G, pl = fma(ul, G, fma(U, G, -P))
    cdef real y = fma(P, h, fma(P, fma(h, e, hl), pl * h)) * (A if far | (not large) else 1)
    y = g * h if infinite else y
    y = <real> 0 if (x < lowest) | (infinite & (h == 0)) else y
    y = y if clamped < highest else g
    return or_first_nan(y, g, x)
