# rescale(x, scale, offset) = scale x + offset, with scale and offset as doubles, for every dtype of x.
#
# Rounded once: at most 0.51 ULP from the exact value, or 2^-40 of the larger term where the two terms cancel. inf and
# NaN as in IEEE arithmetic. There are two ways.
#
# in double   One fused multiply-add, then one more rounding where the result is narrower: 2^-29 ULP more than 0.5 for
#             float. Integers of 64 bits, which double may not hold, are taken in two parts for a double result.
# in float    For integers of eight bits, unless the result is a double: twice as many elements in a vector, and no
#             conversions by way of double, which take longer than memory does. Scale and offset are taken in two parts.
#             0.505 ULP.

from libc.stdint cimport int64_t, uint64_t

from cyact.kernels.dtypes cimport number, real
from cyact.kernels.elementary cimport DBL_MAX, bits_d, fabs, from_bits_d
from cyact.kernels.simd cimport fma_d, fma_f, mad_d

# Scale and offset in two parts each, as ``rescale_parts`` takes them.
cdef struct Parts:
    float scale_high, offset_high, scale_low, offset_low

cdef extern from *:
    const double PARTS_LEAST "0x1p-60"      # the largest result may lie between these
    const double PARTS_MOST "0x1p+120"
    const double ROUNDING "0x1.8p+52"       # times q: what adding this and taking it away rounds to multiples of q


# A float has so much less room that the product may be rounded too, where there is no fused multiply-add.
cdef inline real rescale_double(double x, double scale, double offset, real tag) noexcept nogil:
    if real is float:
        return <float> mad_d(x, scale, offset)
    return fma_d(x, scale, offset)


# An integer of 64 bits: p and t are product and sum, rounded; what either lost is added at the end (Knuth's sum of two
# numbers). x itself is a double and the little that it lacks. Where p overflows, nothing can be said of what was lost.
cdef inline double rescale_wide(number integer, double scale, double offset) noexcept nogil:
    cdef double high, low, x, p, t, v, lost, y
    if number is int64_t or number is uint64_t:
        low = <double> <int64_t> (integer & 0x7ff)
        high = <double> (integer - (integer & 0x7ff))
        x = high + low
        low = low - (x - high)
        p = x * scale
        t = p + offset
        v = t - p
        lost = (p - (t - v)) + (offset - v) + (fma_d(x, scale, -p) + low * scale)
        y = t + lost
        return y if fabs(y) <= DBL_MAX else fma_d(x, scale, offset)
    return 0


# Splits scale and offset, for integers x of [least, 255]; False where double has to be used.
#
# q is a power of two such that no result is above 2^24 q. The high parts are the multiples of q nearest to scale and
# offset: scale_high x + offset_high is a multiple of q of at most 24 bits, so that float arithmetic has it exactly. The
# low parts are the rest, rounded to float: at most q / 2, so that all their rounding errors together are below 2^-17 q.
# The parts go to the places given; 1 where double has to be used, else 0. There is no branch, so that loops over it are
# vector code.
cdef inline int64_t split_into(
    double scale, double offset, double least, double* scale_high, double* offset_high, double* scale_low,
    double* offset_low,
) noexcept nogil:
    cdef double first = fabs(scale * least + offset), last = fabs(scale * 255 + offset), largest, q
    # A little more than the largest: rounded to multiples of q, scale and offset may make more of it.
    largest = max(max(first, last), fabs(offset)) * 1.0078125
    # The power of two above ``largest`` is its exponent's bits, and one more; q is 2^-24 of that.
    q = from_bits_d((bits_d(largest) & <int64_t> 0x7ff0000000000000) - (<int64_t> 23 << 52))
    scale_high[0] = (scale + ROUNDING * q) - ROUNDING * q
    offset_high[0] = (offset + ROUNDING * q) - ROUNDING * q
    scale_low[0], offset_low[0] = scale - scale_high[0], offset - offset_high[0]
    # Each comparison is false for NaN.
    return 1 - (
        <int64_t> (largest > PARTS_LEAST) & <int64_t> (largest < PARTS_MOST)
        & <int64_t> (first <= largest) & <int64_t> (last <= largest)
    )


cdef inline bint split_constants(double scale, double offset, double least, Parts* parts) noexcept nogil:
    cdef double high[2]
    cdef double low[2]
    if split_into(scale, offset, least, &high[0], &high[1], &low[0], &low[1]):
        return False
    parts.scale_high, parts.offset_high = <float> high[0], <float> high[1]
    parts.scale_low, parts.offset_low = <float> low[0], <float> low[1]
    return True


# With split constants: the first fused multiply-add is exact.
cdef inline float rescale_parts(
    float x, float scale_high, float offset_high, float scale_low, float offset_low
) noexcept nogil:
    return fma_f(x, scale_high, offset_high) + fma_f(x, scale_low, offset_low)
