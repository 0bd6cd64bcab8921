# Copies between any two layouts: between an array of any strides and a block that the kernel takes.
#
# What is copied is a plane of ``rows`` rows of ``n`` elements. Each side has a step from row to row and one from
# element to element, in bytes. A side whose smaller step is from row to row is transposed: it is copied in squares of
# 16 bytes a side, which vectors turn, so that every cache line is read and written whole.

cdef enum:
    PIXELS = 32             # whose channels are taken apart, or put together, at a time

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef void copy_run(
    unit* to, Py_ssize_t to_step, const unit* source, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), i = 0
    cdef char* p
    cdef const char* q
    cdef unit value
    # Steps that are known make vectors. Every second element is common (columns, the parts of complex numbers).
    if to_step == size and step == 2 * size:
        for i in range(n):
            to[i] = source[2 * i]
        return
    if to_step == size and step == -size:
        for i in range(n):
            to[i] = source[-i]
        return
    if to_step == size and step == 0:
        value = source[0]
        for i in range(n):
            to[i] = value
        return
    if HAS_SPREAD and step == size and to_step == 2 * size:
        while i + 32 // size <= n:
            spread(to + 2 * i, source + i, size)
            i += 32 // size
    # Four at a time: what a turn takes beside its element takes as long as the element.
    p, q = <char*> to + i * to_step, <const char*> source + i * step
    while i + 4 <= n:
        (<unit*> p)[0] = (<const unit*> q)[0]
        (<unit*> (p + to_step))[0] = (<const unit*> (q + step))[0]
        (<unit*> (p + 2 * to_step))[0] = (<const unit*> (q + 2 * step))[0]
        (<unit*> (p + 3 * to_step))[0] = (<const unit*> (q + 3 * step))[0]
        p += 4 * to_step
        q += 4 * step
        i += 4
    while i < n:
        (<unit*> p)[0] = (<const unit*> q)[0]
        p += to_step
        q += step
        i += 1


# At least PIXELS pixels of a few channels into planes, or planes into pixels: ``count`` and ``joined`` are constants
# where this is inlined. The last ones begin earlier, where they copy some pixels once more.
cdef inline void copy_channels(
    unit* planes, Py_ssize_t step, unit* pixels, int count, bint joined, Py_ssize_t n
) noexcept nogil:
    cdef unit* a = planes
    cdef unit* b = <unit*> (<char*> planes + step)
    cdef unit* c = <unit*> (<char*> planes + 2 * step)
    cdef unit* d = <unit*> (<char*> planes + 3 * step)
    cdef Py_ssize_t i = 0
    while i < n:
        i = min(i, n - PIXELS)
        if joined:
            join_pixels(PIXELS, count, a + i, b + i, c + i, d + i, pixels + count * i)
        else:
            split_pixels(PIXELS, count, a + i, b + i, c + i, d + i, pixels + count * i)
        i += PIXELS


# Rows that are contiguous from columns that are.
cdef inline void transpose(
    unit* to, Py_ssize_t to_row, const unit* source, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), side = 16 // size, wide = SQUARES * side, i = 0, row
    if step == rows * size and n >= PIXELS:
        if rows == 3:
            copy_channels(to, to_row, <unit*> source, 3, False, n)
            return
        if rows == 4 and side != 4:
            copy_channels(to, to_row, <unit*> source, 4, False, n)
            return
        if rows == 2:
            copy_channels(to, to_row, <unit*> source, 2, False, n)
            return
    if to_row == n * size and rows >= PIXELS:
        if n == 3:
            copy_channels(<unit*> source, step, to, 3, True, rows)
            return
        if n == 4:
            copy_channels(<unit*> source, step, to, 4, True, rows)
            return
        if n == 2:
            copy_channels(<unit*> source, step, to, 2, True, rows)
            return
    if n < wide or rows < side:
        for row in range(rows):
            copy_run(<unit*> (<char*> to + row * to_row), size, source + row, step, n)
        return
    # The last squares begin earlier, where they copy some elements once more.
    while i < n:
        i = min(i, n - wide)
        row = 0
        while row < rows:
            row = min(row, rows - side)
            transpose_squares(
                <char*> (to + i) + row * to_row, to_row, <const char*> (source + row) + i * step, step, size
            )
            row += side
        i += wide


# One row many times, which a slope for each channel takes: what there is already is copied, twice as much each time.
cdef inline void repeat_row(
    unit* to, const unit* source, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t done = n, more
    copy_run(to, sizeof(unit), source, step, n)
    while done < rows * n:
        more = min(done, rows * n - done)
        memcpy(to + done, to, more * sizeof(unit))
        done += more


cdef void copy_units(
    unit* to, Py_ssize_t to_row, Py_ssize_t to_step, const unit* source, Py_ssize_t row, Py_ssize_t step,
    Py_ssize_t rows, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), i
    if row == 0 and to_step == size and to_row == n * size and rows > 1:
        repeat_row(to, source, step, rows, n)
    elif to_step == size and step == size:
        for i in range(rows):
            copy_bytes(<char*> to + i * to_row, <const char*> source + i * row, n * size)
    elif to_step == size and row == size:
        transpose(to, to_row, source, step, rows, n)
    elif step == size and to_row == size:       # the same with rows and columns exchanged
        transpose(to, to_step, source, row, n, rows)
    else:
        for i in range(rows):
            copy_run(<unit*> (<char*> to + i * to_row), to_step,
                     <const unit*> (<const char*> source + i * row), step, n)


cdef void copy_plane(
    char* to, Py_ssize_t to_row, Py_ssize_t to_step, const char* source, Py_ssize_t row, Py_ssize_t step,
    Py_ssize_t rows, Py_ssize_t n, int itemsize,
) noexcept nogil:
    cdef Py_ssize_t i
    if itemsize == 1:
        copy_units(<uint8_t*> to, to_row, to_step, <const uint8_t*> source, row, step, rows, n)
    elif itemsize == 2:
        copy_units(<uint16_t*> to, to_row, to_step, <const uint16_t*> source, row, step, rows, n)
    elif itemsize == 4:
        copy_units(<uint32_t*> to, to_row, to_step, <const uint32_t*> source, row, step, rows, n)
    elif itemsize == 8:
        copy_units(<uint64_t*> to, to_row, to_step, <const uint64_t*> source, row, step, rows, n)
    else:
        for i in range(rows):
            copy_pixels(to + i * to_row, to_step, source + i * row, step, itemsize, n)
