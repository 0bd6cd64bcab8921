# ---- past the cache ----

cdef enum:
    STREAM_BLOCK = 1024     # bytes of output: few, so that memory is not idle while the kernel computes


# Written past the cache, a line is not read first, as a plain store to one that is not in the cache would have to.
# Where the kernel does not do so itself, a block is computed into the first-level cache, and written from there.
cdef void stream(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar) noexcept nogil:
    cdef int out = kernel.operands - 1, inputs = out - 1 if scalar else out, o
    cdef char memory[STREAM_BLOCK + 64]
    cdef char* block = memory + (64 - <Py_ssize_t> memory % 64) % 64
    cdef char* at[MAX_OPERANDS]
    cdef char* target
    cdef Py_ssize_t m, i, itemsize = kernel.itemsize[out], length = STREAM_BLOCK // itemsize
    cdef Py_ssize_t line[MAX_OPERANDS]      # bytes of an input that a cache line of output is made of
    if not PAST_CACHE:
        kernel.call(args, n, scalar, False)
        return
    for o in range(out + 1):
        at[o] = args[o]
        line[o] = 64 * kernel.itemsize[o] // itemsize
    # Up to the first whole line, and from the last one on, the kernel writes as always.
    m = min(n, (64 - <Py_ssize_t> at[out] % 64) % 64 // itemsize)
    while n > 0:
        target = at[out]
        if kernel.stores_past_cache and <Py_ssize_t> target % 64 == 0:
            m = n
            kernel.call(at, m, scalar, True)
        elif m == length:
            at[out] = block
            kernel.call(at, m, scalar, False)
            for o in range(inputs):
                for i in range(STREAM_BLOCK // 64):
                    prefetch(at[o] + AHEAD + i * line[o])
            for i in range(STREAM_BLOCK // VECTOR):
                stream_vector(target + VECTOR * i, block + VECTOR * i)
        elif m > 0:
            kernel.call(at, m, scalar, False)
        at[out] = target
        for o in range(out + 1):
            if not (scalar and o == out - 1):
                at[o] += m * kernel.itemsize[o]
        n -= m
        m = min(n, length)
    fence()
