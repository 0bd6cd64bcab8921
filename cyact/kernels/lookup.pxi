# Functions of eight-bit integers have 256 answers: tables, computed once by the float loop, so to the same bits.
#
# A look-up in memory is one element at a time. Processors with wide permutations hold the table in registers: all of
# it (AVX-512), or the first 32 entries where the rest are equal, as they are for uint8, soon saturated.

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #include <immintrin.h>
    #define CYACT_LOOKUP_LANES 16
    #define CYACT_LOOKUP_ALL 1
    #define CYACT_PERMUTE(t, k, v) \\
        _mm512_permutex2var_ps(_mm512_loadu_ps((t) + 32 * (k)), v, _mm512_loadu_ps((t) + 32 * (k) + 16))
    static inline void cyact_lookup_32(const float *t, const uint8_t *x, float *out) {
        __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)x));
        _mm512_storeu_ps(out, CYACT_PERMUTE(t, 0, _mm512_min_epi32(v, _mm512_set1_epi32(31))));
    }
    static inline void cyact_lookup_256(const float *t, const uint8_t *x, float *out) {
        __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)x));
        __mmask16 b5 = _mm512_test_epi32_mask(v, _mm512_set1_epi32(32));
        __mmask16 b6 = _mm512_test_epi32_mask(v, _mm512_set1_epi32(64));
        __mmask16 b7 = _mm512_test_epi32_mask(v, _mm512_set1_epi32(128));
        __m512 a = _mm512_mask_blend_ps(b5, CYACT_PERMUTE(t, 0, v), CYACT_PERMUTE(t, 1, v));
        __m512 b = _mm512_mask_blend_ps(b5, CYACT_PERMUTE(t, 2, v), CYACT_PERMUTE(t, 3, v));
        __m512 c = _mm512_mask_blend_ps(b5, CYACT_PERMUTE(t, 4, v), CYACT_PERMUTE(t, 5, v));
        __m512 d = _mm512_mask_blend_ps(b5, CYACT_PERMUTE(t, 6, v), CYACT_PERMUTE(t, 7, v));
        a = _mm512_mask_blend_ps(b6, a, b);
        c = _mm512_mask_blend_ps(b6, c, d);
        _mm512_storeu_ps(out, _mm512_mask_blend_ps(b7, a, c));
    }
    #elif defined(__AVX2__)
    #include <immintrin.h>
    #define CYACT_LOOKUP_LANES 8
    #define CYACT_LOOKUP_ALL 0
    #define CYACT_PERMUTE(t, k, v) _mm256_permutevar8x32_ps(_mm256_loadu_ps((t) + 8 * (k)), v)
    static inline void cyact_lookup_32(const float *t, const uint8_t *x, float *out) {
        __m256i v = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)x));
        v = _mm256_min_epi32(v, _mm256_set1_epi32(31));
        __m256 b3 = _mm256_castsi256_ps(_mm256_slli_epi32(v, 28)), b4 = _mm256_castsi256_ps(_mm256_slli_epi32(v, 27));
        __m256 a = _mm256_blendv_ps(CYACT_PERMUTE(t, 0, v), CYACT_PERMUTE(t, 1, v), b3);
        __m256 b = _mm256_blendv_ps(CYACT_PERMUTE(t, 2, v), CYACT_PERMUTE(t, 3, v), b3);
        _mm256_storeu_ps(out, _mm256_blendv_ps(a, b, b4));
    }
    #define cyact_lookup_256(t, x, out)
    #else
    #define CYACT_LOOKUP_LANES 0
    #define CYACT_LOOKUP_ALL 0
    #define cyact_lookup_32(t, x, out)
    #define cyact_lookup_256(t, x, out)
    #endif
    """
    enum: LOOKUP_LANES "CYACT_LOOKUP_LANES"
    enum: LOOKUP_ALL "CYACT_LOOKUP_ALL"
    void lookup_32 "cyact_lookup_32"(const float* entries, const uint8_t* x, float* out) noexcept nogil
    void lookup_256 "cyact_lookup_256"(const float* entries, const uint8_t* x, float* out) noexcept nogil

cdef struct Table:
    float entries[256]
    bint short              # every entry from 31 on is the same


# By the bits of the argument, seen as uint8.
cdef Table tabulated(
    void (*f)(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil, bint is_signed
) noexcept nogil:
    cdef Table table
    cdef int i
    for i in range(256):
        table.entries[i] = <int8_t> i if is_signed else i
    f(table.entries, table.entries, 256, False)
    table.short = True
    for i in range(32, 256):
        table.short = table.short and table.entries[i] == table.entries[31]
    return table


cdef void lookup(const Table* table, const uint8_t* x, float* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0
    # A copy that nothing else can point at, so that it is kept in registers.
    cdef float entries[256]
    cdef float pair[2]
    if LOOKUP_LANES != 0 and n >= LOOKUP_LANES and (table.short or LOOKUP_ALL):
        memcpy(entries, table.entries, sizeof(entries))
        if table.short:
            while i + LOOKUP_LANES <= n:
                lookup_32(entries, x + i, out + i)
                i += LOOKUP_LANES
        else:
            while i + LOOKUP_LANES <= n:
                lookup_256(entries, x + i, out + i)
                i += LOOKUP_LANES
    # Two at a time, stored at once: gcc would turn a plain loop into gathers, which are slower.
    while i + 2 <= n:
        pair[0] = table.entries[x[i]]
        pair[1] = table.entries[x[i + 1]]
        memcpy(out + i, pair, sizeof(pair))
        i += 2
    if i < n:
        out[i] = table.entries[x[i]]
