from cpython.object cimport PyObject

from cyact.arguments cimport Signature

cdef class Activation(Signature):
    cdef object (*vectorcall)(object self, PyObject** args, size_t nargsf, PyObject* names)
