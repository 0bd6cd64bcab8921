# ---- arrays of any strides ----


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


# A place in the nest's index space.
cdef struct Cursor:
    Py_ssize_t index[MAX_DIMS]


cdef inline void seek(const LoopNest* nest, Cursor* cursor, Py_ssize_t position) noexcept nogil:
    cdef int axis
    for axis in range(nest.ndim - 1, -1, -1):
        cursor.index[axis] = position % nest.shape[axis]
        position //= nest.shape[axis]


# Forward by at most what is left of the innermost axis.
cdef inline void advance(const LoopNest* nest, Cursor* cursor, Py_ssize_t n) noexcept nogil:
    cdef int axis = nest.ndim - 1
    cursor.index[axis] += n
    while axis > 0 and cursor.index[axis] == nest.shape[axis]:
        cursor.index[axis] = 0
        axis -= 1
        cursor.index[axis] += 1


cdef inline char* address(const LoopNest* nest, const Cursor* cursor, int operand) noexcept nogil:
    cdef int axis
    cdef char* p = nest.data[operand]
    for axis in range(nest.ndim):
        p += cursor.index[axis] * nest.strides[operand][axis]
    return p


# Copies ``n`` elements of an operand, from the cursor on, into a buffer, or back.
cdef void transfer(
    const LoopNest* nest, Cursor cursor, int operand, char* buffer, Py_ssize_t n, bint back
) noexcept nogil:
    cdef int last = nest.ndim - 1, itemsize = nest.kernel.itemsize[operand]
    cdef Py_ssize_t stride = nest.strides[operand][last], run
    cdef char* p
    while n > 0:
        run = min(n, nest.shape[last] - cursor.index[last])
        p = address(nest, &cursor, operand)
        if back:
            copy(p, stride, buffer, itemsize, itemsize, run)
        else:
            copy(buffer, itemsize, p, stride, itemsize, run)
        advance(nest, &cursor, run)
        buffer += run * itemsize
        n -= run


cdef inline bint is_linear(const LoopNest* nest, int operand) noexcept nogil:
    """Whether the operand is contiguous over the whole nest."""
    cdef Py_ssize_t stride = nest.kernel.itemsize[operand]
    cdef int axis
    for axis in range(nest.ndim - 1, -1, -1):
        if nest.strides[operand][axis] != stride:
            return False
        stride *= nest.shape[axis]
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
cdef void walk_runs(
    const LoopNest* nest, Py_ssize_t position, Py_ssize_t stop, bint scalar, int spacing
) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef uint64_t chosen[SPAN]
    cdef int last = nest.ndim - 1, operands = kernel.operands, out = operands - 1, axis, o, i
    cdef Py_ssize_t n
    cdef Cursor cursor
    cdef char* args[MAX_OPERANDS]
    if spacing > 1:
        memset(chosen, 0, SPAN * kernel.itemsize[0])
        for i in range(SPAN // spacing):
            (<char*> chosen)[i * spacing * kernel.itemsize[0]] = 1
    seek(nest, &cursor, position)
    for o in range(operands):
        args[o] = address(nest, &cursor, o)
    while True:
        n = min(nest.shape[last] - cursor.index[last], stop - position)
        # As a rule the next run starts on another page, which no prefetcher of the processor foresees.
        for o in range(operands if last > 0 else 0):
            if o == out or args[o] != args[out] and not (scalar and o == out - 1):
                for i in range(min(<Py_ssize_t> PREFETCHED, n * nest.strides[o][last] // 64 + 1)):
                    prefetch(args[o] + nest.strides[o][last - 1] + 64 * i)
        if spacing > 1:
            compute_spaced(kernel, args, n, spacing, chosen)
        else:
            kernel.call(args, n, scalar, False)
        position += n
        if position == stop:
            return
        # On to the next run: back to the start of this axis, one step on the one outside, and so on.
        for o in range(operands):
            args[o] -= cursor.index[last] * nest.strides[o][last]
        cursor.index[last] = 0
        axis = last - 1
        while cursor.index[axis] + 1 == nest.shape[axis]:
            for o in range(operands):
                args[o] -= cursor.index[axis] * nest.strides[o][axis]
            cursor.index[axis] = 0
            axis -= 1
        cursor.index[axis] += 1
        for o in range(operands):
            args[o] += nest.strides[o][axis]


# Anything else is gathered into blocks, computed there, and scattered; an operand that is contiguous takes part where
# it lies.
cdef void walk_blocks(const LoopNest* nest, Py_ssize_t position, Py_ssize_t stop, bint scalar) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, o
    cdef const Kernel* kernel = nest.kernel
    cdef int last = nest.ndim - 1
    cdef bint linear[MAX_OPERANDS]
    cdef Py_ssize_t n
    cdef Cursor cursor
    cdef char* args[MAX_OPERANDS]
    cdef uint64_t buffers[MAX_OPERANDS][BLOCK]
    for o in range(out + 1):
        linear[o] = is_linear(nest, o)
    while position < stop:
        n = min(<Py_ssize_t> BLOCK, stop - position)
        seek(nest, &cursor, position)
        # A long run is a block of its own, or several: two parts of runs would cost more than they save.
        if nest.shape[last] - cursor.index[last] >= BLOCK // 4:
            n = min(n, nest.shape[last] - cursor.index[last])
        for o in range(out + 1):
            if scalar and o == out - 1:
                args[o] = nest.data[o]
            elif linear[o]:
                args[o] = nest.data[o] + position * kernel.itemsize[o]
            elif o < out:
                args[o] = <char*> buffers[o]
                transfer(nest, cursor, o, args[o], n, back=False)
            else:
                args[o] = <char*> buffers[o if linear[0] or kernel.itemsize[0] != kernel.itemsize[o] else 0]
        kernel.call(args, n, scalar, False)
        if not linear[out]:
            transfer(nest, cursor, out, args[out], n, back=True)
        position += n


# Whether the nest is in place, of elements some places apart, as a column's are.
cdef inline bint spaced(const LoopNest* nest, bint scalar_run) noexcept nogil:
    cdef int last = nest.ndim - 1, out = nest.kernel.operands - 1, axis
    cdef Py_ssize_t itemsize = nest.kernel.itemsize[0], stride = nest.strides[0][last]
    for axis in range(nest.ndim):
        if nest.strides[0][axis] != nest.strides[out][axis]:
            return False
    return (
        nest.kernel.chosen != NULL
        and nest.data[0] == nest.data[out]
        and (scalar_run or not nest.kernel.sloped)
        and nest.shape[last] >= BLOCK // 8
        and itemsize < stride <= MOST_SPACED * itemsize
        and stride % itemsize == 0
    )


cdef void walk(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef int last = nest.ndim - 1, out = nest.kernel.operands - 1, axis, o
    # A slope may be one value along the innermost axis, and then one value altogether.
    cdef bint scalar_run = nest.kernel.sloped and nest.strides[out - 1][last] == 0, scalar = scalar_run
    cdef bint straight = nest.shape[last] >= BLOCK // 8 or nest.ndim == 1
    for axis in range(last):
        scalar = scalar and nest.strides[out - 1][axis] == 0
    for o in range(out + 1):
        straight = straight and (nest.strides[o][last] == nest.kernel.itemsize[o] or scalar_run and o == out - 1)
    if straight:
        walk_runs(nest, start, stop, scalar_run, 1)
    elif stop - start >= SPAN and spaced(nest, scalar_run):       # fewer are not worth a mask
        walk_runs(nest, start, stop, True, <int> (nest.strides[0][last] // nest.kernel.itemsize[0]))
    else:
        walk_blocks(nest, start, stop, scalar)
