cimport numpy as cnp
from cpython.object cimport PyObject

from cyact.kernels.table cimport MAX_INPUTS, MAX_PARAMETERS
from cyact.ufuncs cimport Function

cdef extern from "Python.h":
    # For borrowed pointers.
    bint PyFloat_CheckExact(PyObject* x)
    double PyFloat_AS_DOUBLE(PyObject* x)
    bint PyLong_CheckExact(PyObject* x)
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf)

cdef enum:
    # The slots that a call's arguments are sorted into: its inputs and parameters, by position or keyword; what every
    # ufunc takes; the caller's label; its option.
    INPUT = 0
    PARAMETER = INPUT + MAX_INPUTS
    OUT = PARAMETER + MAX_PARAMETERS
    WHERE = OUT + 1
    CASTING = OUT + 2
    ORDER = OUT + 3
    DTYPE = OUT + 4
    SUBOK = OUT + 5
    NAME = OUT + 6
    OPTION = OUT + 7
    SLOTS = OUT + 8


# A function with the names and defaults of its arguments.
cdef class Signature(Function):
    cdef readonly object row                # in functions.py or along_axis.py
    cdef PyObject* names[SLOTS]             # NULL for what this function has none of
    cdef double defaults[MAX_PARAMETERS]
    cdef Function alternative               # what computes it where its option is true; None without an option
    # What the interpreter calls, with no tuple of arguments (PEP 590). Each class below has one.
    cdef object (*vectorcall)(object self, PyObject** args, size_t nargsf, PyObject* names)


cdef int take_vectorcalls(Signature function) except -1


cdef object as_axis(object axis)


# Reads a parameter into ``value``. False where it is no single number, or would change the dtype of the computation.
cdef inline bint read_number(PyObject* number, char type, double* value):
    if PyFloat_CheckExact(number):
        value[0] = PyFloat_AS_DOUBLE(number)
        return True
    return read_integer(number, value) if PyLong_CheckExact(number) else read_scalar(number, type, value)


cdef bint read_integer(PyObject* number, double* value) noexcept
cdef bint read_scalar(PyObject* number, char type, double* value)
cdef int read_input(PyObject* number, void* value) except -2
cdef object new_scalar(int number, const void* value)
cdef bint is_like_ndarray(PyObject* x) except -1
cdef object in_class_of(PyObject* x, cnp.ndarray result)
cdef object list_as_array(Signature function, PyObject* x, PyObject* name)
cdef int parse(
    Signature function, PyObject** args, Py_ssize_t nargs, PyObject* keywords, PyObject** values
) except -1
cdef Function choose(Signature function, PyObject** values)
cdef object call_ufunc(Signature function, Function chosen, PyObject** values)
cdef str call_text(str function, object label)
cdef str describe_call(Function function, PyObject* name)
cdef object with_context(object error, Function function, PyObject* name)
cdef object explained(object error, str call)
cdef char dtype_kind(object dtype) except -1
