"""How many threads a call may use: what the user, OpenMP and the container allow; one in a forked process."""

cimport cython

import os
from operator import index
from re import fullmatch

from cyact.atomic cimport load, publish

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define CYACT_MAX_THREADS() omp_get_max_threads()
    #define CYACT_OPENMP 1
    #else
    #define CYACT_MAX_THREADS() 1
    #define CYACT_OPENMP 0
    #endif

    /* The threads of a parent's OpenMP team do not exist in its child, which would wait for them. A child may be forked
       at any time; as it begins it has one thread, so nobody reads this while it is written. */
    static int cyact_forked = 0;
    #if defined(__unix__) || defined(__APPLE__)
    #include <pthread.h>
    static void cyact_in_child(void) { cyact_forked = 1; }
    static void cyact_watch_forks(void) { pthread_atfork(NULL, NULL, cyact_in_child); }
    #else
    static void cyact_watch_forks(void) {}
    #endif

    #if defined(_MSC_VER)
    #define CYACT_THREAD_LOCAL __declspec(thread)
    #else
    #define CYACT_THREAD_LOCAL __thread
    #endif
    static CYACT_THREAD_LOCAL int cyact_thread_limit = 0;

    /* OpenMP ends the process where it cannot start a thread: too many of the user's, or too little memory for its
       stack. So before a calling thread's team grows, as many threads are started here for a trial, with stacks as
       large as OpenMP's; each waits at a lock until the last has started. */
    static CYACT_THREAD_LOCAL int cyact_team = 1;
    #ifdef _OPENMP
    #include <stdlib.h>
    static void *cyact_pass(void *gate) {
        pthread_mutex_lock((pthread_mutex_t *)gate);
        pthread_mutex_unlock((pthread_mutex_t *)gate);
        return NULL;
    }
    static int cyact_can_start(int more, size_t stack) {
        pthread_t *threads = (pthread_t *)malloc(more * sizeof(pthread_t));
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        pthread_attr_t attributes;
        int started = 0, i;
        if (threads == NULL || pthread_attr_init(&attributes)) {
            free(threads);
            return 0;
        }
        /* A size that is refused, OpenMP does not use either. */
        if (stack > 0) pthread_attr_setstacksize(&attributes, stack);
        pthread_mutex_lock(&gate);
        while (started < more && !pthread_create(&threads[started], &attributes, cyact_pass, &gate)) started++;
        pthread_mutex_unlock(&gate);
        for (i = 0; i < started; i++) pthread_join(threads[i], NULL);
        pthread_attr_destroy(&attributes);
        free(threads);
        return started == more;
    }
    #else
    static int cyact_can_start(int more, size_t stack) { return 1; }
    #endif
    """
    int openmp_threads "CYACT_MAX_THREADS"() noexcept nogil
    const bint OPENMP "CYACT_OPENMP"
    int forked "cyact_forked"
    void watch_forks "cyact_watch_forks"()
    int thread_limit "cyact_thread_limit"       # of the calling thread, by ``num_threads``; 0 for none
    int team "cyact_team"                       # how many threads the calling thread's last call used
    bint can_start "cyact_can_start"(int more, size_t stack) noexcept nogil

cdef enum:
    MOST = 4096     # a limit against typing errors

cdef enum:
    LEAST_STACK = 131072        # bytes: no kernel takes more of a thread's stack, and it is what musl gives threads

has_openmp = OPENMP
cdef int quota = 0              # the container's, set at import; 0 for none
# Any thread may read and write these two at any time.
cdef int process_limit = 0      # by ``set_num_threads`` or CYACT_NUM_THREADS; 0 for none
cdef int starved = False        # a thread could not be started: calls use one, until another number is set
watch_forks()


def set_quota(int processors):
    """Tell how many processors the container may use; 0 where there is no limit."""
    global quota
    quota = processors


cdef int thread_count() noexcept nogil:
    cdef int count
    if forked or load(&starved):
        return 1
    if thread_limit > 0:
        return thread_limit
    count = load(&process_limit)
    if count > 0:
        return count
    count = max(1, min(openmp_threads(), <int> MOST))
    return min(count, quota) if quota > 0 else count


cdef int startable(int n) noexcept nogil:
    """How many threads a parallel region may ask for, where n are wanted: n, or 1 if these cannot be started."""
    global team
    if 0 < stack_size < LEAST_STACK:
        return 1
    if n > team and not can_start(n - 1, stack_size):
        publish(&starved, True)
    if load(&starved):
        n = 1
    team = n
    return n


def _bytes(text):
    """A size as OMP_STACKSIZE has it: in kilobytes, or with a unit. 0 where it is none."""
    match = fullmatch(r"\s*(\d+)\s*([BKMG]?)\s*", text.upper())
    return int(match[1]) << {"B": 0, "": 10, "K": 10, "M": 20, "G": 30}[match[2]] if match else 0


cdef size_t stack_size = min(_bytes(os.environ.get("OMP_STACKSIZE") or os.environ.get("GOMP_STACKSIZE") or ""), 1 << 62)


cdef int checked_count(object n, str what) except -1:
    try:
        count = 0 if getattr(n, "dtype", type(n)) == bool else index(n)     # NumPy's too, an index until NumPy 2.3
    except TypeError:
        count = 0
    if not 1 <= count <= MOST:
        raise ValueError(f"{what}: the number of threads must be an integer from 1 to {MOST}, not {n!r}")
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
    quota. A process that was forked uses one thread whatever is set. So does one in which a thread could not be started
    (a limit of processes or of memory), from then on until this is called again.

    Examples
    --------
    >>> import cyact
    >>> cyact.set_num_threads(2)
    >>> cyact.get_num_threads()
    2
    """
    publish(&process_limit, checked_count(n, "set_num_threads"))
    publish(&starved, False)


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
        If the object is entered again before it was left, or left without having been entered.

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
        cdef bint entered
        with cython.critical_section(self):
            entered = self.outer < 0
            if entered:
                self.outer = thread_limit
        if not entered:
            raise RuntimeError("num_threads: this object is in use by another block; make one for each")
        thread_limit = self.n
        return self

    def __exit__(self, kind, error, traceback):
        global thread_limit
        cdef int outer
        with cython.critical_section(self):
            outer = self.outer
            self.outer = -1
        if outer < 0:
            raise RuntimeError("num_threads: this object is left without having been entered")
        thread_limit = outer


if os.environ.get("CYACT_NUM_THREADS"):        # compose files write an empty one where none is set
    try:
        _count = int(os.environ["CYACT_NUM_THREADS"])
    except ValueError:
        _count = os.environ["CYACT_NUM_THREADS"]
    process_limit = checked_count(_count, "CYACT_NUM_THREADS")
