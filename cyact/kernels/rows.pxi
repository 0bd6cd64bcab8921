# softmax and its like, over rows of floats or doubles: every result depends on a whole row, the elements along an axis.
#
# A row's largest element is found first, then the sum of its exponentials, then its results: three passes, mostly in
# the cache, and no temporary array. A *tile* is as many rows as fit the first-level cache. What is known of each row,
# such as its largest element or the sums of its lanes, stands in arrays, and each step is one of all rows: within a row
# every operation waits for the one before, and a processor looks ahead by little more than one short row. A tile lies
# in one of two ways:
#
#     across = False: element i of row g is x[g pitch + i]. A vector has parts of a row.
#     across = True:  element i of row g is x[i pitch + g]. A vector has an element of each of several rows: for an axis
#                     that is not the last one, and for short rows (SHORT), which are transposed on the way.
#
# The order of addition depends on a row's length alone, and so the bits of the result do not depend on how a tile lies,
# on the level, or on the number of threads. A row of less than SHORT elements has one sum. A longer one is cut into
# segments. A segment has as many sums as 64 bytes have elements, and element i is added to sum i % lanes. Then the
# upper half of the sums is added to the lower one until one is left. The segments' sums are added in their order.

from libc.math cimport isinf, isnan

cdef enum:
    LANES = 64          # bytes of elements with a sum each
    MOST_LANES = 16     # of floats; no vector has more either
    TILE = 4096         # elements of a tile, and of the shortest segment
    GROUP = 64          # rows of a tile, at most
    ALONG = 32          # the same of a tile that does not lie across: the sums of its lanes are to stay in the cache
    # From one array of the lanes' sums to the next: room for so many rows, and 64 elements more. Without these the
    # arrays would lie a page apart, and a load of one would wait for a store to the other (4K aliasing).
    ROOM = ALONG * MOST_LANES + 64
    FEW_ACROSS = 128    # elements of a row, at most, so that GROUP rows across stay in the first-level cache
    SHORT = 64          # rows of fewer elements are transposed into a tile: one at a time, their sums take longer

# What a kernel computes of a row; ``Kernel.row``. ROUNDED_SOFTMAX is what it computes for softmax of 16 bits, and
# LOG_SOFTMAX for logsumexp of 16 bits (``terms_of``). For both the exponentials of floats are rounded at once.
cdef enum:
    SOFTMAX = 1
    ROUNDED_SOFTMAX
    LOG_SOFTMAX
    LOGSUMEXP
    SOFTMAX_GRAD
    LOG_SOFTMAX_GRAD


# Elements of a segment: no row has more than SEGMENTS of them.
cdef inline Py_ssize_t segment_length(Py_ssize_t n) noexcept nogil:
    return max(<Py_ssize_t> 1, (n + TILE * SEGMENTS - 1) // (TILE * SEGMENTS)) * TILE


# ---- the largest element ----

# Whether NaN is passed over or kept does not matter: it will make the sum NaN.
cdef inline real larger(real a, real b) noexcept nogil:
    return b if b > a else a


# The ``count`` largest elements of row g become those of the lower half of them.
cdef inline void larger_half(Py_ssize_t g, real* m, Py_ssize_t count, Py_ssize_t half) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(half):
        m[g * count + j] = larger(m[g * count + j], m[g * count + half + j])


# The largest elements of a row, as many as 64 bytes hold. Of a long row four times as many are found at first, so that
# a comparison does not wait for the one before it.
cdef inline void largest_lanes(const real* x, Py_ssize_t n, real* m) noexcept nogil:
    cdef Py_ssize_t i, j, lanes = LANES // sizeof(real)
    cdef real a[LANES]
    cdef real b[LANES]
    cdef real c[LANES]
    cdef real d[LANES]
    if n < lanes:       # the end of a long row
        for j in range(lanes):
            m[j] = x[min(j, n - 1)]
        return
    if n >= 8 * lanes:
        loop2(lanes, VECTOR // sizeof(real), a, larger[real], x, x + 4 * lanes)
        loop2(lanes, VECTOR // sizeof(real), b, larger[real], x + lanes, x + 5 * lanes)
        loop2(lanes, VECTOR // sizeof(real), c, larger[real], x + 2 * lanes, x + 6 * lanes)
        loop2(lanes, VECTOR // sizeof(real), d, larger[real], x + 3 * lanes, x + 7 * lanes)
        i = 8 * lanes
        while i + 4 * lanes <= n:
            loop2(lanes, VECTOR // sizeof(real), a, larger[real], a, x + i)
            loop2(lanes, VECTOR // sizeof(real), b, larger[real], b, x + i + lanes)
            loop2(lanes, VECTOR // sizeof(real), c, larger[real], c, x + i + 2 * lanes)
            loop2(lanes, VECTOR // sizeof(real), d, larger[real], d, x + i + 3 * lanes)
            i += 4 * lanes
        loop2(lanes, VECTOR // sizeof(real), a, larger[real], a, b)
        loop2(lanes, VECTOR // sizeof(real), c, larger[real], c, d)
        loop2(lanes, VECTOR // sizeof(real), a, larger[real], a, c)
    else:
        loop2(lanes, VECTOR // sizeof(real), a, larger[real], x, x + n - lanes)
        i = lanes
    while i + lanes <= n:
        loop2(lanes, VECTOR // sizeof(real), a, larger[real], a, x + i)
        i += lanes
    # The last vector, of which some elements may be seen again.
    loop2(lanes, VECTOR // sizeof(real), m, larger[real], a, x + n - lanes)


# The largest elements of as many rows as a vector has elements, or of fewer.
cdef inline void largest_across(
    const real* x, Py_ssize_t pitch, Py_ssize_t n, bint whole, Py_ssize_t rows, real* m
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real largest[VECTOR]
    cdef real given[VECTOR]
    for i in range(lanes):
        largest[i] = -INFINITY
    for i in range(n):
        if whole:
            loop2(lanes, VECTOR // sizeof(real), largest, larger[real], largest, x)
        else:
            load_first(given, x, rows, sizeof(real))
            loop2(lanes, VECTOR // sizeof(real), largest, larger[real], largest, given)
        x += pitch
    store_vector(m, largest)


# Each step is one of all rows, so that none waits for the step before.
cdef void find_largest(
    const real* x, Py_ssize_t pitch, Py_ssize_t n, int rows, bint across, real* m
) noexcept nogil:
    cdef real memory[ALONG * MOST_LANES + LINE]
    cdef real* largest = <real*> at_line(memory)
    cdef Py_ssize_t g, width = VECTOR // sizeof(real), lanes = LANES // sizeof(real)
    if not across:
        for g in range(rows):
            largest_lanes(x + g * pitch, n, largest + g * lanes)
        # A row at a time: clang would gather the elements of several rows into a vector, one by one.
        if real is float:
            loop(rows, 1, larger_half[real], largest, LANES // sizeof(real), 8)
        loop(rows, 1, larger_half[real], largest, LANES // sizeof(real), 4)
        loop(rows, 1, larger_half[real], largest, LANES // sizeof(real), 2)
        for g in range(rows):
            m[g] = larger(largest[g * lanes], largest[g * lanes + 1])
        return
    g = 0
    while g + width <= rows:
        largest_across(x + g, pitch, n, True, width, m + g)
        g += width
    if g < rows:
        largest_across(x + g, pitch, n, False, rows - g, m + g)


# The function whose exponentials and sums are computed of rows of numbers of a dtype.
cdef inline int terms_of(int function, number* tag) noexcept nogil:
    if number is half or number is bfloat16:
        return ROUNDED_SOFTMAX if function == SOFTMAX else LOG_SOFTMAX if function == LOGSUMEXP else function
    return function


# How the exponentials of each row are scaled: GROUP numbers ``round`` and ``low`` (``row_scale``), then ``delta``. Then
# the largest exponential of each row, and what it has lost (``largest_exp``); ``shift`` is by itself. Whether any row
# has one.
cdef bint find_scales(int function, const real* m, int rows, real* shift, real* scales) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(rows):
        row_scale(m[g], &shift[g], &scales[g], &scales[GROUP + g])
    if function == ROUNDED_SOFTMAX:         # whose sums have what the exponentials have, and nothing more
        for g in range(rows):
            scales[2 * GROUP + g] = scales[4 * GROUP + g] = 0
    elif function == LOG_SOFTMAX and real is float:
        for g in range(rows):
            scales[2 * GROUP + g] = 0
            scales[3 * GROUP + g] = rounded_exp(m[g] - shift[g], scales[g], scales[GROUP + g])
            scales[4 * GROUP + g] = lost_of_largest(
                scales[3 * GROUP + g], m[g] - shift[g], scales[g], scales[GROUP + g]
            )
    else:
        for g in range(rows):
            scales[2 * GROUP + g] = row_delta(m[g] - shift[g], scales[g], scales[GROUP + g])
            scales[3 * GROUP + g] = largest_exp(
                m[g] - shift[g], scales[g], scales[GROUP + g], scales[2 * GROUP + g], &scales[4 * GROUP + g]
            )
    for g in range(rows):
        if shift[g] != 0:
            return True
    return False


# The elements of a tile less the shift of their row.
cdef void subtract(
    const real* x, Py_ssize_t pitch, Py_ssize_t n, int rows, bint across, const real* shift, real* to
) noexcept nogil:
    cdef Py_ssize_t g, i
    if across:
        for i in range(n):
            for g in range(rows):
                to[i * rows + g] = x[i * pitch + g] - shift[g]
        return
    for g in range(rows):
        for i in range(n):
            to[g * n + i] = x[g * pitch + i] - shift[g]


# ---- sums ----

# What is known of one row (``step`` is 0) or of each of n, a whole vector of them or fewer. What would belong to
# further rows is 0: with what lies in memory there, which may be subnormal numbers, processors compute a hundred times
# as long.
cdef inline void spread_rows(const real* numbers, Py_ssize_t step, bint whole, Py_ssize_t n, real* to) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    if step == 0:
        for i in range(lanes):
            to[i] = numbers[0]
    elif whole:
        store_vector(to, numbers)
    else:
        load_first(to, numbers, n, sizeof(real))


# Copies a vector of sums of two parts. softmax's first parts are of the dtype (``high``), those of other functions are
# double. ``store_vector`` keeps gcc from copying a vector in halves, which a load of the whole would wait for.
cdef inline void take_sums(
    int function, const real* highs, const double* sums, const real* rests, real* high, double* sum, real* rest
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real)
    if function <= ROUNDED_SOFTMAX:
        store_vector(high, highs)
    else:
        store_vector(sum, sums)
        if real is float:
            store_vector(sum + lanes // 2, sums + lanes // 2)
    store_vector(rest, rests)


# Adds a term to sum i: of softmax to ``high``, else to ``sum``.
cdef inline void add_term(
    Py_ssize_t i, int function, const real* x, const real* y, const real (*scale)[VECTOR],
    real* block, real* high, double* sum, real* rest,
) noexcept nogil:
    cdef real s, p, p_lost
    if function == ROUNDED_SOFTMAX:
        block[i] = rounded_exp(x[i], scale[0][i], scale[1][i])
        high[i] += block[i]
    elif function == LOG_SOFTMAX and real is float:
        sum[i] += rounded_exp(x[i], scale[0][i], scale[1][i])
    elif function <= LOGSUMEXP:
        row_exp(x[i], scale[0][i], scale[1][i], scale[2][i], &s, &p, &p_lost)
        block[i] = fma(s, p, s)
        if function == SOFTMAX:
            add_exp(&high[i], &rest[i], block[i], s, p)
        else:
            add_to(&sum[i], &rest[i], block[i])
            rest[i] += lost_of(s, p, block[i])
    elif function == SOFTMAX_GRAD:
        add_product_to(&sum[i], &rest[i], x[i], y[i])
    else:
        add_to(&sum[i], &rest[i], y[i])


# Adds the terms of ``count`` vectors to a vector of sums of two parts, and does so ``times`` times, for sums that lie
# ``sums_next`` apart. Terms are exponentials, products, or the elements of y themselves. Vectors lie ``stride`` apart;
# the first of one time lies ``next`` from that of the time before. softmax, whose sums are of the dtype (``high``),
# stores its exponentials in y, and y is dy for the gradients. Elements have a scale each where rows lie ``across``,
# else a time has one; those of the next time lie ``scales_next`` behind. What lies ``ahead`` elements behind, such as
# the next row, is fetched into the cache meanwhile: no prefetcher of the processor foresees where a row begins.
cdef inline void add_times(
    int function, const real* x, Py_ssize_t next, Py_ssize_t stride, real* y, Py_ssize_t y_next, Py_ssize_t y_stride,
    Py_ssize_t count, Py_ssize_t times, Py_ssize_t ahead, const real* scales, Py_ssize_t scales_next, bint across,
    real* high, double* sums, real* rests, Py_ssize_t sums_next,
) noexcept nogil:
    cdef Py_ssize_t i, j, lanes = VECTOR // sizeof(real)
    cdef real scale[3][VECTOR]
    cdef const real* u
    cdef real* v
    cdef real block[VECTOR]
    cdef real top[VECTOR]
    cdef double sum[VECTOR]
    cdef real rest[VECTOR]
    for j in range(times):
        if function <= LOGSUMEXP:
            spread_rows(scales, across, True, lanes, scale[0])
            spread_rows(scales + GROUP, across, True, lanes, scale[1])
            spread_rows(scales + 2 * GROUP, across, True, lanes, scale[2])
        take_sums(function, high, sums, rests, top, sum, rest)
        u = x
        v = y
        for i in range(count):
            prefetch(<const char*> (u + ahead))
            loop(lanes, VECTOR // sizeof(real), add_term[real], function, u, v, scale, block, top, sum, rest)
            if function <= ROUNDED_SOFTMAX:
                store_vector(v, block)
            u += stride
            v += y_stride
        take_sums(function, top, sum, rest, high, sums, rests)
        x += next
        y += y_next
        scales += scales_next
        high += sums_next
        sums += sums_next
        rests += sums_next


# The function is known to each of these calls when they are compiled.
cdef void add_terms(
    int function, const real* x, Py_ssize_t next, Py_ssize_t stride, real* y, Py_ssize_t y_next, Py_ssize_t y_stride,
    Py_ssize_t count, Py_ssize_t times, Py_ssize_t ahead, const real* scales, Py_ssize_t scales_next, bint across,
    real* high, double* sums, real* rests, Py_ssize_t sums_next,
) noexcept nogil:
    if function == SOFTMAX:
        add_times(SOFTMAX, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)
    elif function == ROUNDED_SOFTMAX and real is float:
        add_times(ROUNDED_SOFTMAX, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)
    elif function == LOG_SOFTMAX and real is float:
        add_times(LOG_SOFTMAX, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)
    elif function == SOFTMAX_GRAD:
        add_times(SOFTMAX_GRAD, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)
    elif function == LOG_SOFTMAX_GRAD:
        add_times(LOG_SOFTMAX_GRAD, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)
    else:
        add_times(LOGSUMEXP, x, next, stride, y, y_next, y_stride, count, times, ahead, scales, scales_next,
                  across, high, sums, rests, sums_next)


# Vectors of n elements, ``pitch`` apart, are brought together and filled up: what has no share in a sum.
cdef void gather(
    int function, const real* x, Py_ssize_t pitch, const real* y, Py_ssize_t y_pitch, Py_ssize_t count, Py_ssize_t n,
    real* to, real* y_to,
) noexcept nogil:
    cdef Py_ssize_t g, i, width = VECTOR // sizeof(real)
    for g in range(count):
        load_first(to, x, n, sizeof(real))
        if function <= LOGSUMEXP:
            for i in range(n, width):
                to[i] = -INFINITY       # whose exponential is too small to change a sum
        else:
            load_first(y_to, y, n, sizeof(real))
        x += pitch
        y += y_pitch
        to += width
        y_to += width


# The exponentials of such vectors go where they belong.
cdef void scatter(const real* e, real* to, Py_ssize_t pitch, Py_ssize_t count, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(count):
        store_first(to, e, n, sizeof(real))
        to += pitch
        e += VECTOR // sizeof(real)


# What softmax's sums begin with, see ``add_exp``. Those that are rounded begin with 0.
cdef inline real begun_with(int function, const real* tag) noexcept nogil:
    if function == ROUNDED_SOFTMAX:
        return 0
    return START_F if real is float else START


# Sums of no terms. Each array is filled by itself: in one loop over both gcc would store under masks, for which AMD's
# processors without AVX-512 take many times as long as for a plain store.
cdef inline void begin(int function, real* high, double* sums, real* rests, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef real start = begun_with(function, rests)
    if function <= ROUNDED_SOFTMAX:
        for i in range(n):
            high[i] = start
    else:
        memset(sums, 0, n * sizeof(double))
    memset(rests, 0, n * sizeof(real))


# Adds the terms of a part of each row to its lanes' sums. A part that is not the last of its segment has whole rounds
# of the lanes.
cdef void add_part(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n, int rows,
    const real* scales, real* high, double* sums, real* rests,
) noexcept nogil:
    cdef Py_ssize_t lanes = LANES // sizeof(real), width = VECTOR // sizeof(real), i = 0, left, whole
    cdef real x_ends[ALONG * MOST_LANES]
    cdef real y_ends[ALONG * MOST_LANES]
    while i < min(n, lanes):
        left = (n - i) % lanes
        whole = (n - i) // lanes + (left >= width)
        add_terms(
            function, x + i, pitch, lanes, y + i, y_pitch, lanes, whole, rows, rows * pitch, scales, 1, False,
            high + i, sums + i, rests + i, lanes,
        )
        if 0 < left < width:
            whole = n - left
            gather(function, x + whole, pitch, y + whole, y_pitch, rows, left, x_ends, y_ends)
            add_terms(
                function, x_ends, width, 0, y_ends, width, 0, 1, rows, 0, scales, 1, False, high + i, sums + i,
                rests + i, lanes,
            )
            if function <= ROUNDED_SOFTMAX:
                scatter(y_ends, y + whole, y_pitch, rows, left)
        i += width


# What a sum of a lane is. What softmax's began with is taken out of it.
cdef inline double lane_sum(int function, const real* high, const double* sums, Py_ssize_t i) noexcept nogil:
    return <double> high[i] - begun_with(function, high) if function <= ROUNDED_SOFTMAX else sums[i]


# Adds the upper half of the ``count`` sums of row g to the lower one. Those of floats are exact enough as they are, see
# ``add_to``.
cdef inline void add_half(
    Py_ssize_t g, int function, const real* high, double* sums, real* rests, Py_ssize_t count, Py_ssize_t half
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double s, error
    high += g * count
    sums += g * count
    rests += g * count
    for i in range(half):
        if real is float:
            sums[i] = lane_sum(function, high, sums, i) + lane_sum(function, high, sums, i + half)
            rests[i] += rests[i + half]
        else:
            two_sum(lane_sum(function, high, sums, i), lane_sum(function, high, sums, i + half), &s, &error)
            sums[i] = s
            rests[i] = (rests[i] + rests[i + half]) + error


# The sums of the lanes of ``rows`` times n rows to one for each row, which is added to the sum of the row's segments.
# Those of n rows lie across, a lane's beside each other. Each step is one of all rows, so that none waits for the step
# before, and goes by ``loop`` for the reason that ``find_largest`` has.
cdef inline void fold_lanes(
    int function, const real* high, double* sums, real* rests, int rows, Py_ssize_t n, double* sum, double* rest
) noexcept nogil:
    cdef Py_ssize_t g, i, count = LANES // sizeof(real) * n
    cdef double s, error
    loop(rows, 1, add_half[real], function, high, sums, rests, count, LANES // sizeof(real) // 2 * n)
    if real is float:
        loop(rows, 1, add_half[real], LOGSUMEXP, high, sums, rests, count, 4 * n)
    loop(rows, 1, add_half[real], LOGSUMEXP, high, sums, rests, count, 2 * n)
    loop(rows, 1, add_half[real], LOGSUMEXP, high, sums, rests, count, n)
    for g in range(rows):
        for i in range(n):
            two_sum(sum[g * n + i], sums[g * count + i], &s, &error)
            sum[g * n + i] = s
            rest[g * n + i] += rests[g * count + i] + error


cdef inline void fold(
    int function, const real* high, double* sums, real* rests, int rows, Py_ssize_t n, double* sum, double* rest
) noexcept nogil:
    if function == ROUNDED_SOFTMAX and real is float:
        fold_lanes(ROUNDED_SOFTMAX, high, sums, rests, rows, n, sum, rest)
    elif function == SOFTMAX:
        fold_lanes(SOFTMAX, high, sums, rests, rows, n, sum, rest)
    else:
        fold_lanes(LOGSUMEXP, high, sums, rests, rows, n, sum, rest)


# The sums of rows that lie across and have one sum each.
cdef void add_short(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n, int rows,
    const real* scales, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t width = VECTOR // sizeof(real), left = rows % width, whole = rows - left, g
    cdef real high[GROUP]
    cdef double sums[GROUP]
    cdef real rests[GROUP]
    cdef real x_ends[SHORT * MOST_LANES]
    cdef real y_ends[SHORT * MOST_LANES]
    begin(function, high, sums, rests, GROUP)
    add_terms(
        function, x, width, pitch, y, width, y_pitch, n, whole // width, 0, scales, width, True, high, sums, rests,
        width,
    )
    if left > 0:
        gather(function, x + whole, pitch, y + whole, y_pitch, n, left, x_ends, y_ends)
        add_terms(
            function, x_ends, 0, width, y_ends, 0, width, n, 1, 0, scales + whole, 0, True,
            high + whole, sums + whole, rests + whole, 0,
        )
        if function <= ROUNDED_SOFTMAX:
            scatter(y_ends, y + whole, y_pitch, n, left)
    for g in range(rows):
        sum[g] = lane_sum(function, high, sums, g)
        rest[g] = rests[g]


# Adds the terms of elements of the rows of a vector, which has them across, to the lanes' sums.
cdef void add_elements(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n,
    const real* scales, real* high, double* sums, real* rests,
) noexcept nogil:
    cdef Py_ssize_t lanes = LANES // sizeof(real), width = VECTOR // sizeof(real), more = n % lanes
    # The first lanes have one element more than the others.
    add_terms(
        function, x, pitch, lanes * pitch, y, y_pitch, lanes * y_pitch, n // lanes + 1, more, 0, scales, 0, True,
        high, sums, rests, width,
    )
    add_terms(
        function, x + more * pitch, pitch, lanes * pitch, y + more * y_pitch, y_pitch, lanes * y_pitch, n // lanes,
        lanes - more, 0, scales, 0, True, high + more * width, sums + more * width, rests + more * width, width,
    )


# The sums of rows that lie across and have lanes.
cdef void add_across(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n, int rows,
    const real* scales, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t lanes = LANES // sizeof(real), width = VECTOR // sizeof(real), length = segment_length(n)
    cdef Py_ssize_t done, stop, m, left, g = 0
    cdef double memory[3 * ROOM + LINE]
    cdef double* sums = <double*> at_line(memory)
    cdef real* high = <real*> (sums + ROOM)
    cdef real* rests = <real*> (sums + 2 * ROOM)
    cdef real x_ends[ALONG * MOST_LANES]
    cdef real y_ends[ALONG * MOST_LANES]
    while g < rows:
        left = min(width, rows - g)
        done = 0
        while done < n:
            begin(function, high, sums, rests, lanes * width)
            stop = min(n, done + length)
            while done < stop:
                if left == width:
                    m = stop - done
                    add_elements(
                        function, x + done * pitch + g, pitch, y + done * y_pitch + g, y_pitch, m, scales + g,
                        high, sums, rests,
                    )
                else:
                    m = min(<Py_ssize_t> ALONG, stop - done)        # a multiple of the number of lanes, but at the end
                    gather(
                        function, x + done * pitch + g, pitch, y + done * y_pitch + g, y_pitch, m, left, x_ends, y_ends
                    )
                    add_elements(function, x_ends, width, y_ends, width, m, scales + g, high, sums, rests)
                    if function <= ROUNDED_SOFTMAX:
                        scatter(y_ends, y + done * y_pitch + g, y_pitch, m, left)
                done += m
            fold(function, high, sums, rests, 1, VECTOR // sizeof(real), sum + g, rest + g)
        g += width


# The sums of rows that do not lie across; no such row is longer than a segment.
cdef void add_along(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n, int rows,
    const real* scales, double* sum, double* rest,
) noexcept nogil:
    cdef double memory[3 * ROOM + LINE]
    cdef double* sums = <double*> at_line(memory)
    cdef real* high = <real*> (sums + ROOM)
    cdef real* rests = <real*> (sums + 2 * ROOM)
    begin(function, high, sums, rests, rows * (LANES // sizeof(real)))
    add_part(function, x, pitch, y, y_pitch, n, rows, scales, high, sums, rests)
    fold(function, high, sums, rests, rows, 1, sum, rest)


# The sums of a tile. softmax leaves its exponentials in y, which is dy for the gradients.
cdef void add_tile(
    int function, const real* x, Py_ssize_t pitch, real* y, Py_ssize_t y_pitch, Py_ssize_t n, int rows, bint across,
    const real* scales, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(min(<int> GROUP, rows + MOST_LANES)):
        sum[g] = rest[g] = 0
    if across and n < SHORT:
        add_short(function, x, pitch, y, y_pitch, n, rows, scales, sum, rest)
    elif across:
        add_across(function, x, pitch, y, y_pitch, n, rows, scales, sum, rest)
    else:
        add_along(function, x, pitch, y, y_pitch, n, rows, scales, sum, rest)


# ---- results ----

# What the results of a row are made of, from its largest element and its sum: two numbers that lie GROUP apart, as
# those of other rows lie between them.

# From the sum of the other exponentials, beside the largest: logsumexp in two parts.
cdef inline void conclude_log(real m, double others, real* row) noexcept nogil:
    cdef double logarithm = log1p_of(others), sum, error
    two_sum(m, logarithm, &sum, &error)
    row[0] = <real> sum
    row[GROUP] = <real> ((sum - row[0]) + error)


# For the logarithms the first number is NaN where the row has to be looked at again (``others_of``).
cdef inline void conclude(
    int function, real m, const real* scales, double sum, double rest, real* row
) noexcept nogil:
    cdef double inverse, others
    if function == SOFTMAX:
        # What the largest exponential has lost is taken out of the sum as a factor: equal elements have equal shares.
        if real is float:
            inverse = (1 + <double> scales[4 * GROUP]) / ((sum + rest) * SCALE_F)
            row[0] = <real> inverse
            row[GROUP] = <real> (inverse - row[0])
        else:
            sum *= SCALE
            rest *= SCALE
            inverse = 1 / sum
            row[0] = inverse
            row[GROUP] = (fma(-sum, inverse, 1.0) - rest * inverse + scales[4 * GROUP]) * inverse
    elif function <= LOGSUMEXP:
        others = sum_of_others(
            scales[3 * GROUP], scales[4 * GROUP], sum, rest, function == LOG_SOFTMAX and real is float
        )
        conclude_log(m, others if others >= LEAST_OTHERS else NAN, row)
    else:
        row[0] = <real> (sum + rest)
        row[GROUP] = <real> ((sum - row[0]) + rest)


cdef inline void conclude_rows(
    int function, Py_ssize_t rows, const real* m, const real* scales, const double* sum, const double* rest,
    real* numbers,
) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(rows):
        conclude(function, m[g], scales + g, sum[g], rest[g], &numbers[g])


cdef void conclude_tile(
    int function, int rows, const real* m, const real* scales, const double* sum, const double* rest, real* numbers
) noexcept nogil:
    if function <= ROUNDED_SOFTMAX:
        conclude_rows(SOFTMAX, rows, m, scales, sum, rest, numbers)
    elif function == LOG_SOFTMAX:
        conclude_rows(LOG_SOFTMAX, rows, m, scales, sum, rest, numbers)
    elif function == LOGSUMEXP:
        conclude_rows(LOGSUMEXP, rows, m, scales, sum, rest, numbers)
    else:
        conclude_rows(SOFTMAX_GRAD, rows, m, scales, sum, rest, numbers)


# The inverse is that of the sum times SCALE, so that no small term is subnormal.
cdef inline real softmax_result(real e, real dy, real inverse, real rest) noexcept nogil:
    return fma(e, inverse, e * rest) * (SCALE_F if real is float else SCALE)


cdef inline real log_softmax_result(real x, real dy, real logsumexp, real rest) noexcept nogil:
    return (x - logsumexp) - rest


# The results of ``count`` vectors of n elements, which lie ``stride`` apart; ``step`` as in ``spread_rows``.
cdef inline void finish_vectors(
    real (*f)(real, real, real, real) noexcept nogil,
    const real* x, Py_ssize_t stride, const real* dy, Py_ssize_t dy_stride, Py_ssize_t count, bint whole, Py_ssize_t n,
    const real* numbers, Py_ssize_t step, real* out, Py_ssize_t out_stride,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real)
    cdef real first[VECTOR]
    cdef real second[VECTOR]
    cdef real block[VECTOR]
    cdef real given[MAX_INPUTS][VECTOR]
    spread_rows(numbers, step, whole, n, first)
    spread_rows(numbers + GROUP, step, whole, n, second)
    while count > 0:
        if whole:
            loop4(lanes, VECTOR // sizeof(real), block, f, x, dy, first, second)
            store_vector(out, block)
        else:
            load_first(given[0], x, n, sizeof(real))
            load_first(given[1], dy, n, sizeof(real))
            loop4(lanes, VECTOR // sizeof(real), block, f, given[0], given[1], first, second)
            store_first(out, block, n, sizeof(real))
        x += stride
        dy += dy_stride
        out += out_stride
        count -= 1


# The results of n elements of ``rows`` rows.
cdef inline void finish(
    real (*f)(real, real, real, real) noexcept nogil,
    const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows, bint across,
    const real* numbers, real* out, Py_ssize_t out_pitch,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real), g = 0, left
    if across:
        while g + lanes <= rows:
            finish_vectors(f, x + g, pitch, dy + g, dy_pitch, n, True, lanes, numbers + g, 1, out + g, out_pitch)
            g += lanes
        if g < rows:
            finish_vectors(f, x + g, pitch, dy + g, dy_pitch, n, False, rows - g, numbers + g, 1, out + g, out_pitch)
        return
    for g in range(rows):
        finish_vectors(f, x, lanes, dy, lanes, n // lanes, True, lanes, numbers + g, 0, out, lanes)
        left = n % lanes
        if left > 0:
            finish_vectors(f, x + n - left, 0, dy + n - left, 0, 1, False, left, numbers + g, 0, out + n - left, 0)
        x += pitch
        dy += dy_pitch
        out += out_pitch


# The results of a tile, or of part of a row. For softmax x is the exponentials.
cdef void finish_tile(
    int function, const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows,
    bint across, const real* numbers, real* out, Py_ssize_t out_pitch,
) noexcept nogil:
    if function == SOFTMAX:
        finish(softmax_result[real], x, pitch, x, pitch, n, rows, across, numbers, out, out_pitch)
    elif function == LOG_SOFTMAX:
        finish(log_softmax_result[real], x, pitch, x, pitch, n, rows, across, numbers, out, out_pitch)
    elif function == SOFTMAX_GRAD:
        finish(softmax_slope[real], x, pitch, dy, dy_pitch, n, rows, across, numbers, out, out_pitch)
    elif function == LOG_SOFTMAX_GRAD:
        finish(log_softmax_slope[real], x, pitch, dy, dy_pitch, n, rows, across, numbers, out, out_pitch)
