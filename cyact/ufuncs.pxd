cimport numpy as cnp
from cpython.object cimport PyObject

from cyact.kernels.table cimport Kernel

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct PyArrayObject
    ctypedef struct PyArray_Descr
    ctypedef int (*type_resolver_t "PyUFunc_TypeResolutionFunc *")(
        PyUFuncObject*, cnp.NPY_CASTING, PyArrayObject**, PyObject*, PyArray_Descr**
    ) except -1
    int PyUFunc_ValidateCasting(
        PyUFuncObject* ufunc, cnp.NPY_CASTING casting, PyArrayObject** operands, PyArray_Descr** descriptors
    ) except -1
    enum: NPY_HALF
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        const char* types
        void** data
        type_resolver_t type_resolver

cdef enum:
    NUMPY_TYPES = 24        # NumPy's own type numbers; the next index is bfloat16's
    TYPES = 25

cdef void loop(char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data) noexcept nogil
cdef int type_index(int type_number) noexcept
cdef bint is_bfloat16(object dtype)
cdef int meet(object dtype) except -1


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
