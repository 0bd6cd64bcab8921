# softmax and its like, over rows of floats or doubles: every result depends on a whole row, the elements along an axis.
#
# A row's largest element is found first, then the sum of its exponentials, then its results: three passes, mostly in
# the cache, and no temporary array. A *tile* is as many rows as fit the first-level cache. What is known of each row,
# such as its largest element, stands in arrays, so that no row waits for another. A tile lies in one of two ways:
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
    MOST_LANES = 16     # of floats
    TILE = 4096         # elements of a tile, and of the shortest segment
    GROUP = 64          # rows of a tile, at most
    SHORT = 64          # rows of fewer elements are transposed into a tile: one at a time, their sums take longer

# What a kernel computes of a row; ``Kernel.row``.
cdef enum:
    SOFTMAX = 1
    LOG_SOFTMAX
    LOGSUMEXP
    SOFTMAX_GRAD
    LOG_SOFTMAX_GRAD


# Elements of a segment: no row has more than SEGMENTS of them.
cdef inline Py_ssize_t segment_length(Py_ssize_t n) noexcept nogil:
    return max(<Py_ssize_t> 1, (n + TILE * SEGMENTS - 1) // (TILE * SEGMENTS)) * TILE


# ---- the largest element ----

# NaN is passed over here. It will make the sum NaN.
cdef inline real larger(real a, real b) noexcept nogil:
    return b if b > a else a


# Two vectors of largest elements, so that a comparison does not wait for the one before it.
cdef inline real largest_of(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, lanes = VECTOR // sizeof(real)
    cdef real m[VECTOR]
    cdef real other[VECTOR]
    for i in range(lanes):
        m[i] = other[i] = -INFINITY
    i = 0
    while i + 2 * lanes <= n:
        loop2(lanes, VECTOR // sizeof(real), m, larger[real], m, x + i)
        loop2(lanes, VECTOR // sizeof(real), other, larger[real], other, x + i + lanes)
        i += 2 * lanes
    if i + lanes <= n:
        loop2(lanes, VECTOR // sizeof(real), m, larger[real], m, x + i)
    if n >= lanes:      # the last vector, of which some elements may have been seen before
        loop2(lanes, VECTOR // sizeof(real), other, larger[real], other, x + n - lanes)
    loop2(lanes, VECTOR // sizeof(real), m, larger[real], m, other)
    if n < lanes:
        for i in range(n):
            m[0] = larger(m[0], x[i])
    # Numbers that the compiler knows make vectors of these.
    if lanes > 8:
        loop2(8, 8, m, larger[real], m, m + 8)
    if lanes > 4:
        loop2(4, 4, m, larger[real], m, m + 4)
    if lanes > 2:
        loop2(2, 2, m, larger[real], m, m + 2)
    return larger(m[0], m[1])


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


cdef void find_largest(
    const real* x, Py_ssize_t pitch, Py_ssize_t n, int rows, bint across, real* m
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real), g
    if not across:
        for g in range(rows):
            m[g] = largest_of(x + g * pitch, n)
        return
    g = 0
    while g + lanes <= rows:
        largest_across(x + g, pitch, n, True, lanes, m + g)
        g += lanes
    if g < rows:
        largest_across(x + g, pitch, n, False, rows - g, m + g)


# How the exponentials of each row are scaled (``row_scale``): GROUP numbers ``shift``, GROUP ``round``, ``low`` and
# ``delta``. Then the largest exponential of each row, and what it has lost (``largest_exp``).
cdef void find_scales(const real* m, int rows, real* scales) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(rows):
        row_scale(m[g], &scales[g], &scales[GROUP + g], &scales[2 * GROUP + g], &scales[3 * GROUP + g])
        scales[4 * GROUP + g] = largest_exp(
            m[g], scales[g], scales[GROUP + g], scales[2 * GROUP + g], scales[3 * GROUP + g], &scales[5 * GROUP + g]
        )


# ---- sums ----

# What is known of one row (``step`` is 0) or of each of n, a whole vector of them or fewer. What would belong to more
# rows is 0: what lies in memory there may be subnormal numbers, with which processors compute a hundred times as long.
cdef inline void spread_rows(const real* numbers, Py_ssize_t step, bint whole, Py_ssize_t n, real* to) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    if step == 0:
        for i in range(lanes):
            to[i] = numbers[0]
    elif whole:
        store_vector(to, numbers)
    else:
        load_first(to, numbers, n, sizeof(real))


# softmax's sums are of the dtype.
cdef inline void take_sums(
    Py_ssize_t i, const double* sums, const real* rests, real* high, double* sum, real* rest
) noexcept nogil:
    high[i] = <real> sums[i]
    sum[i] = sums[i]
    rest[i] = rests[i]


cdef inline void give_sums(
    Py_ssize_t i, int function, double* sums, real* rests, const real* high, const double* sum, const real* rest
) noexcept nogil:
    sums[i] = <double> high[i] if function == SOFTMAX else sum[i]
    rests[i] = rest[i]


# Adds a term to sum i: of softmax to ``high``, else to ``sum``. Of the last vector of a row n elements are its own.
cdef inline void add_term(
    Py_ssize_t i, int function, const real* x, const real* dy, const real (*scale)[VECTOR], bint last, Py_ssize_t n,
    real* block, real* high, double* sum, real* rest,
) noexcept nogil:
    cdef real s, p, p_lost
    if function <= LOGSUMEXP:
        row_exp(x[i], scale[0][i], scale[1][i], scale[2][i], scale[3][i], &s, &p, &p_lost)
        if last:
            s = where_true(i < n, s)
            p = where_true(i < n, p)
        block[i] = fma(s, p, s)
        if function == SOFTMAX:
            add_exp(&high[i], &rest[i], block[i], s, p)
        else:
            add_to(&sum[i], &rest[i], block[i])
            rest[i] += lost_of(s, p, block[i])
    elif function == SOFTMAX_GRAD:
        add_product_to(&sum[i], &rest[i], x[i], dy[i])
    else:
        add_to(&sum[i], &rest[i], dy[i])


# Adds the terms of ``count`` vectors to ``n`` sums of two parts, a vector's elements at most: exponentials, the
# elements themselves, or products. The vectors lie ``stride`` apart; softmax stores its exponentials in e. ``step`` is
# 0 for elements of one row, which have one scale, and 1 for elements of n rows.
cdef inline void add_vectors(
    int function, const real* x, Py_ssize_t stride, const real* dy, Py_ssize_t dy_stride, Py_ssize_t count, bint whole,
    Py_ssize_t n, const real* scales, Py_ssize_t step, real* e, Py_ssize_t e_stride, double* sums, real* rests,
) noexcept nogil:
    cdef Py_ssize_t lanes = VECTOR // sizeof(real)
    cdef real scale[4][VECTOR]
    cdef real given[MAX_INPUTS][VECTOR]
    cdef real block[VECTOR]
    cdef real high[VECTOR]
    cdef double sum[VECTOR]
    cdef real rest[VECTOR]
    if function <= LOGSUMEXP:
        spread_rows(scales, step, whole, n, scale[0])
        spread_rows(scales + GROUP, step, whole, n, scale[1])
        spread_rows(scales + 2 * GROUP, step, whole, n, scale[2])
        spread_rows(scales + 3 * GROUP, step, whole, n, scale[3])
    loop(lanes, VECTOR // sizeof(real), take_sums[real], sums, rests, high, sum, rest)
    while count > 0:
        if whole:
            loop(
                lanes, VECTOR // sizeof(real), add_term[real], function, x, dy, scale, False, n, block, high, sum, rest
            )
        else:
            load_first(given[0], x, n, sizeof(real))
            load_first(given[1], dy, n, sizeof(real))
            loop(
                lanes, VECTOR // sizeof(real), add_term[real], function, given[0], given[1], scale, step == 0, n, block,
                high, sum, rest
            )
        if function == SOFTMAX and whole:
            store_vector(e, block)
        elif function == SOFTMAX:
            store_first(e, block, n, sizeof(real))
        x += stride
        dy += dy_stride
        e += e_stride
        count -= 1
    loop(lanes, VECTOR // sizeof(real), give_sums[real], function, sums, rests, high, sum, rest)


# Most vectors are whole.
cdef inline void add_strand(
    int function, const real* x, Py_ssize_t stride, const real* dy, Py_ssize_t dy_stride, Py_ssize_t count,
    Py_ssize_t n, const real* scales, Py_ssize_t step, real* e, Py_ssize_t e_stride, double* sums, real* rests,
) noexcept nogil:
    if n == VECTOR // sizeof(real):
        add_vectors(function, x, stride, dy, dy_stride, count, True, n, scales, step, e, e_stride, sums, rests)
    elif n > 0:
        add_vectors(function, x, stride, dy, dy_stride, count, False, n, scales, step, e, e_stride, sums, rests)


# Sums of no terms.
cdef inline void begin(int function, double* sums, real* rests, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        sums[i] = (START_F if real is float else START) if function == SOFTMAX else 0
        rests[i] = 0


# Adds the terms of a part of a row to the lanes' sums. A part that is not the last of its segment has whole rounds of
# the lanes.
cdef inline void add_lanes(
    int function, const real* x, const real* dy, Py_ssize_t n, const real* scales, real* e, double* sums, real* rests
) noexcept nogil:
    cdef Py_ssize_t lanes = LANES // sizeof(real), width = VECTOR // sizeof(real), i = 0, count
    while i < min(n, lanes):
        count = (n - i) // lanes + ((n - i) % lanes >= width)
        add_strand(
            function, x + i, lanes, dy + i, lanes, count, width, scales, 0, e + i, lanes, sums + i, rests + i
        )
        count = i + count * lanes
        add_strand(
            function, x + count, 0, dy + count, 0, 1, n - count, scales, 0, e + count, 0, sums + i, rests + i
        )
        i += width


# The function is known to each of these calls when they are compiled.
cdef void add_part(
    int function, const real* x, const real* dy, Py_ssize_t n, const real* scales, real* e, double* sums, real* rests
) noexcept nogil:
    if function == SOFTMAX:
        add_lanes(SOFTMAX, x, dy, n, scales, e, sums, rests)
    elif function == SOFTMAX_GRAD:
        add_lanes(SOFTMAX_GRAD, x, dy, n, scales, e, sums, rests)
    elif function == LOG_SOFTMAX_GRAD:
        add_lanes(LOG_SOFTMAX_GRAD, x, dy, n, scales, e, sums, rests)
    else:
        add_lanes(LOGSUMEXP, x, dy, n, scales, e, sums, rests)


# What the sums of exponentials began with is taken out of them.
cdef inline void take_start(double* sums, Py_ssize_t n, real tag) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        sums[i] -= START_F if real is float else START


# Adds the upper half of sums to the lower one. Those of floats are exact enough as they are, see ``add_to``.
cdef inline void add_half(double* sums, real* rests, Py_ssize_t half) noexcept nogil:
    cdef Py_ssize_t i
    cdef double s, error
    for i in range(half):
        if real is float:
            sums[i] += sums[i + half]
            rests[i] += rests[i + half]
        else:
            two_sum(sums[i], sums[i + half], &s, &error)
            sums[i] = s
            rests[i] = (rests[i] + rests[i + half]) + error


# The sums of n rows, of one lane or all, to one for each row, which is added to the sum of the row's segments.
cdef inline void fold(
    int function, double* sums, real* rests, bint one_lane, Py_ssize_t n, double* sum, double* rest
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double s, error
    if not one_lane:
        if function == SOFTMAX:
            take_start(sums, LANES // sizeof(real) * n, <real> 0)
        if real is float:
            add_half(sums, rests, 8 * n)
        add_half(sums, rests, 4 * n)
        add_half(sums, rests, 2 * n)
        add_half(sums, rests, n)
    elif function == SOFTMAX:
        take_start(sums, n, <real> 0)
    for i in range(n):
        two_sum(sum[i], sums[i], &s, &error)
        sum[i] = s
        rest[i] += rests[i] + error


# Sums of whole segments of a row, ``length`` elements each but for the row's end.
cdef void add_segments(
    int function, const real* x, const real* dy, Py_ssize_t n, Py_ssize_t length, const real* scales, real* e,
    double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t done = 0, lanes = LANES // sizeof(real)
    cdef double sums[MOST_LANES]
    cdef real rests[MOST_LANES]
    while done < n:
        begin(function, sums, rests, lanes)
        add_part(function, x + done, dy + done, min(length, n - done), scales, e + done, sums, rests)
        fold(function, sums, rests, False, 1, sum, rest)
        done += length


# The same for rows across the vectors.
cdef inline void add_across(
    int function, const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows,
    const real* scales, real* e, Py_ssize_t e_pitch, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t lanes = 1 if n < SHORT else LANES // sizeof(real), length = segment_length(n), done, stop, i
    cdef Py_ssize_t width = VECTOR // sizeof(real), m, g = 0
    cdef double sums[MOST_LANES * VECTOR]
    cdef real rests[MOST_LANES * VECTOR]
    while g < rows:
        m = min(width, rows - g)
        done = 0
        while done < n:
            begin(function, sums, rests, lanes * width)
            stop = min(n, done + length)
            for i in range(done, min(stop, done + lanes)):
                add_strand(
                    function, x + i * pitch + g, lanes * pitch, dy + i * dy_pitch + g, lanes * dy_pitch,
                    (stop - i + lanes - 1) // lanes, m, scales + g, 1, e + i * e_pitch + g, lanes * e_pitch,
                    sums + (i - done) * width, rests + (i - done) * width,
                )
            fold(function, sums, rests, lanes == 1, VECTOR // sizeof(real), sum + g, rest + g)
            done = stop
        g += width


# The sums of a tile. softmax leaves its exponentials in e.
cdef void add_tile(
    int function, const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows,
    bint across, const real* scales, real* e, Py_ssize_t e_pitch, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t length = segment_length(n), g
    for g in range(GROUP):
        sum[g] = rest[g] = 0
    if not across:
        for g in range(rows):
            add_segments(
                function, x + g * pitch, dy + g * dy_pitch, n, length, scales + g, e + g * e_pitch, sum + g, rest + g
            )
    elif function == SOFTMAX:
        add_across(SOFTMAX, x, pitch, x, pitch, n, rows, scales, e, e_pitch, sum, rest)
    elif function == SOFTMAX_GRAD:
        add_across(SOFTMAX_GRAD, x, pitch, dy, dy_pitch, n, rows, scales, e, e_pitch, sum, rest)
    elif function == LOG_SOFTMAX_GRAD:
        add_across(LOG_SOFTMAX_GRAD, x, pitch, dy, dy_pitch, n, rows, scales, e, e_pitch, sum, rest)
    else:
        add_across(LOGSUMEXP, x, pitch, x, pitch, n, rows, scales, e, e_pitch, sum, rest)


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
            inverse = (1 + <double> scales[5 * GROUP]) / ((sum + rest) * SCALE_F)
            row[0] = <real> inverse
            row[GROUP] = <real> (inverse - row[0])
        else:
            sum *= SCALE
            rest *= SCALE
            inverse = 1 / sum
            row[0] = inverse
            row[GROUP] = (fma(-sum, inverse, 1.0) - rest * inverse + scales[5 * GROUP]) * inverse
    elif function <= LOGSUMEXP:
        others = sum_of_others(scales[4 * GROUP], scales[5 * GROUP], sum, rest)
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
    if function == SOFTMAX:
        conclude_rows(SOFTMAX, rows, m, scales, sum, rest, numbers)
    elif function <= LOGSUMEXP:
        conclude_rows(LOGSUMEXP, rows, m, scales, sum, rest, numbers)
    else:
        conclude_rows(SOFTMAX_GRAD, rows, m, scales, sum, rest, numbers)


# The inverse is that of the sum times SCALE, so that no small term is subnormal.
cdef inline real softmax_result(real e, real dy, real inverse, real rest) noexcept nogil:
    return fma(e, inverse, e * rest) * (SCALE_F if real is float else SCALE)


cdef inline real log_softmax_result(real x, real dy, real logsumexp, real rest) noexcept nogil:
    return (x - logsumexp) - rest


# The results of ``count`` vectors of n elements; ``stride`` and ``step`` as in ``add_vectors``.
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
