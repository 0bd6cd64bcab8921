# How a call over arrays of any strides is cut into blocks.
#
# A block is a box of the nest's index space: a part of one axis, and all of the axes inside it. Its elements are handed
# to the kernel in one call. An operand that is contiguous within every block takes part where it lies; one that is the
# same in every block, such as a slope for each channel, is copied once; any other is copied block by block. Copies stay
# in the first-level cache.
#
#     rows that are long and straight     a block is a row, and nothing is copied
#     short rows, or steps in a row       a block is several rows, or a part of one
#     an input in another order           a block is a tile: a part of a row of the output, or the whole of a short one,
#                                         by a part of a row of the input. Tiles follow each other along that row, as
#                                         prefetchers like it. Where the output's part is long, the kernel writes each
#                                         row of it where it belongs
#     likewise, of few elements           a block is a part of the input's row by all axes inside of it in the output,
#                                         which is then written in order
#     likewise, and the cache is too      results are written past the cache. Where rows of the output are whole cache
#     small for the call                  lines, a tile is one or two of them by a part of the input's row: small, so
#                                         that what is read ahead for the next one does not wait for memory at once

cdef enum:
    LONG_ROW = 64           # elements from which a straight row goes to the kernel as it lies
    LONG_FOLLOWING_ROW = 512        # likewise where copying an operand that repeats is all that longer blocks take
    LONGEST_ROW = 32768     # elements of such a block at most: threads share rows that are longer
    TILE_ROW = 128          # elements of a tile along the output
    LARGE_TILE_ROW = 64     # likewise where the cache is too small for the call: longer parts of the input are read
    STREAMED_TILE = 2048    # bytes of a tile whose lines are written past the cache
    SHORT_ROW = 128         # elements of an input's row that such tiles do not cut
    SQUARE = 4              # elements along the input that a tile is a multiple of: vectors turn as many a side
    LONG_PART = 128         # elements of a tile along the output from which the kernel writes them where they belong
    SHORT_PART = 8          # elements of an input's row, at least, of a block that has whole axes beside it
    BLOCK_BYTES = 4096      # bytes of a block of the widest operand, at most
    BUFFER = 8192           # bytes of an operand's copy: a tile may have that many


# How much of an axis a block takes if it may take ``most``: even parts, of whole units where there are several.
cdef Py_ssize_t even_part(Py_ssize_t length, Py_ssize_t most, Py_ssize_t unit) noexcept nogil:
    cdef Py_ssize_t parts = (length + most - 1) // most, part = (length + parts - 1) // parts
    return length if parts == 1 else min((part + unit - 1) // unit * unit, most // unit * unit)


# Such a unit, where parts are to be whole cache lines.
cdef inline Py_ssize_t whole_lines(Py_ssize_t most) noexcept nogil:
    return 64 if most >= 64 else 16 if most >= 16 else 8 if most >= 8 else 1


# Makes an axis the last but one.
cdef void move_axis(LoopNest* nest, int axis) noexcept nogil:
    cdef int to = nest.ndim - 2, a, o
    cdef Py_ssize_t length = nest.shape[axis], stride
    for a in range(axis, to):
        nest.shape[a] = nest.shape[a + 1]
    nest.shape[to] = length
    for o in range(nest.operands):
        stride = nest.strides[o][axis]
        for a in range(axis, to):
            nest.strides[o][a] = nest.strides[o][a + 1]
        nest.strides[o][to] = stride


# The axis along which an array that is transposed has its smallest step; -1 where none is.
cdef int transposed_axis(const LoopNest* nest) noexcept nogil:
    cdef int last = nest.ndim - 1, o, axis, best
    for o in range(nest.operands):
        best = last
        for axis in range(last):
            if 0 < magnitude(nest.strides[o][axis]) < magnitude(nest.strides[o][best]):
                best = axis
        if best != last:
            return best
    return -1


# Whether one row lies behind the other, in every operand that is not the same in each of them.
cdef bint rows_follow(const LoopNest* nest) noexcept nogil:
    cdef int last = nest.ndim - 1, o
    cdef Py_ssize_t stride
    if last == 0:
        return False
    for o in range(nest.operands):
        stride = nest.strides[o][last - 1]
        if stride != 0 and stride != nest.strides[o][last] * nest.shape[last]:
            return False
    return True


# Whether the kernel can take whole rows as they are. Short ones that follow each other make longer blocks.
cdef bint has_straight_rows(const LoopNest* nest) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef int last = nest.ndim - 1, out = kernel.operands - 1, o
    cdef bint single = True
    if nest.masked:
        return False
    for o in range(kernel.inputs, out):
        single = single and nest.strides[o][last] == 0
    for o in range(out + 1):
        if nest.types[o] != kernel.types[o]:
            return False
        if nest.strides[o][last] != nest.itemsize[o] and not (single and kernel.inputs <= o < out):
            return False
    return last == 0 or nest.shape[last] >= (LONG_FOLLOWING_ROW if rows_follow(nest) else LONG_ROW)


# Whether every row of the output begins at the same place of a cache line.
cdef bint has_rows_of_lines(const LoopNest* nest) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, last = nest.ndim - 1, axis
    cdef Py_ssize_t bits = 0
    for axis in range(last):
        bits |= nest.strides[out][axis]
    return bits & 63 == 0 and nest.strides[out][last] == nest.itemsize[out]


# Whether the last cache is too small for what is transposed, so that results are better written past it. Of arrays that
# are read and written in pieces it holds half of what it holds of contiguous ones, as measured. What is computed in
# place is in it all the same.
cdef bint is_large(const LoopNest* nest) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, o
    cdef Py_ssize_t itemsize = nest.itemsize[out]
    for o in range(nest.kernel.inputs):
        if nest.data[o] == nest.data[out]:
            return False
        itemsize += nest.itemsize[o]
    return CAN_STREAM and nest.size * itemsize >= nest.streamed_from // 2


cdef void choose_block(LoopNest* nest) noexcept nogil:
    cdef int last = nest.ndim - 1, axis, a, o, widest = 1
    cdef Py_ssize_t inner = 1, n = nest.shape[last], room, across, rows
    cdef bint lines
    nest.in_lines = nest.past_cache = False
    nest.row_axis = max(0, last - 1)
    for axis in range(nest.ndim):
        nest.block[axis] = 1
    if has_straight_rows(nest):
        nest.outer = last
        nest.block[last] = min(nest.shape[last], <Py_ssize_t> LONGEST_ROW)
        return
    for o in range(nest.kernel.operands):
        widest = max(widest, nest.itemsize[o], nest.kernel.itemsize[o])
    room = BLOCK_BYTES // widest
    if nest.kernel.in_rows:
        nest.outer = last
        nest.block[last] = min(nest.shape[last], room)
        return
    axis = transposed_axis(nest)
    if axis >= 0:
        nest.past_cache = is_large(nest)
        room = BUFFER // widest
        for a in range(axis + 1, nest.ndim):
            inner *= nest.shape[a]
        if axis < last - 1 and inner * SHORT_PART <= room:
            nest.outer = nest.row_axis = axis
            nest.block[axis] = even_part(nest.shape[axis], room // inner, SQUARE)
            for a in range(axis + 1, nest.ndim):
                nest.block[a] = nest.shape[a]
            return
        move_axis(nest, axis)
        nest.outer = last - 1
        nest.in_lines = True
        lines = nest.past_cache and has_rows_of_lines(nest)
        if lines:
            across = (64 if widest < 4 else 128) // widest
        else:
            across = LARGE_TILE_ROW if nest.past_cache else TILE_ROW
        if lines and nest.shape[last - 1] > SHORT_ROW:
            room = STREAMED_TILE // widest
        rows = even_part(nest.shape[last - 1], room // min(n, across), SQUARE)
        nest.block[last - 1] = rows
        nest.block[last] = even_part(n, room // rows, whole_lines(room // rows))
        return
    axis = last
    while axis > 0 and inner * nest.shape[axis] <= room:
        nest.block[axis] = nest.shape[axis]
        inner *= nest.shape[axis]
        axis -= 1
    nest.outer = axis
    nest.block[axis] = even_part(nest.shape[axis], room // inner, whole_lines(room // inner))


cdef inline Py_ssize_t blocks_along(const LoopNest* nest, int axis) noexcept nogil:
    cdef Py_ssize_t n = nest.shape[axis] + nest.block[axis] - 1
    return (n + nest.lacking if axis == nest.ndim - 1 else n) // nest.block[axis]


# Whether an operand is contiguous within every block.
cdef bint is_straight(const LoopNest* nest, int o) noexcept nogil:
    cdef Py_ssize_t stride = nest.itemsize[o]
    cdef int axis
    for axis in range(nest.ndim - 1, nest.outer - 1, -1):
        if nest.block[axis] > 1 and nest.strides[o][axis] != stride:
            return False
        if axis > nest.outer and nest.block[axis] < nest.shape[axis]:
            return nest.block[nest.outer] == 1      # a tile: blocks may end early along this axis too
        stride *= nest.block[axis]
    return True


# Whether an operand has the same elements in every block (the last one fewer).
cdef bint is_repeated(const LoopNest* nest, int o) noexcept nogil:
    cdef int axis
    for axis in range(nest.ndim):
        if nest.block[axis] < nest.shape[axis] and (nest.strides[o][axis] != 0 or axis > nest.outer):
            return False
    return True


# Whether the output's part of a block is whole cache lines, unless the block is cut off. They need not begin where the
# output does: the first block is shorter then.
cdef bint writes_lines(LoopNest* nest) noexcept nogil:
    cdef int out = nest.kernel.operands - 1, last = nest.ndim - 1, itemsize = nest.itemsize[out]
    cdef Py_ssize_t before = <Py_ssize_t> nest.data[out] & 63
    if not has_rows_of_lines(nest) or nest.block[last] * itemsize & 63 or before % itemsize:
        return False
    if before != 0 and nest.block[last] == nest.shape[last]:
        return False
    nest.lacking = before // itemsize
    return True


# Fills in what a nest has of blocks. The order of its axes may change.
cdef void plan_nest(LoopNest* nest) noexcept nogil:
    cdef const Kernel* kernel = nest.kernel
    cdef int out = kernel.operands - 1, last = nest.ndim - 1, axis, o
    cdef bint same_type
    cdef Py_ssize_t stride
    nest.size = nest.block_size = 1
    for axis in range(nest.ndim):
        nest.size *= nest.shape[axis]
    choose_block(nest)
    for axis in range(nest.ndim):
        nest.block_size *= nest.block[axis]
    nest.single = True
    for o in range(kernel.inputs, out):
        for axis in range(nest.outer, nest.ndim):
            nest.single = nest.single and (nest.strides[o][axis] == 0 or nest.block[axis] == 1)
    for o in range(nest.operands):
        same_type = o > out or nest.types[o] == kernel.types[o]
        nest.straight[o] = is_straight(nest, o)
        nest.as_it_lies[o] = same_type and (nest.straight[o] or nest.single and kernel.inputs <= o < out)
        nest.repeated[o] = not nest.as_it_lies[o] and o != out and is_repeated(nest, o)
        nest.prefetched[o] = False
        if nest.outer == last:      # rows
            nest.prefetched[o] = last > 0 and nest.strides[o][last] > 0 and (o == out or nest.data[o] != nest.data[out])
        elif nest.past_cache and not nest.repeated[o] and o != out:
            # Pixels of a few bytes are read one behind the other, which the processor foresees.
            stride = magnitude(nest.strides[o][last - 1])
            nest.prefetched[o] = stride > 0 and magnitude(nest.strides[o][last]) >= 64
    nest.lacking = 0
    nest.past_cache = nest.past_cache and (nest.as_it_lies[out] or writes_lines(nest))
    nest.by_rows = (
        nest.in_lines and not nest.past_cache and not nest.masked and not nest.straight[out]
        and nest.block[last] >= LONG_PART and nest.strides[out][last] == nest.itemsize[out]
        and nest.types[out] == kernel.types[out]
    )
    nest.blocks = 1
    for axis in range(nest.ndim):
        nest.blocks *= blocks_along(nest, axis)
