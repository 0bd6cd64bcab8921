"""What only machine code can read: the processor's features, and which registers the system saves."""

from libc.stdint cimport uint32_t, uint64_t

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
