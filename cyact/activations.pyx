"""The public functions: objects that take the fast path where they can, then the plan, and the ufunc for all else.

The fast path is for what is simple and common: aligned, native ndarrays of one shape, numbers for parameters. Inputs
are of one class, which is ndarray as a rule. It costs a fraction of a ufunc call. What it does not recognise it leaves
to the plan (``planned.pyx``), by answering None, and writes nothing.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from cyact.arguments cimport (
    CASTING, NAME, OPTION, OUT, PARAMETER, PyVectorcall_NARGS, SLOTS, WHERE, Signature, call_ufunc, choose,
    in_class_of, is_like_ndarray, list_as_array, new_scalar, parse, read_input, read_number, take_vectorcalls,
)
from cyact.arrays cimport (
    CONTIGUOUS, GIL_FREE, PyArray_DATA, PyArray_DIMS, PyArray_FLAGS, PyArray_NDIM, PyArray_NewLikeArray, PyArray_Return,
    PyArray_STRIDES, PyArray_TYPE, PyArrayObject, compute_strided, is_plain, is_plain_as, may_write, same_shape,
    same_strides, size,
)
from cyact.dispatch cimport begin_nest, clear_raised_flags, run_contiguous, store
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_OPERANDS, MAX_PARAMETERS, Kernel, LoopNest
from cyact.planned cimport planned_call
from cyact.ufuncs cimport NUMPY_TYPES, Function, type_index

from cyact import docstrings
from cyact.functions import ROWS

cnp.import_array()

cdef extern from "Python.h":
    PyObject* Py_True
    PyObject* Py_False
    Py_ssize_t PyTuple_GET_SIZE(PyObject* items)
    PyObject* PyTuple_GET_ITEM(PyObject* items, Py_ssize_t i)       # borrowed


# ---- other layouts ----

# A function of its own, so that short calls need not make room for a loop nest. ``y`` is the second input of a function
# that has one, ``data`` where each operand's elements begin.
cdef bint strided(
    const Kernel* kernel, PyArrayObject* x, PyArrayObject* y, PyArrayObject* out, char** data, Py_ssize_t n
) noexcept:
    cdef const cnp.npy_intp* strides[MAX_OPERANDS]
    cdef LoopNest nest
    cdef int o
    for o in range(kernel.operands):
        strides[o] = NULL
    strides[0] = PyArray_STRIDES(x)
    if kernel.inputs == 2:
        strides[1] = PyArray_STRIDES(y)
    strides[kernel.operands - 1] = PyArray_STRIDES(out)
    begin_nest(&nest, kernel)
    return compute_strided(&nest, PyArray_NDIM(out), PyArray_DIMS(out), strides, data, n)


# ---- the fast path ----

cdef inline object fast_path(
    Function function, double* defaults, PyObject** inputs, PyObject** parameters, Py_ssize_t given, PyObject* out
):
    """The result, or None where the call is for the plan or the ufunc.

    The first ``given`` parameters are looked at, each of which may be NULL: not given. So may ``out``.
    """
    cdef PyArrayObject* x = <PyArrayObject*> inputs[0]
    cdef PyArrayObject* y = x
    cdef PyArrayObject* target
    cdef char* args[MAX_OPERANDS]
    cdef double numbers[MAX_PARAMETERS]             # of the parameters, as bytes of any dtype
    cdef double value
    cdef Py_ssize_t n
    cdef int index, i, o = 1, orders
    cdef const Kernel* kernel
    cdef object result
    cdef cnp.dtype descriptor
    cdef unsigned int status = get_status()
    cdef bint of_subclass = False
    if not is_plain(inputs[0]):
        if not is_like_ndarray(inputs[0]):
            return of_numbers(function, defaults, inputs, parameters, given) if out == NULL else None
        of_subclass = True
    index = PyArray_TYPE(x)
    if index >= NUMPY_TYPES:
        index = type_index(index)
        if index < 0:
            return None
    kernel = function.kernels[index]
    if kernel == NULL:
        return None
    n = size(x)
    # C and F contiguity, as far as all arrays share it: one straight run if any is left.
    orders = PyArray_FLAGS(x) & CONTIGUOUS
    args[0] = <char*> PyArray_DATA(x)
    if function.inputs == 2:
        y = <PyArrayObject*> inputs[1]
        if not (is_plain_as(inputs[1], inputs[0]) and PyArray_TYPE(y) == PyArray_TYPE(x) and same_shape(x, y)):
            return None
        orders &= PyArray_FLAGS(y)
        args[1] = <char*> PyArray_DATA(y)
        o = 2
    for i in range(function.parameters):
        value = defaults[i]
        if i < given and parameters[i] != NULL and not read_number(parameters[i], kernel.types[o], &value):
            return None
        store(value, kernel.types[o], &numbers[i])
        args[o] = <char*> &numbers[i]
        o += 1
    if out != NULL:
        target = <PyArrayObject*> out
        if (
            not (is_plain(out) or is_like_ndarray(out))
            or PyArray_TYPE(target) != function.results[index]
            or not PyArray_FLAGS(target) & cnp.NPY_ARRAY_WRITEABLE
            or target != x and not (same_shape(x, target) and may_write(target, x, kernel, n))
            or y != x and not may_write(target, y, kernel, n)
        ):
            return None
        result = <object> out
    elif orders & cnp.NPY_ARRAY_C_CONTIGUOUS:
        result = cnp.PyArray_EMPTY(PyArray_NDIM(x), PyArray_DIMS(x), function.results[index], 0)
    elif y != x and not same_strides(x, y):
        return None
    else:
        descriptor = cnp.PyArray_DescrFromType(function.results[index])
        Py_INCREF(descriptor)
        result = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, descriptor, 0)
    target = <PyArrayObject*> result
    args[o] = <char*> PyArray_DATA(target)
    if n == 0:
        pass
    elif orders & PyArray_FLAGS(target):
        if n < GIL_FREE:
            kernel.call(kernel, args, n, True, False)
        else:
            with nogil:
                run_contiguous(kernel, args, n, True, out == NULL)
    elif not strided(kernel, x, y, target, args, n):
        return None
    # Reading the flags waits for the results. Short calls of kernels that raise none skip it, so that the interpreter
    # goes on meanwhile.
    if n >= GIL_FREE or kernel.raises_flags:
        clear_raised_flags(status)
    if out == NULL:
        if of_subclass:
            return in_class_of(inputs[0], result)
        if PyArray_NDIM(target) == 0:
            Py_INCREF(result)
            return PyArray_Return(result)
    return result


# The same for Python numbers and NumPy's scalars: a scalar of NumPy, without an array on the way.
cdef object of_numbers(
    Function function, double* defaults, PyObject** inputs, PyObject** parameters, Py_ssize_t given
):
    cdef double numbers[MAX_OPERANDS]               # as bytes of any dtype
    cdef char* args[MAX_OPERANDS]
    cdef double value
    cdef int number = -1, i, o
    cdef const Kernel* kernel
    cdef unsigned int status = get_status()
    for o in range(function.inputs):
        args[o] = <char*> &numbers[o]
        i = read_input(inputs[o], args[o])
        if i < 0 or o > 0 and i != number:
            return None
        number = i
    kernel = function.kernels[number]
    if kernel == NULL:
        return None
    for i in range(function.parameters):
        o = function.inputs + i
        value = defaults[i]
        if i < given and parameters[i] != NULL and not read_number(parameters[i], kernel.types[o], &value):
            return None
        args[o] = <char*> &numbers[o]
        store(value, kernel.types[o], args[o])
    o = kernel.operands - 1
    args[o] = <char*> &numbers[o]
    kernel.call(kernel, args, 1, True, False)
    if kernel.raises_flags:
        clear_raised_flags(status)
    return new_scalar(function.results[number], args[o])


# ---- calls ----

cdef PyObject* OUT_NAME = <PyObject*> "out"


# A call as the interpreter hands it over. Arguments in the order of the signature are taken as they lie, by keyword as
# by position; so are ``out=`` and the option. Most calls have no others, and are not even parsed.
cdef object call(Activation function, PyObject** args, size_t nargsf, PyObject* names):
    cdef Py_ssize_t nargs = PyVectorcall_NARGS(nargsf), taken = nargs, i
    cdef Py_ssize_t inputs = function.inputs, operands = inputs + function.parameters
    cdef PyObject* out = NULL
    cdef PyObject* key
    cdef PyObject* value
    cdef Function chosen = function
    if names == NULL:
        if taken > operands:
            taken -= 1
            out = args[taken]
    else:
        for i in range(PyTuple_GET_SIZE(names)):
            key = PyTuple_GET_ITEM(names, i)
            value = args[nargs + i]
            if key == OUT_NAME:
                out = value
            elif key == function.names[OPTION] and (value == Py_True or value == Py_False):
                chosen = function.alternative if value == Py_True else function
            elif taken == nargs + i and taken < operands and key == function.names[
                taken if taken < inputs else PARAMETER + taken - inputs
            ]:
                taken += 1
            else:
                taken = -1
                break
    if inputs <= taken <= operands:
        result = fast_path(chosen, function.defaults, args, args + inputs, taken - inputs, out)
        if result is not None:
            return result
    return parsed_call(function, args, nargs, names)


cdef object parsed_call(Activation function, PyObject** args, Py_ssize_t nargs, PyObject* names):
    cdef PyObject* values[SLOTS]
    cdef PyObject* out
    cdef Function chosen, tried
    cdef object result = None
    cdef list kept = []
    cdef int i, given = 0
    parse(function, args, nargs, names, values)
    for i in range(OUT):
        if values[i] != NULL and (type(<object> values[i]) is list or type(<object> values[i]) is tuple):
            kept.append(list_as_array(function, values[i], values[NAME]))
            values[i] = <PyObject*> kept[-1]
    tried = chosen = choose(function, values)
    out = NULL if values[OUT] == <PyObject*> None else values[OUT]
    for i in range(WHERE, NAME):
        given |= (values[i] != NULL) << i
    if given == 1 << CASTING and out != NULL and chosen.to_integer is not None:
        if <object> values[CASTING] == "unsafe":
            tried, given = chosen.to_integer, 0
    if given == 0:
        result = fast_path(tried, function.defaults, values, values + PARAMETER, tried.parameters, out)
    if result is None:
        result = planned_call(function, tried if given == 0 else chosen, values)
    return result if result is not None else call_ufunc(function, chosen, values)


cdef class Activation(Signature):
    # A public function of elements.

    def __cinit__(self, row):
        self.vectorcall = <object (*)(object, PyObject**, size_t, PyObject*)> call

    @property
    def __doc__(self):
        return docstrings.docstring(self.row)


functions = {row.name: Activation(row) for row in ROWS}
take_vectorcalls(functions["relu"])
