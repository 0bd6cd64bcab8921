# Copies between any two layouts: between an array of any strides and a block that the kernel takes.
#
# What is copied is a plane of ``rows`` rows of ``n`` elements. Each side has a step from row to row and one from
# element to element, in bytes. A side whose smaller step is from row to row is transposed: it is copied in squares of
# 16 bytes a side, which vectors turn, so that every cache line is read and written whole.

ctypedef fused unit:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void copy_run(
    unit* to, Py_ssize_t to_step, const unit* source, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), i = 0
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
    for i in range(i, n):
        (<unit*> (<char*> to + i * to_step))[0] = (<const unit*> (<const char*> source + i * step))[0]


# Pixels of a few channels into planes: ``count`` is a constant where this is inlined.
cdef inline void split(
    unit* to, Py_ssize_t to_row, const unit* source, int count, Py_ssize_t n
) noexcept nogil:
    cdef unit* a = to
    cdef unit* b = <unit*> (<char*> to + to_row)
    cdef unit* c = <unit*> (<char*> to + 2 * to_row)
    cdef unit* d = <unit*> (<char*> to + 3 * to_row)
    cdef Py_ssize_t i
    for i in range(n):
        a[i] = source[count * i]
        b[i] = source[count * i + 1]
        if count > 2:
            c[i] = source[count * i + 2]
        if count > 3:
            d[i] = source[count * i + 3]


# And planes into pixels.
cdef inline void join(
    unit* to, const unit* source, Py_ssize_t step, int count, Py_ssize_t n
) noexcept nogil:
    cdef const unit* a = source
    cdef const unit* b = <const unit*> (<const char*> source + step)
    cdef const unit* c = <const unit*> (<const char*> source + 2 * step)
    cdef const unit* d = <const unit*> (<const char*> source + 3 * step)
    cdef Py_ssize_t i
    for i in range(n):
        to[count * i] = a[i]
        to[count * i + 1] = b[i]
        if count > 2:
            to[count * i + 2] = c[i]
        if count > 3:
            to[count * i + 3] = d[i]


# Rows that are contiguous from columns that are.
cdef inline void transpose(
    unit* to, Py_ssize_t to_row, const unit* source, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), side = 16 // size, i = 0, row
    if step == rows * size and rows == 3:
        split(to, to_row, source, 3, n)
        return
    if step == rows * size and rows == 4 and side != 4:
        split(to, to_row, source, 4, n)
        return
    if step == rows * size and rows == 2:
        split(to, to_row, source, 2, n)
        return
    if to_row == n * size and n == 3:
        join(to, source, step, 3, rows)
        return
    if to_row == n * size and n == 4 and side != 4:
        join(to, source, step, 4, rows)
        return
    if to_row == n * size and n == 2:
        join(to, source, step, 2, rows)
        return
    if n < side or rows < side:
        for row in range(rows):
            copy_run(<unit*> (<char*> to + row * to_row), size, source + row, step, n)
        return
    # The last squares begin earlier, where they copy some elements once more.
    while i < n:
        i = min(i, n - side)
        row = 0
        while row < rows:
            row = min(row, rows - side)
            transpose_square(
                <char*> (to + i) + row * to_row, to_row, <const char*> (source + row) + i * step, step, size
            )
            row += side
        i += side


cdef void copy_units(
    unit* to, Py_ssize_t to_row, Py_ssize_t to_step, const unit* source, Py_ssize_t row, Py_ssize_t step,
    Py_ssize_t rows, Py_ssize_t n,
) noexcept nogil:
    cdef Py_ssize_t size = sizeof(unit), i
    if to_step == size and step == size:
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
