from cyact.kernels.table cimport Kernel

cdef enum:
    NUMPY_TYPES = 24        # NumPy's own type numbers; the next index is bfloat16's
    TYPES = 25

cdef int type_index(int type_number) noexcept
cdef bint is_bfloat16(object dtype)


cdef class Function:
    cdef readonly str name
    cdef readonly object ufunc
    cdef int inputs, parameters
    cdef readonly Function to_integer   # the same with integers stored into their own dtype, or None
    # By the index of the first input's type: what computes it, and the result's type number. NULL where there is
    # nothing.
    cdef const Kernel* kernels[TYPES]
    cdef int results[TYPES]
    cdef object result_dtype(self, object dtype)
    cdef bint keeps(self, object dtype)
