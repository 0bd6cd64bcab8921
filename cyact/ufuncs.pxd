from cyact.kernels.table cimport Kernel

cdef enum:
    NUMPY_TYPES = 24        # NumPy's own type numbers; the next place is bfloat16's
    TYPES = 25

cdef int slot(int type_number) noexcept


cdef class Function:
    cdef readonly str name
    cdef readonly object ufunc
    cdef readonly Function truncated    # the same with integers stored into their own dtype, or None
    # By the slot of the first input's type: what computes it, and the result's type number. NULL where there is
    # nothing.
    cdef const Kernel* kernels[TYPES]
    cdef int results[TYPES]
    cpdef object result_dtype(self, object dtype)
