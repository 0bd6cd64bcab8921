from cyact.kernels.table cimport MAX_OPERANDS, LoopNest, Kernel, Level

cdef const Level* level

cdef extern from *:
    """
    /* Vector code raises floating-point flags (an overflow in an unused lane, say), which NumPy would turn into
       warnings. fenv.h's functions take longer than a short call. */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <xmmintrin.h>
    #define CYACT_GET_STATUS() _mm_getcsr()
    #define CYACT_SET_STATUS(s) _mm_setcsr(s)
    #define CYACT_WARNINGS (_MM_EXCEPT_INVALID | _MM_EXCEPT_DIV_ZERO | _MM_EXCEPT_OVERFLOW | _MM_EXCEPT_UNDERFLOW)
    #elif defined(__aarch64__) && defined(__GNUC__)
    #include <stdint.h>
    static inline unsigned int cyact_get_status(void) {
        uint64_t s;
        __asm__ volatile("mrs %0, fpsr" : "=r"(s));
        return (unsigned int)s;
    }
    static inline void cyact_set_status(unsigned int s) { __asm__ volatile("msr fpsr, %0" : : "r"((uint64_t)s)); }
    #define CYACT_GET_STATUS() cyact_get_status()
    #define CYACT_SET_STATUS(s) cyact_set_status(s)
    #define CYACT_WARNINGS 15   /* invalid, division by zero, overflow, underflow */
    #else
    #include <fenv.h>
    static unsigned int cyact_get_status(void) { return (unsigned int)fetestexcept(FE_ALL_EXCEPT); }
    static void cyact_set_status(unsigned int s) { feclearexcept(FE_ALL_EXCEPT & ~(int)s); }
    #define CYACT_GET_STATUS() cyact_get_status()
    #define CYACT_SET_STATUS(s) cyact_set_status(s)
    #define CYACT_WARNINGS (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW)
    #endif
    """
    const unsigned int WARNINGS "CYACT_WARNINGS"
    unsigned int get_status "CYACT_GET_STATUS"() noexcept nogil
    void set_status "CYACT_SET_STATUS"(unsigned int status) noexcept nogil


# Not the flag of an inexact result, which nearly every call raises and nobody reads: writing the register takes time.
cdef inline void clear_raised_flags(unsigned int status) noexcept nogil:
    if get_status() & ~status & WARNINGS:
        set_status(status)


cdef inline void store(double value, char type, void* to) noexcept nogil:
    """Rounds a number once to the dtype of a type character."""
    if type == b"f":
        (<float*> to)[0] = <float> value
    else:
        level.store(value, type, to)


cdef void run_contiguous(
    const Kernel* kernel, char** args, Py_ssize_t n, bint scalar, bint just_allocated
) noexcept nogil
cdef void run_strided(const LoopNest* nest) noexcept nogil
