from cyact.kernels.simd cimport WARNINGS, get_status, set_status
from cyact.kernels.table cimport Kernel, Level, LoopNest, RowNest

cdef const Level* level


# Puts the flags back to ``status`` if the call raised one that NumPy warns of. The inexact flag stays: nearly every
# call raises it, nobody reads it, and writing the register takes time.
cdef inline void clear_raised_flags(unsigned int status) noexcept nogil:
    if get_status() & ~status & WARNINGS:
        set_status(status)


# Rounds a number once to the dtype of a type character.
cdef inline void store(double value, char type, void* to) noexcept nogil:
    if type == b"f":
        (<float*> to)[0] = <float> value
    else:
        level.store(value, type, to)


# Begins a nest: of the kernel's own dtypes, without a mask.
cdef inline void begin_nest(LoopNest* nest, const Kernel* kernel) noexcept nogil:
    cdef int o
    nest.kernel, nest.operands, nest.masked = kernel, kernel.operands, False
    for o in range(kernel.operands):
        nest.types[o], nest.itemsize[o] = kernel.types[o], kernel.itemsize[o]


cdef void run_contiguous(
    const Kernel* kernel, char** args, Py_ssize_t n, bint single, bint just_allocated
) noexcept nogil
cdef void run_strided(LoopNest* nest) noexcept nogil
cdef void run_rows(const LoopNest* nest) noexcept nogil
cdef void run_row_nest(const RowNest* nest) noexcept nogil
