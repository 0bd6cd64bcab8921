/* Everything that names an instruction set: fused multiply-add, vectors of a level's full width, conversions, look-ups.
   A level is this file compiled with that level's flags. */
#ifndef CYACT_SIMD_H
#define CYACT_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* ---- single numbers ---- */

/* Every aarch64 has the instruction, whether or not the compiler defines __FP_FAST_FMAF; MSVC has no macro but AVX2's. */
#if defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64) || defined(__FP_FAST_FMAF) || \
    defined(_MSC_VER) && defined(__AVX2__)
#define cyact_fmaf fmaf
#define cyact_fma fma
#define cyact_madf fmaf
#define cyact_mad fma
#define CYACT_HAS_FMA 1
#else
#define CYACT_HAS_FMA 0
/* Without the instruction, fma() is a library call of some 20 ns. A product of floats is exact in double; doubles are
   split into halves by their bits, and the error of their product found by Dekker's method, that of the sum by Knuth's.
   Both are rounded twice, so that now and then a last bit differs. */
static CYTHON_INLINE double cyact_upper_half(double a) {
    uint64_t b;
    memcpy(&b, &a, sizeof(b));
    b &= ~(uint64_t)0x7ffffff;
    memcpy(&a, &b, sizeof(a));
    return a;
}
static CYTHON_INLINE float cyact_fmaf(float a, float b, float c) { return (float)((double)a * b + c); }
static CYTHON_INLINE double cyact_fma(double a, double b, double c) {
    double ah = cyact_upper_half(a), al = a - ah, bh = cyact_upper_half(b), bl = b - bh;
    double p = a * b, pe = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    double s = p + c, v = s - p, se = (p - (s - v)) + (c - v), y = s + (pe + se);
    return y != y ? s : y;      /* where a splitting overflows, or the product */
}
static CYTHON_INLINE float cyact_madf(float a, float b, float c) { return a * b + c; }
static CYTHON_INLINE double cyact_mad(double a, double b, double c) { return a * b + c; }
#endif

/* What does not fit is undefined, but is to be the same in a vector, which aarch64 makes of int64. */
#if defined(__aarch64__)
#define CYACT_INT32(x) ((int32_t)(int64_t)(x))
#else
#define CYACT_INT32(x) ((int32_t)(x))
#endif

/* AVX2's arithmetic hands a NaN on as it is, payload and sign; elsewhere negation may change its sign. */
#if defined(__AVX2__)
#define CYACT_KEEPS_NAN 1
#else
#define CYACT_KEEPS_NAN 0
#endif
#define CYACT_OR_NAN(y, x) (!CYACT_KEEPS_NAN && (x) != (x) ? (x) : (y))

/* ---- float16 to float and back ---- */

/* clang knows that a number was a float16, and compares it as one, for which there is no instruction: one by one. This
   makes it forget. */
#if defined(__clang__) && defined(__aarch64__)
#define CYACT_FORGET(v) __asm__("" : "+w"(v))
#elif defined(__clang__)
#define CYACT_FORGET(v) __asm__("" : "+x"(v))
#else
#define CYACT_FORGET(v)
#endif
#define CYACT_WIDEN_BY(T, convert, store, out) do { T v = convert; CYACT_FORGET(v); store(out, v); } while (0)
#if defined(__AVX512F__)
#define CYACT_HALF_LANES 16
#define CYACT_WIDEN(x, out) \
    CYACT_WIDEN_BY(__m512, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(x))), _mm512_storeu_ps, out)
#define CYACT_NARROW(x, out) \
    _mm256_storeu_si256((__m256i *)(out), _mm512_cvtps_ph(_mm512_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT))
#elif defined(__F16C__) || defined(_MSC_VER) && defined(__AVX2__)
#define CYACT_HALF_LANES 8
#define CYACT_WIDEN(x, out) \
    CYACT_WIDEN_BY(__m256, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x))), _mm256_storeu_ps, out)
#define CYACT_NARROW(x, out) \
    _mm_storeu_si128((__m128i *)(out), _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT))
#elif defined(__aarch64__)
#define CYACT_HALF_LANES 4
#define CYACT_WIDEN(x, out) CYACT_WIDEN_BY( \
    float32x4_t, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)(x)))), vst1q_f32, out)
#define CYACT_NARROW(x, out) vst1_u16((uint16_t *)(out), vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x))))
#else
#define CYACT_HALF_LANES 0
#define CYACT_WIDEN(x, out)
#define CYACT_NARROW(x, out)
#endif

/* ---- tables in registers ---- */

/* 32 entries as floats, or as planes of bytes: byte k of all of them from 32 k on. */
#if defined(__AVX512F__)
#define CYACT_LOOKUP_LANES 16
#define CYACT_LOOKUP_ALL 1
#define CYACT_PERMUTE(t, k, v) \
    _mm512_permutex2var_ps(_mm512_loadu_ps((t) + 32 * (k)), v, _mm512_loadu_ps((t) + 32 * (k) + 16))
static inline void cyact_lookup_32(const float *t, const void *planes, const uint8_t *x, float *out) {
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
/* A shuffle looks up a byte among sixteen, or answers 0 where bit 7 of the index is set: two of them make 32 entries, and
   four such pairs the bytes of a float, which are then interleaved. That interleaves within lanes of 16 bytes, so the
   elements are brought into lanes first: 0-3, 8-11, 16-19, 24-27 and 4-7, 12-15, 20-23, 28-31. */
#define CYACT_LOOKUP_LANES 32
#define CYACT_LOOKUP_ALL 0
#define CYACT_ENTRIES(k) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)planes + (k)))
#define CYACT_BYTES(k) \
    _mm256_or_si256(_mm256_shuffle_epi8(CYACT_ENTRIES(2 * (k)), low), _mm256_shuffle_epi8(CYACT_ENTRIES(2 * (k) + 1), high))
static inline void cyact_lookup_32(const float *t, const void *planes, const uint8_t *x, float *out) {
    __m256i v = _mm256_loadu_si256((const __m256i *)x);
    v = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
    v = _mm256_min_epu8(v, _mm256_set1_epi8(31));
    __m256i low = _mm256_add_epi8(v, _mm256_set1_epi8(0x70)), high = _mm256_sub_epi8(v, _mm256_set1_epi8(16));
    __m256i a = CYACT_BYTES(0), b = CYACT_BYTES(1), c = CYACT_BYTES(2), d = CYACT_BYTES(3);
    __m256i ab = _mm256_unpacklo_epi8(a, b), cd = _mm256_unpacklo_epi8(c, d);
    _mm256_storeu_si256((__m256i *)out, _mm256_unpacklo_epi16(ab, cd));
    _mm256_storeu_si256((__m256i *)out + 1, _mm256_unpackhi_epi16(ab, cd));
    ab = _mm256_unpackhi_epi8(a, b), cd = _mm256_unpackhi_epi8(c, d);
    _mm256_storeu_si256((__m256i *)out + 2, _mm256_unpacklo_epi16(ab, cd));
    _mm256_storeu_si256((__m256i *)out + 3, _mm256_unpackhi_epi16(ab, cd));
}
#define cyact_lookup_256(t, x, out)
#else
#define CYACT_LOOKUP_LANES 0
#define CYACT_LOOKUP_ALL 0
#define cyact_lookup_32(t, planes, x, out)
#define cyact_lookup_256(t, x, out)
#endif

/* ---- vectors ---- */

/* CYACT_VECTOR is the bytes that a turn of a loop goes over: a vector; by clang two of them, but for AVX-512. It makes no
   vector code of a loop over two doubles, and has an instruction for each use of a constant that it keeps in memory.

   The clamps: min and max answer with their second operand where either is NaN. x stands second, so NaN stays. */

#if defined(__clang__) && !defined(__AVX512BW__)
#define CYACT_VECTORS 2
#else
#define CYACT_VECTORS 1
#endif
#define CYACT_VECTOR (CYACT_VECTORS * CYACT_REGISTER)
/* Where memory for vectors begins: at the first cache line of an array that is a line longer. Compilers may align an array
   to 16 bytes only. A vector in it may then lie in two lines, and a load of it reads both: rescale of int32 by clang took
   1.27 times as long so. */
#define CYACT_LINE 64
#define CYACT_AT_LINE(memory) ((char *)(((uintptr_t)(memory) + CYACT_LINE - 1) & ~(uintptr_t)(CYACT_LINE - 1)))
/* The pipeline's stages in one loop are up to 1.1 times as fast as in two. But clang goes over two vectors at a time, for
   which 16 registers are too few. */
#if defined(__clang__) && defined(__x86_64__) && !defined(__AVX512BW__)
#define CYACT_STAGES_APART 1
#else
#define CYACT_STAGES_APART 0
#endif
/* For the one vector, or both: k is 0, then 1. */
#define CYACT_BOTH(...) do { \
        { enum { k = 0 }; __VA_ARGS__; } \
        if (CYACT_VECTORS == 2) { enum { k = 1 }; __VA_ARGS__; } \
    } while (0)
#define CYACT_PART(to) ((to) + CYACT_REGISTER / sizeof *(to) * k)
#if defined(__AVX512BW__)
#define CYACT_REGISTER 64
#define CYACT_STORE(to, block) _mm512_storeu_si512(to, _mm512_loadu_si512(block))
#define CYACT_STREAM(to, block) _mm512_stream_si512((__m512i *)(to), _mm512_loadu_si512(block))
#define CYACT_CLAMP_IS_QUIET 1
static inline void cyact_load(void *to, const void *x, uint64_t mask, size_t itemsize) {
    _mm512_storeu_si512(to,
        itemsize == 1 ? _mm512_maskz_loadu_epi8(mask, x) : itemsize == 2 ? _mm512_maskz_loadu_epi16(mask, x) :
        itemsize == 4 ? _mm512_maskz_loadu_epi32(mask, x) : _mm512_maskz_loadu_epi64(mask, x));
}
static inline void cyact_store(void *to, const void *x, uint64_t mask, size_t itemsize) {
    if (itemsize == 1) _mm512_mask_storeu_epi8(to, mask, _mm512_loadu_si512(x));
    else if (itemsize == 2) _mm512_mask_storeu_epi16(to, mask, _mm512_loadu_si512(x));
    else if (itemsize == 4) _mm512_mask_storeu_epi32(to, mask, _mm512_loadu_si512(x));
    else _mm512_mask_storeu_epi64(to, mask, _mm512_loadu_si512(x));
}
#define cyact_load_first(to, x, n, itemsize) cyact_load(to, x, ((uint64_t)1 << (n)) - 1, itemsize)
#define cyact_store_first(to, x, n, itemsize) cyact_store(to, x, ((uint64_t)1 << (n)) - 1, itemsize)
/* A minimum that raises no flag for NaN */
#define CYACT_CLAMP(T, to, x, low, high) _mm512_storeu_p##T(to, \
    _mm512_max_round_p##T(_mm512_set1_p##T(low), _mm512_min_round_p##T(_mm512_set1_p##T(high), \
        _mm512_loadu_p##T(x), _MM_FROUND_NO_EXC), _MM_FROUND_NO_EXC))
#define CYACT_CLAMP_MAGNITUDE(T, to, x, high) _mm512_storeu_p##T(to, \
    _mm512_min_round_p##T(_mm512_set1_p##T(high), _mm512_abs_p##T(_mm512_loadu_p##T(x)), _MM_FROUND_NO_EXC))
#else
#if defined(__AVX2__)
#define CYACT_REGISTER 32
#define CYACT_STORE(to, block) \
    CYACT_BOTH(_mm256_storeu_si256((__m256i *)(to) + k, _mm256_loadu_si256((const __m256i *)(block) + k)))
#define CYACT_STREAM(to, block) \
    CYACT_BOTH(_mm256_stream_si256((__m256i *)(to) + k, _mm256_loadu_si256((const __m256i *)(block) + k)))
#define CYACT_CLAMP(T, to, x, low, high) CYACT_BOTH(_mm256_storeu_p##T(CYACT_PART(to), _mm256_max_p##T( \
    _mm256_set1_p##T(low), _mm256_min_p##T(_mm256_set1_p##T(high), _mm256_loadu_p##T(CYACT_PART(x))))))
#define CYACT_CLAMP_MAGNITUDE(T, to, x, high) CYACT_BOTH(_mm256_storeu_p##T(CYACT_PART(to), _mm256_min_p##T( \
    _mm256_set1_p##T(high), _mm256_andnot_p##T(_mm256_set1_p##T(-0.0), _mm256_loadu_p##T(CYACT_PART(x))))))
#elif defined(__SSE2__)
#define CYACT_REGISTER 16
#define CYACT_STORE(to, block) \
    CYACT_BOTH(_mm_storeu_si128((__m128i *)(to) + k, _mm_loadu_si128((const __m128i *)(block) + k)))
#define CYACT_STREAM(to, block) \
    CYACT_BOTH(_mm_stream_si128((__m128i *)(to) + k, _mm_loadu_si128((const __m128i *)(block) + k)))
#define CYACT_CLAMP(T, to, x, low, high) CYACT_BOTH(_mm_storeu_p##T(CYACT_PART(to), \
    _mm_max_p##T(_mm_set1_p##T(low), _mm_min_p##T(_mm_set1_p##T(high), _mm_loadu_p##T(CYACT_PART(x))))))
#define CYACT_CLAMP_MAGNITUDE(T, to, x, high) CYACT_BOTH(_mm_storeu_p##T(CYACT_PART(to), _mm_min_p##T( \
    _mm_set1_p##T(high), _mm_andnot_p##T(_mm_set1_p##T(-0.0), _mm_loadu_p##T(CYACT_PART(x))))))
#else
#define CYACT_REGISTER 16
#define CYACT_STORE(to, block) memcpy(to, block, CYACT_VECTOR)
#define CYACT_STREAM CYACT_STORE
#define CYACT_CLAMP(T, to, x, low, high) CYACT_EACH(to, x, (low) > v ? (low) : (high) < v ? (high) : v)
#define CYACT_CLAMP_MAGNITUDE(T, to, x, high) CYACT_EACH(to, x, v = fabs(v), (high) < v ? (high) : v)
#define CYACT_EACH(to, x, ...) CYACT_VECTOR_LOOP(CYACT_VECTOR / sizeof *(to), CYACT_VECTOR / sizeof *(to), \
    CYACT_TYPE(*(to)) v = (x)[i]; (to)[i] = (__VA_ARGS__))
#if defined(__GNUC__)
#define CYACT_TYPE(x) __typeof__(x)
#else
#define CYACT_TYPE(x) double
#endif
#endif
#define CYACT_CLAMP_IS_QUIET 0
/* A function: what compilers make of a few bytes in line is more code than most loops. */
#if defined(__GNUC__)
__attribute__((noinline))
#elif defined(_MSC_VER)
__declspec(noinline)
#endif
static void cyact_copy_few(void *to, const void *x, size_t n) { memcpy(to, x, n); }
static CYTHON_INLINE void cyact_load_first(void *to, const void *x, size_t n, size_t itemsize) {
#if defined(__AVX2__)
    if (itemsize == 4) {
        const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        CYACT_BOTH(__m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - 8 * k), numbers);
            _mm256_storeu_si256((__m256i *)to + k, _mm256_maskload_epi32((const int *)x + 8 * k, mask)));
        return;
    }
    if (itemsize == 8) {
        const __m256i numbers = _mm256_setr_epi64x(0, 1, 2, 3);
        CYACT_BOTH(__m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n - 4 * k), numbers);
            _mm256_storeu_si256((__m256i *)to + k, _mm256_maskload_epi64((const long long *)x + 4 * k, mask)));
        return;
    }
#endif
    memset(to, 0, CYACT_VECTOR);
    cyact_copy_few(to, x, n * itemsize);
}
#define cyact_store_first(to, x, n, itemsize) cyact_copy_few(to, x, (n) * (itemsize))
#endif
#if defined(__AVX2__) || defined(__SSE2__)
#define CYACT_CAN_STREAM 1
#define CYACT_FENCE() _mm_sfence()
#else
#define CYACT_CAN_STREAM 0
#define CYACT_FENCE()
#endif
/* Two numbers by one store. As a vector, since clang makes two stores of an array of them. */
static CYTHON_INLINE void cyact_store_pair(float *to, float a, float b) {
#if defined(__GNUC__)
    typedef float pair __attribute__((vector_size(8), aligned(4), may_alias));
    *(pair *)to = (pair){a, b};
#else
    to[0] = a;
    to[1] = b;
#endif
}
#if defined(__GNUC__)
#define CYACT_PREFETCH(p) __builtin_prefetch(p)
#else
#define CYACT_PREFETCH(p)
#endif
#define CYACT_CLAMP_F(to, x, low, high) CYACT_CLAMP(s, to, x, low, high)
#define CYACT_CLAMP_D(to, x, low, high) CYACT_CLAMP(d, to, x, low, high)
#define CYACT_CLAMP_MAGNITUDE_F(to, x, high) CYACT_CLAMP_MAGNITUDE(s, to, x, high)
#define CYACT_CLAMP_MAGNITUDE_D(to, x, high) CYACT_CLAMP_MAGNITUDE(d, to, x, high)

/* ---- integers ---- */

#if defined(__AVX512DQ__) || defined(__aarch64__)
#define CYACT_CONVERTS_64_BITS 1
#else
#define CYACT_CONVERTS_64_BITS 0
#endif

/* There is a minimum of vectors of unsigned integers, one instruction, for so many bytes of an integer. */
#if defined(__AVX512F__)
#define CYACT_WIDEST_MINIMUM 8
#else
#define CYACT_WIDEST_MINIMUM 4
#endif

/* clang knows that a block of doubles was integers, and finds their signs from those, by another instruction for each
   vector. This makes it forget. n is a constant. */
#if defined(__clang__) && (defined(__x86_64__) || defined(__aarch64__))
typedef double cyact_doubles_t __attribute__((vector_size(CYACT_REGISTER), aligned(8), may_alias));
#define CYACT_FORGET_INTEGERS(block, n) do { \
        _Pragma("clang loop unroll(full)") for (size_t j = 0; j < (n); j += CYACT_REGISTER / 8) { \
            cyact_doubles_t *at = (cyact_doubles_t *)((double *)(block) + j), v = *at; \
            CYACT_FORGET(v); \
            *at = v; \
        } \
    } while (0)
#else
#define CYACT_FORGET_INTEGERS(block, n)
#endif
/* Makes clang forget the value of a number, where it makes worse code because it knows it. */
#if defined(__clang__)
#define CYACT_FORGET_NUMBER(x) __asm__("" : "+m"(*(x)))
#else
#define CYACT_FORGET_NUMBER(x)
#endif

/* Short integers to int32, as many as CYACT_VECTOR has floats. */

/* gcc would choose vectors by the shorter type, and compute with a quarter of a vector's width. */
#if defined(__AVX512F__)
#define CYACT_LOAD_8 _mm_loadu_si128
#define CYACT_LOAD_16 _mm256_loadu_si256
#define CYACT_TO_32(to, convert, x) _mm512_storeu_si512(to, _mm512_##convert(x))
#elif defined(__AVX2__)
#define CYACT_LOAD_8 _mm_loadl_epi64
#define CYACT_LOAD_16 _mm_loadu_si128
#define CYACT_TO_32(to, convert, x) _mm256_storeu_si256((void *)(to), _mm256_##convert(x))
#elif defined(__SSE4_1__)
static inline __m128i cyact_load_4(const void *x) { int32_t i; memcpy(&i, x, 4); return _mm_cvtsi32_si128(i); }
#define CYACT_LOAD_8 cyact_load_4
#define CYACT_LOAD_16 _mm_loadl_epi64
#define CYACT_TO_32(to, convert, x) _mm_storeu_si128((void *)(to), _mm_##convert(x))
#endif
#if defined(CYACT_TO_32)
#define CYACT_SPREAD(bits, sign, convert) \
    static inline void cyact_##sign##bits##_to_32(const sign##bits##_t *x, int32_t *to) { \
        CYACT_BOTH(CYACT_TO_32(CYACT_PART(to), convert, \
            CYACT_LOAD_##bits((const void *)(x + CYACT_REGISTER / sizeof *to * k)))); }
#else
#define CYACT_SPREAD(bits, sign, convert) static inline void cyact_##sign##bits##_to_32( \
    const sign##bits##_t *x, int32_t *to) { for (int i = 0; i < CYACT_VECTOR / 4; i++) to[i] = x[i]; }
#endif
CYACT_SPREAD(8, int, cvtepi8_epi32)
CYACT_SPREAD(8, uint, cvtepu8_epi32)
CYACT_SPREAD(16, int, cvtepi16_epi32)
CYACT_SPREAD(16, uint, cvtepu16_epi32)

/* ---- loops that become vector code ---- */

/* A compiler makes one vector operation of each operation in a loop over a vector's elements. It is told that no turn
   depends on another: gcc would compile each loop once more, as scalar code for arrays that overlap, and find out which
   one to run at every call. clang would unroll so short a loop before it looks for vectors; hence it is told not to,
   and how many elements to take at a time, ``width``, a constant. It warns where it fails (-Wpass-failed). */
#define CYACT_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define CYACT_INDEPENDENT(width) \
    CYACT_PRAGMA(clang loop vectorize(assume_safety) vectorize_width(width) interleave_count(1) unroll(disable))
#elif defined(__GNUC__)
#define CYACT_INDEPENDENT(width) CYACT_PRAGMA(GCC ivdep)
#else
#define CYACT_INDEPENDENT(width)
#endif
#define CYACT_VECTOR_LOOP(n, width, ...) do { \
        CYACT_INDEPENDENT(width) for (ptrdiff_t i = 0; i < (ptrdiff_t)(n); i++) { __VA_ARGS__; } } while (0)
#define CYACT_LOOP(n, width, f, ...) CYACT_VECTOR_LOOP(n, width, f(i, __VA_ARGS__))
#define CYACT_LOOP1(n, width, to, f, x) CYACT_VECTOR_LOOP(n, width, (to)[i] = f((x)[i]))
#define CYACT_LOOP2(n, width, to, f, x, y) CYACT_VECTOR_LOOP(n, width, (to)[i] = f((x)[i], (y)[i]))
#define CYACT_LOOP3(n, width, to, f, x, y, z) CYACT_VECTOR_LOOP(n, width, (to)[i] = f((x)[i], (y)[i], (z)[i]))
#define CYACT_LOOP4(n, width, to, f, w, x, y, z) CYACT_VECTOR_LOOP(n, width, (to)[i] = f((w)[i], (x)[i], (y)[i], (z)[i]))
#define CYACT_LOOP5(n, width, to, f, v, w, x, y, z) \
    CYACT_VECTOR_LOOP(n, width, (to)[i] = f((v)[i], (w)[i], (x)[i], (y)[i], (z)[i]))
#define CYACT_LOOP6(n, width, to, f, u, v, w, x, y, z) \
    CYACT_VECTOR_LOOP(n, width, (to)[i] = f((u)[i], (v)[i], (w)[i], (x)[i], (y)[i], (z)[i]))
#define CYACT_LOOP_TO3(n, width, a, b, c, f, x, y) CYACT_VECTOR_LOOP(n, width, f((x)[i], (y)[i], (a) + i, (b) + i, (c) + i))
#define CYACT_LOOP_OF_PAIRS(n, width, pairs, f, a, b) CYACT_VECTOR_LOOP(n, width, f((pairs) + 2 * i, (a) + i, (b) + i))

/* n pixels of ``count`` channels into planes, and planes into pixels. Both are constants. */
#define CYACT_SPLIT(n, count, a, b, c, d, x) CYACT_VECTOR_LOOP(n, n, \
    (a)[i] = (x)[(count) * i]; (b)[i] = (x)[(count) * i + 1]; \
    if ((count) > 2) (c)[i] = (x)[(count) * i + 2]; \
    if ((count) > 3) (d)[i] = (x)[(count) * i + 3])
#define CYACT_JOIN(n, count, a, b, c, d, x) CYACT_VECTOR_LOOP(n, n, \
    (x)[(count) * i] = (a)[i]; (x)[(count) * i + 1] = (b)[i]; \
    if ((count) > 2) (x)[(count) * i + 2] = (c)[i]; \
    if ((count) > 3) (x)[(count) * i + 3] = (d)[i])

/* ---- every second place ---- */

#if defined(__AVX512BW__)
/* 32 bytes of units to every second place, and nothing in between: what lies there is another array's. */
#define CYACT_HAS_SPREAD 1
static inline void cyact_spread(void *to, const void *source, size_t itemsize) {
    __m256i x = _mm256_loadu_si256((const __m256i *)source);
    const __m512i order = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
    if (itemsize == 1) _mm512_mask_storeu_epi8(to, 0x5555555555555555, _mm512_cvtepu8_epi16(x));
    else if (itemsize == 2) _mm512_mask_storeu_epi16(to, 0x55555555, _mm512_cvtepu16_epi32(x));
    else if (itemsize == 4) _mm512_mask_storeu_epi32(to, 0x5555, _mm512_cvtepu32_epi64(x));
    else _mm512_mask_storeu_epi64(to, 0x55, _mm512_permutexvar_epi64(order, _mm512_castsi256_si512(x)));
}
#else
#define CYACT_HAS_SPREAD 0
#define cyact_spread(to, source, itemsize)
#endif

/* ---- sixteen bytes in another order ---- */

/* Byte i of what is written is byte order[i] of what is read; all are read first. */
static CYTHON_INLINE void cyact_shuffle(void *to, const void *source, const uint8_t *order) {
#if defined(__SSSE3__) || defined(_MSC_VER) && defined(__AVX2__)
    __m128i x = _mm_loadu_si128((const __m128i *)source);
    _mm_storeu_si128((__m128i *)to, _mm_shuffle_epi8(x, _mm_loadu_si128((const __m128i *)order)));
#elif defined(__aarch64__)
    vst1q_u8((uint8_t *)to, vqtbl1q_u8(vld1q_u8((const uint8_t *)source), vld1q_u8(order)));
#else
    uint8_t x[16], y[16];
    memcpy(x, source, 16);
    for (int i = 0; i < 16; i++) y[i] = x[order[i]];
    memcpy(to, y, 16);
#endif
}

/* ---- copies ---- */

/* memcpy of a few dozen bytes without the call: whole pieces, the last of which overlaps the one before. */
#define CYACT_COPY(to, x, size) do { char t[size]; memcpy(t, x, size); memcpy(to, t, size); } while (0)
static CYTHON_INLINE void cyact_copy_bytes(void *to, const void *x, size_t n) {
    char *p = (char *)to;
    const char *q = (const char *)x;
    if (n > 256) {
        memcpy(p, q, n);
    } else if (n >= 16) {
        for (size_t i = 0; i < n - 16; i += 16) CYACT_COPY(p + i, q + i, 16);
        CYACT_COPY(p + n - 16, q + n - 16, 16);
    } else if (n >= 8) {
        CYACT_COPY(p, q, 8);
        CYACT_COPY(p + n - 8, q + n - 8, 8);
    } else if (n >= 4) {
        CYACT_COPY(p, q, 4);
        CYACT_COPY(p + n - 4, q + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++) p[i] = q[i];
    }
}

/* ---- squares ---- */

/* gcc keeps an array in registers only where the loops over it are unrolled. */
#if defined(__GNUC__)
#define CYACT_UNROLL _Pragma("GCC unroll 16")
#else
#define CYACT_UNROLL
#endif

/* Exchanges rows and columns of squares of 16 bytes a side, one in each of CYACT_SQUARES lanes of a vector: the rows of
   the second square follow those of the first in the source, its columns follow in each row that is written.
   Interleaving each row of the upper half with that of the lower one, as often as the side has bits, does it. */
#if defined(__AVX2__)
#define CYACT_SQUARES 2
#define cyact_square_t __m256i
#define CYACT_X86(f) _mm256_##f
#define cyact_load_row(p, next) _mm256_inserti128_si256( \
    _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(p))), _mm_loadu_si128((const __m128i *)((p) + (next))), 1)
#define cyact_store_row(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#elif defined(__SSE2__) || defined(_M_X64)
#define cyact_square_t __m128i
#define CYACT_X86(f) _mm_##f
#define cyact_load_row(p, next) _mm_loadu_si128((const __m128i *)(p))
#define cyact_store_row(p, x) _mm_storeu_si128((__m128i *)(p), x)
#elif defined(__aarch64__)
#define cyact_square_t uint8x16_t
#define cyact_load_row(p, next) vld1q_u8((const uint8_t *)(p))
#define cyact_store_row(p, x) vst1q_u8((uint8_t *)(p), x)
#define CYACT_ZIP(k, T, a, b) vreinterpretq_u8_u##T(vzip##k##q_u##T(vreinterpretq_u##T##_u8(a), vreinterpretq_u##T##_u8(b)))
#define cyact_low(a, b, itemsize) ((itemsize) == 1 ? vzip1q_u8(a, b) : (itemsize) == 2 ? \
    CYACT_ZIP(1, 16, a, b) : (itemsize) == 4 ? CYACT_ZIP(1, 32, a, b) : CYACT_ZIP(1, 64, a, b))
#define cyact_high(a, b, itemsize) ((itemsize) == 1 ? vzip2q_u8(a, b) : (itemsize) == 2 ? \
    CYACT_ZIP(2, 16, a, b) : (itemsize) == 4 ? CYACT_ZIP(2, 32, a, b) : CYACT_ZIP(2, 64, a, b))
#endif
#if defined(CYACT_X86)
#define cyact_low(a, b, itemsize) ((itemsize) == 1 ? CYACT_X86(unpacklo_epi8)(a, b) : (itemsize) == 2 ? \
    CYACT_X86(unpacklo_epi16)(a, b) : (itemsize) == 4 ? CYACT_X86(unpacklo_epi32)(a, b) : CYACT_X86(unpacklo_epi64)(a, b))
#define cyact_high(a, b, itemsize) ((itemsize) == 1 ? CYACT_X86(unpackhi_epi8)(a, b) : (itemsize) == 2 ? \
    CYACT_X86(unpackhi_epi16)(a, b) : (itemsize) == 4 ? CYACT_X86(unpackhi_epi32)(a, b) : CYACT_X86(unpackhi_epi64)(a, b))
#endif
#if !defined(CYACT_SQUARES)
#define CYACT_SQUARES 1
#endif
static CYTHON_INLINE void cyact_transpose_squares(
    char *to, ptrdiff_t to_row, const char *source, ptrdiff_t row, size_t itemsize
) {
#ifdef cyact_square_t
    cyact_square_t a[16], b[16];
    const size_t side = 16 / itemsize;
    CYACT_UNROLL for (size_t i = 0; i < side; i++) a[i] = cyact_load_row(source + i * row, (ptrdiff_t)side * row);
    CYACT_UNROLL for (size_t k = 1; k < side; k *= 2) {
        CYACT_UNROLL for (size_t i = 0; i < side / 2; i++) {
            b[2 * i] = cyact_low(a[i], a[i + side / 2], itemsize);
            b[2 * i + 1] = cyact_high(a[i], a[i + side / 2], itemsize);
        }
        CYACT_UNROLL for (size_t i = 0; i < side; i++) a[i] = b[i];
    }
    CYACT_UNROLL for (size_t i = 0; i < side; i++) cyact_store_row(to + i * to_row, a[i]);
#else
    for (size_t i = 0; i < 16 / itemsize; i++)
        for (size_t j = 0; j < 16 / itemsize; j++)
            memcpy(to + i * to_row + j * itemsize, source + j * row + i * itemsize, itemsize);
#endif
}

/* ---- masks ---- */

/* A vector of units to where the bytes of a mask are not 0. The processor leaves the others alone.
   AVX2 has such stores too, which are not used: AMD's processors take as long for one as for several plain ones. */
#if defined(__AVX512BW__) && defined(__AVX512VL__)
#define CYACT_HAS_MASKED_STORES 1
static inline void cyact_store_where(void *to, const void *x, const uint8_t *mask, size_t itemsize) {
    uint64_t bits;
    if (itemsize == 1) {
        __m512i m = _mm512_loadu_si512(mask);
        bits = _mm512_test_epi8_mask(m, m);
    } else if (itemsize == 2) {
        __m256i m = _mm256_loadu_si256((const __m256i *)mask);
        bits = _mm256_test_epi8_mask(m, m);
    } else {
        __m128i m = itemsize == 4 ? _mm_loadu_si128((const __m128i *)mask) : _mm_loadl_epi64((const __m128i *)mask);
        bits = _mm_test_epi8_mask(m, m);
    }
    cyact_store(to, x, bits, itemsize);
}
#else
#define CYACT_HAS_MASKED_STORES 0
#define cyact_store_where(to, x, mask, itemsize)
#endif

/* ---- floating-point flags ---- */

/* Vector code raises floating-point flags (an overflow in an unused lane, say), which NumPy would turn into
   warnings. fenv.h's functions take longer than a short call. */
#if defined(__SSE2__) || defined(_M_X64)
#define CYACT_GET_STATUS() _mm_getcsr()
#define CYACT_SET_STATUS(s) _mm_setcsr(s)
#define CYACT_WARNINGS (_MM_EXCEPT_INVALID | _MM_EXCEPT_DIV_ZERO | _MM_EXCEPT_OVERFLOW | _MM_EXCEPT_UNDERFLOW)
#elif defined(__aarch64__) && defined(__GNUC__)
static inline unsigned int cyact_get_status(void) {
    uint64_t s;
    __asm__ volatile("mrs %0, fpsr" : "=r"(s));
    return (unsigned int)s;
}
static inline void cyact_set_status(unsigned int s) { __asm__ volatile("msr fpsr, %0" : : "r"((uint64_t)s)); }
#define CYACT_GET_STATUS() cyact_get_status()
#define CYACT_SET_STATUS(s) cyact_set_status(s)
#define CYACT_WARNINGS 15   /* invalid, division by zero, overflow, underflow */
#else
#include <fenv.h>
static unsigned int cyact_get_status(void) { return (unsigned int)fetestexcept(FE_ALL_EXCEPT); }
static void cyact_set_status(unsigned int s) { feclearexcept(FE_ALL_EXCEPT & ~(int)s); }
#define CYACT_GET_STATUS() cyact_get_status()
#define CYACT_SET_STATUS(s) cyact_set_status(s)
#define CYACT_WARNINGS (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW)
#endif

#endif
