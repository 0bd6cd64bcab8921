from cyact.kernels.table cimport Kernel

cdef enum:
    TYPES = 24      # NumPy's own type numbers


cdef class Function:
    cdef readonly str name
    cdef readonly object ufunc
    cdef readonly Function truncated    # the same with integers stored into their own dtype, or None
    # By the type number of the first input: what computes it, and the result's type number. NULL where NumPy has to decide.
    cdef const Kernel* kernels[TYPES]
    cdef int results[TYPES]
    cpdef object result_dtype(self, object dtype)
