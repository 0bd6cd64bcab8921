# Formulas of functions that are made of straight pieces, and of their gradients. What ``formulas.pxd`` says of
# contracts holds here too.
#
# The gradient at a kink is that of the left side. Where the slope is 0 the gradient is 0 whatever g is, and so it is
# where x is NaN.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from cyact.kernels.dtypes cimport bfloat16, floating, half, integer, number, real
from cyact.kernels.elementary cimport INFINITY, absolute, bits_f, fma, from_bits_f, mad, or_nan, with_sign_of

cdef extern from *:
    # 1/6 as a sum of two numbers
    const float SIXTH_F "0x1.555556p-3f"
    const float SIXTH_LOW_F "(-0x1.555556p-28f)"
    const double SIXTH "0x1.5555555555555p-3"
    const double SIXTH_LOW "0x1.5555555555555p-57"


# x, but at least ``low`` and at most ``high``. NaN and -0.0 stay as they are.
cdef inline real within(real x, real low, real high) noexcept nogil:
    x = low if x < low else x
    return high if x > high else x


# Of two floats the one whose bits are the lower or the higher as an unsigned integer, by one instruction. Lower is a
# positive number than a negative one, and of one sign what is nearer to zero.
cdef inline float lower_bits(float a, float b) noexcept nogil:
    cdef uint32_t i = <uint32_t> bits_f(a), j = <uint32_t> bits_f(b)
    return from_bits_f(<int32_t> (i if i < j else j))


cdef inline float higher_bits(float a, float b) noexcept nogil:
    cdef uint32_t i = <uint32_t> bits_f(a), j = <uint32_t> bits_f(b)
    return from_bits_f(<int32_t> (i if i > j else j))


# (high + low) / 6, rounded once.
cdef inline real sixth(real high, real low) noexcept nogil:
    if real is float:
        return fma(high, SIXTH_F, fma(high, SIXTH_LOW_F, low * SIXTH_F))
    else:
        return fma(high, SIXTH, fma(high, SIXTH_LOW, low * SIXTH))


# relu6(x) = min(max(x, 0), 6)
#
# Exact for every dtype. NaN (payload kept) and -0.0 give themselves. float16 and bfloat16 are judged by their bits, as
# in relu; 6 is 0x4600 and 0x40c0.
cdef inline number relu6(number x) noexcept nogil:
    if number is half:
        return half(0 if 0x8000 < x.bits <= 0xfc00 else 0x4600 if 0x4600 < x.bits <= 0x7c00 else x.bits)
    elif number is bfloat16:
        return bfloat16(0 if 0x8000 < x.bits <= 0xff80 else 0x40c0 if 0x40c0 < x.bits <= 0x7f80 else x.bits)
    else:
        x = <number> 0 if x < 0 else x
        return <number> 6 if x > 6 else x


# What relu6 and hard_tanh of float and double are once the loop has clamped x: two instructions, and NaN and -0.0 stay.
cdef inline real itself(real clamped, real x) noexcept nogil:
    return clamped


# relu6_grad(g, x) = g if 0 < x <= 6 else 0
#
# Exact for every dtype.
cdef inline number relu6_grad(number g, number x) noexcept nogil:
    if number is half:
        return half(g.bits if 0 < x.bits <= 0x4600 else 0)
    elif number is bfloat16:
        return bfloat16(g.bits if 0 < x.bits <= 0x40c0 else 0)
    else:
        return g if (x > 0) & (x <= 6) else <number> 0


# hard_tanh(x) = min(max(x, -1), 1)
#
# Exact for every dtype; odd. NaN (payload kept) and -0.0 give themselves. 1 is 0x3c00 in float16, 0x3f80 in bfloat16.
cdef inline number hard_tanh(number x) noexcept nogil:
    if number is half:
        return half(0xbc00 if 0xbc00 < x.bits <= 0xfc00 else 0x3c00 if 0x3c00 < x.bits <= 0x7c00 else x.bits)
    elif number is bfloat16:
        return bfloat16(0xbf80 if 0xbf80 < x.bits <= 0xff80 else 0x3f80 if 0x3f80 < x.bits <= 0x7f80 else x.bits)
    elif number is uint8_t or number is uint16_t or number is uint32_t or number is uint64_t:
        return <number> 1 if x > 1 else x
    else:
        x = <number> -1 if x < -1 else x
        return <number> 1 if x > 1 else x


# The same for unsigned integers of which there is a minimum of vectors, with ``bound`` 1. clang makes a comparison with
# 0 of a minimum that it knows to be one with 1, and up to three instructions of that: the loop has the bound from
# memory.
cdef inline integer smaller(integer x, integer bound) noexcept nogil:
    return bound if x > bound else x


# hard_tanh_grad(g, x) = g if -1 < x <= 1 else 0
#
# Exact for every dtype.
cdef inline floating hard_tanh_grad(floating g, floating x) noexcept nogil:
    if floating is half:
        return half(g.bits if (x.bits <= 0x3c00) | (0x8000 <= x.bits < 0xbc00) else 0)
    elif floating is bfloat16:
        return bfloat16(g.bits if (x.bits <= 0x3f80) | (0x8000 <= x.bits < 0xbf80) else 0)
    else:
        return g if (x > -1) & (x <= 1) else <floating> 0


# step(x) = 0 if x < 0 else 1
#
# Exact for every dtype. NaN gives itself, payload kept; -0.0 is not below zero, and gives 1.
cdef inline number step(number x) noexcept nogil:
    if number is half:
        return half(x.bits if x.bits & 0x7fff > 0x7c00 else 0 if x.bits > 0x8000 else 0x3c00)
    elif number is bfloat16:
        return bfloat16(x.bits if x.bits & 0x7fff > 0x7f80 else 0 if x.bits > 0x8000 else 0x3f80)
    elif number is float or number is double:
        return x if x != x else <number> 0 if x < 0 else <number> 1
    else:
        return <number> 0 if x < 0 else <number> 1


# hard_sigmoid(x) = min(max(x + 3, 0), 6) / 6
#
# Maximum error 0.5 ULP, for float and double. Monotone; within [0, 1]; from 3 on exactly 1, up to -3 exactly 0. NaN
# gives itself, payload kept.
#
# x + 3 as the sum d + dl of two numbers (d - 3 is exact), times 1/6 as a sum of two. ``clamped`` is x within [-3, 3].
cdef inline real hard_sigmoid(real clamped, real x) noexcept nogil:
    cdef real d = clamped + <real> 3
    return or_nan(sixth(d, clamped - (d - <real> 3)), x)


# hard_sigmoid(x) as a float that is then rounded to float16 or bfloat16: the result is the correctly rounded one for
# all 65,536 inputs of each.
cdef inline float hard_sigmoid_16_bit(float x) noexcept nogil:
    return or_nan(within(mad(x, SIXTH_F, <float> 0.5), <float> 0, <float> 1), x)


# hard_sigmoid_grad(g, x) = g / 6 if -3 < x <= 3 else 0
#
# Two roundings, of 1/6 and of the product: at most 0.67 ULP.
cdef inline real hard_sigmoid_grad(real g, real x) noexcept nogil:
    cdef real product = g * <real> (SIXTH_F if real is float else SIXTH)
    return product if (x > -3) & (x <= 3) else <real> 0


# hard_silu(x) = x min(max(x + 3, 0), 6) / 6
#
# Maximum error 0.75 ULP for float, over all 2^32 inputs, and for double. From 3 on x itself; up to -3, and at -inf,
# -0.0. NaN (payload kept), 0.0 and -0.0 give themselves.
#
# 1. x (x + 3) is the same for x and for -3 - x. z is the larger of the two, and exact: from -1.5 up z + 3 cancels
#    nothing. For x up to -3 z is a zero.
# 2. z (z / 6) + z / 2 by one fma. z / 6 alone is rounded before, and its product is the smaller term but around -1.5.
# 3. From 3 on x itself, which is nearer to zero than the sum. That may overflow.
#
# For float all selects are by bits, and the sum is -0.0 where z is, since z / 6 is 0.0 there. For double integers are
# slower to compare, and an emulated fma has no sign of zero.
cdef inline real hard_silu(real x) noexcept nogil:
    cdef real opposite = <real> -3 - x, z, sum
    if real is float:
        z = lower_bits(x, higher_bits(opposite, <float> -0.0))
    else:
        z = x if x > opposite else opposite
        z = z if x > -3 else 0
    sum = fma(z, sixth(z, 0), z * <real> 0.5)
    if real is float:
        return or_nan(lower_bits(sum, x), x)
    else:
        return with_sign_of(sum, x) if x < 3 else x


# hard_silu(x) as a float that is then rounded to float16 or bfloat16, within 0.501 ULP of those: likewise.
cdef inline float hard_silu_16_bit(float x) noexcept nogil:
    cdef float z = lower_bits(x, higher_bits(<float> -3 - x, <float> -0.0))
    return or_nan(lower_bits(z * fma(z, SIXTH_F, <float> 0.5), x), x)


# hard_silu_grad(g, x) = g (2 x + 3) / 6 if -3 < x <= 3, g above, else 0
#
# Maximum error 1.15 ULP for float and 1.44 ULP for double. Where the slope is 0, at -1.5 too, an infinite g gives 0.
#
# 2 x + 3 as a sum of two numbers, so that the slope is rounded once near -1.5, where it crosses zero.
cdef inline real hard_silu_grad(real g, real x) noexcept nogil:
    cdef real clamped = within(x, <real> -3, <real> 3), n = fma(<real> 2, clamped, <real> 3)
    cdef real slope = sixth(n, fma(<real> 2, clamped, 3 - n))
    slope = <real> 1 if x > 3 else slope
    cdef real product = <real> 0 if (slope == 0) & (absolute(g) == INFINITY) else g * slope
    return product if x > -3 else <real> 0


# hard_shrink(x, threshold) = x if |x| > threshold else 0
#
# Exact; odd, zeros have the sign of x. NaN in x gives itself, payload kept; a threshold that is NaN gives zeros.
cdef inline real hard_shrink(real x, real threshold) noexcept nogil:
    return x if (absolute(x) > threshold) | (x != x) else with_sign_of(<real> 0, x)


# soft_shrink(x, threshold) = sign(x) max(|x| - threshold, 0)
#
# One rounding: 0.5 ULP; odd, zeros have the sign of x and give themselves whatever the threshold is. An infinite x
# within an infinite threshold gives 0. NaN in x gives itself, payload kept.
cdef inline real soft_shrink(real x, real threshold) noexcept nogil:
    cdef real a = absolute(x), rest = <real> 0 if (a <= threshold) | (a == 0) else a - threshold
    return or_nan(with_sign_of(rest, x), x)


# The gradient of both: g if x > threshold or x <= -threshold else 0
#
# Exact.
cdef inline real shrink_grad(real g, real x, real threshold) noexcept nogil:
    return g if (x > threshold) | (x <= -threshold) else <real> 0
