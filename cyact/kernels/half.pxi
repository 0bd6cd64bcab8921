# float16 and bfloat16 to float and back, a block at a time.
#
# gcc does not vectorise conversions of _Float16, hence the processor's instructions where there are any, and integer
# arithmetic that vectorises elsewhere. Both round to nearest even and keep a NaN's payload; float16's becomes quiet.

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #include <immintrin.h>
    #define CYACT_HALF_LANES 16
    #define CYACT_WIDEN(x, out) _mm512_storeu_ps(out, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(x))))
    #define CYACT_NARROW(x, out) \\
        _mm256_storeu_si256((__m256i *)(out), _mm512_cvtps_ph(_mm512_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT))
    #elif defined(__F16C__) || defined(_MSC_VER) && defined(__AVX2__)
    #include <immintrin.h>
    #define CYACT_HALF_LANES 8
    #define CYACT_WIDEN(x, out) _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x))))
    #define CYACT_NARROW(x, out) \\
        _mm_storeu_si128((__m128i *)(out), _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT))
    #elif defined(__aarch64__)
    #include <arm_neon.h>
    #define CYACT_HALF_LANES 4
    #define CYACT_WIDEN(x, out) vst1q_f32(out, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)(x)))))
    #define CYACT_NARROW(x, out) vst1_u16((uint16_t *)(out), vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))))
    #else
    #define CYACT_HALF_LANES 0
    #define CYACT_WIDEN(x, out)
    #define CYACT_NARROW(x, out)
    #endif
    """
    enum: HALF_LANES "CYACT_HALF_LANES"
    void widen_lanes "CYACT_WIDEN"(const half* x, float* out) noexcept nogil
    void narrow_lanes "CYACT_NARROW"(const float* x, half* out) noexcept nogil
    const float HALF_SUBNORMAL "0x1p-24f"


cdef inline float widen(small x) noexcept nogil:
    cdef uint32_t sign = <uint32_t> (x.bits & 0x8000) << 16, magnitude = x.bits & 0x7fff, b
    if small is bfloat16:
        return from_bits_f(<int32_t> (<uint32_t> x.bits << 16))
    else:
        b = (magnitude << 13) + (<uint32_t> 112 << 23)                      # the exponent's bias is 15 there, 127 here
        b = b + (<uint32_t> 112 << 23) if magnitude >= 0x7c00 else b        # inf and NaN
        b = b | 0x400000 if magnitude > 0x7c00 else b
        b = <uint32_t> bits_f(<float> <int32_t> magnitude * HALF_SUBNORMAL) if magnitude < 0x400 else b
        return from_bits_f(<int32_t> (b | sign))


cdef inline small narrow(float x, small kind) noexcept nogil:
    cdef uint32_t b = <uint32_t> bits_f(x), magnitude = b & 0x7fffffff, sign = (b >> 16) & 0x8000, subnormal, y
    if small is bfloat16:
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


# bfloat16 two at a time, as halves of 32 bits: no instruction that moves elements between lanes, which conversion one
# by one needs, and vectors twice as full. A block's first half then has every second element, its other half the rest.
# The sum in ``rounded`` rounds NaN wrongly where its low bits are set: here they are not, since NaN of a formula is
# that of its bfloat16 input, or the processor's own.
cdef inline void load_pairs(const bfloat16* x, float* out, Py_ssize_t pairs) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t pair
    for i in range(pairs):
        memcpy(&pair, x + 2 * i, sizeof(pair))
        out[i] = from_bits_f(<int32_t> (pair << 16))
        out[pairs + i] = from_bits_f(<int32_t> (pair & <uint32_t> 0xffff0000))


cdef inline uint32_t rounded(float x) noexcept nogil:
    cdef uint32_t b = <uint32_t> bits_f(x)
    return b + (0x8000 if b & 0x10000 else 0x7fff)


cdef inline void store_pairs(const float* x, bfloat16* out, Py_ssize_t pairs) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t pair
    for i in range(pairs):
        pair = rounded(x[i]) >> 16 | rounded(x[pairs + i]) & <uint32_t> 0xffff0000
        memcpy(out + 2 * i, &pair, sizeof(pair))


# Conversion of a block to what is computed, in an order of its own, and back: integers toward zero. The floats of a
# block of halves go on to the end of a vector.
cdef inline void load_block(const number* x, real* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0
    cdef number rest[SMALL]
    if number is half and real is float and HALF_LANES != 0:
        while i + HALF_LANES <= n:
            widen_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            load_first(rest, x + i, n - i, sizeof(half))
            widen_lanes(rest, out + i)
    elif number is bfloat16 and real is float:
        load_pairs(x, out, n // 2)
        if n % 2:
            out[n - 1] = widen(x[n - 1])
    elif number is half or number is bfloat16:
        for i in range(n):
            out[i] = widen(x[i])
    else:
        for i in range(n):
            out[i] = <real> x[i]


cdef inline void store_block(const real* x, number* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0
    cdef number rest[SMALL]
    if number is half and real is float and HALF_LANES != 0:
        while i + HALF_LANES <= n:
            narrow_lanes(x + i, out + i)
            i += HALF_LANES
        if i < n:
            narrow_lanes(x + i, rest)
            store_first(out + i, rest, n - i, sizeof(half))
    elif number is bfloat16 and real is float:
        store_pairs(x, out, n // 2)
        if n % 2:
            out[n - 1] = bfloat16(<uint16_t> (rounded(x[n - 1]) >> 16))
    elif number is half or number is bfloat16:
        for i in range(n):
            out[i] = narrow(<float> x[i], out[i])
    else:
        for i in range(n):
            out[i] = <number> x[i]


# A double rounded once, to the dtype of a type character. For 16 bits it is first rounded to an odd float: two more
# bits than the result has, and no tie that was not one, make the second rounding right.
cdef void store(double value, char type, void* to) noexcept nogil:
    cdef float x = <float> value
    cdef int32_t b = bits_f(x)
    if type == b"d":
        (<double*> to)[0] = value
    elif type == b"f":
        (<float*> to)[0] = x
    else:
        if <double> x != value and value == value:
            b -= abs(<double> x) > abs(value)       # toward zero; from inf, to the largest float
            x = from_bits_f(b | 1)
        if type == b"e":
            (<half*> to)[0] = narrow[half](x, half(0))
        else:
            (<bfloat16*> to)[0] = narrow[bfloat16](x, bfloat16(0))
