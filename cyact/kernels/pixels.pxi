# Pixels: elements of a few bytes that are no numbers, which lie apart (the image is flipped), or whose channels lie in
# the other order (those of OpenCV).

cdef void copy_pixels(
    char* to, Py_ssize_t to_step, const char* source, Py_ssize_t step, int size, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        copy_bytes(to + i * to_step, source + i * step, size)


# One pixel, whose parts of ``part`` bytes are brought into the other order.
cdef inline void copy_pixel(char* to, const char* source, int size, int part) noexcept nogil:
    cdef int k = 0
    while k < size:
        copy_bytes(to + k, source + size - part - k, part)
        k += part


# Copies n pixels, read forwards or backwards, the channels of each as they lie or in the other order. Behind the last
# one there is room for sixteen bytes. Small pixels are copied in groups, as many as sixteen bytes have room for, by the
# order that ``Rescaling`` has. Sixteen bytes may reach into one pixel more: those that are read begin with their group
# or end with it, so that they never reach beyond the first or the last pixel. The last group begins earlier, and copies
# some pixels once more.
cdef void order_pixels(const Rescaling* r, char* to, const char* source, Py_ssize_t n) noexcept nogil:
    cdef int step = r.kernel.itemsize[0], size = abs(step), itemsize = r.first.itemsize[0]
    cdef bint backwards = step < 0
    cdef Py_ssize_t group = 16 // size, done = 0, i
    cdef const char* low
    if size > ORDERED or n <= group:
        for i in range(n):
            copy_pixel(to + i * size, source + i * step, size, itemsize if r.turned else size)
        return
    low = source + size - 16 if backwards else source
    while done + group < n:
        shuffle(to + done * size, low, r.order[backwards])
        low += group * step
        done += group
    low = source + (n - 1) * step if backwards else source + n * size - 16
    shuffle(to + (n - group) * size, low, r.order[not backwards])
