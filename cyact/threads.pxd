cdef int thread_count() noexcept nogil
cdef int threads_started(int n) noexcept nogil
