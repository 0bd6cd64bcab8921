# Arrays of any strides. ``run_nest`` chooses: rows that are long and straight go to the kernel as they lie
# (``run_rows``); anything else is copied into blocks, computed there and copied back (``run_gathered``).

cdef enum:
    LONG_ROW = BLOCK // 8       # elements from which a straight row goes to the kernel as it lies
    LONG_RUN = BLOCK // 4       # elements from which a run is gathered into blocks of its own


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
    if unit is uint32_t and HAS_SPREAD_4 and source_stride == sizeof(unit) and to_stride == 2 * sizeof(unit):
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


# Whether the operand is contiguous over the whole nest.
cdef inline bint is_linear(const LoopNest* nest, int operand) noexcept nogil:
    cdef Py_ssize_t stride = nest.kernel.itemsize[operand]
    cdef int axis
    for axis in range(nest.ndim - 1, -1, -1):
        if nest.strides[operand][axis] != stride:
            return False
        stride *= nest.shape[axis]
    return True


cdef enum:
    PREFETCHED = 16     # cache lines of the next run, at most


# Straight runs along the innermost axis go to the kernel as they are.
cdef void run_rows(
    const LoopNest* nest, Py_ssize_t position, Py_ssize_t stop, bint single
) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef int last = nest.ndim - 1, operands = kernel.operands, out = operands - 1, axis, o, i
    cdef Py_ssize_t n
    cdef Cursor cursor
    cdef char* args[MAX_OPERANDS]
    seek(nest, &cursor, position)
    for o in range(operands):
        args[o] = address(nest, &cursor, o)
    while True:
        n = min(nest.shape[last] - cursor.index[last], stop - position)
        # As a rule the next run starts on another page, which no prefetcher of the processor foresees.
        for o in range(operands if last > 0 else 0):
            if o == out or args[o] != args[out] and not (single and kernel.inputs <= o < out):
                for i in range(min(<Py_ssize_t> PREFETCHED, n * nest.strides[o][last] // 64 + 1)):
                    prefetch(args[o] + nest.strides[o][last - 1] + 64 * i)
        kernel.call(kernel, args, n, single, False)
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
cdef void run_gathered(const LoopNest* nest, Py_ssize_t position, Py_ssize_t stop, bint single) noexcept nogil:
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
        if nest.shape[last] - cursor.index[last] >= LONG_RUN:
            n = min(n, nest.shape[last] - cursor.index[last])
        for o in range(out + 1):
            if single and kernel.inputs <= o < out:
                args[o] = nest.data[o]
            elif linear[o]:
                args[o] = nest.data[o] + position * kernel.itemsize[o]
            elif o < out:
                args[o] = <char*> buffers[o]
                transfer(nest, cursor, o, args[o], n, back=False)
            else:
                args[o] = <char*> buffers[o if linear[0] or kernel.itemsize[0] != kernel.itemsize[o] else 0]
        kernel.call(kernel, args, n, single, False)
        if not linear[out]:
            transfer(nest, cursor, out, args[out], n, back=True)
        position += n


cdef void run_nest(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef int last = nest.ndim - 1, out = nest.kernel.operands - 1, axis, o
    cdef int inputs = nest.kernel.inputs
    # Parameters may be single values along the innermost axis, and then single values altogether.
    cdef bint single_in_row = True, single = True
    cdef bint straight = nest.shape[last] >= LONG_ROW or nest.ndim == 1
    for o in range(inputs, out):
        single_in_row = single_in_row and nest.strides[o][last] == 0
        for axis in range(last):
            single = single and nest.strides[o][axis] == 0
    for o in range(out + 1):
        if not (single_in_row and inputs <= o < out):
            straight = straight and nest.strides[o][last] == nest.kernel.itemsize[o]
    if straight:
        run_rows(nest, start, stop, single_in_row)
    else:
        run_gathered(nest, start, stop, single and single_in_row)
