# Arrays of any strides: ``run_nest`` runs over the blocks that ``plan_nest`` has cut a nest into.

cdef enum:
    PREFETCHED = 16         # cache lines of the next row, at most
    BUFFER_ROOM = BUFFER + 64       # bytes: at its end a vector may be written whole


# ---- one block ----

# Where a block is: the first element's index along each axis, the block's extent from the outermost axis that it has
# more than one element of, its elements, and each operand's address.
cdef struct Place:
    Py_ssize_t index[MAX_DIMS]
    Py_ssize_t extent[MAX_DIMS]
    Py_ssize_t n
    char* at[NEST_OPERANDS]


# Copies an operand's block of this extent to a buffer, or back: a plane for each place along the axes that have none of
# its two.
cdef void transfer(
    const LoopNest* nest, int o, char* p, const Py_ssize_t* extent, char* buffer, bint back
) noexcept nogil:
    cdef int last = nest.ndim - 1, axis, itemsize = nest.itemsize[o]
    cdef Py_ssize_t step = nest.strides[o][last], n = extent[last], row = 0, buffer_row = n * itemsize, rows = 1
    cdef Py_ssize_t index[MAX_DIMS]
    cdef Py_ssize_t steps[MAX_DIMS]         # of the buffer
    cdef Py_ssize_t bytes = n * itemsize
    for axis in range(last - 1, nest.outer - 1, -1):
        index[axis] = 0
        steps[axis] = bytes
        bytes *= extent[axis]
    if nest.outer < last:
        row, buffer_row, rows = nest.strides[o][nest.row_axis], steps[nest.row_axis], extent[nest.row_axis]
    while True:
        if back:
            copy_plane(p, row, step, buffer, buffer_row, itemsize, rows, n, itemsize)
        else:
            copy_plane(buffer, buffer_row, itemsize, p, row, step, rows, n, itemsize)
        axis = last - 1
        while axis >= nest.outer:
            if axis != nest.row_axis:
                index[axis] += 1
                p += nest.strides[o][axis]
                buffer += steps[axis]
                if index[axis] < extent[axis]:
                    break
                p -= index[axis] * nest.strides[o][axis]
                buffer -= index[axis] * steps[axis]
                index[axis] = 0
            axis -= 1
        if axis < nest.outer:
            return


# The block of an input or a parameter as the kernel takes it: in ``buffer``, by way of ``scratch`` where it has
# another dtype.
cdef void fetch(
    const LoopNest* nest, int o, char* p, const Py_ssize_t* extent, Py_ssize_t n, char* buffer, char* scratch
) noexcept nogil:
    if o >= nest.kernel.operands or nest.types[o] == nest.kernel.types[o]:
        transfer(nest, o, p, extent, buffer, back=False)
        return
    if not nest.straight[o]:
        transfer(nest, o, p, extent, scratch, back=False)
        p = scratch
    convert(p, nest.types[o], buffer, nest.kernel.types[o], n)


# ---- results ----

# Results to where the mask is true, row by row.
cdef void put_rows(const LoopNest* nest, const Place* place, const char* x, const uint8_t* mask) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, last = nest.ndim - 1, axis, itemsize = nest.itemsize[out]
    cdef Py_ssize_t index[MAX_DIMS]
    cdef char* p = place.at[out]
    if nest.straight[out]:
        put(p, itemsize, x, mask, place.n, itemsize)
        return
    for axis in range(nest.outer, last):
        index[axis] = 0
    while True:
        put(p, nest.strides[out][last], x, mask, place.extent[last], itemsize)
        x += itemsize * place.extent[last]
        mask += place.extent[last]
        axis = last - 1
        while axis >= nest.outer:
            index[axis] += 1
            p += nest.strides[out][axis]
            if index[axis] < place.extent[axis]:
                break
            p -= index[axis] * nest.strides[out][axis]
            index[axis] = 0
            axis -= 1
        if axis < nest.outer:
            return


# A tile of results past the cache.
cdef void stream_lines(const LoopNest* nest, const Place* place, const char* x) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, last = nest.ndim - 1
    cdef Py_ssize_t bytes = nest.block[last] * nest.itemsize[out], row, i
    cdef char* p = place.at[out]
    for row in range(place.extent[last - 1]):
        for i in range(bytes // VECTOR):
            stream_vector(p + VECTOR * i, x + VECTOR * i)
        p += nest.strides[out][last - 1]
        x += bytes


# A block of results from the buffer to the output, by way of ``scratch`` where that has another dtype. ``mask`` is NULL
# where all are wanted.
cdef void put_back(
    const LoopNest* nest, const Place* place, const char* results, char* scratch, const uint8_t* mask
) noexcept nogil:
    cdef int out = nest.kernel.operands - 1
    cdef char* to = place.at[out] if nest.straight[out] and mask == NULL else scratch
    if nest.types[out] != nest.kernel.types[out]:
        convert(results, nest.kernel.types[out], to, nest.types[out], place.n)
        if to != scratch:
            return
        results = scratch
    if mask != NULL:
        put_rows(nest, place, results, mask)
    elif nest.past_cache and place.extent[nest.ndim - 1] == nest.block[nest.ndim - 1]:
        stream_lines(nest, place, results)
    else:
        transfer(nest, out, place.at[out], place.extent, <char*> results, back=True)


# ---- all blocks ----

# The axis along which blocks follow each other (i is 0), the one to step along where that is at its end, and so on.
cdef inline int stepped_axis(const LoopNest* nest, int i) noexcept nogil:
    cdef int axis = nest.ndim - 1 - i
    return axis if i > 1 or not nest.in_lines else nest.ndim - 2 + i


# From a block along an axis to the next one.
cdef inline Py_ssize_t step_along(const LoopNest* nest, const Place* place, int axis) noexcept nogil:
    cdef bint shorter = axis == nest.ndim - 1 and place.index[axis] == 0
    return nest.block[axis] - nest.lacking if shorter else nest.block[axis]


# What depends on where the block is cut off.
cdef inline void measure(const LoopNest* nest, Place* place) noexcept nogil:
    cdef int axis
    place.n = 1
    for axis in range(nest.outer, nest.ndim):
        place.extent[axis] = min(step_along(nest, place, axis), nest.shape[axis] - place.index[axis])
        place.n *= place.extent[axis]


cdef inline void go_to(const LoopNest* nest, Place* place, Py_ssize_t block) noexcept nogil:
    cdef Py_ssize_t count
    cdef int axis, i, o
    for o in range(nest.operands):
        place.at[o] = nest.data[o]
    for i in range(nest.ndim):
        axis = stepped_axis(nest, i)
        count = blocks_along(nest, axis)
        place.index[axis] = block % count * nest.block[axis]
        if axis == nest.ndim - 1:
            place.index[axis] = max(<Py_ssize_t> 0, place.index[axis] - nest.lacking)
        block //= count
        for o in range(nest.operands):
            place.at[o] += place.index[axis] * nest.strides[o][axis]
    measure(nest, place)


cdef inline void go_on(const LoopNest* nest, Place* place) noexcept nogil:
    cdef int i = 0, axis = stepped_axis(nest, 0), o
    cdef Py_ssize_t step = step_along(nest, place, axis)
    while place.index[axis] + step >= nest.shape[axis]:
        for o in range(nest.operands):
            place.at[o] -= place.index[axis] * nest.strides[o][axis]
        place.index[axis] = 0
        i += 1
        axis = stepped_axis(nest, i)
        step = step_along(nest, place, axis)
    place.index[axis] += step
    for o in range(nest.operands):
        place.at[o] += step * nest.strides[o][axis]
    measure(nest, place)


# The next block starts on other pages, as a rule, which no prefetcher of the processor foresees: the first lines of a
# row, and of each row of a tile.
cdef inline void prefetch_next(const LoopNest* nest, const Place* place, int o) noexcept nogil:
    cdef int axis = stepped_axis(nest, 0), last = nest.ndim - 1
    cdef Py_ssize_t count, i, k
    cdef char* p = place.at[o]
    if place.index[axis] + place.extent[axis] >= nest.shape[axis]:
        if last == 0:
            return
        p -= place.index[axis] * nest.strides[o][axis]
        axis = stepped_axis(nest, 1)
    p += step_along(nest, place, axis) * nest.strides[o][axis]
    if nest.outer == last:
        for i in range(min(<Py_ssize_t> PREFETCHED, place.n * nest.strides[o][last] // 64 + 1)):
            prefetch(p + 64 * i)
        return
    count = max(<Py_ssize_t> 1, magnitude(nest.strides[o][last - 1]) * nest.block[last - 1] // 64)
    for i in range(nest.block[last]):
        for k in range(count):
            prefetch(p + i * nest.strides[o][last] + 64 * k)


# Calls the kernel for each row of a tile, which it writes where it belongs.
cdef void call_by_rows(const LoopNest* nest, const Place* place, char** args) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef int out = kernel.operands - 1, last = nest.ndim - 1, o
    cdef Py_ssize_t n = place.extent[last], row
    for row in range(place.extent[last - 1]):
        kernel.call(kernel, args, n, nest.single, False)
        for o in range(kernel.inputs if nest.single else out):
            args[o] += n * kernel.itemsize[o]
        args[out] += nest.strides[out][last - 1]


cdef void run_nest(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef int out = kernel.operands - 1, o
    cdef bint some = True, every = True
    cdef const uint8_t* mask = NULL
    cdef Place place
    cdef char memory[(NEST_OPERANDS + 1) * BUFFER_ROOM + LINE]
    cdef char* scratch = at_line(memory)
    cdef char* buffers[NEST_OPERANDS]
    cdef char* args[NEST_OPERANDS]
    for o in range(nest.operands):
        # The output's before the inputs': a load waits for an earlier store to the same place within a page (4K
        # aliasing), and loads are ahead of stores.
        buffers[o] = scratch + (NEST_OPERANDS - o) * BUFFER_ROOM
        if nest.repeated[o]:
            fetch(nest, o, nest.data[o], nest.block, nest.block_size, buffers[o], scratch)
    go_to(nest, &place, start)
    while True:
        for o in range(nest.operands):
            args[o] = place.at[o] if nest.as_it_lies[o] or nest.by_rows and o == out else buffers[o]
            if o != out and not nest.as_it_lies[o] and not nest.repeated[o]:
                fetch(nest, o, place.at[o], place.extent, place.n, buffers[o], scratch)
            if nest.prefetched[o]:
                prefetch_next(nest, &place, o)
        if nest.masked:
            mask = <const uint8_t*> args[out + 1]
            look_at(mask, place.n, &some, &every)
            if not every:
                args[out] = buffers[out]
        if some:
            if nest.by_rows:
                call_by_rows(nest, &place, args)
            elif args[out] != buffers[out] and nest.past_cache:
                stream(kernel, args, place.n, nest.single)
            else:
                kernel.call(kernel, args, place.n, nest.single, False)
                if args[out] == buffers[out]:
                    put_back(nest, &place, buffers[out], scratch, NULL if every else mask)
        start += 1
        if start == stop:
            break
        go_on(nest, &place)
    if nest.past_cache:
        fence()
