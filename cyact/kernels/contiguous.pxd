# The generic loops, each written once. They know no formula: one is passed in, and inlined.
#
# Kernels see contiguous arrays alone: ``map*`` below. Where all operands have one dtype, they go vector by vector,
# through a block of that size that the compiler keeps in a register: whether the output is an input then makes no
# difference, for which it would otherwise add scalar loops. What is left at the end is one more vector, filled up.
# ``walk`` brings arrays of other strides to the kernels.


from libc.string cimport memcpy

from cyact.kernels.convert cimport load_block, store_block, widen
from cyact.kernels.dtypes cimport float16_like, integer, number, real
from cyact.kernels.simd cimport (
    HAS_FMA, LOOPS_STREAM, LANES_16_BIT, VECTOR, clamp_d, clamp_f, clamp_magnitude_d, clamp_magnitude_f,
    load_first, prefetch, store_first, store_vector, stream_16_bit, stream_vector, unlikely,
)

cdef enum:
    BLOCK = 512     # elements: a block of each operand, of the widest dtype, stays in the first-level cache
    STAGE = 512     # bytes that a stage goes over in one turn
    AHEAD = 2048    # bytes from where the inputs are read, all together, to what is fetched where output is streamed

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
cdef inline void clamp(real* to, const real* x, real low, real high) noexcept nogil:
    if real is float and low == 0:
        clamp_magnitude_f(to, x, high)
    elif real is float:
        clamp_f(to, x, low, high)
    elif low == 0:
        clamp_magnitude_d(to, x, high)
    else:
        clamp_d(to, x, low, high)


cdef inline void map1_clamped(
    real (*f)(real, real) noexcept nogil, real low, real high, const real* x, real* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef real rest[VECTOR]
    while n >= lanes:
        clamp(block, x, low, high)
        for i in range(lanes):
            block[i] = f(block[i], x[i])
        store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes
    if n > 0:
        load_first(rest, x, n, sizeof(x[0]))
        clamp(block, rest, low, high)
        for i in range(lanes):
            block[i] = f(block[i], rest[i])
        store_first(out, block, n, sizeof(out[0]))


# A formula in two stages, with up to three numbers between them. Its operations wait for each other longer than the
# processor looks ahead: hence one stage goes over a block while the other goes over the block before, and neither
# waits.
cdef inline void pipeline_turn(
    void (*prepare)(real, real*, real*, real*) noexcept nogil, real (*finish)(real, real, real, real) noexcept nogil,
    real low, real high, real* a, real* b, real* c, const real* x, const real* before, real* out, bint streamed,
) noexcept nogil:
    """One turn: ``prepare`` of the block x, and ``finish`` of the block ``before`` it, to ``out``; not of NULL."""
    cdef Py_ssize_t i, v, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    for v in range(STAGE // VECTOR):
        if before != NULL:
            for i in range(lanes):
                block[i] = finish(a[v * lanes + i], b[v * lanes + i], c[v * lanes + i], before[v * lanes + i])
            write(out + v * lanes, block, streamed, before + v * lanes, NULL)
        if x != NULL:
            clamp(block, x + v * lanes, low, high)
            for i in range(lanes):
                prepare(block[i], &a[v * lanes + i], &b[v * lanes + i], &c[v * lanes + i])


cdef inline void one_vector(
    void (*prepare)(real, real*, real*, real*) noexcept nogil, real (*finish)(real, real, real, real) noexcept nogil,
    real low, real high, const real* x, real* out,
) noexcept nogil:
    """Of a vector."""
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real a[VECTOR]
    cdef real b[VECTOR]
    cdef real c[VECTOR]
    clamp(out, x, low, high)
    for i in range(lanes):
        prepare(out[i], &a[i], &b[i], &c[i])
    for i in range(lanes):
        out[i] = finish(a[i], b[i], c[i], x[i])


cdef inline void pipeline(
    void (*prepare)(real, real*, real*, real*) noexcept nogil, real (*finish)(real, real, real, real) noexcept nogil,
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
        pipeline_turn(prepare, finish, low, high, a, b, c, x, NULL, NULL, streamed)
        while n >= 2 * length:
            pipeline_turn(prepare, finish, low, high, a, b, c, x + length, x, out, streamed)
            x += length
            out += length
            n -= length
        pipeline_turn(prepare, finish, low, high, a, b, c, NULL, x, out, streamed)
        x += length
        out += length
        n -= length
    while n > 0:
        vector = x
        if n < lanes:
            load_first(rest, x, n, sizeof(x[0]))
            vector = rest
        one_vector(prepare, finish, low, high, vector, block)
        if n < lanes:
            store_first(out, block, n, sizeof(out[0]))
            return
        store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes


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
cdef inline void map2_16_bit(
    float (*f)(float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, float16_like* out, Py_ssize_t n, bint scalar, bint streamed,
) noexcept nogil:
    cdef float block[LANES_16_BIT]
    cdef float finish[LANES_16_BIT]
    cdef float16_like rest[2][LANES_16_BIT]
    cdef float16_like* to
    cdef float slope
    # Fewer than so many go by way of ``rest``: one test in the loop, not two.
    cdef Py_ssize_t i, aside = n + 1 if LOOPS_STREAM and streamed else LANES_16_BIT
    if scalar:
        slope = widen(y[0])
        for i in range(LANES_16_BIT):
            finish[i] = slope
    while n > 0:
        to = out
        if unlikely(n < aside):
            to = rest[0]
            if n < LANES_16_BIT:
                load_first(rest[0], x, n, sizeof(x[0]))
                x = rest[0]
                if not scalar:
                    load_first(rest[1], y, n, sizeof(y[0]))
                    y = rest[1]
            else:
                fetch(x, 1 if scalar else 2)
                if not scalar:
                    fetch(y, 2)
        load_block(x, block, LANES_16_BIT)
        if not scalar:
            load_block(y, finish, LANES_16_BIT)
            y += LANES_16_BIT
        for i in range(LANES_16_BIT):
            block[i] = f(block[i], finish[i])
        store_block(block, to, LANES_16_BIT)
        if unlikely(n < aside):
            if n < LANES_16_BIT:
                store_first(out, to, n, sizeof(out[0]))
            else:
                stream_16_bit(out, to)
        x += LANES_16_BIT
        out += LANES_16_BIT
        n -= LANES_16_BIT


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


cdef inline void map3_16_bit(
    float (*f)(float, float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, const float16_like* z, float16_like* out, Py_ssize_t n,
    bint scalar, bint streamed,
) noexcept nogil:
    cdef float block[LANES_16_BIT]
    cdef float finish[LANES_16_BIT]
    cdef float third[LANES_16_BIT]
    cdef float16_like rest[3][LANES_16_BIT]
    cdef float16_like* to
    cdef float slope
    cdef Py_ssize_t i, aside = n + 1 if LOOPS_STREAM and streamed else LANES_16_BIT
    if scalar:
        slope = widen(z[0])
        for i in range(LANES_16_BIT):
            third[i] = slope
    while n > 0:
        to = out
        if unlikely(n < aside):
            to = rest[0]
            if n < LANES_16_BIT:
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
        load_block(x, block, LANES_16_BIT)
        load_block(y, finish, LANES_16_BIT)
        if not scalar:
            load_block(z, third, LANES_16_BIT)
            z += LANES_16_BIT
        for i in range(LANES_16_BIT):
            block[i] = f(block[i], finish[i], third[i])
        store_block(block, to, LANES_16_BIT)
        if unlikely(n < aside):
            if n < LANES_16_BIT:
                store_first(out, to, n, sizeof(out[0]))
            else:
                stream_16_bit(out, to)
        x += LANES_16_BIT
        y += LANES_16_BIT
        out += LANES_16_BIT
        n -= LANES_16_BIT
