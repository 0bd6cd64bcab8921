"""The generic loops over contiguous arrays, each written once.

They know no formula: one is passed in, and inlined. A turn computes one vector into a local array, by a loop over its
elements that compilers make vector code of (``loop1`` and its like, ``simd.h``), then stores it. That array is kept in
a register, and no check is needed at run time whether the output is an input. What is left at the end is one more
vector, filled up.

VECTOR counts bytes. An array of VECTOR elements is longer than the vector that it holds, since a length may not depend
on a fused type.

``map1`` to ``map3`` are for formulas of few operations, with one to three operands. ``pipeline`` is for those that are
bound by arithmetic.
"""

from libc.stdint cimport int32_t, int64_t

from cyact.kernels.convert cimport converted, load_block, load_integers, store_block, widen
from cyact.kernels.dtypes cimport float16_like, integer, number, real
from cyact.kernels.simd cimport (
    LANES_16_BIT, LINE, STAGES_APART, VECTOR, at_line, clamp_d, clamp_f, clamp_magnitude_d, clamp_magnitude_f,
    forget_integers, load_first, loop1, loop2, loop3, loop6, loop_to3, prefetch, store_first, store_vector,
    stream_vector,
)

cdef enum:
    STAGE = 512     # bytes that a stage of the pipeline goes over in one turn
    AHEAD = 2048    # prefetch distance in bytes, where output is written past the cache


cdef inline void map1(
    number (*f)(number) noexcept nogil, const number* x, number* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(number), done = 0, whole = n - n % lanes
    cdef number block[VECTOR]
    cdef number rest[VECTOR]
    while done < whole:
        loop1(lanes, VECTOR // sizeof(number), block, f, x + done)
        store_vector(out + done, block)
        done += lanes
    if done < n:
        load_first(rest, x + done, n - done, sizeof(number))
        loop1(lanes, VECTOR // sizeof(number), rest, f, rest)
        store_first(out + done, rest, n - done, sizeof(number))


# n times the same number, in ``memory`` that is a line longer. So an operand that is one value stands in a vector, and
# one loop serves both kinds of operand.
cdef inline const number* repeated(number value, Py_ssize_t n, number* memory) noexcept nogil:
    cdef Py_ssize_t i
    cdef number* to = <number*> at_line(memory)
    for i in range(n):
        to[i] = value
    return to


# Where ``single``, the last operand is one value.
cdef inline void map2(
    number (*f)(number, number) noexcept nogil,
    const number* x, const number* y, number* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(number), step = 0 if single else lanes, done = 0, at = 0
    cdef Py_ssize_t whole = n - n % lanes
    cdef number block[VECTOR]
    cdef number rest[2][VECTOR]
    cdef number memory[VECTOR + LINE]
    if single:
        y = repeated(y[0], lanes, memory)
    while done < whole:
        loop2(lanes, VECTOR // sizeof(number), block, f, x + done, y + at)
        store_vector(out + done, block)
        done += lanes
        at += step
    if done < n:
        load_first(rest[0], x + done, n - done, sizeof(number))
        if not single:
            load_first(rest[1], y + at, n - done, sizeof(number))
            y = rest[1]
        loop2(lanes, VECTOR // sizeof(number), rest[0], f, rest[0], y)
        store_first(out + done, rest[0], n - done, sizeof(number))


cdef inline void map3(
    number (*f)(number, number, number) noexcept nogil,
    const number* x, const number* y, const number* z, number* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(number), step = 0 if single else lanes, done = 0, at = 0
    cdef Py_ssize_t whole = n - n % lanes
    cdef number block[VECTOR]
    cdef number rest[3][VECTOR]
    cdef number memory[VECTOR + LINE]
    if single:
        z = repeated(z[0], lanes, memory)
    while done < whole:
        loop3(lanes, VECTOR // sizeof(number), block, f, x + done, y + done, z + at)
        store_vector(out + done, block)
        done += lanes
        at += step
    if done < n:
        load_first(rest[0], x + done, n - done, sizeof(number))
        load_first(rest[1], y + done, n - done, sizeof(number))
        if not single:
            load_first(rest[2], z + at, n - done, sizeof(number))
            z = rest[2]
        loop3(lanes, VECTOR // sizeof(number), rest[0], f, rest[0], rest[1], z)
        store_first(out + done, rest[0], n - done, sizeof(number))


# The same for 16 bits, computed as float. A count of elements that the compiler knows keeps the floats in registers.
cdef inline void map1_16_bit(
    float (*f)(float) noexcept nogil, const float16_like* x, float16_like* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t done = 0, whole = n - n % LANES_16_BIT
    cdef float block[LANES_16_BIT]
    cdef float16_like rest[VECTOR]
    while done < whole:
        load_block(x + done, block, LANES_16_BIT)
        loop1(LANES_16_BIT, LANES_16_BIT, block, f, block)
        store_block(block, out + done, LANES_16_BIT)
        done += LANES_16_BIT
    if done < n:
        load_first(rest, x + done, n - done, sizeof(rest[0]))
        load_block(rest, block, LANES_16_BIT)
        loop1(LANES_16_BIT, LANES_16_BIT, block, f, block)
        store_block(block, rest, LANES_16_BIT)
        store_first(out + done, rest, n - done, sizeof(rest[0]))


cdef inline void map2_16_bit(
    float (*f)(float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, float16_like* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i, done = 0, whole = n - n % LANES_16_BIT
    cdef float block[LANES_16_BIT]
    cdef float second[LANES_16_BIT]
    cdef float16_like rest[2][VECTOR]
    cdef float value
    if single:
        value = widen(y[0])
        for i in range(LANES_16_BIT):
            second[i] = value
    while done < whole:
        load_block(x + done, block, LANES_16_BIT)
        if not single:
            load_block(y + done, second, LANES_16_BIT)
        loop2(LANES_16_BIT, LANES_16_BIT, block, f, block, second)
        store_block(block, out + done, LANES_16_BIT)
        done += LANES_16_BIT
    if done < n:
        load_first(rest[0], x + done, n - done, sizeof(x[0]))
        load_block(rest[0], block, LANES_16_BIT)
        if not single:
            load_first(rest[1], y + done, n - done, sizeof(y[0]))
            load_block(rest[1], second, LANES_16_BIT)
        loop2(LANES_16_BIT, LANES_16_BIT, block, f, block, second)
        store_block(block, rest[0], LANES_16_BIT)
        store_first(out + done, rest[0], n - done, sizeof(out[0]))


cdef inline void map3_16_bit(
    float (*f)(float, float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, const float16_like* z, float16_like* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i, done = 0, whole = n - n % LANES_16_BIT
    cdef float block[LANES_16_BIT]
    cdef float second[LANES_16_BIT]
    cdef float third[LANES_16_BIT]
    cdef float16_like rest[3][VECTOR]
    cdef float value
    if single:
        value = widen(z[0])
        for i in range(LANES_16_BIT):
            third[i] = value
    while done < whole:
        load_block(x + done, block, LANES_16_BIT)
        load_block(y + done, second, LANES_16_BIT)
        if not single:
            load_block(z + done, third, LANES_16_BIT)
        loop3(LANES_16_BIT, LANES_16_BIT, block, f, block, second, third)
        store_block(block, out + done, LANES_16_BIT)
        done += LANES_16_BIT
    if done < n:
        load_first(rest[0], x + done, n - done, sizeof(x[0]))
        load_first(rest[1], y + done, n - done, sizeof(y[0]))
        load_block(rest[0], block, LANES_16_BIT)
        load_block(rest[1], second, LANES_16_BIT)
        if not single:
            load_first(rest[2], z + done, n - done, sizeof(z[0]))
            load_block(rest[2], third, LANES_16_BIT)
        loop3(LANES_16_BIT, LANES_16_BIT, block, f, block, second, third)
        store_block(block, rest[0], LANES_16_BIT)
        store_first(out + done, rest[0], n - done, sizeof(out[0]))


# ---- functions that are bound by arithmetic ----

# One of these three brings a vector of arguments within a formula's bounds, [low, high], before prepare() sees it. NaN
# stays NaN.
cdef inline void clamp(real* to, const real* x, real low, real high) noexcept nogil:
    if real is float:
        clamp_f(to, x, low, high)
    else:
        clamp_d(to, x, low, high)


# Here the bound is that of the magnitude; ``low`` is not used.
cdef inline void clamp_magnitude(real* to, const real* x, real low, real high) noexcept nogil:
    if real is float:
        clamp_magnitude_f(to, x, high)
    else:
        clamp_magnitude_d(to, x, high)


# For a formula without bounds.
cdef inline void unclamped(real* to, const real* x, real low, real high) noexcept nogil:
    store_vector(to, x)


# A formula of one stage with bounds. f is given the clamped argument and the argument itself.
cdef inline void map1_clamped(
    real (*f)(real, real) noexcept nogil, void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, real* out, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real), done = 0, whole = n - n % lanes
    cdef real block[VECTOR]
    cdef real rest[VECTOR]
    while done < whole:
        bring_within(block, x + done, low, high)
        loop2(lanes, VECTOR // sizeof(real), block, f, block, x + done)
        store_vector(out + done, block)
        done += lanes
    if done < n:
        load_first(rest, x + done, n - done, sizeof(real))
        bring_within(block, rest, low, high)
        loop2(lanes, VECTOR // sizeof(real), rest, f, block, rest)
        store_first(out + done, rest, n - done, sizeof(real))


# An integer and a parameter, for a formula of so few operations that a pass of its own for the conversion would show.
cdef inline void map_integer(
    real (*f)(real, real) noexcept nogil,
    const integer* x, const real* parameter, real* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(float), step = 0 if single else lanes, done = 0, at = 0
    cdef Py_ssize_t whole = n - n % lanes
    cdef real block[VECTOR]
    cdef real memory[VECTOR + LINE]
    cdef const real* p = parameter
    if single:
        p = repeated(parameter[0], lanes, memory)
    while done < whole:
        load_integers(x + done, block)
        if real is double and (integer is int32_t or integer is int64_t):
            forget_integers(block, VECTOR // sizeof(float))
        loop2(lanes, VECTOR // sizeof(float), out + done, f, block, p + at)
        done += lanes
        at += step
    for i in range(n - done):
        out[done + i] = f(converted(x[done + i], out[0]), p[at + i])


# An integer and a parameter of the dtype of the computation, stored back as an integer.
cdef inline void map_to_integer(
    integer (*f)(integer, real) noexcept nogil,
    const integer* x, const real* parameter, integer* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value
    if not single:
        for i in range(n):
            out[i] = f(x[i], parameter[i])
        return
    value = parameter[0]
    if x == out:        # apart: gcc makes no vector code of a loop in which two pointers may be the same
        for i in range(n):
            out[i] = f(out[i], value)
    else:
        for i in range(n):
            out[i] = f(x[i], value)


# Software pipelining. One element's chain of operations, each of which waits for the one before, is longer than the
# processor looks ahead, so that plain vector code stands still for its latency. Hence a formula comes in two stages,
# prepare() and finish(), with up to three numbers between them, and a turn runs finish() of a block beside prepare()
# of the next one:
#
#     turn 0:                     prepare(block 0)
#     turn 1:  finish(block 0)    prepare(block 1)
#     turn 2:  finish(block 1)    prepare(block 2)
#     ...
#
# In a turn the stages are two loops over a block's vectors, or one that does both for each vector (STAGES_APART).
#
# prepare() is given the argument within the bounds that ``clamp`` keeps. x, ``parameter`` and g, the incoming
# gradient, are given to finish() as they are. Every formula has all these arguments, so that one loop serves all. What
# is read for a formula that has no use for it, the compiler drops.

# prepare() of a vector.
cdef inline void prepare_vector(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, const real* p, real* a, real* b, real* c,
) noexcept nogil:
    cdef real block[VECTOR]
    bring_within(block, x, low, high)
    loop_to3(<Py_ssize_t> (VECTOR // sizeof(real)), VECTOR // sizeof(real), a, b, c, prepare, block, p)


# finish() of a vector.
cdef inline void finish_vector(
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    const real* a, const real* b, const real* c, const real* x, const real* p, const real* g, real* out, bint streamed,
) noexcept nogil:
    cdef real block[VECTOR]
    loop6(<Py_ssize_t> (VECTOR // sizeof(real)), VECTOR // sizeof(real), block, finish, a, b, c, x, p, g)
    if streamed:
        # At once: many stores together would fill the processor's buffers.
        prefetch(<const char*> x + AHEAD)
        if g != x:
            prefetch(<const char*> g + AHEAD)
        stream_vector(out, block)
    else:
        store_vector(out, block)


# Both stages of a vector.
cdef inline void one_vector(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, const real* p, const real* g, real* out,
) noexcept nogil:
    cdef real a[VECTOR]
    cdef real b[VECTOR]
    cdef real c[VECTOR]
    prepare_vector(prepare, bring_within, low, high, x, p, a, b, c)
    finish_vector(finish, a, b, c, x, p, g, out, False)


# ``parameters`` and ``gradients`` are NULL where the formula has no use for them.
cdef inline void pipeline(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, const real* parameters, const real* gradients, real* out,
    Py_ssize_t n, bint single, bint streamed,
) noexcept nogil:
    cdef bint constant = single or parameters == NULL
    cdef Py_ssize_t u, v, k, lanes = VECTOR // sizeof(real), length = STAGE // sizeof(real)
    cdef Py_ssize_t step = 0 if constant else lanes, ahead = 0 if constant else length
    cdef Py_ssize_t together = STAGE // VECTOR if STAGES_APART else 1   # vectors of one stage before those of the other
    # Three blocks, and room to start them at the address of x modulo STAGE. 4K aliasing: a load whose low 12 address
    # bits are those of an earlier store waits for that store. They start with a whole vector too: where they did not,
    # as by clang, whose arrays have no such alignment, every vector of them would lie in two cache lines.
    cdef real between[STAGE]
    cdef real* a = between + (((<size_t> x & -VECTOR) - <size_t> between) & (STAGE - 1)) // sizeof(real)
    cdef real* b = a + length
    cdef real* c = b + length
    cdef real block[VECTOR]
    cdef real rest[3][VECTOR]
    cdef real memory[VECTOR + LINE]
    # Both are there to be read.
    cdef const real* p = parameters
    cdef const real* g = x if gradients == NULL else gradients
    if n == 1:      # as scalar code, of the same operations: half the cycles, and no constants spread over lanes
        load_first(rest[0], x, 1, sizeof(real))
        bring_within(block, rest[0], low, high)
        prepare(block[0], 0 if parameters == NULL else parameters[0], a, b, c)
        out[0] = finish(a[0], b[0], c[0], x[0], 0 if parameters == NULL else parameters[0], g[0])
        return
    if constant:
        p = repeated(<real> 0 if parameters == NULL else parameters[0], lanes, memory)
    if n >= 2 * length:
        for v in range(STAGE // VECTOR):
            k = v * lanes
            prepare_vector(prepare, bring_within, low, high, x + k, p + v * step, a + k, b + k, c + k)
        while n >= 2 * length:
            for u in range(STAGE // VECTOR // together):
                for v in range(u * together, (u + 1) * together):
                    k = v * lanes
                    finish_vector(finish, a + k, b + k, c + k, x + k, p + v * step, g + k, out + k, streamed)
                for v in range(u * together, (u + 1) * together):
                    k = v * lanes
                    prepare_vector(
                        prepare, bring_within, low, high, x + length + k, p + ahead + v * step, a + k, b + k, c + k
                    )
            x += length
            p += ahead
            g += length
            out += length
            n -= length
        for v in range(STAGE // VECTOR):
            k = v * lanes
            finish_vector(finish, a + k, b + k, c + k, x + k, p + v * step, g + k, out + k, streamed)
        x += length
        p += ahead
        g += length
        out += length
        n -= length
    while n > 0:
        if n < lanes:
            load_first(rest[0], x, n, sizeof(real))
            x = rest[0]
            if not constant:
                load_first(rest[1], p, n, sizeof(real))
                p = rest[1]
            if gradients == NULL:
                g = x
            else:
                load_first(rest[2], g, n, sizeof(real))
                g = rest[2]
        one_vector(prepare, finish, bring_within, low, high, x, p, g, block)
        if n < lanes:
            store_first(out, block, n, sizeof(real))
            return
        store_vector(out, block)
        x += lanes
        p += step
        g += lanes
        out += lanes
        n -= lanes
