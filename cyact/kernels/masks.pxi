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


cdef enum:
    LISTED = 256            # elements whose places are listed at a time: a place is one byte

# A number below 256 for eight bytes of a mask, a bit for each that is not 0.
cdef inline int mask_bits(const uint8_t* mask) noexcept nogil:
    cdef uint64_t m, low = 0x7f7f7f7f7f7f7f7f, gather = 0x0102040810204080
    memcpy(&m, mask, 8)
    m = (((m & low) + low | m) & ~low) >> 7     # each byte 0 or 1
    return <int> (m * gather >> 56)

# For each such number, the places of the selected elements, from the first byte on, and how many they are. The numbers
# come from ``mask_bits``, so that the order of bytes in a word does not matter.
cdef uint8_t selected_places[256][8]
cdef uint8_t selected_count[256]
cdef uint8_t _mask[8]
cdef int _pattern, _place, _bits
for _pattern in range(256):
    for _place in range(8):
        _mask[_place] = _pattern >> _place & 1
    _bits = mask_bits(_mask)
    selected_count[_bits] = 0
    for _place in range(8):
        if _mask[_place]:
            selected_places[_bits][selected_count[_bits]] = <uint8_t> _place
            selected_count[_bits] += 1


# Lists the places of the elements that a mask selects, and returns their number. Eight are stored at a time, of which
# those that are not selected are written over.
cdef inline Py_ssize_t list_selected(const uint8_t* mask, Py_ssize_t n, uint8_t* places) noexcept nogil:
    cdef Py_ssize_t i = 0, count = 0
    cdef uint64_t eight, each = 0x0101010101010101
    cdef int bits
    while i + 8 <= n:
        bits = mask_bits(mask + i)
        memcpy(&eight, selected_places[bits], 8)
        eight += i * each       # to each byte; none overflows
        memcpy(places + count, &eight, 8)
        count += selected_count[bits]
        i += 8
    for i in range(i, n):
        places[count] = <uint8_t> i
        count += mask[i] != 0
    return count


cdef inline void put_listed(
    char* to, Py_ssize_t step, const unit* x, const uint8_t* places, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t k = 0
    # Four at a time: what a turn takes beside its element takes as long as the element.
    while k + 4 <= count:
        (<unit*> (to + places[k] * step))[0] = x[places[k]]
        (<unit*> (to + places[k + 1] * step))[0] = x[places[k + 1]]
        (<unit*> (to + places[k + 2] * step))[0] = x[places[k + 2]]
        (<unit*> (to + places[k + 3] * step))[0] = x[places[k + 3]]
        k += 4
    while k < count:
        (<unit*> (to + places[k] * step))[0] = x[places[k]]
        k += 1


# A row of a block; the elements of ``to`` are ``step`` bytes apart.
cdef inline void put_units(
    unit* to, Py_ssize_t step, const unit* x, const uint8_t* mask, Py_ssize_t n
) noexcept nogil:
    cdef uint8_t places[LISTED + 8]
    cdef Py_ssize_t i = 0, count, lanes = VECTOR // sizeof(unit)
    cdef char* p
    if HAS_MASKED_STORES and step == sizeof(unit):
        while i + lanes <= n:
            store_where(to + i, x + i, mask + i, sizeof(unit))
            i += lanes
    while i < n:
        p = <char*> to + i * step
        count = list_selected(mask + i, min(<Py_ssize_t> LISTED, n - i), places)
        if step == sizeof(unit):        # a step that is known saves a multiplication
            put_listed(p, sizeof(unit), x + i, places, count)
        else:
            put_listed(p, step, x + i, places, count)
        i += LISTED


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
