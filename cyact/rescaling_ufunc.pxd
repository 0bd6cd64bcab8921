from cyact.kernels.table cimport Kernel

cdef const Kernel* kernel_of(int index, int result) noexcept
cdef int result_number(object dtype) except -2
cdef int natural_number(object dtype) except -2
