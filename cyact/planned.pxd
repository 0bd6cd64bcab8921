from cpython.object cimport PyObject

from cyact.arguments cimport Signature
from cyact.ufuncs cimport Function

cdef object planned_call(Signature function, Function chosen, PyObject** values)
