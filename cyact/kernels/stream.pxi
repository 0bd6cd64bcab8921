# Results that the last cache cannot hold.
#
# A plain store to a line that is not in the cache reads that line first. A store past the cache (non-temporal) does
# not. Where the kernel has none of its own, a block is computed into the first-level cache, and written from there.

cdef enum:
    STREAM_BLOCK = 1024     # bytes of output: few, so that memory is not idle while the kernel computes


# The caller sees to the fence, which orders such stores before later ones.
cdef void stream(const Kernel* kernel, char** args, Py_ssize_t n, bint single) noexcept nogil:
    cdef int out = kernel.operands - 1, arrays = kernel.inputs if single else out, o
    cdef char memory[STREAM_BLOCK + LINE]
    cdef char* block = at_line(memory)
    cdef char* at[MAX_OPERANDS]
    cdef char* target
    cdef Py_ssize_t m, i, itemsize = kernel.itemsize[out], unit = 64, length, bytes
    cdef Py_ssize_t line[MAX_OPERANDS]      # bytes of an input that a cache line of output is made of
    # A block has whole lines, also where an element is a pixel of three floats.
    while unit % 2 == 0 and unit // 2 * itemsize % 64 == 0:
        unit //= 2
    length = STREAM_BLOCK // itemsize // unit * unit
    # Up to the first whole line, and from the last one on, the kernel writes as always.
    m = 0
    while m < 64 and (<Py_ssize_t> args[out] + m * itemsize) % 64 != 0:
        m += 1
    if not CAN_STREAM or length == 0 or m == 64:
        kernel.call(kernel, args, n, single, False)
        return
    for o in range(out + 1):
        at[o] = args[o]
        line[o] = 64 * kernel.itemsize[o] // itemsize
    m = min(n, m)
    while n > 0:
        target = at[out]
        if kernel.stores_past_cache and <Py_ssize_t> target % 64 == 0:
            m = n
            kernel.call(kernel, at, m, single, True)
        elif m >= unit:
            m -= m % unit
            bytes = m * itemsize
            at[out] = block
            kernel.call(kernel, at, m, single, False)
            for o in range(arrays):
                for i in range(bytes // 64):
                    prefetch(at[o] + AHEAD + i * line[o])
            for i in range(bytes // VECTOR):
                stream_vector(target + VECTOR * i, block + VECTOR * i)
        elif m > 0:
            kernel.call(kernel, at, m, single, False)
        at[out] = target + m * itemsize
        for o in range(arrays):
            at[o] += m * kernel.itemsize[o]
        n -= m
        m = min(n, length)


cdef void run_streamed(const Kernel* kernel, char** args, Py_ssize_t n, bint single) noexcept nogil:
    stream(kernel, args, n, single)
    fence()
