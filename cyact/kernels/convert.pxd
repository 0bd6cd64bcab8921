# float16 and bfloat16 to float and back, a block at a time.
#
# gcc does not vectorise conversions of _Float16, hence the processor's instructions where there are any, and integer
# arithmetic that vectorises elsewhere. Both round to nearest even and keep a NaN's payload; float16's becomes quiet.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from cyact.kernels.dtypes cimport bfloat16, float16_like, half, integer, number, real, short_integer
from cyact.kernels.elementary cimport bits_d, bits_f, from_bits_d, from_bits_f
from cyact.kernels.simd cimport (
    CONVERTS_64_BITS, HALF_LANES, LANES_16_BIT, VECTOR, int8_to_32, int16_to_32, load_first, loop1, loop2,
    loop_of_pairs, narrow_lanes, store_first, uint8_to_32, uint16_to_32, widen_lanes,
)

cdef extern from *:
    const float HALF_SUBNORMAL "0x1p-24f"
    const double LOWER "0x1p52"
    const double UPPER "0x1p84"
    const double EXCESS "(0x1p84 + 0x1p52)"
    const double SIGNED_EXCESS "(0x1p84 + 0x1p63 + 0x1p52)"


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


# A number as one of the dtype of the computation, rounded once.
#
# Integers of 64 bits to double: gcc makes scalar code of the conversion where the processor has none for vectors, three
# times as slow. There the upper and the lower half become the last bits of two doubles, 2^84 and 2^52, whose difference
# is taken out of the upper one. That is exact, and their sum is rounded once. A negative number is taken 2^63 higher.
cdef inline real converted(number x, real tag) noexcept nogil:
    cdef uint64_t bits
    cdef double high, low, excess = SIGNED_EXCESS if number is int64_t else EXCESS
    if number is half or number is bfloat16:
        return widen(x)
    elif (number is int64_t or number is uint64_t) and real is double:
        if CONVERTS_64_BITS:
            return <real> x
        bits = <uint64_t> x
        if number is int64_t:
            bits ^= <uint64_t> 1 << 63
        high = from_bits_d(<int64_t> (bits >> 32 | <uint64_t> bits_d(UPPER)))
        low = from_bits_d(<int64_t> ((bits & <uint64_t> 0xffffffff) | <uint64_t> bits_d(LOWER)))
        return high - excess + low
    else:
        return <real> x


# As many as a vector has floats.
cdef inline void load_int32(const short_integer* x, int32_t* to) noexcept nogil:
    if short_integer is int8_t:
        int8_to_32(x, to)
    elif short_integer is uint8_t:
        uint8_to_32(x, to)
    elif short_integer is int16_t:
        int16_to_32(x, to)
    else:
        uint16_to_32(x, to)


# As many integers as a vector has floats, as numbers of the dtype of the computation. gcc would choose the width of
# vectors by the shortest type of a loop.
cdef inline void load_integers(const integer* x, real* to) noexcept nogil:
    cdef int32_t wide[VECTOR]
    if integer is int8_t or integer is uint8_t or integer is int16_t or integer is uint16_t:
        load_int32(x, wide)
        loop2(VECTOR // sizeof(float), VECTOR // sizeof(float), to, converted[int32_t, real], wide, to)
    else:
        loop2(VECTOR // sizeof(float), VECTOR // sizeof(float), to, converted[integer, real], x, to)


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
    cdef number rest[VECTOR]
    if number is half and real is float and HALF_LANES != 0:
        while i < whole:
            widen_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            load_first(rest, x + i, n - i, sizeof(half))
            widen_lanes(rest, out + i)
    elif number is bfloat16 and real is float:
        loop_of_pairs(n // 2, LANES_16_BIT // 2, x, widen_pair, out, out + n // 2)
        if n % 2:
            out[n - 1] = widen(x[n - 1])
    elif number is half or number is bfloat16:
        loop1(n, LANES_16_BIT // 2, out, widen[number], x)
    else:
        for i in range(n):
            out[i] = converted(x[i], out[i])


cdef inline void store_block(const real* x, float16_like* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, whole = n - n % max(HALF_LANES, 1)
    cdef float16_like rest[VECTOR]
    if float16_like is half and real is float and HALF_LANES != 0:
        while i < whole:
            narrow_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            narrow_lanes(x + i, rest)
            store_first(out + i, rest, n - i, sizeof(half))
    elif float16_like is bfloat16 and real is float:
        loop_of_pairs(n // 2, LANES_16_BIT // 2, out, narrow_pair, x, x + n // 2)
        if n % 2:
            out[n - 1] = bfloat16(<uint16_t> (rounded(x[n - 1]) >> 16))
    else:
        loop2(n, LANES_16_BIT // 2, out, narrow[float16_like], x, out)
