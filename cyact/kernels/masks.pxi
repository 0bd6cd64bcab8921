# Elements that a mask selects: picked together for the kernel, and put back one by one. So the others are not computed,
# and nothing is written over them. No branch depends on the mask: a random one would be mispredicted half of the time.

cdef enum:
    PUT_AT_ONCE = 256       # elements whose places fit into bytes


# How many elements are selected.
cdef Py_ssize_t count_selected(const uint8_t* mask, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t count = 0, i
    cdef uint8_t part
    while n > 0:
        part = 0
        for i in range(min(n, <Py_ssize_t> 128)):
            part += mask[i] != 0
        count += part
        mask += 128
        n -= 128
    return count


# The selected elements of x, one behind the other. ``to`` may be x; beyond it there is room for another vector.
cdef inline void pick_units(unit* to, const unit* x, const uint8_t* mask, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, k = 0
    if HAS_PICK and unit is uint32_t:
        while i + 16 <= n:
            k += pick_4(to + k, x + i, mask + i)
            i += 16
    elif HAS_PICK and unit is uint64_t:
        while i + 8 <= n:
            k += pick_8(to + k, x + i, mask + i)
            i += 8
    for i in range(i, n):
        to[k] = x[i]
        k += mask[i] != 0


# The elements x to the selected places, which are ``step`` bytes apart: how many they are.
cdef inline Py_ssize_t put_units(
    unit* to, Py_ssize_t step, const unit* x, const uint8_t* mask, Py_ssize_t n
) noexcept nogil:
    cdef uint8_t places[PUT_AT_ONCE]
    cdef Py_ssize_t i = 0, k = 0, length, count
    if HAS_PICK and step == sizeof(unit):
        if unit is uint32_t:
            while i + 16 <= n:
                k += put_4(to + i, x + k, mask + i)
                i += 16
        elif unit is uint64_t:
            while i + 8 <= n:
                k += put_8(to + i, x + k, mask + i)
                i += 8
    to = <unit*> (<char*> to + i * step)
    mask += i
    n -= i
    while n > 0:
        length = min(n, <Py_ssize_t> PUT_AT_ONCE)
        count = 0
        for i in range(length):
            places[count] = <uint8_t> i
            count += mask[i] != 0
        for i in range(count):
            (<unit*> (<char*> to + places[i] * step))[0] = x[k + i]
        k += count
        to = <unit*> (<char*> to + length * step)
        mask += length
        n -= length
    return k


cdef void pick(char* to, const char* x, const uint8_t* mask, Py_ssize_t n, int itemsize) noexcept nogil:
    if itemsize == 1:
        pick_units(<uint8_t*> to, <const uint8_t*> x, mask, n)
    elif itemsize == 2:
        pick_units(<uint16_t*> to, <const uint16_t*> x, mask, n)
    elif itemsize == 4:
        pick_units(<uint32_t*> to, <const uint32_t*> x, mask, n)
    else:
        pick_units(<uint64_t*> to, <const uint64_t*> x, mask, n)


cdef Py_ssize_t put(
    char* to, Py_ssize_t step, const char* x, const uint8_t* mask, Py_ssize_t n, int itemsize
) noexcept nogil:
    if itemsize == 1:
        return put_units(<uint8_t*> to, step, <const uint8_t*> x, mask, n)
    if itemsize == 2:
        return put_units(<uint16_t*> to, step, <const uint16_t*> x, mask, n)
    if itemsize == 4:
        return put_units(<uint32_t*> to, step, <const uint32_t*> x, mask, n)
    return put_units(<uint64_t*> to, step, <const uint64_t*> x, mask, n)
