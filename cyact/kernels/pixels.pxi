# Pixels: elements of a few bytes that are no numbers, which lie apart (the image is flipped), or whose channels lie in
# the other order (those of OpenCV).

# One pixel of ``size`` bytes; where ``turned``, with its channels of ``itemsize`` bytes in the other order.
cdef inline void copy_pixel(char* to, const char* source, int size, int itemsize, bint turned) noexcept nogil:
    cdef int k = 0
    if not turned:
        copy_bytes(to, source, size)
        return
    while k < size:
        copy_bytes(to + k, source + size - itemsize - k, itemsize)
        k += itemsize


# Pixels of at most eight bytes that lie beside each other, forwards or backwards, to others that do. As many as fit
# into sixteen bytes are copied at a time. These may reach into one pixel more. Where it is written, it is written again
# after that; where it is read, it is there but for the first or the last few, which are therefore copied one by one.
cdef void copy_dense_pixels(
    char* to, const char* source, int size, bint backwards, int itemsize, bint turned, Py_ssize_t n
) noexcept nogil:
    cdef int group = 16 // size, step = -size if backwards else size, p, k, at, i = 0
    cdef Py_ssize_t done = 0
    cdef uint8_t order[16]
    for p in range(group):
        at = (group - 1 - p if backwards else p) * size
        for k in range(size):
            order[i] = at + (size - itemsize - k + 2 * (k & itemsize - 1) if turned else k)
            i += 1
    for i in range(group * size, 16):
        order[i] = 0
    if n > 0 and backwards:
        copy_pixel(to, source, size, itemsize, turned)
        done = 1
    while done + group < n:
        shuffle(to + done * size, source + done * step - ((group - 1) * size if backwards else 0), order)
        done += group
    for done in range(done, n):
        copy_pixel(to + done * size, source + done * step, size, itemsize, turned)


cdef void copy_pixels(
    char* to, Py_ssize_t to_step, const char* source, Py_ssize_t step, int size, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    if size <= 8 and to_step == size and step == -size:
        copy_dense_pixels(to, source, size, True, size, False, n)
        return
    for i in range(n):
        copy_bytes(to + i * to_step, source + i * step, size)


# Copies n pixels, each with its channels in the other order.
cdef void turn_pixels(char* to, const char* source, int size, int itemsize, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if size <= 8:
        copy_dense_pixels(to, source, size, False, itemsize, True, n)
        return
    for i in range(n):
        copy_pixel(to + i * size, source + i * size, size, itemsize, True)
