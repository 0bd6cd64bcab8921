cimport numpy as cnp
from cpython.object cimport PyObject

from cyact.kernels.table cimport Kernel

cdef enum:
    NUMPY_TYPES = 24        # NumPy's own type numbers; the next place is bfloat16's
    TYPES = 25

    # What a call of a public function may be given: its arguments, by place or keyword; what every ufunc takes; the
    # caller's describe_call.
    FIRST = 0
    SECOND = 1
    ALPHA = 2
    OUT = 3
    WHERE = 4
    CASTING = 5
    ORDER = 6
    DTYPE = 7
    SUBOK = 8
    NAME = 9
    SLOTS = 10

cdef int type_index(int type_number) noexcept
cdef bint is_bfloat16(object dtype)


cdef class Function:
    cdef readonly str name
    cdef readonly object ufunc
    cdef int arrays             # inputs, but for the slope
    cdef bint sloped
    # For activations: the names of all that a call may be given, NULL where this function has none.
    cdef PyObject* parameters[SLOTS]
    cdef readonly Function truncated    # the same with integers stored into their own dtype, or None
    # By the type_index of the first input's type: what computes it, and the result's type number. NULL where there is
    # nothing.
    cdef const Kernel* kernels[TYPES]
    cdef int results[TYPES]
    cdef object result_dtype(self, object dtype)


cdef bint is_integer(object dtype) except -1
cdef object checked_slope(Function function, object first, object second, object alpha, object dtype)
cdef str describe_call(Function function, PyObject* name)
cdef object with_context(object error, Function function, PyObject* name, str hint)


cdef inline object dtype_of(object x):
    return (<cnp.ndarray> x).descr if cnp.PyArray_Check(x) else getattr(x, "dtype", None)
