# Functions of eight-bit integers have 256 results: tables, computed once by the float loop, so to the same bits.
#
# A look-up in memory is one element at a time. Processors with permutations hold the table in registers: all of it
# (AVX-512), or the first 32 entries where the rest are equal, as they are for uint8, soon saturated.


# Fills in the table of uint8 or int8.
cdef void tabulate(Loops* loops, bint is_signed) noexcept nogil:
    cdef Lookup* table = &loops.lookups[is_signed]
    cdef void* args[2]
    cdef int i, k
    for i in range(256):
        table.entries[i] = <int8_t> i if is_signed else i
    args[0] = args[1] = <void*> table.entries
    loops.floats(NULL, <char**> args, 256, False, False)
    for i in range(32):
        for k in range(4):
            table.planes[k][i] = <uint8_t> (bits_f(table.entries[i]) >> 8 * k)
    table.flat = True
    for i in range(32, 256):
        table.flat = table.flat and table.entries[i] == table.entries[31]


cdef void look_up(const Lookup* table, const uint8_t* x, float* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i = 0, whole = n - n % max(LOOKUP_LANES, 1)
    # Copies that nothing else can point at, so that they are kept in registers.
    cdef float entries[256]
    cdef uint8_t planes[4][32]
    if LOOKUP_LANES != 0 and n >= LOOKUP_LANES and (table.flat or LOOKUP_ALL):
        memcpy(entries, table.entries, sizeof(entries))
        memcpy(planes, table.planes, sizeof(planes))
        if table.flat:
            while i < whole:
                lookup_32(entries, planes, x + i, out + i)
                i += LOOKUP_LANES
        else:
            while i < whole:
                lookup_256(entries, x + i, out + i)
                i += LOOKUP_LANES
    # Two at a time: gcc would turn a plain loop into gathers, which are slower.
    whole = n - n % 2
    while i < whole:
        store_pair(out + i, table.entries[x[i]], table.entries[x[i + 1]])
        i += 2
    if i < n:
        out[i] = table.entries[x[i]]
