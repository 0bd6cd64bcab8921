from cyact.arguments cimport Signature

cdef class Activation(Signature):
    pass
