# One scalar formula per function. They know nothing of arrays.
#
# Above each stands its contract: dtypes, maximum error in ULP (|y - exact| / ulp(exact), the ulp of a subnormal
# result being the subnormal spacing), range, special values, and where its constants come from. Errors over all inputs
# were found where fused multiply-add is an instruction; x86_64_v2 emulates it, and keeps them on the tests' sample.
#
# They are branch-free, so that a loop over them becomes vector code, and use IEEE operations alone, so that every
# level computes the same bits. A formula for float ends in _f, its twin for double does not; capitals D and N are a
# denominator and a numerator.
#
# Those that need bounds are given their argument within them, by the loop (``clamp``), as x; ``value`` is the argument
# itself. NaN stays NaN there, and goes through the arithmetic to the result.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cyact.kernels.dtypes cimport bfloat16, half, integer, number, real
from cyact.kernels.elementary cimport (
    LN2_HIGH, LN2_HIGH_F, LN2_LOW, LN2_LOW_F, LOG2E, LOG2E_F, ROUND, ROUND_F, SIGN, SIGN_F, bits, bits_f, pow2, pow2_f,
    from_bits, from_bits_f,
)
from cyact.kernels.simd cimport fma, fmaf, mad, madf, or_nan, or_nan_f, to_int32

cdef extern from "<math.h>":
    const float INFINITY
    float fabsf(float x) noexcept nogil
    double fabs(double x) noexcept nogil


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
cdef inline integer truncated_leaky_relu(integer x, real alpha) noexcept nogil:
    if integer is int8_t or integer is int16_t:
        return <integer> <int32_t> (alpha * <real> x) if x < 0 else x
    elif integer is int32_t:
        return to_int32(alpha * <real> x) if x < 0 else x
    else:
        return <integer> (alpha * <real> x) if x < 0 else x


# sigmoid(x) = 1 / (1 + e^-x), float
#
# Maximum error 0.965 ULP over all 2^32 inputs; monotone; in [0, 1]; subnormal results down to the last at -103.97;
# NaN (payload kept) gives itself.
#
# -x = k ln2 + r; e^r = 1 + p, p = r + r^2 S(r); A = 2^-64, s = A 2^k; D = A + s e^r = A + s + s p; y = A / D. By the
# scale A no power of two overflows, and a subnormal result is rounded once, at the end. dl is what D lost in rounding:
# D - s is exact wherever that matters. One Newton step on 1 / D makes it good.
#
# S: Sollya fpminimax of degree 4 for (e^r - 1 - r) / r^2 on |r| <= ln2 / 2, float coefficients, relative error of e^r
# 2^-28.2.
cdef extern from *:
    const float EXP_C2_F "0x1.fffffap-2f"
    const float EXP_C3_F "0x1.555492p-3f"
    const float EXP_C4_F "0x1.555a26p-5f"
    const float EXP_C5_F "0x1.12397cp-7f"
    const float EXP_C6_F "0x1.694c86p-10f"
    const float SCALE_F "0x1p-64f"
    const float SCALED_ROUND_F "(0x1.8p+23f + 63.0f)"      # ROUND_F, with the scale's exponent
    const float SIGMOID_LOW_F "(-105.0f)"       # where the result is 0
    const float SIGMOID_HIGH_F "20.0f"          # where it is 1


# e^-x, scaled, as s (1 + p)
cdef inline void sigmoid_prepare_f(float x, float* s, float* p, float* unused) noexcept nogil:
    cdef float t = fmaf(x, -LOG2E_F, SCALED_ROUND_F), k = t - SCALED_ROUND_F
    cdef float r = fmaf(k, -LN2_LOW_F, fmaf(k, -LN2_HIGH_F, -x)), r2 = r * r
    cdef float S = madf(r2, madf(r2, EXP_C6_F, madf(r, EXP_C5_F, EXP_C4_F)), madf(r, EXP_C3_F, EXP_C2_F))
    p[0] = fmaf(r2, S, r)
    s[0] = pow2_f(bits_f(t))


cdef inline float sigmoid_finish_f(float s, float p, float unused, float value) noexcept nogil:
    cdef float D = fmaf(s, p, SCALE_F + s), dl = fmaf(s, p, SCALE_F - (D - s))
    cdef float inverse = <float> 1 / D, e = fmaf(-dl, inverse, fmaf(-D, inverse, <float> 1))
    return or_nan_f(fmaf(e, inverse, inverse) * SCALE_F, value)


# sigmoid(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for all
# 65,536 inputs of each. As near to zero as 2^-6, 1/2 + x/4 is halfway between two of float16, and the exact value just
# inside.
#
# The steps of the formula for float without the corrections. EXP_C2_H ... EXP_C5_H: a fit of relative error 2^-23 in
# e^r, moved by some last bits until no input was wrong (tests/fits.py).
cdef extern from *:
    const float EXP_C2_H "0x1.fffe72p-2f"
    const float EXP_C3_H "0x1.5556ap-3f"
    const float EXP_C4_H "0x1.572a7ap-5f"
    const float EXP_C5_H "0x1.10605cp-7f"
    const float BELOW_QUARTER "0x1.ffep-3f"
    const float NEAR_ZERO "0x1p-6f"


cdef inline float sigmoid_half(float x, float value) noexcept nogil:
    cdef float t = fmaf(x, -LOG2E_F, SCALED_ROUND_F), k = t - SCALED_ROUND_F, r = fmaf(k, -LN2_HIGH_F, -x)
    cdef float p = fmaf(r * r, madf(r, madf(r, madf(r, EXP_C5_H, EXP_C4_H), EXP_C3_H), EXP_C2_H), r)
    cdef float s = pow2_f(bits_f(t)), y = SCALE_F / fmaf(s, p, SCALE_F + s)
    return or_nan_f(fmaf(x, BELOW_QUARTER, <float> 0.5) if -NEAR_ZERO < x < NEAR_ZERO else y, value)


# sigmoid(x), double
#
# Maximum error measured 0.93 ULP; otherwise as for float, the last subnormal result at -745.13. The same steps,
# scaled by 2^-512.
#
# E: Sollya fpminimax of degree 9 for (e^r - 1 - r) / r^2 on |r| <= ln2 / 2.
cdef extern from *:
    const double EXP_C2 "0x1.000000000000ap-1"
    const double EXP_C3 "0x1.55555555554fep-3"
    const double EXP_C4 "0x1.55555555506cp-5"
    const double EXP_C5 "0x1.1111111126b38p-7"
    const double EXP_C6 "0x1.6c16c18475a4dp-10"
    const double EXP_C7 "0x1.a01a012febb1dp-13"
    const double EXP_C8 "0x1.a0199963b6a06p-16"
    const double EXP_C9 "0x1.71df18fcf5d1fp-19"
    const double EXP_C10 "0x1.28adf7bc586d4p-22"
    const double EXP_C11 "0x1.ad92c61df588p-26"
    const double SCALE "0x1p-512"
    const double SCALED_ROUND "(0x1.8p+52 + 511.0)"
    const double SIGMOID_LOW "(-746.0)"
    const double SIGMOID_HIGH "40.0"


cdef inline void sigmoid_prepare_d(double x, double* s, double* p, double* unused) noexcept nogil:
    cdef double t = fma(x, -LOG2E, SCALED_ROUND), k = t - SCALED_ROUND
    cdef double r = fma(k, -LN2_LOW, fma(k, -LN2_HIGH, -x))
    cdef double E = mad(r, mad(r, mad(r, mad(r, EXP_C11, EXP_C10), EXP_C9), EXP_C8), EXP_C7)
    E = mad(r, mad(r, mad(r, mad(r, mad(r, E, EXP_C6), EXP_C5), EXP_C4), EXP_C3), EXP_C2)
    p[0] = fma(r * r, E, r)
    s[0] = pow2(bits(t))


cdef inline double sigmoid_finish_d(double s, double p, double unused, double value) noexcept nogil:
    cdef double D = fma(s, p, SCALE + s), dl = fma(s, p, SCALE - (D - s))
    cdef double inverse = 1 / D, e = fma(-dl, inverse, fma(-D, inverse, 1))
    return or_nan(fma(e, inverse, inverse) * SCALE, value)


# tanh(x) = (e^x - e^-x) / (e^x + e^-x), float
#
# Maximum error 0.651 ULP over all 2^32 inputs; monotone; exactly odd; in [-1, 1]; subnormals and -0.0 give
# themselves, NaN (payload kept) too.
#
# |x| = k ln2 / 2 + h; s = 2^k. With 1 + V = h coth h, which is even in h, the addition theorem gives tanh |x| = N / D,
# where N = a (1 + V) + b h, D = b (1 + V) + a h, a = (s - 1) / 2, b = (s + 1) / 2. w = 1 - N / D = 2 M / (s P + M),
# where P = 1 + V + h and M = 1 + V - h, is rounded to 20 bits below the point, as CUT makes it, and y = 1 - w. So
# e1 = a - y b = w b - 1 and e2 = b - y a = w b + y are exact, and N - y D = e1 (1 + V) + e2 h nearly: one Newton step
# with it gives the result.
#
# V: Remez, float coefficients, for h coth h = 1 + h^2 (COTH_C0 + COTH_C1 h^2) on |h| <= ln2 / 4.
cdef extern from *:
    const float COTH_C0_F "0x1.555546p-2f"
    const float COTH_C1_F "(-0x1.6b0eacp-6f)"
    const float CUT_F "12.0f"                   # floats from 8 to 16 are 2^-20 apart
    const float TANH_HIGH_F "9.25f"             # where the result is 1


# x is the magnitude.
cdef inline void tanh_prepare_f(float x, float* h, float* V, float* s) noexcept nogil:
    cdef float t = fmaf(x, 2 * LOG2E_F, ROUND_F), u
    h[0] = fmaf(t - ROUND_F, -LN2_HIGH_F / 2, x)
    u = h[0] * h[0]
    V[0] = u * madf(u, COTH_C1_F, COTH_C0_F)
    s[0] = pow2_f(bits_f(t))


cdef inline float tanh_finish_f(float h, float V, float s, float value) noexcept nogil:
    cdef float b = fmaf(s, <float> 0.5, <float> 0.5), W = <float> 1 + V, M = W - h
    cdef float inverse = <float> 2 / fmaf(s, W + h, M)
    cdef float w = fmaf(M, inverse, CUT_F) - CUT_F, y = <float> 1 - w
    cdef float e1 = fmaf(w, b, <float> -1), e2 = fmaf(w, b, y)
    y = fmaf(fmaf(V, e1, fmaf(h, e2, e1)), inverse, y)
    return or_nan_f(from_bits_f(bits_f(y) | bits_f(value) & SIGN_F), value)


# tanh(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for all
# 65,536 inputs of each.
#
# tanh(x) / x = N(x^2) / D(x^2), for |x| <= 4.5625, where the result is 1. Fit: linearised least squares, weighted anew
# by the error until it was level, of relative error 2^-25 (tests/fits.py).
cdef extern from *:
    const float TANH_N1_H "0x1.01f156p-3f"
    const float TANH_N2_H "0x1.4f08b4p-9f"
    const float TANH_N3_H "0x1.70150ap-18f"
    const float TANH_D1_H "0x1.d64df4p-2f"
    const float TANH_D2_H "0x1.6da4a6p-6f"
    const float TANH_D3_H "0x1.6eb91ap-13f"
    const float TANH_HIGH_H "4.5625f"


cdef inline float tanh_half(float x, float value) noexcept nogil:
    cdef float u = x * x
    cdef float N = madf(u, madf(u, madf(u, TANH_N3_H, TANH_N2_H), TANH_N1_H), <float> 1)
    cdef float D = madf(u, madf(u, madf(u, TANH_D3_H, TANH_D2_H), TANH_D1_H), <float> 1)
    return or_nan_f(x * N / D, value)


# tanh(x), double
#
# Maximum error measured 0.556 ULP; otherwise as for float, by the same steps in an order that is the faster one here:
# s is 2^k / 2, cut is y + 12, and e2 is e1 + 1 + y. ln 2 needs its tail, which adds k tail / 2 e2 to N - y D: e2 is
# taken for 1.5, since it is some 4/3 and 8/5 for the k that count most, 1 and 2.
#
# V: Remez for h coth h on |h| <= ln2 / 4, five coefficients in h^2.
cdef extern from *:
    const double COTH_C0 "0x1.5555555555553p-2"
    const double COTH_C1 "(-0x1.6c16c16c09e9cp-6)"
    const double COTH_C2 "0x1.1566ab58fa927p-9"
    const double COTH_C3 "(-0x1.bbd52997d4d07p-13)"
    const double COTH_C4 "0x1.63ee87463ebd2p-16"
    const double CUT "12.0"                     # doubles there are 2^-49 apart
    const double TANH_HIGH "20.0"
    const double HALF_ROUND "(0x1.8p+52 + 1022.0)"      # ROUND, for half of 2^k


cdef inline void tanh_prepare_d(double x, double* h, double* V, double* t) noexcept nogil:
    cdef double u
    t[0] = fma(x, 2 * LOG2E, HALF_ROUND)
    h[0] = fma(t[0] - HALF_ROUND, -LN2_HIGH / 2, x)
    u = h[0] * h[0]
    V[0] = u * mad(u, mad(u, mad(u, mad(u, COTH_C4, COTH_C3), COTH_C2), COTH_C1), COTH_C0)


cdef inline double tanh_finish_d(double h, double V, double t, double value) noexcept nogil:
    cdef double k = t - HALF_ROUND, s = pow2(bits(t)), b = s + 0.5, W = 1 + V, M = W - h
    cdef double inverse = 2 / fma(s + s, W + h, M)
    cdef double cut = fma(-M, inverse, CUT + 1), y = cut - CUT
    cdef double e1 = fma(CUT + 1 - cut, b, -1), e2 = e1 + (cut - (CUT - 1))
    y = fma(fma(V, e1, fma(k, -1.5 * LN2_LOW / 2, fma(h, e2, e1))), inverse, y)
    return or_nan(from_bits(bits(y) | bits(value) & SIGN), value)


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
    cdef real magnitude = fabsf(g) if real is float else fabs(g)
    # & where "and" would be a branch
    cdef real product = <real> 0 if (alpha == 0) & (magnitude == INFINITY) else alpha * g
    product = g + 0 if g != g else product      # as quiet as a product
    return g if x > 0 else product


# The same for a finite slope other than 0, where the product has all of that by itself.
cdef inline real leaky_relu_grad_finite(real g, real x, real alpha) noexcept nogil:
    cdef real product = alpha * g
    return g if x > 0 else product


# sigmoid_grad(y, dy) = dy y (1 - y), with y = sigmoid(x): since y' = e^-x / (1 + e^-x)^2 = y (1 - y)
#
# Two roundings, of y - y^2 and of the product: at most 1.5 ULP for y in [0, 1], but for subnormal results. NaN is
# chosen by hand, the first input's: of two NaNs processors return the first, and compilers swap factors as they like.
cdef inline float sigmoid_grad_f(float y, float dy) noexcept nogil:
    cdef float product = dy * fmaf(-y, y, y)
    product = dy if dy != dy else product
    return y if y != y else product


cdef inline double sigmoid_grad_d(double y, double dy) noexcept nogil:
    cdef double product = dy * fma(-y, y, y)
    product = dy if dy != dy else product
    return y if y != y else product


# tanh_grad(y, dy) = dy (1 - y^2), with y = tanh(x): since y' = 1 - tanh(x)^2
#
# Two roundings, of 1 - y^2 and of the product: at most 1.5 ULP for y in [-1, 1], but for subnormal results. NaN as
# above; here no other can come up beside that of dy.
cdef inline float tanh_grad_f(float y, float dy) noexcept nogil:
    cdef float product = dy * fmaf(-y, y, <float> 1)
    return y if y != y else product


cdef inline double tanh_grad_d(double y, double dy) noexcept nogil:
    cdef double product = dy * fma(-y, y, 1)
    return y if y != y else product
