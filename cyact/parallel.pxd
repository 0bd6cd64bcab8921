from cyact.kernels.table cimport MAX_OPERANDS, Job, Kernel, Level

cdef const Level* level

cdef void store(double value, char type, void* to) noexcept nogil
cdef void compute(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar, bint fresh) noexcept nogil
cdef void compute_job(const Job* job) noexcept nogil
