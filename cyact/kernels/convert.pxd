# float16 and bfloat16 to float and back, a block at a time.
#
# gcc does not vectorise conversions of _Float16, hence the processor's instructions where there are any, and integer
# arithmetic that vectorises elsewhere. Both round to nearest even and keep a NaN's payload; float16's becomes quiet.

from libc.stdint cimport int32_t, uint16_t, uint32_t
from libc.string cimport memcpy

from cyact.kernels.dtypes cimport bfloat16, float16_like, half, number, real
from cyact.kernels.elementary cimport bits_f, from_bits_f
from cyact.kernels.simd cimport (
    HALF_LANES, LANES_16_BIT, VECTOR, load_first, loop1, loop2, loop_of_pairs, narrow_lanes, store_first, widen_lanes,
)

cdef extern from *:
    const float HALF_SUBNORMAL "0x1p-24f"


cdef inline float widen(float16_like x) noexcept nogil:
    cdef uint32_t sign = <uint32_t> (x.bits & 0x8000) << 16, magnitude = x.bits & 0x7fff, b
    if float16_like is bfloat16:
        return from_bits_f(<int32_t> (<uint32_t> x.bits << 16))
    else:
        b = (magnitude << 13) + (<uint32_t> 112 << 23)                      # the exponent's bias is 15 there, 127 here
        b = b + (<uint32_t> 112 << 23) if magnitude >= 0x7c00 else b        # inf and NaN
        b = b | 0x400000 if magnitude > 0x7c00 else b
        b = <uint32_t> bits_f(<float> <int32_t> magnitude * HALF_SUBNORMAL) if magnitude < 0x400 else b
        return from_bits_f(<int32_t> (b | sign))


cdef inline float16_like narrow(float x, float16_like tag) noexcept nogil:
    cdef uint32_t b = <uint32_t> bits_f(x), magnitude = b & 0x7fffffff, sign = (b >> 16) & 0x8000, subnormal, y
    if float16_like is bfloat16:
        y = (b + 0x7fff + ((b >> 16) & 1)) >> 16
        y = (b >> 16) | 0x40 if x != x else y
        return bfloat16(<uint16_t> y)
    else:
        y = magnitude - (<uint32_t> 112 << 23)
        y = (y + 0xfff + ((y >> 13) & 1)) >> 13
        # Below 2^-14 the spacing is 2^-24, which is that of floats from 1/2 to 1: adding 1/2 rounds.
        subnormal = <uint32_t> bits_f(from_bits_f(<int32_t> magnitude) + <float> 0.5) - 0x3f000000
        y = subnormal if magnitude < 0x38800000 else y
        y = 0x7c00 if magnitude >= 0x47800000 else y                        # 2^16 and above
        y = 0x7e00 | ((magnitude >> 13) & 0x3ff) if magnitude > 0x7f800000 else y
        return half(<uint16_t> (y | sign))


# bfloat16 two at a time, as halves of 32 bits: [x0 x1 x2 x3 ..] becomes [x0 x2 .. | x1 x3 ..]. No element moves between
# lanes, as it would one by one, and vectors are twice as full.
cdef inline void widen_pair(const bfloat16* pair, float* first, float* second) noexcept nogil:
    cdef uint32_t both
    memcpy(&both, pair, sizeof(both))
    first[0] = from_bits_f(<int32_t> (both << 16))
    second[0] = from_bits_f(<int32_t> (both & <uint32_t> 0xffff0000))


# Precondition: a NaN has zeros in its low 16 bits, as those of bfloat16 inputs and parameters and the processor's own
# have. Otherwise its sum may round to inf or carry into the sign.
cdef inline uint32_t rounded(float x) noexcept nogil:
    cdef uint32_t b = <uint32_t> bits_f(x)
    return b + (0x8000 if b & 0x10000 else 0x7fff)


cdef inline void narrow_pair(bfloat16* pair, const float* first, const float* second) noexcept nogil:
    cdef uint32_t both = rounded(first[0]) >> 16 | rounded(second[0]) & <uint32_t> 0xffff0000
    memcpy(pair, &both, sizeof(both))


# A block to the dtype of the computation, and a block of 16-bit results back. bfloat16 has its elements in another
# order in between (see above). For float16 the floats must have room to the end of a vector: those beyond n are written
# too, and read.
cdef inline void load_block(const number* x, real* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, whole = n - n % max(HALF_LANES, 1)
    cdef number rest[LANES_16_BIT]
    if number is half and real is float and HALF_LANES != 0:
        while i < whole:
            widen_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            load_first(rest, x + i, n - i, sizeof(half))
            widen_lanes(rest, out + i)
    elif number is bfloat16 and real is float:
        loop_of_pairs(n // 2, VECTOR // 4, x, widen_pair, out, out + n // 2)
        if n % 2:
            out[n - 1] = widen(x[n - 1])
    elif number is half or number is bfloat16:
        loop1(n, VECTOR // 4, out, widen[number], x)
    else:
        for i in range(n):
            out[i] = <real> x[i]


cdef inline void store_block(const real* x, float16_like* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, whole = n - n % max(HALF_LANES, 1)
    cdef float16_like rest[LANES_16_BIT]
    if float16_like is half and real is float and HALF_LANES != 0:
        while i < whole:
            narrow_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            narrow_lanes(x + i, rest)
            store_first(out + i, rest, n - i, sizeof(half))
    elif float16_like is bfloat16 and real is float:
        loop_of_pairs(n // 2, VECTOR // 4, out, narrow_pair, x, x + n // 2)
        if n % 2:
            out[n - 1] = bfloat16(<uint16_t> (rounded(x[n - 1]) >> 16))
    else:
        loop2(n, VECTOR // 4, out, narrow[float16_like], x, out)
