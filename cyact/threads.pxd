cdef int thread_count() noexcept nogil
cdef int startable(int n) noexcept nogil
