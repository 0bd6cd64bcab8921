"""The generic loops over contiguous arrays, each written once.

They know no formula: one is passed in, and inlined. A turn computes one vector into a local array, then stores it. gcc
keeps that array in a register, and needs no check at run time whether the output is an input. What is left at the end
is one more vector, filled up.

VECTOR counts bytes. An array of VECTOR elements is longer than the vector that it holds, since a length may not depend
on a fused type.

``map1`` to ``map3`` are for formulas of few operations, with one to three operands. ``pipeline`` is for those that are
bound by arithmetic.
"""

from cyact.kernels.convert cimport load_block, store_block, widen
from cyact.kernels.dtypes cimport float16_like, integer, number, real
from cyact.kernels.simd cimport (
    LANES_16_BIT, VECTOR, assume, clamp_d, clamp_f, clamp_magnitude_d, clamp_magnitude_f, load_first, prefetch,
    store_first, store_vector, stream_vector,
)

cdef enum:
    STAGE = 512     # bytes that a stage of the pipeline goes over in one turn
    AHEAD = 2048    # prefetch distance in bytes, where output is written past the cache


cdef inline void map1(
    number (*f)(number) noexcept nogil, const number* x, number* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t done = 0, i, lanes = VECTOR // sizeof(number)
    cdef number block[VECTOR]
    cdef number rest[VECTOR]
    while done + lanes <= n:
        for i in range(lanes):
            block[i] = f(x[done + i])
        store_vector(out + done, block)
        done += lanes
    if done < n:
        load_first(rest, x + done, n - done, sizeof(number))
        for i in range(lanes):
            rest[i] = f(rest[i])
        store_first(out + done, rest, n - done, sizeof(number))


# Where ``single``, the last operand is one value: it stands in a vector, so that there is one loop.
cdef inline void map2(
    number (*f)(number, number) noexcept nogil,
    const number* x, const number* y, number* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(number), step = 0 if single else lanes
    cdef number block[VECTOR]
    cdef number rest[2][VECTOR]
    if single:
        for i in range(lanes):
            rest[1][i] = y[0]
        y = rest[1]
    while n >= lanes:
        for i in range(lanes):
            block[i] = f(x[i], y[i])
        store_vector(out, block)
        x += lanes
        y += step
        out += lanes
        n -= lanes
    if n > 0:
        load_first(rest[0], x, n, sizeof(number))
        if not single:
            load_first(rest[1], y, n, sizeof(number))
        for i in range(lanes):
            rest[0][i] = f(rest[0][i], rest[1][i])
        store_first(out, rest[0], n, sizeof(number))


cdef inline void map3(
    number (*f)(number, number, number) noexcept nogil,
    const number* x, const number* y, const number* z, number* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(number), step = 0 if single else lanes
    cdef number block[VECTOR]
    cdef number rest[3][VECTOR]
    if single:
        for i in range(lanes):
            rest[2][i] = z[0]
        z = rest[2]
    while n >= lanes:
        for i in range(lanes):
            block[i] = f(x[i], y[i], z[i])
        store_vector(out, block)
        x += lanes
        y += lanes
        z += step
        out += lanes
        n -= lanes
    if n > 0:
        load_first(rest[0], x, n, sizeof(number))
        load_first(rest[1], y, n, sizeof(number))
        if not single:
            load_first(rest[2], z, n, sizeof(number))
        for i in range(lanes):
            rest[0][i] = f(rest[0][i], rest[1][i], rest[2][i])
        store_first(out, rest[0], n, sizeof(number))


# The same for 16 bits, computed as float. A count of elements that the compiler knows keeps the floats in registers.
cdef inline void map1_16_bit(
    float (*f)(float) noexcept nogil, const float16_like* x, float16_like* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    cdef float block[LANES_16_BIT]
    cdef float16_like rest[LANES_16_BIT]
    while n > 0:
        if n < LANES_16_BIT:
            load_first(rest, x, n, sizeof(rest[0]))
            x = rest
        load_block(x, block, LANES_16_BIT)
        for i in range(LANES_16_BIT):
            block[i] = f(block[i])
        if n < LANES_16_BIT:
            store_block(block, rest, LANES_16_BIT)
            store_first(out, rest, n, sizeof(rest[0]))
        else:
            store_block(block, out, LANES_16_BIT)
        x += LANES_16_BIT
        out += LANES_16_BIT
        n -= LANES_16_BIT


cdef inline void map2_16_bit(
    float (*f)(float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, float16_like* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef float block[LANES_16_BIT]
    cdef float second[LANES_16_BIT]
    cdef float16_like rest[2][LANES_16_BIT]
    cdef float16_like* to
    cdef float value
    if single:
        value = widen(y[0])
        for i in range(LANES_16_BIT):
            second[i] = value
    while n > 0:
        to = out
        if n < LANES_16_BIT:
            to = rest[0]
            load_first(rest[0], x, n, sizeof(x[0]))
            x = rest[0]
            if not single:
                load_first(rest[1], y, n, sizeof(y[0]))
                y = rest[1]
        load_block(x, block, LANES_16_BIT)
        if not single:
            load_block(y, second, LANES_16_BIT)
            y += LANES_16_BIT
        for i in range(LANES_16_BIT):
            block[i] = f(block[i], second[i])
        store_block(block, to, LANES_16_BIT)
        if n < LANES_16_BIT:
            store_first(out, to, n, sizeof(out[0]))
        x += LANES_16_BIT
        out += LANES_16_BIT
        n -= LANES_16_BIT


cdef inline void map3_16_bit(
    float (*f)(float, float, float) noexcept nogil,
    const float16_like* x, const float16_like* y, const float16_like* z, float16_like* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef float block[LANES_16_BIT]
    cdef float second[LANES_16_BIT]
    cdef float third[LANES_16_BIT]
    cdef float16_like rest[3][LANES_16_BIT]
    cdef float16_like* to
    cdef float value
    if single:
        value = widen(z[0])
        for i in range(LANES_16_BIT):
            third[i] = value
    while n > 0:
        to = out
        if n < LANES_16_BIT:
            to = rest[0]
            load_first(rest[0], x, n, sizeof(x[0]))
            load_first(rest[1], y, n, sizeof(y[0]))
            x = rest[0]
            y = rest[1]
            if not single:
                load_first(rest[2], z, n, sizeof(z[0]))
                z = rest[2]
        load_block(x, block, LANES_16_BIT)
        load_block(y, second, LANES_16_BIT)
        if not single:
            load_block(z, third, LANES_16_BIT)
            z += LANES_16_BIT
        for i in range(LANES_16_BIT):
            block[i] = f(block[i], second[i], third[i])
        store_block(block, to, LANES_16_BIT)
        if n < LANES_16_BIT:
            store_first(out, to, n, sizeof(out[0]))
        x += LANES_16_BIT
        y += LANES_16_BIT
        out += LANES_16_BIT
        n -= LANES_16_BIT


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
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef real rest[VECTOR]
    while n > 0:
        if n < lanes:
            load_first(rest, x, n, sizeof(real))
            x = rest
        bring_within(block, x, low, high)
        for i in range(lanes):
            block[i] = f(block[i], x[i])
        if n < lanes:
            store_first(out, block, n, sizeof(real))
        else:
            store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes


# An integer and a parameter, for a formula of so few operations that a pass of its own for the conversion would show.
cdef inline void map_integer(
    real (*f)(real, real) noexcept nogil,
    const integer* x, const real* parameter, real* out, Py_ssize_t n, bint single,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value
    if not single:
        for i in range(n):
            out[i] = f(<real> x[i], parameter[i])
        return
    value = parameter[0]
    for i in range(n):
        out[i] = f(<real> x[i], value)


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
# prepare() is given the argument within the bounds that ``clamp`` keeps. x, ``parameter`` and g, the incoming
# gradient, are given to finish() as they are. Every formula has all these arguments, so that one loop serves all: where
# ``parameters`` or ``gradients`` is NULL, the formula has no use for it, and the compiler drops it.
#
# ``turn`` is finish() of the block x, to ``out``, and prepare() of the block ``next_x``; NULL stands for no block.
cdef inline void turn(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, real* a, real* b, real* c,
    const real* x, const real* parameters, const real* gradients, real* out,
    const real* next_x, const real* next_parameters, Py_ssize_t step, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t i, v, k, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    for v in range(STAGE // VECTOR):
        k = v * lanes
        if x != NULL:
            for i in range(lanes):
                block[i] = finish(
                    a[k + i], b[k + i], c[k + i], x[k + i],
                    parameters[v * step + i] if parameters != NULL else 0, gradients[k + i] if gradients != NULL else 0,
                )
            if streamed:
                # At once: many stores together would fill the processor's buffers.
                prefetch(<const char*> (x + k) + AHEAD)
                if gradients != NULL:
                    prefetch(<const char*> (gradients + k) + AHEAD)
                stream_vector(out + k, block)
            else:
                store_vector(out + k, block)
        if next_x != NULL:
            bring_within(block, next_x + k, low, high)
            for i in range(lanes):
                prepare(
                    block[i], next_parameters[v * step + i] if next_parameters != NULL else 0,
                    &a[k + i], &b[k + i], &c[k + i],
                )


# Both stages of a vector.
cdef inline void one_vector(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, const real* parameters, const real* gradients, real* out,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real a[VECTOR]
    cdef real b[VECTOR]
    cdef real c[VECTOR]
    bring_within(out, x, low, high)
    for i in range(lanes):
        prepare(out[i], parameters[i] if parameters != NULL else 0, &a[i], &b[i], &c[i])
    for i in range(lanes):
        out[i] = finish(
            a[i], b[i], c[i], x[i], parameters[i] if parameters != NULL else 0,
            gradients[i] if gradients != NULL else 0,
        )


# An operand that is there. The compiler has to know: that it might be NULL is a branch at each element.
cdef inline const real* given(const real* operand) noexcept nogil:
    assume(operand != NULL)
    return operand


cdef inline void pipeline(
    void (*prepare)(real, real, real*, real*, real*) noexcept nogil,
    real (*finish)(real, real, real, real, real, real) noexcept nogil,
    void (*bring_within)(real*, const real*, real, real) noexcept nogil,
    real low, real high, const real* x, const real* parameters, const real* gradients, real* out,
    Py_ssize_t n, bint single, bint streamed,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real), length = STAGE // sizeof(real)
    cdef Py_ssize_t step = 0 if single else lanes, ahead = 0 if single else length
    # Three blocks, and room to start them at the address of x modulo STAGE. 4K aliasing: a load whose low 12 address
    # bits are those of an earlier store waits for that store.
    cdef real between[STAGE]
    cdef real* a = between + ((<size_t> x - <size_t> between) & (STAGE - VECTOR)) // sizeof(real)
    cdef real* b = a + length
    cdef real* c = b + length
    cdef real block[VECTOR]
    cdef real rest[3][VECTOR]
    if parameters != NULL and single:
        for i in range(lanes):
            rest[1][i] = parameters[0]
        parameters = rest[1]
    if n >= 2 * length:
        turn(prepare, finish, bring_within, low, high, a, b, c,
             NULL, NULL, NULL, NULL, x, parameters, step, streamed)
        while n >= 2 * length:
            turn(prepare, finish, bring_within, low, high, a, b, c,
                 x, parameters, gradients, out, x + length, parameters + ahead if parameters != NULL else NULL,
                 step, streamed)
            x += length
            out += length
            n -= length
            if parameters != NULL:
                parameters += ahead
            if gradients != NULL:
                gradients += length
        turn(prepare, finish, bring_within, low, high, a, b, c,
             x, parameters, gradients, out, NULL, NULL, step, streamed)
        x += length
        out += length
        n -= length
        if parameters != NULL:
            parameters += ahead
        if gradients != NULL:
            gradients += length
    while n > 0:
        if n < lanes:
            load_first(rest[0], x, n, sizeof(real))
            x = rest[0]
            if parameters != NULL and not single:
                load_first(rest[1], parameters, n, sizeof(real))
                parameters = rest[1]
            if gradients != NULL:
                load_first(rest[2], gradients, n, sizeof(real))
                gradients = rest[2]
        one_vector(prepare, finish, bring_within, low, high, x, parameters, gradients, block)
        if n < lanes:
            store_first(out, block, n, sizeof(real))
            return
        store_vector(out, block)
        x += lanes
        out += lanes
        n -= lanes
        if parameters != NULL:
            parameters += step
        if gradients != NULL:
            gradients += lanes
