"""Numbers that threads share without a lock: what was written before a number was stored is seen after it is loaded."""

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <intrin.h>
    #define CYACT_ATOMIC_LOAD(x) ((int)_InterlockedOr((volatile long *)(x), 0))
    #define CYACT_ATOMIC_STORE(x, value) ((void)_InterlockedExchange((volatile long *)(x), (value)))
    #else
    #define CYACT_ATOMIC_LOAD(x) __atomic_load_n(x, __ATOMIC_ACQUIRE)
    #define CYACT_ATOMIC_STORE(x, value) __atomic_store_n(x, value, __ATOMIC_RELEASE)
    #endif
    """
    int load "CYACT_ATOMIC_LOAD"(int* x) noexcept nogil
    void publish "CYACT_ATOMIC_STORE"(int* x, int value) noexcept nogil
