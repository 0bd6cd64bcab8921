# The kernels of ``rescale``: any dtype to any floating-point one.
#
# A row of the table is of single elements, with scale and offset as operands of double. Where these repeat, which is
# nearly always, a kernel is put on top of it for the call (``Rescaling`` in table.pxd). What it calls an element is a
# whole pixel: an image, a crop of it or a table are then straight rows to all that runs kernels.
#
#     rescale_pixels      the result has its channels beside each other, as the input has
#     rescale_planes      the result has a plane for each channel
#
# Integers of eight bits are computed as floats, all else as doubles (formulas_rescale.pxd).

ctypedef fused byte:
    int8_t
    uint8_t

cdef enum:
    RESCALED_BLOCK = 8192       # bytes of a block of pixels, in the first-level cache; a pattern fits in


# ---- in double ----

# As many elements as a vector has floats: gcc has one width for all types of a loop.
cdef inline void rescale_numbers(
    const number* x, const double* scale, const double* offset, real* out
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(float)
    if (number is int64_t or number is uint64_t) and real is double:
        loop3(lanes, VECTOR // sizeof(float), out, rescale_wide[number], x, scale, offset)
    else:
        loop4(lanes, VECTOR // sizeof(float), out, rescale_double[real], x, scale, offset, out)


# gcc makes no such vectors of shorter types, which are therefore converted before.
cdef inline void rescale_lanes(
    const number* x, const double* scale, const double* offset, real* out
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(float)
    cdef int32_t integers[VECTOR]
    cdef float floats[VECTOR]
    if number is int8_t or number is uint8_t or number is int16_t or number is uint16_t:
        load_int32(x, integers)
        rescale_numbers[int32_t, real](integers, scale, offset, out)
    elif number is half:
        load_block(x, floats, lanes)
        rescale_numbers[float, real](floats, scale, offset, out)
    elif number is bfloat16:        # load_block has its elements in another order
        for i in range(lanes):
            floats[i] = widen(x[i])
        rescale_numbers[float, real](floats, scale, offset, out)
    else:
        rescale_numbers[number, real](x, scale, offset, out)


cdef inline void rescale_loop(
    const number* x, const double* scale, const double* offset, real* out, Py_ssize_t n, bint single
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(float), step = 0 if single else lanes, at = 0, done = 0
    cdef Py_ssize_t whole = n - n % lanes
    cdef number rest[VECTOR]
    cdef double constants[2][VECTOR]
    cdef real block[VECTOR]
    cdef double memory[2][VECTOR + LINE]
    if single:
        scale = repeated(scale[0], lanes, memory[0])
        offset = repeated(offset[0], lanes, memory[1])
    while done < whole:
        rescale_lanes(x + done, scale + at, offset + at, out + done)
        done += lanes
        at += step
    if done < n:
        memset(rest, 0, lanes * sizeof(number))
        copy_bytes(rest, x + done, (n - done) * sizeof(number))
        if not single:
            copy_bytes(constants[0], scale + at, (n - done) * sizeof(double))
            copy_bytes(constants[1], offset + at, (n - done) * sizeof(double))
            scale, offset = constants[0], constants[1]
        rescale_lanes(rest, scale, offset, block)
        copy_bytes(out + done, block, (n - done) * sizeof(real))


cdef void rescale_to_float(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    rescale_loop[number, float](args[0], <double*> args[1], <double*> args[2], <float*> args[3], n, single)


cdef void rescale_to_double(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    rescale_loop[number, double](args[0], <double*> args[1], <double*> args[2], <double*> args[3], n, single)


# ---- bytes, in float ----

cdef inline void rescale_vector(
    const byte* x, const float* scale_high, const float* offset_high, const float* scale_low, const float* offset_low,
    float* out, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(float)
    cdef byte rest[VECTOR]
    cdef int32_t integers[VECTOR]
    cdef float block[VECTOR]
    if n < lanes:
        load_first(rest, x, n, 1)
        x = rest
    load_int32(x, integers)
    loop5(
        lanes, VECTOR // sizeof(float), block, rescale_parts, integers, scale_high, offset_high, scale_low, offset_low
    )
    if n < lanes:
        store_first(out, block, n, sizeof(float))
    else:
        store_vector(out, block)


# One vector of each of ``repetitions``, 1 or 4, that have the same constants.
cdef inline void rescale_repetitions(
    const byte* x, const float* parts, Py_ssize_t length, float* out, int repetitions
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(float)
    cdef float constants[4][VECTOR]
    store_vector(constants[0], parts)
    store_vector(constants[1], parts + PATTERN)
    store_vector(constants[2], parts + 2 * PATTERN)
    store_vector(constants[3], parts + 3 * PATTERN)
    rescale_vector(x, constants[0], constants[1], constants[2], constants[3], out, lanes)
    if repetitions == 4:        # not in a loop, which would take longer than what is in it
        x, out = x + length, out + length
        rescale_vector(x, constants[0], constants[1], constants[2], constants[3], out, lanes)
        x, out = x + length, out + length
        rescale_vector(x, constants[0], constants[1], constants[2], constants[3], out, lanes)
        x, out = x + length, out + length
        rescale_vector(x, constants[0], constants[1], constants[2], constants[3], out, lanes)


# ``parts`` are the four parts of the constants, each PATTERN elements after the one before. They repeat after
# ``length`` elements, which are whole vectors.
cdef void rescale_in_parts(
    const byte* x, const float* parts, Py_ssize_t length, float* out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t at, lanes = VECTOR // sizeof(float)
    while n >= 4 * length:
        at = 0
        while at < length:
            rescale_repetitions(x + at, parts + at, length, out + at, 4)
            at += lanes
        x += 4 * length
        out += 4 * length
        n -= 4 * length
    at = 0
    while n >= lanes:
        rescale_repetitions(x, parts + at, length, out, 1)
        x += lanes
        out += lanes
        n -= lanes
        at += lanes
        at = 0 if at == length else at
    if n > 0:
        rescale_vector(
            x, parts + at, parts + PATTERN + at, parts + 2 * PATTERN + at, parts + 3 * PATTERN + at, out, n
        )


# With scale and offset whole, which are split here. What cannot be split is computed in double, and all is where there
# is no multiply-add of floats.
cdef void rescale_bytes(const Kernel* kernel, byte** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    cdef const byte* x = args[0]
    cdef const double* scale = <const double*> args[1]
    cdef const double* offset = <const double*> args[2]
    cdef float* out = <float*> args[3]
    cdef double least = -128 if byte is int8_t else 0
    cdef Py_ssize_t m, i, k, lanes = VECTOR // sizeof(float)
    cdef float parts[4 * PATTERN]
    cdef double split_parts[4][BLOCK]
    cdef Parts split = Parts(0, 0, 0, 0)
    cdef int64_t whole
    if not HAS_FMA:
        rescale_loop[byte, float](x, scale, offset, out, n, single)
        return
    if single:
        if not split_constants(scale[0], offset[0], least, &split):
            rescale_loop[byte, float](x, scale, offset, out, n, True)
            return
        for i in range(lanes):
            parts[i], parts[PATTERN + i] = split.scale_high, split.offset_high
            parts[2 * PATTERN + i], parts[3 * PATTERN + i] = split.scale_low, split.offset_low
        rescale_in_parts(x, parts, lanes, out, n)
        return
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        whole = 0
        for i in range(m):
            whole |= split_into(
                scale[i], offset[i], least, &split_parts[0][i], &split_parts[1][i], &split_parts[2][i],
                &split_parts[3][i],
            )
        for k in range(4):
            for i in range(m):
                parts[PATTERN * k + i] = <float> split_parts[k][i]
        rescale_in_parts(x, parts, BLOCK, out, m)
        if whole:
            for i in range(m):
                if not split_constants(scale[i], offset[i], least, &split):
                    rescale_loop[byte, float](x + i, scale + i, offset + i, out + i, 1, True)
        x += m
        out += m
        scale += m
        offset += m
        n -= m


# ---- results of 16 bits: rounded from floats, block by block ----

cdef inline void store_16_bit(const float* x, char type, char* to, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef bfloat16* halves = <bfloat16*> to
    if type == b"e":
        store_block(x, <half*> to, n)
    else:       # store_block has bfloat16's elements in another order
        for i in range(n):
            halves[i] = narrow(x[i], halves[i])


cdef void rescale_to_16_bit(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    cdef float block[BLOCK]
    cdef number* at[MAX_OPERANDS]
    cdef char* to = <char*> args[3]
    cdef Py_ssize_t m
    at[0], at[1], at[2], at[3] = args[0], args[1], args[2], <number*> block
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        if number is int8_t or number is uint8_t:
            rescale_bytes(kernel, at, m, single, False)
        else:
            rescale_to_float(kernel, at, m, single, False)
        store_16_bit(block, kernel.types[3], to, m)
        at[0] += m
        if not single:
            at[1] = <number*> (<double*> at[1] + m)
            at[2] = <number*> (<double*> at[2] + m)
        to += 2 * m
        n -= m


# ---- constants that repeat ----

# n elements, of which the first has the constants at ``at``; they repeat after ``length``. ``single``: all the same.
cdef void rescale_elements(
    const Rescaling* r, const char* x, Py_ssize_t at, Py_ssize_t length, bint single, char* out, Py_ssize_t n
) noexcept nogil:
    cdef const Kernel* kernel = r.first
    cdef const float* parts = &r.constants.parts[0][at]
    cdef char type = kernel.types[3]
    cdef float block[PATTERN]
    cdef float* to = <float*> out
    cdef char* args[4]
    cdef Py_ssize_t m, most = n
    # Whole repetitions at a time, as many as there is room for.
    if not r.in_parts:
        most = n if single else length
    elif type != b"f":
        to = block
        most = PATTERN // length * length
    while n > 0:
        m = min(most, n)
        if not r.in_parts:
            args[0], args[3] = <char*> x, out
            args[1], args[2] = <char*> &r.constants.whole[0][at], <char*> &r.constants.whole[1][at]
            kernel.call(kernel, args, m, single, False)
        elif kernel.types[0] == b"b":
            rescale_in_parts[int8_t](<const int8_t*> x, parts, length, to, m)
        else:
            rescale_in_parts[uint8_t](<const uint8_t*> x, parts, length, to, m)
        if to == block:
            store_16_bit(block, type, out, m)
        x += m * kernel.itemsize[0]
        out += m * kernel.itemsize[3]
        n -= m


# The activation of n elements in place, which are in the first-level cache.
cdef inline void activate(const Rescaling* r, char* x, Py_ssize_t n) noexcept nogil:
    cdef char* args[MAX_OPERANDS]
    cdef int o
    for o in range(r.second.parameters):
        args[1 + o] = <char*> &r.numbers[o]
    args[0] = args[1 + r.second.parameters] = x
    r.second.call(r.second, args, n, True, False)


cdef void rescale_pixels(const Kernel* kernel, char** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    cdef const Rescaling* r = <const Rescaling*> kernel
    cdef const char* x = args[0]
    cdef const char* pixels
    cdef char* out = args[1]
    cdef char memory[RESCALED_BLOCK + 16 + LINE]
    cdef char* ordered = at_line(memory)
    cdef bint copied = r.turned or kernel.itemsize[0] < 0
    cdef Py_ssize_t widest = max(abs(kernel.itemsize[0]), kernel.itemsize[1]), repetition, most = n, m
    if r.second == NULL and not copied:
        rescale_elements(r, x, 0, r.length, r.channels == 1, out, n * r.channels)
        return
    if n * widest > RESCALED_BLOCK:
        # Pixels at a time, whole repetitions of the pattern.
        repetition = r.length // r.channels
        most = RESCALED_BLOCK // widest // repetition * repetition
    while n > 0:
        m = min(most, n)
        pixels = x
        if copied:
            order_pixels(r, ordered, x, m)
            pixels = ordered
        rescale_elements(r, pixels, 0, r.length, r.channels == 1, out, m * r.channels)
        if r.second != NULL:
            activate(r, out, m * r.channels)
        x += m * kernel.itemsize[0]
        out += m * kernel.itemsize[1]
        n -= m


# The output's place is that of the first plane.
cdef void rescale_planes(const Kernel* kernel, char** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    cdef const Rescaling* r = <const Rescaling*> kernel
    cdef int itemsize = r.first.itemsize[0], size = r.channels * itemsize, c
    cdef bint backwards = kernel.itemsize[0] < 0
    cdef char memory[2 * RESCALED_BLOCK + LINE]
    cdef char* planes = at_line(memory)
    cdef char* turned = planes + RESCALED_BLOCK
    cdef const char* x = args[0]
    cdef const char* plane
    cdef char* out = args[1]
    cdef char* at
    cdef Py_ssize_t widest = max(size, kernel.itemsize[1]), most = n, m
    if n * widest > RESCALED_BLOCK:
        most = RESCALED_BLOCK // widest
    while n > 0:
        m = min(most, n)
        copy_plane(
            planes, m * itemsize, itemsize, x - (m - 1) * size if backwards else x, itemsize, size, r.channels, m,
            itemsize,
        )
        if backwards:       # all together, which reverses the planes' order too
            copy_plane(
                turned, r.channels * m * itemsize, itemsize, planes + m * size - itemsize, itemsize, -itemsize, 1,
                r.channels * m, itemsize,
            )
        for c in range(r.channels):
            at = out + c * r.plane
            plane = turned + (r.channels - 1 - c) * m * itemsize if backwards else planes + c * m * itemsize
            rescale_elements(r, plane, 16 * c, 16, True, at, m)
            if r.second != NULL:
                activate(r, at, m)
        x += m * kernel.itemsize[0]
        out += m * kernel.itemsize[1]
        n -= m
