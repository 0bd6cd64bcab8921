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
# on the level, or on the number of threads. A row is cut into segments. A segment has as many sums as 64 bytes have
# elements, and element i is added to sum i % lanes. Then the upper half of the sums is added to the lower one until one
# is left. The segments' sums are added in their order.

from libc.math cimport isinf, isnan

cdef enum:
    LANES = 64          # bytes of elements with a sum each
    MOST_LANES = 16     # of floats
    TILE = 4096         # elements of a tile, and of the shortest segment
    GROUP = 64          # rows of a tile, at most

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


cdef inline void larger_half(real* m, Py_ssize_t half) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(half):
        m[j] = larger(m[j], m[j + half])


# Two vectors of largest elements, so that a comparison does not wait for the one before it.
cdef inline real largest_of(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, j, lanes = VECTOR // sizeof(real)
    cdef real m[VECTOR]
    cdef real other[VECTOR]
    for j in range(lanes):
        m[j] = other[j] = -INFINITY
    while i + 2 * lanes <= n:
        for j in range(lanes):
            m[j] = larger(m[j], x[i + j])
        for j in range(lanes):
            other[j] = larger(other[j], x[i + lanes + j])
        i += 2 * lanes
    if i + lanes <= n:
        for j in range(lanes):
            m[j] = larger(m[j], x[i + j])
    if n >= lanes:      # the last vector, of which some elements may have been seen before
        for j in range(lanes):
            other[j] = larger(other[j], x[n - lanes + j])
    for j in range(lanes):
        m[j] = larger(m[j], other[j])
    if n < lanes:
        for j in range(n):
            m[0] = larger(m[0], x[j])
    # Numbers that the compiler knows make vectors of these.
    if lanes > 8:
        larger_half(m, 8)
    if lanes > 4:
        larger_half(m, 4)
    if lanes > 2:
        larger_half(m, 2)
    larger_half(m, 1)
    return m[0]


cdef void find_largest(
    const real* x, Py_ssize_t pitch, Py_ssize_t n, int rows, bint across, real* m
) noexcept nogil:
    cdef real largest[GROUP]
    cdef Py_ssize_t i
    cdef int g
    if not across:
        for g in range(rows):
            m[g] = largest_of(x + g * pitch, n)
        return
    for g in range(GROUP):
        largest[g] = -INFINITY
    for i in range(n):
        for g in range(rows):
            largest[g] = larger(largest[g], x[i * pitch + g])
    for g in range(rows):
        m[g] = largest[g]


# ---- exponentials ----

# How the exponentials of each row are scaled (``row_scale``): GROUP numbers ``shift``, GROUP ``round``, GROUP ``low``.
cdef void find_scales(const real* m, int rows, real* scales) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(rows):
        row_scale(m[g], &scales[g], &scales[GROUP + g], &scales[2 * GROUP + g])


# The exponentials of n elements, and what they have lost. ``step`` is 0 for elements of one row, which have one scale,
# and 1 for elements of n rows.
cdef inline void row_exps(
    const real* x, real* e, real* lost, Py_ssize_t n, const real* scales, Py_ssize_t step
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef real losses[VECTOR]
    cdef real rest[VECTOR]
    while n > 0:
        if n < lanes:
            load_first(rest, x, n, sizeof(real))
            x = rest
        for i in range(lanes):
            block[i] = row_exp(
                x[i], scales[i * step], scales[GROUP + i * step], scales[2 * GROUP + i * step], &losses[i]
            )
        store_vector(lost, losses)
        if n < lanes:
            store_first(e, block, n, sizeof(real))
            return
        store_vector(e, block)
        x += lanes
        e += lanes
        lost += lanes
        scales += lanes * step
        n -= lanes


# ---- sums ----

# What a kernel adds up, of n elements: their exponentials, which are in e, the elements themselves, or their products.
# ``sums`` and ``rests`` have the two parts of n sums, or of a sum for each lane; ``first``, they are 0 before.
cdef inline void add_terms(
    int function, const real* x, const real* dy, const real* e, const real* lost, Py_ssize_t n, bint first,
    double* sums, real* rests,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if first:
            sums[i] = 0
            rests[i] = 0
        if function == SOFTMAX_GRAD:
            add_product_to(&sums[i], &rests[i], x[i], dy[i])
        elif function == LOG_SOFTMAX_GRAD:
            add_to(&sums[i], &rests[i], dy[i], 0)
        else:
            add_to(&sums[i], &rests[i], e[i], lost[i])


# Adds the terms of a part of a row to the lanes' sums. A part that is not the last of its segment has BLOCK elements.
# The exponentials are left in e.
cdef inline void add_part(
    int function, const real* x, const real* dy, Py_ssize_t n, const real* scales, real* e, double* sums, real* rests
) noexcept nogil:
    cdef Py_ssize_t k = 0, lanes = LANES // sizeof(real)
    cdef real lost[BLOCK]
    if function <= LOGSUMEXP:
        row_exps(x, e, lost, n, scales, 0)
    while k + lanes <= n:
        add_terms(function, x + k, dy + k, e + k, lost + k, LANES // sizeof(real), False, sums, rests)
        k += lanes
    if k < n:
        add_terms(function, x + k, dy + k, e + k, lost + k, n - k, False, sums, rests)


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


# The lanes' sums to one, which is added to the sum of the row's segments.
cdef inline void fold(double* sums, real* rests, double* sum, double* rest) noexcept nogil:
    cdef double s, error
    if real is float:
        add_half(sums, rests, 8)
    add_half(sums, rests, 4)
    add_half(sums, rests, 2)
    add_half(sums, rests, 1)
    two_sum(sum[0], sums[0], &s, &error)
    sum[0] = s
    rest[0] += rests[0] + error


# The same for n lanes of ``rows`` rows.
cdef inline void fold_across(
    double* sums, real* rests, Py_ssize_t n, Py_ssize_t rows, double* sum, double* rest
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double s, error
    while n > 1:
        n //= 2
        add_half(sums, rests, n * rows)
    for i in range(rows):
        two_sum(sum[i], sums[i], &s, &error)
        sum[i] = s
        rest[i] += rests[i] + error


# Sums of whole segments of a row, ``length`` elements each but for the row's end.
cdef inline void add_segments(
    int function, const real* x, const real* dy, Py_ssize_t n, Py_ssize_t length, const real* scales, real* e,
    double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t done = 0, stop, m
    cdef double sums[MOST_LANES]
    cdef real rests[MOST_LANES]
    cdef real block[BLOCK]
    while done < n:
        memset(sums, 0, sizeof(sums))
        memset(rests, 0, sizeof(rests))
        stop = min(n, done + length)
        while done < stop:
            m = min(<Py_ssize_t> BLOCK, stop - done)
            add_part(
                function, x + done, dy + done, m, scales, e + done if function == SOFTMAX else block, sums, rests
            )
            done += m
        fold(sums, rests, sum, rest)


# The same for rows across the vectors.
cdef inline void add_across(
    int function, const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows,
    const real* scales, real* e, Py_ssize_t e_pitch, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t lanes = LANES // sizeof(real), length = segment_length(n), done = 0, stop, i, lane
    cdef double sums[MOST_LANES * GROUP]
    cdef real rests[MOST_LANES * GROUP]
    cdef real block[GROUP]
    cdef real lost[GROUP]
    cdef real* to = block
    while done < n:
        stop = min(n, done + length)
        while lanes // 2 >= stop - done:
            lanes //= 2         # the others would be 0
        for i in range(done, stop):
            lane = (i - done) % lanes * rows
            if function == SOFTMAX:
                to = e + i * e_pitch
            if function <= LOGSUMEXP:
                row_exps(x + i * pitch, to, lost, rows, scales, 1)
            if i - done < lanes:
                add_terms(
                    function, x + i * pitch, dy + i * dy_pitch, to, lost, rows, True, sums + lane, rests + lane
                )
            else:
                add_terms(
                    function, x + i * pitch, dy + i * dy_pitch, to, lost, rows, False, sums + lane, rests + lane
                )
        for i in range(stop - done, lanes):
            memset(sums + i * rows, 0, rows * sizeof(double))
            memset(rests + i * rows, 0, rows * sizeof(real))
        fold_across(sums, rests, lanes, rows, sum, rest)
        done = stop


# The sums of a tile. softmax leaves its exponentials in e.
cdef void add_tile(
    int function, const real* x, Py_ssize_t pitch, const real* dy, Py_ssize_t dy_pitch, Py_ssize_t n, int rows,
    bint across, const real* scales, real* e, Py_ssize_t e_pitch, double* sum, double* rest,
) noexcept nogil:
    cdef Py_ssize_t length = segment_length(n)
    cdef int g
    memset(sum, 0, rows * sizeof(double))
    memset(rest, 0, rows * sizeof(double))
    # The function is known to each of these calls when they are compiled.
    if across:
        if function == SOFTMAX:
            add_across(SOFTMAX, x, pitch, x, pitch, n, rows, scales, e, e_pitch, sum, rest)
        elif function == SOFTMAX_GRAD:
            add_across(SOFTMAX_GRAD, x, pitch, dy, dy_pitch, n, rows, scales, e, e_pitch, sum, rest)
        elif function == LOG_SOFTMAX_GRAD:
            add_across(LOG_SOFTMAX_GRAD, x, pitch, dy, dy_pitch, n, rows, scales, e, e_pitch, sum, rest)
        else:
            add_across(LOGSUMEXP, x, pitch, x, pitch, n, rows, scales, e, e_pitch, sum, rest)
        return
    for g in range(rows):
        if function == SOFTMAX:
            add_segments(SOFTMAX, x, x, n, length, scales + g, e, sum + g, rest + g)
        elif function == SOFTMAX_GRAD:
            add_segments(SOFTMAX_GRAD, x, dy, n, length, scales, e, sum + g, rest + g)
        elif function == LOG_SOFTMAX_GRAD:
            add_segments(LOG_SOFTMAX_GRAD, x, dy, n, length, scales, e, sum + g, rest + g)
        else:
            add_segments(LOGSUMEXP, x, x, n, length, scales + g, e, sum + g, rest + g)
        x += pitch
        dy += dy_pitch
        e += e_pitch


# ---- results ----

# What the results of a row are made of, from its largest element and its sum: four numbers that lie GROUP apart, as
# those of other rows lie between them. For softmax of floats the last two are the largest exponential and its result,
# which has what that exponential has lost: hence the shares of equal elements are exact but for one rounding.

# From the sum of the other exponentials, beside the largest.
cdef inline void conclude_log(int function, real m, double others, real* row) noexcept nogil:
    cdef double logarithm = log1p_of(others)
    row[0] = m
    row[GROUP] = <real> (m + logarithm if function == LOGSUMEXP else logarithm)


# For the logarithms the second number is NaN where the row has to be looked at again (``others_of``).
cdef inline void conclude(int function, real m, double sum, double rest, real* row) noexcept nogil:
    cdef double inverse, others
    cdef real shift, round, low, lost
    if function == SOFTMAX:
        if real is float:
            sum += rest
        inverse = 1 / sum
        row[0] = <real> inverse
        if real is float:
            row[GROUP] = <real> (inverse - row[0])
            row_scale(m, &shift, &round, &low)
            row[2 * GROUP] = row_exp(m, shift, round, low, &lost)
            row[3 * GROUP] = <real> ((<double> row[2 * GROUP] + lost) * inverse)
        else:
            row[GROUP] = (fma(-sum, inverse, 1.0) - rest * inverse) * inverse
    elif function <= LOGSUMEXP:
        others = sum_of_others(m, sum, rest)
        conclude_log(function, m, others if others >= LEAST_OTHERS else NAN, row)
    else:
        row[0] = <real> (sum + rest)
        row[GROUP] = <real> ((sum - row[0]) + rest)


cdef inline void conclude_rows(
    int function, Py_ssize_t rows, const real* m, const double* sum, const double* rest, real* numbers
) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(rows):
        conclude(function, m[g], sum[g], rest[g], &numbers[g])


cdef void conclude_tile(
    int function, int rows, const real* m, const double* sum, const double* rest, real* numbers
) noexcept nogil:
    if function == SOFTMAX:
        conclude_rows(SOFTMAX, rows, m, sum, rest, numbers)
    elif function == LOG_SOFTMAX:
        conclude_rows(LOG_SOFTMAX, rows, m, sum, rest, numbers)
    elif function == LOGSUMEXP:
        conclude_rows(LOGSUMEXP, rows, m, sum, rest, numbers)
    else:
        conclude_rows(SOFTMAX_GRAD, rows, m, sum, rest, numbers)


cdef inline real softmax_result(real e, real dy, const real* row) noexcept nogil:
    cdef real result = fma(e, row[0], e * row[GROUP]), largest, its_result
    if real is float:
        largest, its_result = row[2 * GROUP], row[3 * GROUP]
        return its_result if e == largest else result
    else:
        return result


cdef inline real log_softmax_result(real x, real dy, const real* row) noexcept nogil:
    return (x - row[0]) - row[GROUP]


cdef inline real softmax_grad_result(real y, real dy, const real* row) noexcept nogil:
    return softmax_slope(y, dy, row[0], row[GROUP])


cdef inline real log_softmax_grad_result(real y, real dy, const real* row) noexcept nogil:
    return log_softmax_slope(y, dy, row[0], row[GROUP])


# The results of n elements; ``step`` as in ``row_exps``.
cdef inline void finish(
    real (*f)(real, real, const real*) noexcept nogil,
    const real* x, const real* dy, const real* numbers, Py_ssize_t step, real* out, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t i, lanes = VECTOR // sizeof(real)
    cdef real block[VECTOR]
    cdef real rest[2][VECTOR]
    while n > 0:
        if n < lanes:
            load_first(rest[0], x, n, sizeof(real))
            load_first(rest[1], dy, n, sizeof(real))
            x = rest[0]
            dy = rest[1]
        for i in range(lanes):
            block[i] = f(x[i], dy[i], numbers + i * step)
        if n < lanes:
            store_first(out, block, n, sizeof(real))
            return
        store_vector(out, block)
        x += lanes
        dy += lanes
        numbers += lanes * step
        out += lanes
        n -= lanes


# The results of part of a row, or, across, of an element of each of n rows. For softmax x is the exponentials.
cdef void finish_part(
    int function, const real* x, const real* dy, const real* numbers, bint across, real* out, Py_ssize_t n
) noexcept nogil:
    if function == SOFTMAX:
        if across:
            finish(softmax_result[real], x, x, numbers, 1, out, n)
        else:
            finish(softmax_result[real], x, x, numbers, 0, out, n)
    elif function == LOG_SOFTMAX:
        if across:
            finish(log_softmax_result[real], x, x, numbers, 1, out, n)
        else:
            finish(log_softmax_result[real], x, x, numbers, 0, out, n)
    elif function == SOFTMAX_GRAD:
        if across:
            finish(softmax_grad_result[real], x, dy, numbers, 1, out, n)
        else:
            finish(softmax_grad_result[real], x, dy, numbers, 0, out, n)
    elif function == LOG_SOFTMAX_GRAD:
        if across:
            finish(log_softmax_grad_result[real], x, dy, numbers, 1, out, n)
        else:
            finish(log_softmax_grad_result[real], x, dy, numbers, 0, out, n)
