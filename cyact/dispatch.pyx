"""The loaded level, and how it runs one call: on how many threads, past the cache or through it.

Kernels raise floating-point flags: who calls puts back those that mean a warning (``clear_raised_flags``).
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange

from cyact.kernels.simd cimport prefetch
from cyact.kernels.table cimport MAX_DIMS, MAX_OPERANDS, Kernel, Level, LongRow, LoopNest, RowLoops, RowNest
from cyact.threads cimport startable, thread_count

cdef extern from *:
    """
    #define CYACT_TEXT_(x) #x
    #define CYACT_TEXT(x) CYACT_TEXT_(x)
    #if defined(__clang__)
    #define CYACT_COMPILER __VERSION__
    #elif defined(__GNUC__)
    #define CYACT_COMPILER "gcc " __VERSION__
    #else
    #define CYACT_COMPILER "MSVC " CYACT_TEXT(_MSC_FULL_VER)
    #endif
    """
    const char* COMPILER "CYACT_COMPILER"

compiler = COMPILER.decode()

cdef enum:
    # Elements from which two threads are faster than one: waking a thread takes microseconds, and longer where its
    # processor is taken.
    COMPUTE_BOUND_THREADED = 131072
    MEMORY_BOUND_THREADED = 1048576
    # Elements that a thread takes at a time: enough to make up for asking, few enough that a thread whose processor
    # is taken by another program does not keep the others waiting.
    CHUNK = 32768
    CACHED = 1048576                # bytes that a core's own cache holds
    PREFETCHED = 16                 # cache lines of the next row, at most
    STREAMED_LEAST = 16777216       # bytes: 16 MiB
    STREAMED_MOST = 67108864        # 64 MiB

# Bytes of inputs and output from which the output is written past the cache: the last-level cache's, taken as 16 to 64
# MiB. Smaller results are wanted in the cache. A cache that many processors share holds less for each, hence the upper
# limit.
cdef Py_ssize_t streamed_from = STREAMED_LEAST


def set_streamed(n):
    """Set from how many bytes on results are written past the cache; the number that it was. For tests."""
    global streamed_from
    before = streamed_from
    streamed_from = n
    return before


def start(module, cache):
    """Use a level's module. ``cache`` is the size of the last-level cache in bytes, 0 where it is unknown."""
    global level_name, build_flags, emulates_fma, level, streamed_from
    level = <const Level*> PyCapsule_GetPointer(module.level, "cyact.kernels.level")
    level_name = module.__name__.rpartition(".")[2]
    build_flags, emulates_fma = module.build_flags, level.emulates_fma
    streamed_from = min(max(<Py_ssize_t> cache, <Py_ssize_t> STREAMED_LEAST), <Py_ssize_t> STREAMED_MOST)


# How many threads are worth waking for n elements: each needs a quarter of the least work that is split at all, or
# waking it takes longer than what it does. There is never one without a chunk.
cdef inline int threads_for(const Kernel* kernel, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t least = COMPUTE_BOUND_THREADED if kernel.compute_bound else MEMORY_BOUND_THREADED
    if n < least:
        return 1
    return startable(<int> min(<Py_ssize_t> thread_count(), n // (least // 4)))


cdef void run_chunk(
    const Kernel* kernel, char** args, Py_ssize_t start, Py_ssize_t stop, bint single, bint streamed
) noexcept nogil:
    cdef int out = kernel.operands - 1, o
    cdef char* at[MAX_OPERANDS]
    for o in range(out + 1):
        at[o] = args[o] if single and kernel.inputs <= o < out else args[o] + start * kernel.itemsize[o]
    if streamed:
        level.run_streamed(kernel, at, stop - start, single)
    else:
        kernel.call(kernel, at, stop - start, single, False)


# Contiguous arrays, as a kernel takes them. Pages of a ``just_allocated`` output are in the cache once they were
# zeroed: such an output is not written past it.
cdef void run_contiguous(
    const Kernel* kernel, char** args, Py_ssize_t n, bint single, bint just_allocated
) noexcept nogil:
    if n < COMPUTE_BOUND_THREADED:
        kernel.call(kernel, args, n, single, False)
        return
    cdef int threads = threads_for(kernel, n), out = kernel.operands - 1, o
    cdef Py_ssize_t itemsize = 0, chunk
    cdef bint streamed = not just_allocated
    for o in range(out + 1):
        if not (single and kernel.inputs <= o < out):
            itemsize += kernel.itemsize[o]
            streamed = streamed and (o == out or args[o] != args[out])
    streamed = streamed and n * itemsize >= streamed_from
    if threads == 1:
        run_chunk(kernel, args, 0, n, single, streamed)
        return
    for chunk in prange((n + CHUNK - 1) // CHUNK, num_threads=threads, schedule="dynamic"):
        run_chunk(kernel, args, chunk * CHUNK, min(n, (chunk + 1) * CHUNK), single, streamed)


# Whether a nest is contiguous arrays after all, once its axes are merged.
cdef inline bint is_line(const LoopNest* nest) noexcept nogil:
    cdef int o
    for o in range(nest.operands):
        if not nest.as_it_lies[o]:
            return False
    return nest.ndim == 1 and not nest.masked


# Arrays of any strides.
cdef void run_strided(LoopNest* nest) noexcept nogil:
    cdef Py_ssize_t chunk, blocks
    cdef int threads
    nest.streamed_from = streamed_from
    level.plan_nest(nest)
    if is_line(nest):
        run_contiguous(nest.kernel, nest.data, nest.size, nest.single, False)
        return
    threads = threads_for(nest.kernel, nest.size)
    if threads == 1:
        level.run_nest(nest, 0, nest.blocks)
        return
    blocks = max(1, CHUNK // nest.block_size)
    for chunk in prange((nest.blocks + blocks - 1) // blocks, num_threads=threads, schedule="dynamic"):
        level.run_nest(nest, chunk * blocks, min(nest.blocks, (chunk + 1) * blocks))


# Rows [start, stop) of a nest, by a call of the kernel for each. Where they are not in the cache, the first lines of
# the next row of the input are on their way meanwhile: no prefetcher of the processor foresees where that begins.
cdef void call_for_rows(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop, bint in_cache) noexcept nogil:
    cdef int last = nest.ndim - 1, axis, o, itemsize = nest.kernel.itemsize[0]
    cdef Py_ssize_t row = start, i, line = 64 if itemsize > 0 else -64
    cdef Py_ssize_t lines = 0 if in_cache else min(<Py_ssize_t> PREFETCHED, nest.shape[last] * itemsize // line + 1)
    cdef Py_ssize_t index[MAX_DIMS]
    cdef char* at[MAX_OPERANDS]
    for o in range(nest.operands):
        at[o] = nest.data[o]
    for axis in range(last - 1, -1, -1):
        index[axis] = row % nest.shape[axis]
        row //= nest.shape[axis]
        for o in range(nest.operands):
            at[o] += index[axis] * nest.strides[o][axis]
    while start < stop:
        for i in range(lines):
            prefetch(at[0] + nest.strides[0][last - 1] + i * line)
        nest.kernel.call(nest.kernel, at, nest.shape[last], True, False)
        start += 1
        axis = last - 1
        while axis >= 0:
            index[axis] += 1
            for o in range(nest.operands):
                at[o] += nest.strides[o][axis]
            if index[axis] < nest.shape[axis]:
                break
            for o in range(nest.operands):
                at[o] -= index[axis] * nest.strides[o][axis]
            index[axis] = 0
            axis -= 1


# Arrays of two axes or more, the last of which the kernel takes as it lies: nothing is copied, nothing needs a plan.
cdef void run_rows(const LoopNest* nest) noexcept nogil:
    cdef Py_ssize_t rows = 1, length = nest.shape[nest.ndim - 1], step = max(<Py_ssize_t> 1, CHUNK // length), chunk
    cdef int threads, axis
    cdef bint in_cache
    for axis in range(nest.ndim - 1):
        rows *= nest.shape[axis]
    threads = threads_for(nest.kernel, rows * length)
    in_cache = rows * length * (abs(nest.kernel.itemsize[0]) + nest.kernel.itemsize[1]) <= CACHED
    if threads == 1:
        call_for_rows(nest, 0, rows, in_cache)
        return
    for chunk in prange((rows + step - 1) // step, num_threads=threads, schedule="dynamic"):
        call_for_rows(nest, chunk * step, min(rows, (chunk + 1) * step), in_cache)


# A function of rows: a thread has some rows at a time, or some segments of one row where there are few and long ones
# that lie straight.
cdef void run_row_nest(const RowNest* nest) noexcept nogil:
    cdef const RowLoops* loops = &nest.kernel.rows
    cdef int threads = threads_for(nest.kernel, nest.rows * nest.length)
    cdef Py_ssize_t n = nest.rows, chunk, segment, segments, row, step
    cdef LongRow state
    if threads == 1:
        loops.compute(nest, 0, n, NULL, NULL)
        return
    segments = level.row_segments(nest)
    if segments > 1 and n < 4 * threads:
        for row in range(n):
            level.start_row(nest, row, &state)
            while loops.next_pass(nest, &state, NULL, NULL):
                for segment in prange(segments, num_threads=threads, schedule="dynamic"):
                    loops.run_pass(nest, &state, segment, NULL, NULL)
        return
    # Whole tiles, where rows are short.
    step = max(<Py_ssize_t> 1, CHUNK // nest.length)
    step = step - step % 64 if step >= 64 else step
    for chunk in prange((n + step - 1) // step, num_threads=threads, schedule="dynamic"):
        loops.compute(nest, chunk * step, min(n, (chunk + 1) * step), NULL, NULL)
