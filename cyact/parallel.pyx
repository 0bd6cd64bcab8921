"""Runs one call's loops: on the chosen level, on how many threads, past the cache or through it.

A child process may be forked at any time. Kernels raise floating-point flags: who calls puts back those that mean a
warning (``restore``).
"""

import os
from importlib import import_module
from operator import index

from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t

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

    #ifdef _OPENMP
    #include <omp.h>
    #define CYACT_MAX_THREADS() omp_get_max_threads()
    #define CYACT_OPENMP 1
    #else
    #define CYACT_MAX_THREADS() 1
    #define CYACT_OPENMP 0
    #endif

    /* The threads of a parent's OpenMP team do not exist in its child, which would wait for them. */
    static int cyact_forked = 0;
    #if defined(__unix__) || defined(__APPLE__)
    #include <pthread.h>
    static void cyact_in_child(void) { cyact_forked = 1; }
    static void cyact_watch_forks(void) { pthread_atfork(NULL, NULL, cyact_in_child); }
    #else
    static void cyact_watch_forks(void) {}
    #endif

    #if defined(_MSC_VER)
    static __declspec(thread) int cyact_thread_limit = 0;
    #else
    static __thread int cyact_thread_limit = 0;
    #endif
    """
    const char* COMPILER "CYACT_COMPILER"
    int openmp_threads "CYACT_MAX_THREADS"() noexcept nogil
    const bint OPENMP "CYACT_OPENMP"
    int forked "cyact_forked"
    void watch_forks "cyact_watch_forks"()
    int thread_limit "cyact_thread_limit"       # of the calling thread, by ``num_threads``; 0 for none

# ---- the processor ----

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && defined(_M_X64)
    #include <intrin.h>
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { __cpuidex((int *)r, (int)leaf, 0); }
    static uint64_t cyact_xcr0(void) { return _xgetbv(0); }
    #elif defined(__x86_64__)
    #include <cpuid.h>
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]); }
    static uint64_t cyact_xcr0(void) {
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return ((uint64_t)high << 32) | low;
    }
    #else
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { r[0] = r[1] = r[2] = r[3] = 0; }
    static uint64_t cyact_xcr0(void) { return 0; }
    #endif
    """
    void read_cpuid "cyact_cpuid"(uint32_t leaf, uint32_t* registers) noexcept nogil
    uint64_t xcr0 "cyact_xcr0"() noexcept nogil


def cpuid(uint32_t leaf):
    """The registers eax to edx that the instruction answers with: zeros, where there is none."""
    cdef uint32_t registers[4]
    read_cpuid(leaf, registers)
    return registers[0], registers[1], registers[2], registers[3]


def saved_states():
    """XCR0: which registers the system saves."""
    return xcr0()


# ---- the number of threads ----

cdef int process_limit = 0      # by ``set_num_threads`` or CYACT_NUM_THREADS; 0 for none
cdef int quota = 0              # the container's; 0 for none


cdef int thread_count() noexcept nogil:
    if forked:
        return 1
    if thread_limit > 0:
        return thread_limit
    if process_limit > 0:
        return process_limit
    return min(openmp_threads(), quota) if quota > 0 else openmp_threads()


cdef int checked_count(object n, str what) except -1:
    try:
        count = 0 if getattr(n, "dtype", type(n)) == bool else index(n)     # NumPy's too, an index until NumPy 2.3
    except TypeError:
        count = 0
    if not 1 <= count <= 4096:
        raise ValueError(f"{what}: the number of threads must be an integer from 1 to 4096, not {n!r}")
    return count


def set_num_threads(n):
    """Set how many threads a call on a large array may use, in this process.

    Parameters
    ----------
    n : int
        From 1 to 4096. More than there are processors is allowed, and slower.

    Raises
    ------
    ValueError
        If `n` is anything else.

    See Also
    --------
    num_threads : for a block of code and the calling thread alone.

    Notes
    -----
    Until this is called, the number is the environment variable ``CYACT_NUM_THREADS`` if set, else what OpenMP would
    use (which honours ``OMP_NUM_THREADS``, the processor affinity and threadpoolctl), but at most the container's
    quota. A process that was forked uses one thread whatever is set.

    Examples
    --------
    >>> import cyact
    >>> cyact.set_num_threads(2)
    >>> cyact.get_num_threads()
    2
    """
    global process_limit
    process_limit = checked_count(n, "set_num_threads")


def get_num_threads():
    """How many threads a call on a large array may use now, in the calling thread.

    Returns
    -------
    int
        1 in a forked process, or if the package was built without OpenMP.

    Examples
    --------
    >>> import cyact
    >>> with cyact.num_threads(1):
    ...     cyact.get_num_threads()
    1
    """
    return thread_count() if OPENMP else 1


cdef class num_threads:
    """Set how many threads calls may use within a ``with`` block, in the calling thread.

    Parameters
    ----------
    n : int
        From 1 to 4096.

    Raises
    ------
    ValueError
        If `n` is anything else.
    RuntimeError
        If the object is entered again before it was left.

    Examples
    --------
    >>> import cyact, numpy as np
    >>> with cyact.num_threads(1):
    ...     y = cyact.tanh(np.zeros(3))
    """

    cdef int n
    cdef int outer          # the limit before the block; -1 outside of one

    def __init__(self, n):
        self.n = checked_count(n, "num_threads")
        self.outer = -1

    def __enter__(self):
        global thread_limit
        if self.outer >= 0:
            raise RuntimeError("num_threads: this object is in use by another block; make one for each")
        self.outer = thread_limit
        thread_limit = self.n
        return self

    def __exit__(self, kind, error, traceback):
        global thread_limit
        thread_limit = self.outer
        self.outer = -1


if os.environ.get("CYACT_NUM_THREADS"):      # an empty one counts as unset
    try:
        _count = int(os.environ["CYACT_NUM_THREADS"])
    except ValueError:
        _count = os.environ["CYACT_NUM_THREADS"]
    process_limit = checked_count(_count, "CYACT_NUM_THREADS")


# ---- running ----

cdef enum:
    # Elements from which two threads are faster than one: waking a thread takes some 10 microseconds, and longer where
    # its processor is taken.
    HEAVY_THREADED = 131072
    LIGHT_THREADED = 1048576
    # Elements that a thread takes at a time: enough to make up for asking, few enough that a thread whose processor
    # is taken by another program does not keep the others waiting.
    CHUNK = 32768

# Bytes of inputs and output from which the output is written past the cache: where the last-level cache holds it that
# is slower, above all if what was there before is still in it. A cache that many processors share holds less for each,
# hence the upper limit.
cdef Py_ssize_t streamed_from = 16777216


def set_streamed(n):
    """Set from how many bytes on results are written past the cache; the number that it was. For tests."""
    global streamed_from
    before = streamed_from
    streamed_from = n
    return before


# ---- the level ----

compiler = COMPILER.decode()
has_openmp = OPENMP


def start(name, processors, cache):
    """Load a level. ``processors`` is the container's quota, ``cache`` the bytes of the last one; 0 where unknown."""
    global level_name, build_flags, level, quota
    module = import_module(f"cyact.kernels.{name}")
    level_name, build_flags = name, module.build_flags
    level = <const Level*> PyCapsule_GetPointer(module.level, "cyact.kernels.level")
    quota = processors
    set_streamed(min(max(cache, streamed_from), 4 * streamed_from))
    watch_forks()


cdef inline int threads_for(const Kernel* kernel, Py_ssize_t n) noexcept nogil:
    if n < (HEAVY_THREADED if kernel.heavy else LIGHT_THREADED):
        return 1
    return thread_count()


cdef void compute_part(
    const Kernel* kernel, char** args, Py_ssize_t start, Py_ssize_t stop, bint scalar, bint streamed
) noexcept nogil:
    cdef int out = kernel.operands - 1, o
    cdef char* at[MAX_OPERANDS]
    for o in range(out + 1):
        at[o] = args[o] if scalar and o == out - 1 else args[o] + start * kernel.itemsize[o]
    if streamed:
        level.stream(kernel, at, stop - start, scalar)
    else:
        kernel.call(at, stop - start, scalar, False)


cdef void compute(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar, bint fresh) noexcept nogil:
    """Contiguous arrays, as a kernel takes them. Pages of a ``fresh`` output are in the cache once they were zeroed."""
    if n < HEAVY_THREADED:
        kernel.call(args, n, scalar, False)
        return
    cdef int threads = threads_for(kernel, n), out = kernel.operands - 1, o
    cdef Py_ssize_t itemsize = 0, chunk
    cdef bint streamed = not fresh
    for o in range(out + 1):
        itemsize += 0 if scalar and o == out - 1 else kernel.itemsize[o]
        streamed = streamed and (o == out or args[o] != args[out])
    streamed = streamed and n * itemsize >= streamed_from
    if threads == 1:
        compute_part(kernel, args, 0, n, scalar, streamed)
        return
    for chunk in prange((n + CHUNK - 1) // CHUNK, num_threads=threads, schedule="dynamic"):
        compute_part(kernel, args, chunk * CHUNK, min(n, (chunk + 1) * CHUNK), scalar, streamed)


cdef void compute_job(const Job* job) noexcept nogil:
    """Arrays of any strides."""
    cdef Py_ssize_t n = 1, chunk
    cdef int axis, threads
    for axis in range(job.ndim):
        n *= job.shape[axis]
    threads = threads_for(job.kernel, n)
    if threads == 1:
        level.walk(job, 0, n)
        return
    for chunk in prange((n + CHUNK - 1) // CHUNK, num_threads=threads, schedule="dynamic"):
        level.walk(job, chunk * CHUNK, min(n, (chunk + 1) * CHUNK))
