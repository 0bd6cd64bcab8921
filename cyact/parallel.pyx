"""Runs one call's loops on the chosen level, without a trace in the processor's floating-point state."""

import os
from importlib import import_module

from cpython.pycapsule cimport PyCapsule_GetPointer

from cyact import cpu

cdef extern from *:
    """
    /* Vector code raises floating-point flags (an overflow in a lane that is not used, say) which NumPy would turn into warnings. */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <xmmintrin.h>
    #define CYACT_GET_STATUS() _mm_getcsr()
    #define CYACT_SET_STATUS(s) _mm_setcsr(s)
    #elif defined(__aarch64__) && defined(__GNUC__)
    #define CYACT_GET_STATUS() __builtin_aarch64_get_fpsr()
    #define CYACT_SET_STATUS(s) __builtin_aarch64_set_fpsr(s)
    #else
    #include <fenv.h>
    static unsigned int cyact_get_status(void) { return (unsigned int)fetestexcept(FE_ALL_EXCEPT); }
    static void cyact_set_status(unsigned int s) { feclearexcept(FE_ALL_EXCEPT & ~(int)s); }
    #define CYACT_GET_STATUS() cyact_get_status()
    #define CYACT_SET_STATUS(s) cyact_set_status(s)
    #endif
    """
    unsigned int get_status "CYACT_GET_STATUS"() noexcept nogil
    void set_status "CYACT_SET_STATUS"(unsigned int status) noexcept nogil

level_name = cpu.choose(os.environ.get("CYACT_LEVEL", ""))
_module = import_module(f"cyact.kernels.{level_name}")
build_flags = _module.build_flags
level = <const Level*> PyCapsule_GetPointer(_module.level, "cyact.kernels.level")


cdef inline void restore(unsigned int status) noexcept nogil:
    if get_status() != status:
        set_status(status)


cdef void store(double value, char type, void* to) noexcept nogil:
    """Rounds a number once to the dtype of a type character."""
    cdef unsigned int status = get_status()
    level.store(value, type, to)
    restore(status)


cdef void compute(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar) noexcept nogil:
    """Contiguous arrays, as a kernel takes them."""
    cdef unsigned int status = get_status()
    kernel.call(args, n, scalar)
    restore(status)


cdef void compute_job(Job* job) noexcept nogil:
    """Arrays of any strides."""
    cdef unsigned int status = get_status()
    cdef Py_ssize_t n = 1
    cdef int axis
    for axis in range(job.ndim):
        n *= job.shape[axis]
    level.walk(job, 0, n)
    restore(status)
