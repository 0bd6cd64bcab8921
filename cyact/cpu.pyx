"""Which instruction-set levels this processor and its operating system can run.

Compiled for the baseline: it has to run before anything is known of the processor.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && defined(_M_X64)
    #include <intrin.h>
    #define CYACT_X86 1
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { __cpuidex((int *)r, (int)leaf, 0); }
    static uint64_t cyact_xcr0(void) { return _xgetbv(0); }
    #elif defined(__x86_64__)
    #include <cpuid.h>
    #define CYACT_X86 1
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]); }
    static uint64_t cyact_xcr0(void) {
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return ((uint64_t)high << 32) | low;
    }
    #else
    #define CYACT_X86 0
    static void cyact_cpuid(uint32_t leaf, uint32_t *r) { r[0] = r[1] = r[2] = r[3] = 0; }
    static uint64_t cyact_xcr0(void) { return 0; }
    #endif
    """
    const bint X86 "CYACT_X86"
    void cpuid "cyact_cpuid"(uint32_t leaf, uint32_t* registers) noexcept nogil
    uint64_t xcr0 "cyact_xcr0"() noexcept nogil

cdef enum:
    EBX = 1
    ECX = 2

# What each level adds to the one before: the bits of XCR0 that the system must have set (vector registers that it
# saves), and the processor's features, each as cpuid leaf, register and bit. From the x86-64 psABI,
# "micro-architecture levels".
_LEVELS = {
    "x86_64_v2": (0x00, {
        "sse3": (1, ECX, 0), "ssse3": (1, ECX, 9), "cx16": (1, ECX, 13), "sse4.1": (1, ECX, 19),
        "sse4.2": (1, ECX, 20), "popcnt": (1, ECX, 23), "lahf": (0x80000001, ECX, 0),
    }),
    "x86_64_v3": (0x06, {
        "fma": (1, ECX, 12), "movbe": (1, ECX, 22), "osxsave": (1, ECX, 27), "avx": (1, ECX, 28),
        "f16c": (1, ECX, 29), "bmi1": (7, EBX, 3), "avx2": (7, EBX, 5), "bmi2": (7, EBX, 8),
        "lzcnt": (0x80000001, ECX, 5),
    }),
    "x86_64_v4": (0xe6, {
        "avx512f": (7, EBX, 16), "avx512dq": (7, EBX, 17), "avx512cd": (7, EBX, 28), "avx512bw": (7, EBX, 30),
        "avx512vl": (7, EBX, 31),
    }),
}


cdef bint _has(uint32_t leaf, int register, int bit):
    cdef uint32_t registers[4]
    cpuid(leaf & 0x80000000, registers)
    if registers[0] < leaf:
        return False
    cpuid(leaf, registers)
    return registers[register] >> bit & 1


def missing(str level):
    """Names of what the processor or its system lacks for a level, those of lower levels included."""
    lacking = []
    for name, (states, features) in _LEVELS.items():
        lacking += [feature for feature, (leaf, register, bit) in features.items() if not _has(leaf, register, bit)]
        # xgetbv is an illegal instruction where osxsave is missing.
        if states and (not _has(1, ECX, 27) or xcr0() & states != states):
            lacking.append(f"the operating system's support for the registers of {name}")
        if name == level:
            break
    return lacking


def levels():
    """Levels that can run here, the lowest first."""
    if not X86:
        return ["generic"]
    return [level for level in _LEVELS if not missing(level)]


def choose(str forced):
    """The level to use: the highest, or the one that ``CYACT_LEVEL`` asks for.

    Raises
    ------
    ImportError
        If the machine cannot run it, or there is no such level.
    """
    known = list(_LEVELS) if X86 else ["generic"]
    runnable = levels()
    if forced in runnable or not forced and runnable:
        return forced or runnable[-1]
    wanted = forced or known[0]
    has = f"this machine can run {', '.join(runnable) or 'none'}"
    if wanted not in known:
        raise ImportError(f"CYACT_LEVEL={wanted}: no such level; of {', '.join(known)}, {has}")
    raise ImportError(f"cyact cannot run at level {wanted}: {has}; it lacks {', '.join(missing(wanted))}")
