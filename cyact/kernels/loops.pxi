# The generic loops, each written once. They know no formula: one is passed in, and inlined.
#
# Kernels see contiguous arrays alone: ``map*`` below. Where all operands have one dtype, they go vector by vector,
# through a block of that size that the compiler keeps in a register: whether the output is an input then makes no
# difference, for which it would otherwise add scalar loops. What is left at the end is one more vector, filled up.
# ``walk`` brings arrays of other strides to the kernels.

cdef enum:
    BLOCK = 512     # elements: a block of each operand, of the widest dtype, stays in the first-level cache
    STAGE = 512     # bytes that a stage goes over in one turn
    AHEAD = 2048    # bytes from where the inputs are read, all together, to what is fetched where output is streamed

cdef extern from *:
    """
    #if defined(__AVX512BW__)
    #include <immintrin.h>
    #define CYACT_VECTOR 64
    #define CYACT_STORE(to, block) _mm512_storeu_si512(to, _mm512_loadu_si512(block))
    #define CYACT_STREAM(to, block) _mm512_stream_si512((__m512i *)(to), _mm512_loadu_si512(block))
    /* In halves, as the conversion stored it: a load of the whole would wait for both to be in the cache. */
    static inline void cyact_stream_small(void *to, const void *block) {
        _mm256_stream_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)block));
        _mm256_stream_si256((__m256i *)to + 1, _mm256_loadu_si256((const __m256i *)block + 1));
    }
    #define CYACT_MASKS 1
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
    static inline uint64_t cyact_chosen(const void *chosen, size_t itemsize) {
        __m512i c = _mm512_loadu_si512(chosen);
        return itemsize == 4 ? _mm512_test_epi32_mask(c, c) : _mm512_test_epi64_mask(c, c);
    }
    /* A minimum that raises no flag for NaN */
    #define CYACT_BOUND(T, to, x, low, high) _mm512_storeu_p##T(to, \\
        _mm512_max_round_p##T(_mm512_set1_p##T(low), _mm512_min_round_p##T(_mm512_set1_p##T(high), \\
            _mm512_loadu_p##T(x), _MM_FROUND_NO_EXC), _MM_FROUND_NO_EXC))
    #define CYACT_MAGNITUDE(T, to, x, high) _mm512_storeu_p##T(to, \\
        _mm512_min_round_p##T(_mm512_set1_p##T(high), _mm512_abs_p##T(_mm512_loadu_p##T(x)), _MM_FROUND_NO_EXC))
    #else
    #if defined(__AVX2__)
    #include <immintrin.h>
    #define CYACT_VECTOR 32
    #define CYACT_STORE(to, block) \\
        _mm256_storeu_si256((__m256i *)(to), _mm256_loadu_si256((const __m256i *)(block)))
    #define CYACT_STREAM(to, block) \\
        _mm256_stream_si256((__m256i *)(to), _mm256_loadu_si256((const __m256i *)(block)))
    static inline void cyact_stream_small(void *to, const void *block) {
        _mm_stream_si128((__m128i *)to, _mm_loadu_si128((const __m128i *)block));
        _mm_stream_si128((__m128i *)to + 1, _mm_loadu_si128((const __m128i *)block + 1));
    }
    #define CYACT_BOUND(T, to, x, low, high) _mm256_storeu_p##T(to, \\
        _mm256_max_p##T(_mm256_set1_p##T(low), _mm256_min_p##T(_mm256_set1_p##T(high), _mm256_loadu_p##T(x))))
    #define CYACT_MAGNITUDE(T, to, x, high) _mm256_storeu_p##T(to, _mm256_min_p##T(_mm256_set1_p##T(high), \\
        _mm256_andnot_p##T(_mm256_set1_p##T(-0.0), _mm256_loadu_p##T(x))))
    #elif defined(__SSE2__)
    #include <immintrin.h>
    #define CYACT_VECTOR 16
    #define CYACT_STORE(to, block) _mm_storeu_si128((__m128i *)(to), _mm_loadu_si128((const __m128i *)(block)))
    #define CYACT_STREAM(to, block) _mm_stream_si128((__m128i *)(to), _mm_loadu_si128((const __m128i *)(block)))
    #define cyact_stream_small CYACT_STREAM
    #define CYACT_BOUND(T, to, x, low, high) _mm_storeu_p##T(to, \\
        _mm_max_p##T(_mm_set1_p##T(low), _mm_min_p##T(_mm_set1_p##T(high), _mm_loadu_p##T(x))))
    #define CYACT_MAGNITUDE(T, to, x, high) _mm_storeu_p##T(to, _mm_min_p##T(_mm_set1_p##T(high), \\
        _mm_andnot_p##T(_mm_set1_p##T(-0.0), _mm_loadu_p##T(x))))
    #else
    #define CYACT_VECTOR 16
    #define CYACT_STORE(to, block) memcpy(to, block, 16)
    #define CYACT_STREAM CYACT_STORE
    #define cyact_stream_small CYACT_STORE
    #define CYACT_BOUND(T, to, x, low, high) CYACT_EACH(to, x, (low) > v ? (low) : (high) < v ? (high) : v)
    #define CYACT_MAGNITUDE(T, to, x, high) CYACT_EACH(to, x, v = fabs(v), (high) < v ? (high) : v)
    #define CYACT_EACH(to, x, ...) \\
        for (size_t i = 0; i < 16 / sizeof *(to); i++) { CYACT_TYPE(*(to)) v = (x)[i]; (to)[i] = (__VA_ARGS__); }
    #if defined(__GNUC__)
    #define CYACT_TYPE(x) __typeof__(x)
    #else
    #define CYACT_TYPE(x) double
    #endif
    #endif
    #define CYACT_MASKS 0
    #define cyact_load(to, x, mask, itemsize)
    #define cyact_store(to, x, mask, itemsize)
    #define cyact_chosen(chosen, itemsize) 0
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
            __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            _mm256_storeu_si256((__m256i *)to, _mm256_maskload_epi32((const int *)x, mask));
            return;
        }
        if (itemsize == 8) {
            __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
            _mm256_storeu_si256((__m256i *)to, _mm256_maskload_epi64((const long long *)x, mask));
            return;
        }
    #endif
        memset(to, 0, CYACT_VECTOR);
        cyact_copy_few(to, x, n * itemsize);
    }
    #define cyact_store_first(to, x, n, itemsize) cyact_copy_few(to, x, (n) * (itemsize))
    #endif
    #if defined(__AVX2__) || defined(__SSE2__)
    #define CYACT_PAST_CACHE 1
    #define CYACT_FENCE() _mm_sfence()
    #else
    #define CYACT_PAST_CACHE 0
    #define CYACT_FENCE()
    #endif
    #if defined(__AVX2__)
    #define CYACT_LOOPS_STREAM 1
    #else
    #define CYACT_LOOPS_STREAM 0
    #endif
    #if defined(__GNUC__)
    #define CYACT_PREFETCH(p) __builtin_prefetch(p)
    #else
    #define CYACT_PREFETCH(p)
    #endif
    #define CYACT_BOUND_F(to, x, low, high) CYACT_BOUND(s, to, x, low, high)
    #define CYACT_BOUND_D(to, x, low, high) CYACT_BOUND(d, to, x, low, high)
    #define CYACT_MAGNITUDE_F(to, x, high) CYACT_MAGNITUDE(s, to, x, high)
    #define CYACT_MAGNITUDE_D(to, x, high) CYACT_MAGNITUDE(d, to, x, high)
    """
    enum: VECTOR "CYACT_VECTOR"             # bytes
    enum: SMALL "(CYACT_VECTOR / 2)"        # elements of 16 bits
    # gcc would copy a block in halves, by way of memory, where it sees a loop or memcpy.
    void store_vector "CYACT_STORE"(void* to, const void* block) noexcept nogil
    const bint PAST_CACHE "CYACT_PAST_CACHE"        # there are stores past the cache
    const bint LOOPS_STREAM "CYACT_LOOPS_STREAM"    # loops use them: more code than the oldest processors are worth
    # Such a store; ``to`` is a multiple of the vector's size.
    void stream_vector "CYACT_STREAM"(void* to, const void* block) noexcept nogil
    void stream_small "cyact_stream_small"(void* to, const void* block) noexcept nogil      # of 16 bits
    const bint HAS_MASKS "CYACT_MASKS"      # of lanes, for loads and stores of a vector
    void load_lanes "cyact_load"(void* to, const void* x, uint64_t mask, size_t itemsize) noexcept nogil
    void store_lanes "cyact_store"(void* to, const void* x, uint64_t mask, size_t itemsize) noexcept nogil
    # The first elements of a vector; the rest is loaded as zero.
    void load_first "cyact_load_first"(void* to, const void* x, size_t n, size_t itemsize) noexcept nogil
    void store_first "cyact_store_first"(void* to, const void* x, size_t n, size_t itemsize) noexcept nogil
    # Which lanes are chosen, of 4 or 8 bytes.
    uint64_t chosen_lanes "cyact_chosen"(const void* chosen, size_t itemsize) noexcept nogil
    # A vector within bounds, and its magnitude at most a bound. NaN stays as it is: no condition that sees to that
    # becomes a minimum in gcc's vector code.
    void bound_f "CYACT_BOUND_F"(float* to, const float* x, float low, float high) noexcept nogil
    void bound_d "CYACT_BOUND_D"(double* to, const double* x, double low, double high) noexcept nogil
    void magnitude_f "CYACT_MAGNITUDE_F"(float* to, const float* x, float high) noexcept nogil
    void magnitude_d "CYACT_MAGNITUDE_D"(double* to, const double* x, double high) noexcept nogil
    bint unlikely(bint condition) noexcept nogil        # Cython's: the compiler puts the other case first
    void fence "CYACT_FENCE"() noexcept nogil
    void prefetch "CYACT_PREFETCH"(const char* p) noexcept nogil


cdef inline void fetch(const void* x, int inputs) noexcept nogil:
    prefetch(<const char*> x + AHEAD // inputs)


# A vector of results, from inputs at x and y, if there is another. Streamed it goes past the cache, at once (many
# together would fill the processor's buffers), and what the inputs need soon is fetched.
cdef inline void write(void* to, const void* block, bint streamed, const void* x, const void* y) noexcept nogil:
    if LOOPS_STREAM and streamed:
        fetch(x, 1 if y == NULL else 2)
        if y != NULL:
            fetch(y, 2)
        stream_vector(to, block)
    else:
        store_vector(to, block)


# Whole vectors of a function; how many elements that were. Loops of few operations are there twice, streamed or not:
# another branch in them would take longer than they do.
cdef inline Py_ssize_t vectors1(
    number (*f)(number) noexcept nogil, const number* x, number* out, Py_ssize_t n, bint streamed
) noexcept nogil:
    cdef Py_ssize_t done = 0, i, lanes = VECTOR // sizeof(number)
    cdef number block[VECTOR]
    while done + lanes <= n:
        for i in range(lanes):
            block[i] = f(x[done + i])
        write(out + done, block, streamed, x + done, NULL)
        done += lanes
    return done


cdef inline void map1(
    number (*f)(number) noexcept nogil, const number* x, number* out, Py_ssize_t n, bint streamed
) noexcept nogil:
    cdef Py_ssize_t done, i, lanes = VECTOR // sizeof(number)
    cdef number rest[VECTOR]
    if LOOPS_STREAM and streamed:
        done = vectors1(f, x, out, n, True)
    else:
        done = vectors1(f, x, out, n, False)
    if done < n:
        load_first(rest, x + done, n - done, sizeof(x[0]))
        for i in range(lanes):
            rest[i] = f(rest[i])
        store_first(out + done, rest, n - done, sizeof(out[0]))


# A vector of arguments within bounds, as some formulas need it; where ``low`` is 0, of their magnitudes. NaN stays NaN.
cdef inline void bound(real* to, const real* x, real low, real high) noexcept nogil:
    if real is float and low == 0:
        magnitude_f(to, x, high)
    elif real is float:
        bound_f(to, x, low, high)
    elif low == 0:
        magnitude_d(to, x, high)
    else:
        bound_d(to, x, low, high)


cdef inline void map1_bounded(
    real (*f)(real, real) noexcept nogil, real low, real high, const real* x, real* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef real rest[VECTOR]
    while n >= lanes:
        bound(block, x, low, high)
        for i in range(lanes):
            block[i] = f(block[i], x[i])
        store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes
    if n > 0:
        load_first(rest, x, n, sizeof(x[0]))
        bound(block, rest, low, high)
        for i in range(lanes):
            block[i] = f(block[i], rest[i])
        store_first(out, block, n, sizeof(out[0]))


# A formula in two stages, with up to three numbers between them. Its operations wait for each other longer than the
# processor looks ahead: hence one stage goes over a block while the other goes over the block before, and neither
# waits.
cdef inline void stages(
    void (*first)(real, real*, real*, real*) noexcept nogil, real (*second)(real, real, real, real) noexcept nogil,
    real low, real high, real* a, real* b, real* c, const real* x, const real* before, real* out, bint streamed,
) noexcept nogil:
    """One turn: ``first`` of the block x, and ``second`` of the block ``before`` it, to ``out``; not of NULL."""
    cdef Py_ssize_t i, v, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    for v in range(STAGE // VECTOR):
        if before != NULL:
            for i in range(lanes):
                block[i] = second(a[v * lanes + i], b[v * lanes + i], c[v * lanes + i], before[v * lanes + i])
            write(out + v * lanes, block, streamed, before + v * lanes, NULL)
        if x != NULL:
            bound(block, x + v * lanes, low, high)
            for i in range(lanes):
                first(block[i], &a[v * lanes + i], &b[v * lanes + i], &c[v * lanes + i])


cdef inline void both_stages(
    void (*first)(real, real*, real*, real*) noexcept nogil, real (*second)(real, real, real, real) noexcept nogil,
    real low, real high, const real* x, real* out,
) noexcept nogil:
    """Of a vector."""
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real a[VECTOR]
    cdef real b[VECTOR]
    cdef real c[VECTOR]
    bound(out, x, low, high)
    for i in range(lanes):
        first(out[i], &a[i], &b[i], &c[i])
    for i in range(lanes):
        out[i] = second(a[i], b[i], c[i], x[i])


cdef inline void map1_staged(
    void (*first)(real, real*, real*, real*) noexcept nogil, real (*second)(real, real, real, real) noexcept nogil,
    real low, real high, const real* x, real* out, Py_ssize_t n, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real), length = STAGE // sizeof(real)
    # Three blocks, and room to start them as far into a page as x is, or by whole blocks less: a load from an address
    # that ends like that of a store before it waits for the store.
    cdef real between[STAGE]
    cdef real* a = between + ((<size_t> x - <size_t> between) & (STAGE - VECTOR)) // sizeof(real)
    cdef real* b = a + length
    cdef real* c = b + length
    cdef const real* vector
    cdef real block[VECTOR]
    cdef real rest[VECTOR]
    if HAS_FMA and n >= 2 * length:     # emulated, it is too long to have it twice
        stages(first, second, low, high, a, b, c, x, NULL, NULL, streamed)
        while n >= 2 * length:
            stages(first, second, low, high, a, b, c, x + length, x, out, streamed)
            x += length
            out += length
            n -= length
        stages(first, second, low, high, a, b, c, NULL, x, out, streamed)
        x += length
        out += length
        n -= length
    while n > 0:
        vector = x
        if n < lanes:
            load_first(rest, x, n, sizeof(x[0]))
            vector = rest
        both_stages(first, second, low, high, vector, block)
        if n < lanes:
            store_first(out, block, n, sizeof(out[0]))
            return
        store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes


# Formulas of many operations have one loop for float and one for double. Other dtypes are converted to one of these a
# block at a time: what that costs is little beside the formula, and saves a copy of it for every dtype.
ctypedef void (*float_loop)(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil
ctypedef void (*double_loop)(const double* x, double* out, Py_ssize_t n, bint streamed) noexcept nogil


cdef void map1_float(float_loop f, const number* x, float* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        load_block(x, out, m)
        f(out, out, m, False)
        x += m
        out += m
        n -= m


cdef void map1_double(double_loop f, const number* x, double* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        load_block(x, out, m)
        f(out, out, m, False)
        x += m
        out += m
        n -= m


cdef void map1_through_float(float_loop f, const number* x, number* out, Py_ssize_t n) noexcept nogil:
    cdef float block[BLOCK]
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        map1_float(f, x, block, m)
        store_block(block, out, m)
        x += m
        out += m
        n -= m


cdef void map1_through_double(double_loop f, const number* x, number* out, Py_ssize_t n) noexcept nogil:
    cdef double block[BLOCK]
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        map1_double(f, x, block, m)
        store_block(block, out, m)
        x += m
        out += m
        n -= m


# Two inputs.
cdef inline Py_ssize_t vectors2(
    number (*f)(number, number) noexcept nogil,
    const number* x, const number* y, number* out, Py_ssize_t n, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t done = 0, i, lanes = VECTOR // sizeof(number)
    cdef number block[VECTOR]
    while done + lanes <= n:
        for i in range(lanes):
            block[i] = f(x[done + i], y[done + i])
        write(out + done, block, streamed, x + done, y + done)
        done += lanes
    return done


cdef inline void map2(
    number (*f)(number, number) noexcept nogil,
    const number* x, const number* y, number* out, Py_ssize_t n, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t done, i, lanes = VECTOR // sizeof(number)
    cdef number rest[2][VECTOR]
    if LOOPS_STREAM and streamed:
        done = vectors2(f, x, y, out, n, True)
    else:
        done = vectors2(f, x, y, out, n, False)
    if done < n:
        load_first(rest[0], x + done, n - done, sizeof(x[0]))
        load_first(rest[1], y + done, n - done, sizeof(y[0]))
        for i in range(lanes):
            rest[0][i] = f(rest[0][i], rest[1][i])
        store_first(out + done, rest[0], n - done, sizeof(out[0]))


# An input and a slope, which is a single value when ``scalar``.
cdef inline Py_ssize_t vectors_slope(
    real (*f)(real, real) noexcept nogil, const real* x, real slope, real* out, Py_ssize_t n, bint streamed
) noexcept nogil:
    cdef Py_ssize_t done = 0, i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    while done + lanes <= n:
        for i in range(lanes):
            block[i] = f(x[done + i], slope)
        write(out + done, block, streamed, x + done, NULL)
        done += lanes
    return done


cdef inline void map_slope(
    real (*f)(real, real) noexcept nogil,
    const real* x, const real* slope, real* out, Py_ssize_t n, bint scalar, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t done, i, lanes = VECTOR // sizeof(real)
    cdef real value
    cdef real rest[VECTOR]
    if not scalar:
        map2(f, x, slope, out, n, streamed)
        return
    value = slope[0]
    if LOOPS_STREAM and streamed:
        done = vectors_slope(f, x, value, out, n, True)
    else:
        done = vectors_slope(f, x, value, out, n, False)
    if done < n:
        load_first(rest, x + done, n - done, sizeof(x[0]))
        for i in range(lanes):
            rest[i] = f(rest[i], value)
        store_first(out + done, rest, n - done, sizeof(out[0]))


cdef inline void map_slope_integer(
    real (*f)(real, real) noexcept nogil, const integer* x, const real* y, real* out, Py_ssize_t n, bint scalar
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value
    if scalar:
        value = y[0]
        for i in range(n):
            out[i] = f(<real> x[i], value)
    else:
        for i in range(n):
            out[i] = f(<real> x[i], y[i])


cdef inline void map_slope_truncated(
    integer (*f)(integer, real) noexcept nogil,
    const integer* x, const real* y, integer* out, Py_ssize_t n, bint scalar,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value
    if scalar:
        value = y[0]
        if x == out:
            for i in range(n):
                out[i] = f(out[i], value)
        else:
            for i in range(n):
                out[i] = f(x[i], value)
    else:
        for i in range(n):
            out[i] = f(x[i], y[i])


# The same for 16 bits, a vector of them at a time. A count that the compiler knows keeps the floats in registers.
cdef inline void map2_small(
    float (*f)(float, float) noexcept nogil,
    const small* x, const small* y, small* out, Py_ssize_t n, bint scalar, bint streamed,
) noexcept nogil:
    cdef float block[SMALL]
    cdef float second[SMALL]
    cdef small rest[2][SMALL]
    cdef small* to
    cdef float slope
    # Fewer than so many go by way of ``rest``: one test in the loop, not two.
    cdef Py_ssize_t i, aside = n + 1 if LOOPS_STREAM and streamed else SMALL
    if scalar:
        slope = widen(y[0])
        for i in range(SMALL):
            second[i] = slope
    while n > 0:
        to = out
        if unlikely(n < aside):
            to = rest[0]
            if n < SMALL:
                load_first(rest[0], x, n, sizeof(x[0]))
                x = rest[0]
                if not scalar:
                    load_first(rest[1], y, n, sizeof(y[0]))
                    y = rest[1]
            else:
                fetch(x, 1 if scalar else 2)
                if not scalar:
                    fetch(y, 2)
        load_block(x, block, SMALL)
        if not scalar:
            load_block(y, second, SMALL)
            y += SMALL
        for i in range(SMALL):
            block[i] = f(block[i], second[i])
        store_block(block, to, SMALL)
        if unlikely(n < aside):
            if n < SMALL:
                store_first(out, to, n, sizeof(out[0]))
            else:
                stream_small(out, to)
        x += SMALL
        out += SMALL
        n -= SMALL


# Two inputs and a slope. One value of it stands in a vector, so that there is one loop.
cdef inline void map3(
    real (*f)(real, real, real) noexcept nogil,
    const real* x, const real* y, const real* slope, real* out, Py_ssize_t n, bint scalar, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real), step = 0 if scalar else lanes
    cdef real block[VECTOR]
    cdef real rest[3][VECTOR]
    if scalar:
        for i in range(lanes):
            rest[2][i] = slope[0]
        slope = rest[2]
    while n >= lanes:
        for i in range(lanes):
            block[i] = f(x[i], y[i], slope[i])
        write(out, block, streamed, x, y)
        x += lanes
        y += lanes
        slope += step
        out += lanes
        n -= lanes
    if n > 0:
        load_first(rest[0], x, n, sizeof(x[0]))
        load_first(rest[1], y, n, sizeof(y[0]))
        if not scalar:
            load_first(rest[2], slope, n, sizeof(slope[0]))
        for i in range(lanes):
            rest[0][i] = f(rest[0][i], rest[1][i], rest[2][i])
        store_first(out, rest[0], n, sizeof(out[0]))


cdef inline void map3_small(
    float (*f)(float, float, float) noexcept nogil,
    const small* x, const small* y, const small* z, small* out, Py_ssize_t n, bint scalar, bint streamed,
) noexcept nogil:
    cdef float block[SMALL]
    cdef float second[SMALL]
    cdef float third[SMALL]
    cdef small rest[3][SMALL]
    cdef small* to
    cdef float slope
    cdef Py_ssize_t i, aside = n + 1 if LOOPS_STREAM and streamed else SMALL
    if scalar:
        slope = widen(z[0])
        for i in range(SMALL):
            third[i] = slope
    while n > 0:
        to = out
        if unlikely(n < aside):
            to = rest[0]
            if n < SMALL:
                load_first(rest[0], x, n, sizeof(x[0]))
                load_first(rest[1], y, n, sizeof(y[0]))
                x = rest[0]
                y = rest[1]
                if not scalar:
                    load_first(rest[2], z, n, sizeof(z[0]))
                    z = rest[2]
            else:
                fetch(x, 2)
                fetch(y, 2)
        load_block(x, block, SMALL)
        load_block(y, second, SMALL)
        if not scalar:
            load_block(z, third, SMALL)
            z += SMALL
        for i in range(SMALL):
            block[i] = f(block[i], second[i], third[i])
        store_block(block, to, SMALL)
        if unlikely(n < aside):
            if n < SMALL:
                store_first(out, to, n, sizeof(out[0]))
            else:
                stream_small(out, to)
        x += SMALL
        y += SMALL
        out += SMALL
        n -= SMALL


# ---- past the cache ----

cdef enum:
    STREAM_BLOCK = 1024     # bytes of output: few, so that memory is not idle while the kernel computes


# Written past the cache, a line is not read first, as a plain store to one that is not in the cache would have to.
# Where the kernel does not do so itself, a block is computed into the first-level cache, and written from there.
cdef void stream(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar) noexcept nogil:
    cdef int out = kernel.operands - 1, inputs = out - 1 if scalar else out, o
    cdef char memory[STREAM_BLOCK + 64]
    cdef char* block = memory + (64 - <Py_ssize_t> memory % 64) % 64
    cdef char* at[MAX_OPERANDS]
    cdef char* target
    cdef Py_ssize_t m, i, itemsize = kernel.itemsize[out], length = STREAM_BLOCK // itemsize
    cdef Py_ssize_t line[MAX_OPERANDS]      # bytes of an input that a cache line of output is made of
    if not PAST_CACHE:
        kernel.call(args, n, scalar, False)
        return
    for o in range(out + 1):
        at[o] = args[o]
        line[o] = 64 * kernel.itemsize[o] // itemsize
    # Up to the first whole line, and from the last one on, the kernel writes as always.
    m = min(n, (64 - <Py_ssize_t> at[out] % 64) % 64 // itemsize)
    while n > 0:
        target = at[out]
        if kernel.streams and <Py_ssize_t> target % 64 == 0:
            m = n
            kernel.call(at, m, scalar, True)
        elif m == length:
            at[out] = block
            kernel.call(at, m, scalar, False)
            for o in range(inputs):
                for i in range(STREAM_BLOCK // 64):
                    prefetch(at[o] + AHEAD + i * line[o])
            for i in range(STREAM_BLOCK // VECTOR):
                stream_vector(target + VECTOR * i, block + VECTOR * i)
        elif m > 0:
            kernel.call(at, m, scalar, False)
        at[out] = target
        for o in range(out + 1):
            if not (scalar and o == out - 1):
                at[o] += m * kernel.itemsize[o]
        n -= m
        m = min(n, length)
    fence()


# ---- arrays of any strides ----

cdef extern from *:
    """
    #if defined(__AVX512F__)
    #include <immintrin.h>
    /* 16 units of 4 bytes (8 of 8) to every second place, and nothing in between */
    static inline void cyact_spread_4(void *to, const void *source) {
        __m512i x = _mm512_loadu_si512(source);
        _mm512_mask_storeu_epi32(to, 0x5555, _mm512_maskz_expand_epi32(0x5555, x));
        x = _mm512_shuffle_i64x2(x, x, 0xee);
        _mm512_mask_storeu_epi32((char *)to + 64, 0x5555, _mm512_maskz_expand_epi32(0x5555, x));
    }
    #else
    #define cyact_spread_4(to, source)
    #endif
    """
    void spread_4 "cyact_spread_4"(void* to, const void* source) noexcept nogil


# In place, where the bits of ``chosen`` are not zero: what stands between the elements of a column is neither read nor
# written. gcc would make the same of ``if chosen[i]``, but with a branch for each vector, in case none of it is chosen.
cdef inline void map1_chosen(
    number (*f)(number) noexcept nogil, number* x, const number* chosen, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(number)
    cdef number block[VECTOR]
    cdef uint64_t mask
    while n > 0:
        mask = chosen_lanes(chosen, sizeof(number))
        if n < lanes:
            mask &= (<uint64_t> 1 << n) - 1
        load_lanes(block, x, mask, sizeof(number))
        for i in range(lanes):
            block[i] = f(block[i])
        store_lanes(x, block, mask, sizeof(number))
        x += lanes
        chosen += lanes
        n -= lanes


cdef inline void map_slope_chosen(
    real (*f)(real, real) noexcept nogil, real* x, real slope, const real* chosen, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef uint64_t mask
    while n > 0:
        mask = chosen_lanes(chosen, sizeof(real))
        if n < lanes:
            mask &= (<uint64_t> 1 << n) - 1
        load_lanes(block, x, mask, sizeof(real))
        for i in range(lanes):
            block[i] = f(block[i], slope)
        store_lanes(x, block, mask, sizeof(real))
        x += lanes
        chosen += lanes
        n -= lanes


ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void copy_units(
    unit* to, Py_ssize_t to_stride, const unit* source, Py_ssize_t source_stride, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i = 0
    # Every second element is common (columns, the parts of complex numbers); a stride that is known makes vectors.
    if to_stride == sizeof(unit) and source_stride == 2 * sizeof(unit):
        for i in range(n):
            to[i] = source[2 * i]
        return
    if unit is uint32_t and HAS_MASKS and source_stride == sizeof(unit) and to_stride == 2 * sizeof(unit):
        while i + 16 <= n:
            spread_4(to + 2 * i, source + i)
            i += 16
    for i in range(i, n):
        (<unit*> (<char*> to + i * to_stride))[0] = (<const unit*> (<const char*> source + i * source_stride))[0]


cdef void copy(
    char* to, Py_ssize_t to_stride, const char* source, Py_ssize_t source_stride, int itemsize, Py_ssize_t n
) noexcept nogil:
    if to_stride == itemsize and source_stride == itemsize:
        memcpy(to, source, n * itemsize)
    elif itemsize == 1:
        copy_units(<uint8_t*> to, to_stride, <const uint8_t*> source, source_stride, n)
    elif itemsize == 2:
        copy_units(<uint16_t*> to, to_stride, <const uint16_t*> source, source_stride, n)
    elif itemsize == 4:
        copy_units(<uint32_t*> to, to_stride, <const uint32_t*> source, source_stride, n)
    else:
        copy_units(<uint64_t*> to, to_stride, <const uint64_t*> source, source_stride, n)


# A place in the job's index space.
cdef struct Cursor:
    Py_ssize_t index[MAX_DIMS]


cdef inline void seek(const Job* job, Cursor* cursor, Py_ssize_t position) noexcept nogil:
    cdef int axis
    for axis in range(job.ndim - 1, -1, -1):
        cursor.index[axis] = position % job.shape[axis]
        position //= job.shape[axis]


# Forward by at most what is left of the innermost axis.
cdef inline void advance(const Job* job, Cursor* cursor, Py_ssize_t n) noexcept nogil:
    cdef int axis = job.ndim - 1
    cursor.index[axis] += n
    while axis > 0 and cursor.index[axis] == job.shape[axis]:
        cursor.index[axis] = 0
        axis -= 1
        cursor.index[axis] += 1


cdef inline char* address(const Job* job, const Cursor* cursor, int operand) noexcept nogil:
    cdef int axis
    cdef char* p = job.data[operand]
    for axis in range(job.ndim):
        p += cursor.index[axis] * job.strides[operand][axis]
    return p


# Copies ``n`` elements of an operand, from the cursor on, into a buffer, or back.
cdef void transfer(const Job* job, Cursor cursor, int operand, char* buffer, Py_ssize_t n, bint back) noexcept nogil:
    cdef int last = job.ndim - 1, itemsize = job.kernel.itemsize[operand]
    cdef Py_ssize_t stride = job.strides[operand][last], run
    cdef char* p
    while n > 0:
        run = min(n, job.shape[last] - cursor.index[last])
        p = address(job, &cursor, operand)
        if back:
            copy(p, stride, buffer, itemsize, itemsize, run)
        else:
            copy(buffer, itemsize, p, stride, itemsize, run)
        advance(job, &cursor, run)
        buffer += run * itemsize
        n -= run


cdef inline bint is_linear(const Job* job, int operand) noexcept nogil:
    """Whether the operand is contiguous over the whole job."""
    cdef Py_ssize_t stride = job.kernel.itemsize[operand]
    cdef int axis
    for axis in range(job.ndim - 1, -1, -1):
        if job.strides[operand][axis] != stride:
            return False
        stride *= job.shape[axis]
    return True


cdef enum:
    PREFETCHED = 16     # cache lines of the next run, at most
    SPAN = 384          # elements from a chosen one on, a multiple of every spacing
    MOST_SPACED = 4     # as far apart as chosen elements may be for vectors that hold what is in between too


# In place, elements ``spacing`` apart.
cdef void compute_spaced(
    const Kernel* kernel, char** args, Py_ssize_t n, int spacing, const uint64_t* chosen
) noexcept nogil:
    cdef int out = kernel.operands - 1
    cdef Py_ssize_t left = (n - 1) * spacing + 1, m
    cdef char* at[MAX_OPERANDS + 1]
    at[0] = args[0]
    at[out - 1] = args[out - 1]     # the slope, if there is one
    at[out + 1] = <char*> chosen
    while left > 0:
        m = min(<Py_ssize_t> SPAN, left)
        kernel.chosen(at, m, True, False)
        at[0] += m * kernel.itemsize[0]
        left -= m


# Straight runs along the innermost axis go to the kernel as they are, those of spaced elements to its like for these.
cdef void walk_runs(const Job* job, Py_ssize_t position, Py_ssize_t stop, bint scalar, int spacing) noexcept nogil:
    cdef const Kernel* kernel = job.kernel
    cdef uint64_t chosen[SPAN]
    cdef int last = job.ndim - 1, operands = kernel.operands, out = operands - 1, axis, o, i
    cdef Py_ssize_t n
    cdef Cursor cursor
    cdef char* args[MAX_OPERANDS]
    if spacing > 1:
        memset(chosen, 0, SPAN * kernel.itemsize[0])
        for i in range(SPAN // spacing):
            (<char*> chosen)[i * spacing * kernel.itemsize[0]] = 1
    seek(job, &cursor, position)
    for o in range(operands):
        args[o] = address(job, &cursor, o)
    while True:
        n = min(job.shape[last] - cursor.index[last], stop - position)
        # As a rule the next run starts on another page, which no prefetcher of the processor foresees.
        for o in range(operands if last > 0 else 0):
            if o == out or args[o] != args[out] and not (scalar and o == out - 1):
                for i in range(min(<Py_ssize_t> PREFETCHED, n * job.strides[o][last] // 64 + 1)):
                    prefetch(args[o] + job.strides[o][last - 1] + 64 * i)
        if spacing > 1:
            compute_spaced(kernel, args, n, spacing, chosen)
        else:
            kernel.call(args, n, scalar, False)
        position += n
        if position == stop:
            return
        # On to the next run: back to the start of this axis, one step on the one outside, and so on.
        for o in range(operands):
            args[o] -= cursor.index[last] * job.strides[o][last]
        cursor.index[last] = 0
        axis = last - 1
        while cursor.index[axis] + 1 == job.shape[axis]:
            for o in range(operands):
                args[o] -= cursor.index[axis] * job.strides[o][axis]
            cursor.index[axis] = 0
            axis -= 1
        cursor.index[axis] += 1
        for o in range(operands):
            args[o] += job.strides[o][axis]


# Anything else is gathered into blocks, computed there, and scattered; an operand that is contiguous takes part where
# it lies.
cdef void walk_blocks(const Job* job, Py_ssize_t position, Py_ssize_t stop, bint scalar) noexcept nogil:
    cdef int out = job.kernel.operands - 1, o
    cdef const Kernel* kernel = job.kernel
    cdef int last = job.ndim - 1
    cdef bint linear[MAX_OPERANDS]
    cdef Py_ssize_t n
    cdef Cursor cursor
    cdef char* args[MAX_OPERANDS]
    cdef uint64_t buffers[MAX_OPERANDS][BLOCK]
    for o in range(out + 1):
        linear[o] = is_linear(job, o)
    while position < stop:
        n = min(<Py_ssize_t> BLOCK, stop - position)
        seek(job, &cursor, position)
        # A long run is a block of its own, or several: two parts of runs would cost more than they save.
        if job.shape[last] - cursor.index[last] >= BLOCK // 4:
            n = min(n, job.shape[last] - cursor.index[last])
        for o in range(out + 1):
            if scalar and o == out - 1:
                args[o] = job.data[o]
            elif linear[o]:
                args[o] = job.data[o] + position * kernel.itemsize[o]
            elif o < out:
                args[o] = <char*> buffers[o]
                transfer(job, cursor, o, args[o], n, back=False)
            else:
                args[o] = <char*> buffers[o if linear[0] or kernel.itemsize[0] != kernel.itemsize[o] else 0]
        kernel.call(args, n, scalar, False)
        if not linear[out]:
            transfer(job, cursor, out, args[out], n, back=True)
        position += n


# Whether the job is in place, of elements some places apart, as a column's are.
cdef inline bint spaced(const Job* job, bint scalar_run) noexcept nogil:
    cdef int last = job.ndim - 1, out = job.kernel.operands - 1, axis
    cdef Py_ssize_t itemsize = job.kernel.itemsize[0], stride = job.strides[0][last]
    for axis in range(job.ndim):
        if job.strides[0][axis] != job.strides[out][axis]:
            return False
    return (
        job.kernel.chosen != NULL
        and job.data[0] == job.data[out]
        and (scalar_run or not job.kernel.sloped)
        and job.shape[last] >= BLOCK // 8
        and itemsize < stride <= MOST_SPACED * itemsize
        and stride % itemsize == 0
    )


cdef void walk(const Job* job, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef int last = job.ndim - 1, out = job.kernel.operands - 1, axis, o
    # A slope may be one value along the innermost axis, and then one value altogether.
    cdef bint scalar_run = job.kernel.sloped and job.strides[out - 1][last] == 0, scalar = scalar_run
    cdef bint straight = job.shape[last] >= BLOCK // 8 or job.ndim == 1
    for axis in range(last):
        scalar = scalar and job.strides[out - 1][axis] == 0
    for o in range(out + 1):
        straight = straight and (job.strides[o][last] == job.kernel.itemsize[o] or scalar_run and o == out - 1)
    if straight:
        walk_runs(job, start, stop, scalar_run, 1)
    elif stop - start >= SPAN and spaced(job, scalar_run):       # fewer are not worth a mask
        walk_runs(job, start, stop, True, <int> (job.strides[0][last] // job.kernel.itemsize[0]))
    else:
        walk_blocks(job, start, stop, scalar)
