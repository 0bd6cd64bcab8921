# One scalar formula per function. They know nothing of arrays.
#
# Above each stands its contract: dtypes, maximum error in ULP (|y - exact| / ulp(exact), the ulp of a subnormal
# result being the subnormal spacing), range, special values, and where its constants come from. Errors over all inputs
# were found where fused multiply-add is an instruction; x86_64_v2 emulates it, and keeps them on the tests' sample.
# Hard inputs are ``hard_inputs`` of tests/accuracy.py. Where a contract names no inputs, tests/exhaustive.py checks a
# function of one array on every float32 and 2 million hard doubles, tests/test_accuracy.py a gradient on a sample, with
# the parameters of the row in tests/cases.py.
#
# They are branch-free, so that a loop over them becomes vector code, and use IEEE operations alone, so that every
# level computes the same bits. A formula is written once for float and double (``real``). Where each needs a constant
# of its own, that for float ends in _F. Capitals D and N are a denominator and a numerator.
#
# Those that need bounds are given their argument within them, by the loop (``clamp``), as ``clamped`` (``magnitude``:
# |x|, clamped); ``x`` is the argument itself. A NaN passes the bounds, and goes through the arithmetic to the result.

from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from cyact.kernels.dtypes cimport bfloat16, half, integer, number, real
from cyact.kernels.elementary cimport (
    EXP_C2_F, EXP_C3_F, EXP_C4_F, EXP_C5_F, EXP_C6_F, INFINITY, LN2_HIGH, LN2_HIGH_F, LN2_LOW, LN2_LOW_F, LOG2E,
    LOG2E_F, ROUND, ROUND_F, SCALE, SCALE_F, SCALED_ROUND, SCALED_ROUND_F, absolute, exp_parts, exp_terms, expm1_parts,
    expm1_sum, finite_or_zero, fma, mad, or_first_nan, or_nan, pow2, with_sign_of,
)
from cyact.kernels.simd cimport to_int32

# relu(x) = 0 if x < 0 else x
#
# Exact for every dtype. NaN (payload kept) and -0.0 give themselves. float16 and bfloat16 are judged by their bits:
# below zero are those from the first above -0.0 to -inf.
cdef inline number relu(number x) noexcept nogil:
    if number is half:
        return half(0 if 0x8000 < x.bits <= 0xfc00 else x.bits)
    elif number is bfloat16:
        return bfloat16(0 if 0x8000 < x.bits <= 0xff80 else x.bits)
    elif number is uint8_t or number is uint16_t or number is uint32_t or number is uint64_t:
        return x
    else:
        return <number> 0 if x < 0 else x


# leaky_relu(x, alpha) = alpha x if x < 0 else x
#
# One rounding: 0.5 ULP. NaN and both zeros give themselves whatever alpha is. float16 and bfloat16 are computed here
# as float, in which alpha x is exact, and rounded once.
cdef inline real leaky_relu(real x, real alpha) noexcept nogil:
    return alpha * x if x < 0 else x


# The same, stored into the integer dtype that x has, toward zero. What is not negative is kept as it is: int64 is not
# exact in double.
cdef inline integer leaky_relu_to_integer(integer x, real alpha) noexcept nogil:
    if integer is int8_t or integer is int16_t:
        return <integer> <int32_t> (alpha * <real> x) if x < 0 else x
    elif integer is int32_t:
        return to_int32(alpha * <real> x) if x < 0 else x
    else:
        return <integer> (alpha * <real> x) if x < 0 else x


# sigmoid(x) = 1 / (1 + e^-x)
#
# Maximum error 0.965 ULP for float, over all 2^32 inputs, and 0.932 ULP for double, over 2 million hard ones. Monotone;
# within [0, 1]; subnormal results down to the last, at -103.97 and -745.13; NaN gives itself, payload kept. x is
# clamped to [-105, 20] ([-746, 40]), where the result is 0 and 1.
#
# 1. Reduce: -x = k ln2 + r, s = A 2^k. By the scale A = 2^-64 (2^-512) no power of two overflows, and a subnormal
#    result is rounded once, at the end.
# 2. Polynomial: e^r = 1 + p, p = r + r^2 S(r).
# 3. Reconstruct: D = A + s e^r = A + s + s p, y = A / D.
# 4. Correct: dl is what D lost in rounding (D - s is exact wherever that matters). One Newton step on 1 / D makes it
#    good.
#
# S: EXP_C2_F ... for float. For double, Sollya fpminimax of degree 9 for (e^r - 1 - r) / r^2 on |r| <= ln2 / 2: one
# less than the block in elementary.pxd has.
cdef extern from *:
    const double SIGMOID_C2 "0x1.000000000000ap-1"
    const double SIGMOID_C3 "0x1.55555555554fep-3"
    const double SIGMOID_C4 "0x1.55555555506cp-5"
    const double SIGMOID_C5 "0x1.1111111126b38p-7"
    const double SIGMOID_C6 "0x1.6c16c18475a4dp-10"
    const double SIGMOID_C7 "0x1.a01a012febb1dp-13"
    const double SIGMOID_C8 "0x1.a0199963b6a06p-16"
    const double SIGMOID_C9 "0x1.71df18fcf5d1fp-19"
    const double SIGMOID_C10 "0x1.28adf7bc586d4p-22"
    const double SIGMOID_C11 "0x1.ad92c61df588p-26"


cdef inline void sigmoid_prepare(real clamped, real parameter, real* s, real* p, real* c) noexcept nogil:
    cdef real t, k, r, r2, S
    if real is float:
        t = fma(clamped, -LOG2E_F, SCALED_ROUND_F)
        k = t - SCALED_ROUND_F
        r = fma(k, -LN2_LOW_F, fma(k, -LN2_HIGH_F, -clamped))
        r2 = r * r
        S = mad(r2, mad(r2, EXP_C6_F, mad(r, EXP_C5_F, EXP_C4_F)), mad(r, EXP_C3_F, EXP_C2_F))
    else:
        t = fma(clamped, -LOG2E, SCALED_ROUND)
        k = t - SCALED_ROUND
        r = fma(k, -LN2_LOW, fma(k, -LN2_HIGH, -clamped))
        r2 = r * r
        S = mad(r, mad(r, mad(r, mad(r, SIGMOID_C11, SIGMOID_C10), SIGMOID_C9), SIGMOID_C8), SIGMOID_C7)
        S = mad(r, mad(r, mad(r, mad(r, mad(r, S, SIGMOID_C6), SIGMOID_C5), SIGMOID_C4), SIGMOID_C3), SIGMOID_C2)
    p[0] = fma(r2, S, r)
    s[0] = pow2(t)


cdef inline real sigmoid_finish(real s, real p, real c, real x, real parameter, real g) noexcept nogil:
    cdef real A = SCALE_F if real is float else SCALE
    cdef real D = fma(s, p, A + s), dl = fma(s, p, A - (D - s))
    cdef real inverse = 1 / D, e = fma(-dl, inverse, fma(-D, inverse, <real> 1))
    return or_nan(fma(e, inverse, inverse) * A, x)


# e^x as s (1 + p), s with the scale of ``round``, for results that are then rounded to float16 or bfloat16: without the
# corrections. EXP_C2_16_BIT ... EXP_C5_16_BIT: a fit of relative error 2^-23 in e^r, moved by some last bits until no
# result of sigmoid was wrong (tests/fits.py).
cdef extern from *:
    const float EXP_C2_16_BIT "0x1.fffe72p-2f"
    const float EXP_C3_16_BIT "0x1.5556ap-3f"
    const float EXP_C4_16_BIT "0x1.572a7ap-5f"
    const float EXP_C5_16_BIT "0x1.10605cp-7f"


cdef inline void exp_parts_16_bit(float x, float round, float* s, float* p) noexcept nogil:
    cdef float t = fma(x, LOG2E_F, round), r = fma(t - round, -LN2_HIGH_F, x)
    cdef float S = mad(r, mad(r, mad(r, EXP_C5_16_BIT, EXP_C4_16_BIT), EXP_C3_16_BIT), EXP_C2_16_BIT)
    p[0] = fma(r * r, S, r)
    s[0] = pow2(t)


# 1 / (1 + e^-x) without corrections, for such results. x is within [-110, 40].
cdef inline float logistic_16_bit(float x) noexcept nogil:
    cdef float s, p
    exp_parts_16_bit(-x, SCALED_ROUND_F, &s, &p)
    return SCALE_F / fma(s, p, SCALE_F + s)


# sigmoid(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for all
# 65,536 inputs of each. Within 2^-6 of zero, sigmoid(x) is 1/2 + x/4 to float16's last bit; x/4 may put that halfway
# between two float16 numbers, while the exact value lies just nearer to 1/2: hence BELOW_QUARTER for 1/4. ``clamped``
# is x within [-105, 20].
cdef extern from *:
    const float BELOW_QUARTER "0x1.ffep-3f"
    const float NEAR_ZERO "0x1p-6f"


cdef inline float sigmoid_16_bit(float clamped, float x) noexcept nogil:
    cdef float y = logistic_16_bit(clamped)
    return or_nan(fma(clamped, BELOW_QUARTER, <float> 0.5) if -NEAR_ZERO < clamped < NEAR_ZERO else y, x)


# tanh(x) = (e^x - e^-x) / (e^x + e^-x)
#
# Maximum error 0.651 ULP for float, over all 2^32 inputs, and 0.556 ULP for double, over 2 million hard ones. Monotone;
# exactly odd; within [-1, 1]; subnormals and -0.0 give themselves, NaN too, payload kept. |x| is clamped to 9.25 (20),
# where the result is 1.
#
# 1. Reduce: |x| = k ln2 / 2 + h, s = 2^k.
# 2. Polynomial: 1 + V = h coth h, which is even in h.
# 3. Reconstruct: by the addition theorem tanh |x| = N / D, where N = a (1 + V) + b h, D = b (1 + V) + a h,
#    a = (s - 1) / 2, b = (s + 1) / 2. With P = 1 + V + h and M = 1 + V - h, w = 1 - N / D = 2 M / (s P + M). It is
#    rounded to 20 (49) bits below the point, as adding CUT makes it, and y = 1 - w.
# 4. Correct: e1 = a - y b = w b - 1 and e2 = b - y a = w b + y are then exact, and N - y D = e1 (1 + V) + e2 h nearly.
#    One Newton step with it gives the result.
#
# For double the order of operations is another, which is the faster one there: t keeps k, s is 2^k / 2, ``cut`` is
# y + 12, and e2 is e1 + 1 + y. ln 2 needs its tail, which adds k tail / 2 e2 to N - y D: e2 is taken for 1.5, since it
# is some 4/3 and 8/5 for the k that count most, 1 and 2.
#
# V: Remez for h coth h on |h| <= ln2 / 4, two coefficients in h^2 for float, five for double.
cdef extern from *:
    const float COTH_C0_F "0x1.555546p-2f"
    const float COTH_C1_F "(-0x1.6b0eacp-6f)"
    const float CUT_F "12.0f"                   # floats from 8 to 16 are 2^-20 apart

    const double COTH_C0 "0x1.5555555555553p-2"
    const double COTH_C1 "(-0x1.6c16c16c09e9cp-6)"
    const double COTH_C2 "0x1.1566ab58fa927p-9"
    const double COTH_C3 "(-0x1.bbd52997d4d07p-13)"
    const double COTH_C4 "0x1.63ee87463ebd2p-16"
    const double CUT "12.0"                     # doubles there are 2^-49 apart
    const double HALF_ROUND "(0x1.8p+52 + 1022.0)"          # ROUND, for half of 2^k


# ``magnitude`` is |x|, clamped.
cdef inline void tanh_prepare(real magnitude, real parameter, real* h, real* V, real* power) noexcept nogil:
    cdef real t, u
    if real is float:
        t = fma(magnitude, 2 * LOG2E_F, ROUND_F)
        h[0] = fma(t - ROUND_F, -LN2_HIGH_F / 2, magnitude)
        u = h[0] * h[0]
        V[0] = u * mad(u, COTH_C1_F, COTH_C0_F)
        power[0] = pow2(t)
    else:
        t = fma(magnitude, 2 * LOG2E, HALF_ROUND)
        h[0] = fma(t - HALF_ROUND, -LN2_HIGH / 2, magnitude)
        u = h[0] * h[0]
        V[0] = u * mad(u, mad(u, mad(u, mad(u, COTH_C4, COTH_C3), COTH_C2), COTH_C1), COTH_C0)
        power[0] = t


cdef inline real tanh_finish(real h, real V, real power, real x, real parameter, real g) noexcept nogil:
    cdef real W = 1 + V, M = W - h, y, b, inverse, w, e1, e2, k, s, cut
    if real is float:
        b = fma(power, <real> 0.5, <real> 0.5)
        inverse = 2 / fma(power, W + h, M)
        w = fma(M, inverse, CUT_F) - CUT_F
        y = 1 - w
        e1 = fma(w, b, <real> -1)
        e2 = fma(w, b, y)
        y = fma(fma(V, e1, fma(h, e2, e1)), inverse, y)
    else:
        k = power - HALF_ROUND
        s = pow2(power)
        b = s + 0.5
        inverse = 2 / fma(s + s, W + h, M)
        cut = fma(-M, inverse, CUT + 1)
        y = cut - CUT
        e1 = fma(CUT + 1 - cut, b, -1)
        e2 = e1 + (cut - (CUT - 1))
        y = fma(fma(V, e1, fma(k, -1.5 * LN2_LOW / 2, fma(h, e2, e1))), inverse, y)
    return or_nan(with_sign_of(y, x), x)


# tanh(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for all
# 65,536 inputs of each. ``clamped`` is x within 4.5625 of zero, where the result is 1.
#
# tanh(x) / x = N(x^2) / D(x^2). Fit: linearised least squares, weighted anew by the error until it was level, of
# relative error 2^-25 (tests/fits.py).
cdef extern from *:
    const float TANH_N1_16_BIT "0x1.01f156p-3f"
    const float TANH_N2_16_BIT "0x1.4f08b4p-9f"
    const float TANH_N3_16_BIT "0x1.70150ap-18f"
    const float TANH_D1_16_BIT "0x1.d64df4p-2f"
    const float TANH_D2_16_BIT "0x1.6da4a6p-6f"
    const float TANH_D3_16_BIT "0x1.6eb91ap-13f"


cdef inline float tanh_16_bit(float clamped, float x) noexcept nogil:
    cdef float u = clamped * clamped
    cdef float N = mad(u, mad(u, mad(u, TANH_N3_16_BIT, TANH_N2_16_BIT), TANH_N1_16_BIT), <float> 1)
    cdef float D = mad(u, mad(u, mad(u, TANH_D3_16_BIT, TANH_D2_16_BIT), TANH_D1_16_BIT), <float> 1)
    return or_nan(clamped * N / D, x)


# relu_grad(g, x) = g if x > 0 else 0
#
# Exact for every dtype; 0 where x is NaN.
cdef inline number relu_grad(number g, number x) noexcept nogil:
    if number is half:
        return half(g.bits if 0 < x.bits <= 0x7c00 else 0)
    elif number is bfloat16:
        return bfloat16(g.bits if 0 < x.bits <= 0x7f80 else 0)
    else:
        return g if x > 0 else <number> 0


# leaky_relu_grad(g, x, alpha) = g if x > 0 else alpha g
#
# One rounding: 0.5 ULP. alpha g where x is NaN. Where alpha is 0, an infinite g gives 0. NaN in g gives itself,
# quiet where it is multiplied.
cdef inline real leaky_relu_grad(real g, real x, real alpha) noexcept nogil:
    # Of two NaNs g's, as quiet as a product: not g + 0, which compilers take for g.
    cdef real factor = <real> 2 if g != g else alpha
    # & where "and" would be a branch
    cdef real product = <real> 0 if (alpha == 0) & (absolute(g) == INFINITY) else factor * g
    return g if x > 0 else product


# The same for an alpha that is neither 0, nor infinite, nor NaN: alpha g is then right without the two selects.
cdef inline real leaky_relu_grad_finite(real g, real x, real alpha) noexcept nogil:
    cdef real product = alpha * g
    return g if x > 0 else product


# sigmoid_grad(y, dy) = dy y (1 - y), with y = sigmoid(x): since y' = e^-x / (1 + e^-x)^2 = y (1 - y)
#
# Two roundings, of y - y^2 and of the product: at most 1.5 ULP for y in [0, 1], but for subnormal results. NaN is
# chosen by hand, the first input's: of two NaNs processors return the first, and compilers swap factors as they like.
cdef inline real sigmoid_grad(real y, real dy) noexcept nogil:
    cdef real product = dy * fma(-y, y, y)
    product = product if dy == dy else dy
    return product if y == y else y


# tanh_grad(y, dy) = dy (1 - y^2), with y = tanh(x): since y' = 1 - tanh(x)^2
#
# Two roundings, of 1 - y^2 and of the product: at most 1.5 ULP for y in [-1, 1], but for subnormal results. NaN as
# above; the slope is NaN only where y is. clang would compare y with -y, which it has to make first.
cdef inline real tanh_grad(real y, real dy) noexcept nogil:
    cdef real slope = fma(-y, y, <real> 1)
    return dy * slope if slope == slope else y


# softsign(x) = x / (1 + |x|)
#
# Maximum error 0.5001 ULP for float, over all 2^32 inputs, and 0.5 ULP for double, over 2 million hard ones. Monotone;
# exactly odd; within [-1, 1]; +-inf gives +-1; subnormals and -0.0 give themselves, NaN too, payload kept. x is clamped
# to 2^30 (2^60) from zero, where the result is +-1.
#
# 1 + |x| as the sum D + dl of two numbers (what D lost is exact when it is found from the larger term), then one Newton
# step on the quotient.
cdef inline real softsign(real clamped, real x) noexcept nogil:
    cdef real a = absolute(clamped), D = 1 + a
    cdef real larger = a if a > 1 else 1, smaller = 1 if a > 1 else a
    cdef real dl = smaller - (D - larger), inverse = 1 / D
    cdef real y = a * inverse, rest = fma(-y, dl, fma(-y, D, a))
    return or_nan(with_sign_of(fma(rest, inverse, y), x), x)


# softsign(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for all
# 65,536 inputs of each.
cdef inline float softsign_16_bit(float clamped, float x) noexcept nogil:
    return or_nan(clamped / (<float> 1 + absolute(clamped)), x)


# softsign_grad(g, x) = g / (1 + |x|)^2
#
# Maximum error 1.88 ULP for float and double. 0 at +-inf, an infinite g there included; of NaNs the first input's.
# |x| is clamped to the largest number.
#
# (1 + |x|) / 4 as the sum D + dl of two numbers, the quarter so that it does not overflow; its reciprocal with its
# error e; then g (1/D)^2 (1 + 2 e) / 16, where a g above 1 is divided by 16 first: it would overflow on the way.
cdef inline void softsign_grad_prepare(real magnitude, real parameter, real* inverse, real* e, real* c) noexcept nogil:
    cdef real quarter = <real> 0.25, x = magnitude * quarter
    cdef real larger = x if x > quarter else quarter, smaller = quarter if x > quarter else x
    cdef real D = larger + smaller, dl = smaller - (D - larger)
    inverse[0] = 1 / D
    e[0] = fma(-dl, inverse[0], fma(-D, inverse[0], <real> 1))


cdef inline real softsign_grad_finish(real inverse, real e, real c, real x, real parameter, real g) noexcept nogil:
    cdef bint large = absolute(g) > 1
    cdef real v = (g * <real> 0.0625 if large else g) * inverse, y = fma(v, inverse, v * (inverse * (e + e)))
    y = y if large else y * <real> 0.0625
    y = g if absolute(g) == INFINITY else y
    y = <real> 0 if absolute(x) == INFINITY else y
    return or_first_nan(y, g, x)


# elu(x, alpha) = x if x > 0 else alpha (e^x - 1)
#
# Maximum error 0.71 ULP for float and for double with alpha = 1, 0.79 ULP with others. Monotone where alpha
# is positive; -inf gives -alpha; zeros and NaN give themselves, payload kept. x is clamped to [-18, 0] ([-38, 0]),
# below which e^x is lost beside 1.
#
# e^x - 1 = s (r + q) + (s - 1) as a sum of two numbers (``expm1_sum``), times alpha. No division, no cancellation.
cdef inline void elu_prepare(real clamped, real alpha, real* s, real* r, real* q) noexcept nogil:
    expm1_parts(clamped, s, r, q)


cdef inline real elu_finish(real s, real r, real q, real x, real alpha, real g) noexcept nogil:
    cdef real high, low
    expm1_sum(s, r, q, &high, &low)
    return fma(alpha, high, finite_or_zero(alpha) * low) if x < 0 else x


# elu_grad(g, y, alpha) = g if y > 0 else g (y + alpha), with y = elu(x, alpha): since alpha e^x = y + alpha
#
# Two roundings for the given y. What y has lost by rounding is lost here too: for y near -alpha all of it, as in
# TensorFlow. Where y + alpha is 0, an infinite g gives 0. NaN is chosen by hand, the first input's.
cdef inline real elu_grad(real g, real y, real alpha) noexcept nogil:
    cdef real d = y + alpha, product = g * d
    product = <real> 0 if (d == 0) & (absolute(g) == INFINITY) else product
    product = y if y != y else product
    return g if (y > 0) | (g != g) else product


# silu(x, beta) = x / (1 + e^(-beta x))
#
# Maximum error 0.971 ULP for float, over all 2^32 inputs with beta = 1, and 0.98 ULP for double; results down to the
# last subnormal. -inf gives -0.0, inf gives inf; zeros and NaN give themselves, payload kept.
#
# 1. z = beta x and its rounding error; e^-z = s (1 + p), scaled by A as in sigmoid.
# 2. D + dl = A + s (1 + p) as the sum of two numbers, dl from what A + s lost and what D lost; y = A x / D with one
#    Newton step. A is multiplied in at the end, since A x may be subnormal; but at the start where beta is so small
#    that x may be large enough for x / D to overflow.
# 3. Beyond where the quotient is x, and below where it is 0, those are taken.
# For double p is kept as two numbers, r + q, whose sum would round once too often.
cdef extern from *:
    const float SILU_LOW_F "(-131.0f)"              # of z
    const float SILU_HIGH_F "20.0f"
    const float SILU_TINY_BETA_F "0x1p-32f"
    const double SILU_LOW "(-1061.0)"
    const double SILU_HIGH "40.0"
    const double SILU_TINY_BETA "0x1p-445"


cdef inline void silu_prepare(real x, real beta, real* s, real* b, real* c) noexcept nogil:
    cdef real z = beta * x, low = fma(beta, x, -z)
    if real is float:
        exp_parts(-z, -low, <real> SCALED_ROUND_F, s, b)
        c[0] = z
    else:
        exp_terms(-z, -low, SCALED_ROUND, s, b, c)


cdef inline real silu_finish(real s, real b, real c, real x, real beta, real g) noexcept nogil:
    cdef bint first
    cdef real A, lowest, z, sum, D, dl, inverse, scaled, y, highest = SILU_HIGH_F if real is float else SILU_HIGH
    if real is float:
        A = SCALE_F
        lowest = SILU_LOW_F
        first = (absolute(beta) < SILU_TINY_BETA_F) & (absolute(x) >= 1)
        z = c
        sum = A + s
        D = fma(s, b, sum)
        dl = fma(s, b, sum - D) + (A - (sum - s))
    else:
        A = SCALE
        lowest = SILU_LOW
        first = (absolute(beta) < SILU_TINY_BETA) & (absolute(x) >= 1)
        z = beta * x
        sum = A + s
        D = fma(s, c, fma(s, b, sum))
        dl = fma(s, c, fma(s, b, sum - D)) + (A - (sum - s))
    inverse = 1 / D
    scaled = x * A if first else x
    y = scaled * inverse
    y = fma(fma(-y, dl, fma(-y, D, scaled)), inverse, y)
    y = y if first else y * A
    y = <real> 0 if z < lowest else y
    x = beta if (beta != beta) & (x == x) else x
    return with_sign_of(y, x) if z <= highest else x


# The same for beta = 1, which the compiler then knows: fewer operations, the same bits.
cdef inline void silu_1_prepare(real x, real parameter, real* s, real* b, real* c) noexcept nogil:
    silu_prepare(x, <real> 1, s, b, c)


cdef inline real silu_1_finish(real s, real b, real c, real x, real parameter, real g) noexcept nogil:
    return silu_finish(s, b, c, x, <real> 1, g)


# silu(x) for beta = 1, as a float that is then rounded to float16 or bfloat16, within 0.501 ULP of those. ``clamped``
# is x within [-110, 20]; in the product x is at least -110, so that -inf is not multiplied by 0.
cdef inline float silu_16_bit(float clamped, float x) noexcept nogil:
    cdef float raised = clamped if x < 0 else x
    return or_nan(raised * logistic_16_bit(clamped), x)
