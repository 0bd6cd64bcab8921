# softmax and its like, over arrays of any dtype and strides: which elements make a tile, and how they come there.
#
# Rows of floats or doubles that lie straight are computed where they lie; so are rows across straight runs. Anything
# else is converted into a tile in the first-level cache, computed there, and converted back. Rows that no tile holds go
# in passes, part by part (``run_pass``): a part that does not lie straight is converted in each pass anew.

# ---- to and from a tile ----

# n elements of any stride.
cdef void load_run(const number* x, Py_ssize_t stride, Py_ssize_t n, real* to) noexcept nogil:
    cdef Py_ssize_t i
    if stride != sizeof(number):
        for i in range(n):
            to[i] = converted[number, real]((<const number*> (<const char*> x + i * stride))[0], 0)
    elif number is half:
        load_block(x, to, n)
    else:
        for i in range(n):
            to[i] = converted[number, real](x[i], 0)


# The same back. The result of an integer is a float or double.
cdef void store_run(number* tag, const real* x, void* to, Py_ssize_t stride, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef number* target
    if number is half or number is bfloat16:
        if number is half and stride == sizeof(number):
            store_block(x, <number*> to, n)
            return
        for i in range(n):
            target = <number*> (<char*> to + i * stride)
            target[0] = narrow(<float> x[i], target[0])
    elif stride == sizeof(real):
        memcpy(to, x, n * sizeof(real))
    else:
        for i in range(n):
            (<real*> (<char*> to + i * stride))[0] = x[i]


# ---- where things lie ----

# Of an operand, from the first element of the nest: row ``row``, or element ``i`` of a row.
cdef inline Py_ssize_t row_offset(const RowNest* nest, int operand, Py_ssize_t row) noexcept nogil:
    cdef Py_ssize_t offset = 0
    cdef int axis
    for axis in range(nest.ndim - 1, -1, -1):
        offset += row % nest.shape[axis] * nest.strides[operand][axis]
        row //= nest.shape[axis]
    return offset


cdef inline Py_ssize_t element_offset(const RowNest* nest, int operand, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t offset = 0
    cdef int axis
    for axis in range(nest.ndim + nest.core - 1, nest.ndim, -1):
        offset += i % nest.shape[axis] * nest.strides[operand][axis]
        i //= nest.shape[axis]
    return offset + i * nest.strides[operand][nest.ndim]


# Elements [start, start + n) of a row into a buffer, or back: runs along its last axis.
cdef void load_row(
    const RowNest* nest, int operand, number* tag, const char* row, Py_ssize_t start, Py_ssize_t n, real* to
) noexcept nogil:
    cdef int last = nest.ndim + nest.core - 1
    cdef Py_ssize_t m
    while n > 0:
        m = n if nest.core == 1 else min(n, nest.shape[last] - start % nest.shape[last])
        load_run[number, real](
            <const number*> (row + element_offset(nest, operand, start)), nest.strides[operand][last], m, to
        )
        start += m
        to += m
        n -= m


cdef void store_row(
    const RowNest* nest, int operand, number* tag, char* row, Py_ssize_t start, Py_ssize_t n, const real* x
) noexcept nogil:
    cdef int last = nest.ndim + nest.core - 1
    cdef Py_ssize_t m
    while n > 0:
        m = n if nest.core == 1 else min(n, nest.shape[last] - start % nest.shape[last])
        store_run(tag, x, row + element_offset(nest, operand, start), nest.strides[operand][last], m)
        start += m
        x += m
        n -= m


# Whether all elements of a tile's rows lie beside each other, so that they are converted by vectors at once.
cdef inline bint rows_beside(const RowNest* nest, int operand, Py_ssize_t to_next, Py_ssize_t itemsize) noexcept nogil:
    return nest.core == 1 and nest.strides[operand][nest.ndim] == itemsize and to_next == nest.length * itemsize


# Whole rows, one behind the other; or back.
cdef void load_rows(
    const RowNest* nest, int operand, number* tag, const char* row, Py_ssize_t to_next, Py_ssize_t rows, real* to
) noexcept nogil:
    cdef Py_ssize_t g
    if rows_beside(nest, operand, to_next, sizeof(number)):
        load_run[number, real](<const number*> row, sizeof(number), rows * nest.length, to)
        return
    for g in range(rows):
        load_row(nest, operand, tag, row + g * to_next, 0, nest.length, to + g * nest.length)


cdef void store_rows(
    const RowNest* nest, int operand, number* tag, char* row, Py_ssize_t to_next, Py_ssize_t rows, const real* x
) noexcept nogil:
    cdef Py_ssize_t g, itemsize = sizeof(number) if number is half or number is bfloat16 else sizeof(real)
    if rows_beside(nest, operand, to_next, itemsize):
        store_run(tag, x, row, itemsize, rows * nest.length)
        return
    for g in range(rows):
        store_row(nest, operand, tag, row + g * to_next, 0, nest.length, x + g * nest.length)


# Whole rows, whose elements i come to lie beside each other at to[i rows]; or back. Rows that have to be converted and
# lie beside each other are converted by vectors first, and transposed then.
cdef void load_across(
    const RowNest* nest, int operand, number* tag, const char* row, Py_ssize_t to_next, Py_ssize_t rows, real* to
) noexcept nogil:
    cdef Py_ssize_t i, size = sizeof(real)
    cdef float straight[TILE + GROUP]
    if real is float and not (number is real):
        if rows_beside(nest, operand, to_next, sizeof(number)):
            load_run[number, real](<const number*> row, sizeof(number), rows * nest.length, straight)
            copy_plane(
                <char*> to, size, rows * size, <const char*> straight, nest.length * size, size, rows, nest.length, size
            )
            return
    if number is real and nest.core == 1 and to_next != size:
        copy_plane(
            <char*> to, size, rows * size, row, to_next, nest.strides[operand][nest.ndim], rows, nest.length, size
        )
        return
    for i in range(nest.length):
        load_run[number, real](
            <const number*> (row + element_offset(nest, operand, i)), to_next, rows, to + i * rows
        )


cdef void store_across(
    const RowNest* nest, int operand, number* tag, char* row, Py_ssize_t to_next, Py_ssize_t rows, const real* x
) noexcept nogil:
    cdef Py_ssize_t i, size = sizeof(real)
    cdef float straight[TILE + GROUP]
    if number is half or number is bfloat16:
        if rows_beside(nest, operand, to_next, sizeof(number)):
            copy_plane(
                <char*> straight, nest.length * size, size, <const char*> x, size, rows * size, rows, nest.length, size
            )
            store_run(tag, straight, row, sizeof(number), rows * nest.length)
            return
    elif nest.core == 1 and to_next != size:        # integers have results of this dtype
        copy_plane(
            row, to_next, nest.strides[operand][nest.ndim], <const char*> x, size, rows * size, rows, nest.length, size
        )
        return
    for i in range(nest.length):
        store_run(tag, x + i * rows, row + element_offset(nest, operand, i), to_next, rows)


# ---- logarithms whose sum does not tell ----

# The sum of the exponentials of a row without its largest element, relative to that one, where the sum of all does not
# tell: they are too small beside the largest, or that is not finite. The row is looked at again without it.
cdef double others_of(const RowNest* nest, number* tag, const char* row, real largest) noexcept nogil:
    cdef Py_ssize_t n = nest.length, length = segment_length(n), done = 0, stop, m, i
    cdef int function = nest.kernel.row
    cdef double sum = 0, rest = 0, others, d, dl, t, p, first, second
    cdef real high[MOST_LANES]
    cdef double sums[MOST_LANES]
    cdef real rests[MOST_LANES]
    cdef real top = -INFINITY
    cdef real shift[GROUP]
    cdef real scales[5 * GROUP]
    cdef real x[BLOCK + GROUP]
    while done < n:
        m = min(<Py_ssize_t> BLOCK, n - done)
        load_row(nest, 0, tag, row, done, m, x)
        for i in range(m):
            if isnan(x[i]):
                return NAN
            if x[i] != largest:
                top = larger(top, x[i])
        done += m
    if isinf(largest):
        return 0 if function == LOGSUMEXP else NAN
    if top == -INFINITY:
        return 0
    find_scales(LOGSUMEXP, &top, 1, shift, scales)
    done = 0
    while done < n:
        begin(LOGSUMEXP, high, sums, rests, MOST_LANES)
        stop = min(n, done + length)
        while done < stop:
            m = min(<Py_ssize_t> BLOCK, stop - done)
            load_row(nest, 0, tag, row, done, m, x)
            for i in range(m):
                x[i] = -INFINITY if x[i] == largest else x[i] - shift[0]
            add_part(LOGSUMEXP, x, 0, x, 0, m, 1, scales, high, sums, rests)
            done += m
        fold(LOGSUMEXP, high, sums, rests, 1, 1, &sum, &rest)
    others = sum_of_others(scales[3 * GROUP], scales[4 * GROUP], sum, rest, False)
    # e^(top - largest) (1 + others), down to the smallest subnormal number.
    two_sum(top, -<double> largest, &d, &dl)
    exp_sum[double](max(d, -800.0), dl, TWICE_ROUND, &t, &p)
    pow2_halves(t, &first, &second)
    return fma(first, p, first) * (1 + others) * second


# ---- tiles ----

cdef enum:
    PAGE = 4096         # bytes; lines that are a multiple of it apart fall into one set of the first-level cache,
    WAYS = 8            # which holds that many lines
    STREAMS = 16        # places in each of two arrays at which a processor's own prefetchers go on by themselves


# Fetches a tile of rows across into the cache, before it is computed. Where its elements lie at more places than
# STREAMS, the processor does not do so by itself in time, and every vector of the tile waits for memory.
cdef inline void fetch_across(const char* x, Py_ssize_t pitch, Py_ssize_t n, Py_ssize_t bytes) noexcept nogil:
    cdef Py_ssize_t i, done
    for i in range(n):
        done = 0
        while done < bytes:
            prefetch(x + i * pitch + done)
            done += 64


# Rows [row, row + rows), along the last of their axes. ``direct``: they are computed where they lie. False, and nothing
# is written, where they have a shift and there is no room for what is left of them.
cdef bint run_tile(
    const RowNest* nest, Py_ssize_t row, int rows, bint across, bint direct, number* tag, real* real_tag
) noexcept nogil:
    cdef int function = nest.kernel.row, summed = terms_of(function, tag)
    cdef int out = nest.kernel.inputs, second = out - 1, last = nest.ndim - 1, o, g
    cdef Py_ssize_t n = nest.length
    # What is computed of each row is so of whole vectors of rows: one by one, four rows take longer than sixteen.
    cdef int padded = (rows + MOST_LANES - 1) // MOST_LANES * MOST_LANES
    cdef char* at[MAX_ROW_OPERANDS]
    cdef Py_ssize_t row_stride[MAX_ROW_OPERANDS]
    cdef Py_ssize_t pitch[MAX_ROW_OPERANDS]
    cdef real* x[MAX_ROW_OPERANDS]
    cdef real memory[MAX_INPUTS * (TILE + GROUP) + LINE]
    cdef real* tile[MAX_INPUTS]
    cdef real* e
    cdef real* y
    cdef const real* terms
    cdef Py_ssize_t e_pitch, y_pitch, terms_pitch
    cdef real m[GROUP]
    cdef real numbers[2 * GROUP]
    cdef real shift[GROUP]
    cdef real scales[5 * GROUP]
    cdef double sum[GROUP]
    cdef double rest[GROUP]
    for o in range(MAX_INPUTS):
        tile[o] = <real*> at_line(memory) + o * (TILE + GROUP)
    for o in range(out + 1):
        at[o] = nest.data[o] + row_offset(nest, o, row)
        row_stride[o] = nest.strides[o][last]
        if direct:
            x[o] = <real*> at[o]
            pitch[o] = (nest.strides[o][last + 1] if across else row_stride[o]) // <Py_ssize_t> sizeof(real)
            continue
        x[o] = tile[o if o < out else 0]
        pitch[o] = rows if across else n
        if o < out and across:
            load_across(nest, o, tag, at[o], row_stride[o], rows, x[o])
        elif o < out:
            load_rows(nest, o, tag, at[o], row_stride[o], rows, x[o])
    terms, terms_pitch = x[0], pitch[0]
    if across and nest.core == 1 and STREAMS < n <= FEW_ACROSS:
        # The next tile, while this one is computed. After the last one there may be nothing, which does no harm.
        for o in range(out + nest.kernel.row_results):
            if row_stride[o] == nest.kernel.itemsize[o] and (o < out or at[out] != at[0]):
                fetch_across(at[o] + rows * row_stride[o], nest.strides[o][last + 1], n, rows * row_stride[o])
    if function <= LOGSUMEXP:
        find_largest(x[0], pitch[0], n, rows, across, m)
        for g in range(rows, padded):
            m[g] = m[0]
        if find_scales(summed, m, padded, shift, scales):
            if rows * n > TILE:
                return False
            terms, terms_pitch = tile[1], rows if across else n     # functions that have a shift have one input
            subtract(x[0], pitch[0], n, rows, across, shift, tile[1])
    # The exponentials are left in the output; those across in the tile, where no two lines share a place in the cache.
    e, e_pitch = x[out], pitch[out]
    if direct and across and rows * n <= TILE:
        e, e_pitch = tile[0], rows
    y, y_pitch = (e, e_pitch) if function == SOFTMAX else (x[second], pitch[second])
    add_tile(summed, terms, terms_pitch, y, y_pitch, n, rows, across, scales, sum, rest)
    conclude_tile(summed, padded, m, scales, sum, rest, numbers)
    if function == LOG_SOFTMAX or function == LOGSUMEXP:
        for g in range(rows):
            if isnan(numbers[g]):
                conclude_log(m[g], others_of(nest, tag, at[0] + g * row_stride[0], m[g]), &numbers[g])
    if function == LOGSUMEXP:
        store_run(tag, numbers, at[out], row_stride[out], rows)
        return True
    if function != SOFTMAX:
        e, e_pitch = x[0], pitch[0]
    finish_tile(function, e, e_pitch, x[second], pitch[second], n, rows, across, numbers, x[out], pitch[out])
    if not direct and across:
        store_across(nest, out, tag, at[out], row_stride[out], rows, x[out])
    elif not direct:
        store_rows(nest, out, tag, at[out], row_stride[out], rows, x[out])
    return True


# ---- rows that no tile holds ----

cdef enum:
    FIND = 1        # the largest element of each segment
    ADD             # its sum
    WRITE           # its results


# Whether the rows of an operand lie straight, as numbers of the dtype of the computation.
cdef inline bint lies_straight(const RowNest* nest, int operand, number* tag, real* real_tag) noexcept nogil:
    cdef bint computed = number is real or operand == nest.kernel.inputs and not (number is half or number is bfloat16)
    return computed and nest.core == 1 and nest.strides[operand][nest.ndim] == sizeof(real)


# A part of a row as it is computed with: where it lies, or converted.
cdef inline const real* part_of(
    const RowNest* nest, int operand, number* tag, const LongRow* row, Py_ssize_t start, Py_ssize_t n, real* buffer
) noexcept nogil:
    if lies_straight(nest, operand, tag, buffer):
        return <const real*> row.data[operand] + start
    load_row(nest, operand, tag, row.data[operand], start, n, buffer)
    return buffer


# One segment's share of a pass.
cdef void run_pass(const RowNest* nest, LongRow* row, Py_ssize_t segment, number* tag, real* real_tag) noexcept nogil:
    cdef int function = nest.kernel.row, summed = terms_of(function, tag), out = nest.kernel.inputs, second = out - 1
    cdef Py_ssize_t length = segment_length(nest.length), done = segment * length, m, most = TILE
    cdef Py_ssize_t stop = min(nest.length, done + length)
    cdef bint straight = lies_straight(nest, out, tag, real_tag)
    cdef bint shifted = False, direct
    cdef real largest = <real> row.largest, top = -INFINITY, top_of_part
    cdef real numbers[2 * GROUP]
    cdef real shift[GROUP]
    cdef real scales[5 * GROUP]
    cdef real buffers[MAX_INPUTS][BLOCK + GROUP]
    cdef real block[BLOCK]
    cdef real high[MOST_LANES]
    cdef double sums[MOST_LANES]
    cdef real rests[MOST_LANES]
    cdef int i
    cdef const real* x
    cdef const real* terms
    cdef const real* dy
    cdef real* to
    begin(summed, high, sums, rests, MOST_LANES)
    if function <= LOGSUMEXP and row.step != FIND:
        shifted = find_scales(summed, &largest, 1, shift, scales)
    direct = not shifted and (straight or function == LOGSUMEXP)        # whose one result it does not write
    if not (direct and lies_straight(nest, 0, tag, real_tag) and lies_straight(nest, second, tag, real_tag)):
        most = BLOCK        # as much as the buffers hold
    for i in range(2):
        numbers[i * GROUP] = <real> row.numbers[i]
    while done < stop:
        m = min(most, stop - done)
        to = <real*> row.data[out] + done if straight and function != LOGSUMEXP else block
        if row.step == WRITE and function == SOFTMAX and straight:
            x = to
        else:
            x = part_of(nest, 0, tag, row, done, m, buffers[0])
        dy = x if second == 0 else part_of(nest, 1, tag, row, done, m, buffers[1])
        terms = x
        if shifted:
            subtract(x, 0, m, 1, False, shift, buffers[1])      # functions that have a shift have one input
            terms = buffers[1]
        if row.step == FIND:
            find_largest(x, 0, m, 1, False, &top_of_part)
            top = larger(top, top_of_part)
        elif row.step == ADD:
            add_part(summed, terms, m, to if function == SOFTMAX else <real*> dy, 0, m, 1, scales, high, sums, rests)
        else:
            if function == SOFTMAX and not straight:        # for the exponentials
                add_part(summed, terms, 0, block, 0, m, 1, scales, high, sums, rests)
                x = block
            finish_tile(function, x, 0, dy, 0, m, 1, False, numbers, to, 0)
            if not straight:
                store_row(nest, out, tag, row.data[out], done, m, to)
        done += m
    if row.step == FIND:
        row.tops[segment] = top
    elif row.step == ADD:
        row.sums[segment] = row.rests[segment] = 0
        fold(summed, high, sums, rests, 1, 1, &row.sums[segment], &row.rests[segment])


# Between passes: what the segments have found is brought together. False at the end.
cdef bint next_pass(const RowNest* nest, LongRow* row, number* tag, real* real_tag) noexcept nogil:
    cdef int function = nest.kernel.row, summed = terms_of(function, tag)
    cdef Py_ssize_t length = segment_length(nest.length), segment, count = (nest.length + length - 1) // length
    cdef double sum = 0, rest = 0, error
    cdef real largest
    cdef real numbers[2 * GROUP]
    cdef real shift[GROUP]
    cdef real scales[5 * GROUP]
    cdef int i
    if row.step == 0:
        row.step = FIND if function <= LOGSUMEXP else ADD
        return True
    if row.step == FIND:
        row.largest = -INFINITY
        for segment in range(count):
            row.largest = larger(row.largest, row.tops[segment])
        row.step = ADD
        return True
    if row.step == WRITE:
        return False
    for segment in range(count):
        two_sum(sum, row.sums[segment], &sum, &error)
        rest += row.rests[segment] + error
    largest = <real> row.largest
    find_scales(summed, &largest, 1, shift, scales)
    conclude_tile(summed, 1, &largest, scales, &sum, &rest, numbers)
    if (function == LOG_SOFTMAX or function == LOGSUMEXP) and isnan(numbers[0]):
        conclude_log(largest, others_of(nest, tag, row.data[0], largest), numbers)
    for i in range(2):
        row.numbers[i] = numbers[i * GROUP]
    row.step = WRITE
    if function == LOGSUMEXP:
        store_run(tag, numbers, row.data[nest.kernel.inputs], 0, 1)
        return False
    return True


# ---- all rows ----

# Threads share a row that no tile holds, if its elements lie beside each other.
cdef Py_ssize_t row_segments(const RowNest* nest) noexcept nogil:
    cdef Py_ssize_t length = segment_length(nest.length)
    if nest.strides[0][nest.ndim + nest.core - 1] != nest.kernel.itemsize[0]:
        return 1
    return (nest.length + length - 1) // length


cdef void start_row(const RowNest* nest, Py_ssize_t row, LongRow* state) noexcept nogil:
    cdef int o
    for o in range(nest.kernel.inputs + 1):
        state.data[o] = nest.data[o] + row_offset(nest, o, row)
    state.step = 0


# Rows [start, stop), counted in C order.
cdef void compute_rows(
    const RowNest* nest, Py_ssize_t start, Py_ssize_t stop, number* tag, real* real_tag
) noexcept nogil:
    cdef Py_ssize_t n = nest.length, group, rows, segment, length = segment_length(n), i
    cdef int last = nest.ndim - 1, operands = nest.kernel.inputs + nest.kernel.row_results, o
    cdef bint straight = True, beside = number is real and nest.core == 1, across, direct, crowded
    cdef Py_ssize_t along = nest.strides[0][last + nest.core], to_next = nest.strides[0][last]
    cdef LongRow row
    for o in range(operands):
        straight = straight and lies_straight(nest, o, tag, real_tag)
        beside = beside and nest.strides[o][last] == sizeof(real)
    straight = straight and n >= SHORT and number is real
    # Rows across whose elements lie in more lines of one set than it holds are copied into the tile: read where they
    # lie, each line would have left the cache before it is needed again.
    crowded = along % PAGE == 0 and WAYS < n <= TILE // MOST_LANES
    direct = straight or beside and not crowded
    if direct:
        across = not straight
        if straight:
            group = min(<Py_ssize_t> ALONG, TILE // n)
        else:
            group = GROUP if n <= FEW_ACROSS else LANES // sizeof(real)
    else:
        across = n < SHORT or max(to_next, -to_next) < max(along, -along)
        across = across and n <= TILE // MOST_LANES
        group = min(<Py_ssize_t> GROUP if across else ALONG, TILE // max(<Py_ssize_t> 1, n))
    while start < stop:
        rows = min(stop - start, nest.shape[last] - start % nest.shape[last])
        rows = min(rows, max(<Py_ssize_t> 1, group))
        if group == 0 or not run_tile(nest, start, <int> rows, across, direct, tag, real_tag):
            for i in range(rows):
                start_row(nest, start + i, &row)
                while next_pass(nest, &row, tag, real_tag):
                    for segment in range((n + length - 1) // length):
                        run_pass(nest, &row, segment, tag, real_tag)
        start += rows
