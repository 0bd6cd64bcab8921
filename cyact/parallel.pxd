from cyact.kernels.table cimport Job, Kernel, Level

cdef const Level* level

cdef void store(double value, char type, void* to) noexcept nogil
cdef void compute(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar) noexcept nogil
cdef void compute_job(Job* job) noexcept nogil
