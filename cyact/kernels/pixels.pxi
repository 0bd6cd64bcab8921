# Pixels: elements of a few bytes that are no numbers, which lie apart (the image is flipped), or whose channels lie in
# the other order (those of OpenCV).

cdef void copy_pixels(
    char* to, Py_ssize_t to_step, const char* source, Py_ssize_t step, int size, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        copy_bytes(to + i * to_step, source + i * step, size)


# Copies n pixels of ``size`` bytes, each with its channels of ``itemsize`` bytes in the other order.
cdef void turn_pixels(char* to, const char* source, int size, int itemsize, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef int k
    for i in range(n):
        k = 0
        while k < size:
            copy_bytes(to + k, source + size - itemsize - k, itemsize)
            k += itemsize
        to += size
        source += size
