# Results to the elements that a mask selects. The others are not written, not even with what they hold: another thread
# may be writing them. No branch depends on the mask: a random one would be mispredicted half of the time.


# Whether a mask selects any element of a block, and whether every one.
cdef inline void look_at(const uint8_t* mask, Py_ssize_t n, bint* some, bint* every) noexcept nogil:
    cdef uint8_t selected = 0, left = 0
    cdef Py_ssize_t i
    for i in range(n):
        selected |= mask[i]
        left |= mask[i] == 0
    some[0], every[0] = selected != 0, left == 0


# A row of a block; the elements of ``to`` are ``step`` bytes apart.
cdef inline void put_units(
    unit* to, Py_ssize_t step, const unit* x, const uint8_t* mask, Py_ssize_t n
) noexcept nogil:
    cdef uint16_t places[BUFFER]
    cdef Py_ssize_t i = 0, k, count = 0, lanes = VECTOR // sizeof(unit)
    if step == sizeof(unit) and sizeof(unit) >= LEAST_MASKED:
        while i + lanes <= n:
            store_where(to + i, x + i, mask + i, sizeof(unit))
            i += lanes
    for i in range(i, n):
        places[count] = <uint16_t> i
        count += mask[i] != 0
    for k in range(count):
        (<unit*> (<char*> to + places[k] * step))[0] = x[places[k]]


cdef void put(
    char* to, Py_ssize_t step, const char* x, const uint8_t* mask, Py_ssize_t n, int itemsize
) noexcept nogil:
    if itemsize == 1:
        put_units(<uint8_t*> to, step, <const uint8_t*> x, mask, n)
    elif itemsize == 2:
        put_units(<uint16_t*> to, step, <const uint16_t*> x, mask, n)
    elif itemsize == 4:
        put_units(<uint32_t*> to, step, <const uint32_t*> x, mask, n)
    else:
        put_units(<uint64_t*> to, step, <const uint64_t*> x, mask, n)
