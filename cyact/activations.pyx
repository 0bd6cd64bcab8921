"""The public functions: arguments, defaults, docstrings; the direct road, else the ufunc.

The direct road is for what is simple and common: exact, aligned, native ndarrays of one shape, and a single slope. It
costs a fraction of a ufunc call. What it does not recognise it leaves to the ufunc, by answering None, and writes
nothing.

The functions are not written as ``def``: what Cython does for a dozen parameters, and for a keyword that is none of
them, takes longer than sixteen elements do. One entry (``call``), and one parser for what is less common (``parse``),
serve them all.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.string cimport memset

import numpy as np

from cyact import ufuncs

from cyact.kernels.table cimport MAX_DIMS, MAX_OPERANDS, LoopNest, Kernel
from cyact.parallel cimport run_contiguous, run_strided, get_status, clear_raised_flags, store
from cyact.ufuncs cimport (
    ALPHA, CASTING, DTYPE, FIRST, NAME, NUMPY_TYPES, OUT, SECOND, SLOTS, WHERE, Function, checked_slope, dtype_of,
    with_context, is_bfloat16, is_integer, describe_call, type_index,
)

cnp.import_array()

cdef extern from "Python.h":
    ctypedef struct PyMethodDef:
        const char* ml_name
        void* ml_meth
        int ml_flags
        const char* ml_doc
    int METH_FASTCALL
    int METH_KEYWORDS
    object PyCFunction_NewEx(PyMethodDef* method, PyObject* self, object module)
    PyObject* PyTuple_GET_ITEM(PyObject* items, Py_ssize_t i)       # borrowed
    object PyObject_Vectorcall(object callable, PyObject** args, size_t nargs, PyObject* names)

cdef extern from "numpy/arrayobject.h":
    # Each steals a reference, the first to the dtype.
    object PyArray_NewLikeArray(PyArrayObject* prototype, cnp.NPY_ORDER order, cnp.dtype dtype, int subok)
    object PyArray_Return(cnp.ndarray array)
    # Borrowed pointers: counting references takes as long as sixteen elements do.
    ctypedef struct PyArrayObject
    bint PyArray_CheckExact(PyObject* x)
    bint PyArray_ISNOTSWAPPED(PyArrayObject* x)
    int PyArray_FLAGS(PyArrayObject* x)
    int PyArray_TYPE(PyArrayObject* x)
    int PyArray_NDIM(PyArrayObject* x)
    cnp.npy_intp PyArray_DIM(PyArrayObject* x, int axis)
    cnp.npy_intp PyArray_STRIDE(PyArrayObject* x, int axis)
    cnp.npy_intp* PyArray_DIMS(PyArrayObject* x)
    int PyArray_ITEMSIZE(PyArrayObject* x)
    void* PyArray_DATA(PyArrayObject* x)

cdef enum:
    GIL_FREE = 1024     # elements: what releasing the GIL costs is lost in the work from here on
    CONTIGUOUS = cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_F_CONTIGUOUS


cdef double DEFAULT_ALPHA = 0.2     # TensorFlow's


# ---- the direct road ----

cdef inline bint is_plain(PyObject* x) noexcept:
    return (
        PyArray_CheckExact(x)
        and PyArray_FLAGS(<PyArrayObject*> x) & cnp.NPY_ARRAY_ALIGNED
        and PyArray_ISNOTSWAPPED(<PyArrayObject*> x)
    )


cdef inline bint same_shape(PyArrayObject* a, PyArrayObject* b) noexcept:
    cdef int axis
    if PyArray_NDIM(a) != PyArray_NDIM(b):
        return False
    for axis in range(PyArray_NDIM(a)):
        if PyArray_DIM(a, axis) != PyArray_DIM(b, axis):
            return False
    return True


cdef inline Py_ssize_t size(PyArrayObject* x) noexcept:
    cdef Py_ssize_t n = 1
    cdef int axis
    for axis in range(PyArray_NDIM(x)):
        n *= PyArray_DIM(x, axis)
    return n


cdef inline bint same_strides(PyArrayObject* a, PyArrayObject* b) noexcept:
    cdef int axis
    for axis in range(PyArray_NDIM(a)):
        if PyArray_STRIDE(a, axis) != PyArray_STRIDE(b, axis):
            return False
    return True


cdef inline void bounds(PyArrayObject* x, char** low, char** high) noexcept:
    cdef Py_ssize_t extent
    cdef int axis
    low[0] = <char*> PyArray_DATA(x)
    high[0] = low[0] + PyArray_ITEMSIZE(x)
    for axis in range(PyArray_NDIM(x)):
        extent = PyArray_STRIDE(x, axis) * (PyArray_DIM(x, axis) - 1)
        if extent < 0:
            low[0] += extent
        else:
            high[0] += extent


cdef bint bounds_allow(PyArrayObject* out, PyArrayObject* x) noexcept:
    cdef char* low
    cdef char* high
    cdef char* out_low
    cdef char* out_high
    if PyArray_DATA(out) == PyArray_DATA(x) and PyArray_TYPE(out) == PyArray_TYPE(x) and same_strides(out, x):
        return True
    bounds(x, &low, &high)
    bounds(out, &out_low, &out_high)
    return high <= out_low or out_high <= low


cdef inline bint may_write(PyArrayObject* out, PyArrayObject* x, Py_ssize_t n) noexcept:
    """Whether writing an element of ``out`` leaves every later one of ``x`` as it was, of ``n``: by their bounds."""
    cdef char* p = <char*> PyArray_DATA(out)
    cdef char* q = <char*> PyArray_DATA(x)
    # As a rule they are contiguous and apart.
    return (
        out == x
        or PyArray_FLAGS(out) & CONTIGUOUS
        and PyArray_FLAGS(x) & CONTIGUOUS
        and (p + n * PyArray_ITEMSIZE(out) <= q or q + n * PyArray_ITEMSIZE(x) <= p)
        or bounds_allow(out, x)
    )


cdef bint make_nest(LoopNest* nest, PyArrayObject** arrays, int operands, char* slope) noexcept:
    """Fills in shape, strides and data: axes by descending stride of the output, merged where all arrays allow.

    False where elements of the output may overlap each other.
    """
    cdef PyArrayObject* out = arrays[operands - 1]
    cdef int axes[MAX_DIMS]
    cdef int ndim = PyArray_NDIM(out), axis, a, o
    cdef Py_ssize_t strides[MAX_OPERANDS]
    cdef Py_ssize_t n, extent = PyArray_ITEMSIZE(out)
    cdef bint backwards, merge
    for axis in range(ndim):
        a = axis
        while a > 0 and abs(PyArray_STRIDE(out, axes[a - 1])) < abs(PyArray_STRIDE(out, axis)):
            axes[a] = axes[a - 1]
            a -= 1
        axes[a] = axis
    for o in range(operands):
        nest.data[o] = slope if arrays[o] == NULL else <char*> PyArray_DATA(arrays[o])
    nest.ndim = 0
    for a in range(ndim):
        axis = axes[a]
        n = PyArray_DIM(out, axis)
        if n == 1:
            continue
        backwards = True
        for o in range(operands):
            strides[o] = 0 if arrays[o] == NULL else PyArray_STRIDE(arrays[o], axis)
            backwards = backwards and strides[o] <= 0
        merge = nest.ndim > 0
        for o in range(operands):
            if backwards:
                nest.data[o] += strides[o] * (n - 1)
                strides[o] = -strides[o]
            merge = merge and nest.strides[o][nest.ndim - 1] == strides[o] * n
        if not merge:
            nest.shape[nest.ndim] = 1
            nest.ndim += 1
        nest.shape[nest.ndim - 1] *= n
        for o in range(operands):
            nest.strides[o][nest.ndim - 1] = strides[o]
    for a in range(nest.ndim - 1, -1, -1):
        if abs(nest.strides[operands - 1][a]) < extent:
            return False
        extent += abs(nest.strides[operands - 1][a]) * (nest.shape[a] - 1)
    if nest.ndim == 0:
        nest.ndim = 1
        nest.shape[0] = 1
        for o in range(operands):
            nest.strides[o][0] = nest.kernel.itemsize[o]
    return True


cdef object direct(Function function, PyObject** inputs, PyObject* alpha, PyObject* out):
    """The result, or None where the general road has to be taken. ``alpha`` and ``out`` may be NULL: not given."""
    cdef PyArrayObject* operands[MAX_OPERANDS]      # NULL for the slope
    cdef PyArrayObject* x = <PyArrayObject*> inputs[0]
    cdef PyArrayObject* y
    cdef PyArrayObject* target
    cdef char* args[MAX_OPERANDS]
    cdef double slope_value
    cdef double slope       # bytes of any dtype
    cdef Py_ssize_t n
    cdef int place, count, o, orders
    cdef const Kernel* kernel
    cdef object result
    cdef cnp.dtype descriptor
    cdef unsigned int status = get_status()
    if not is_plain(inputs[0]):
        return None
    place = PyArray_TYPE(x)
    if place >= NUMPY_TYPES:
        place = type_index(place)
        if place < 0:
            return None
    kernel = function.kernels[place]
    if kernel == NULL:
        return None
    count = kernel.operands
    n = size(x)
    orders = PyArray_FLAGS(x) & CONTIGUOUS      # those that all arrays share
    operands[0] = x
    if function.arrays == 2:
        y = <PyArrayObject*> inputs[1]
        if not (is_plain(inputs[1]) and PyArray_TYPE(y) == PyArray_TYPE(x) and same_shape(x, y)):
            return None
        orders &= PyArray_FLAGS(y)
        operands[1] = y
    if function.sloped:
        if alpha == NULL:
            slope_value = DEFAULT_ALPHA
        elif type(<object> alpha) is float:
            slope_value = <object> alpha
        elif type(<object> alpha) is int:
            try:
                slope_value = <object> alpha
            except OverflowError:
                return None
        else:
            return None
        store(slope_value, kernel.types[function.arrays], &slope)
        operands[function.arrays] = NULL
    if out != NULL:
        target = <PyArrayObject*> out
        if (
            not is_plain(out)
            or PyArray_TYPE(target) != function.results[place]
            or not PyArray_FLAGS(target) & cnp.NPY_ARRAY_WRITEABLE
            or target != x and not (same_shape(x, target) and may_write(target, x, n))
            or function.arrays == 2 and not may_write(target, y, n)
        ):
            return None
        result = <object> out
    elif orders & cnp.NPY_ARRAY_C_CONTIGUOUS:
        result = cnp.PyArray_EMPTY(PyArray_NDIM(x), PyArray_DIMS(x), function.results[place], 0)
    else:
        descriptor = cnp.PyArray_DescrFromType(function.results[place])
        Py_INCREF(descriptor)
        result = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, descriptor, 0)
    target = <PyArrayObject*> result
    orders &= PyArray_FLAGS(target)
    operands[count - 1] = target
    if n == 0:
        pass
    elif orders:
        for o in range(count):
            args[o] = <char*> &slope if operands[o] == NULL else <char*> PyArray_DATA(operands[o])
        if n < GIL_FREE:
            kernel.call(args, n, kernel.sloped, False)
        else:
            with nogil:
                run_contiguous(kernel, args, n, kernel.sloped, out == NULL)
    elif not strided(kernel, operands, <char*> &slope, n):
        return None
    # Reading the flags waits for the results, which may as well take their time while the interpreter goes on.
    if n >= GIL_FREE or not kernel.quiet:
        clear_raised_flags(status)
    if out == NULL and PyArray_NDIM(target) == 0:
        Py_INCREF(result)
        return PyArray_Return(result)
    return result


# A function of its own, so that short calls need not make room for its nest.
cdef bint strided(const Kernel* kernel, PyArrayObject** operands, char* slope, Py_ssize_t n) noexcept:
    cdef LoopNest nest
    nest.kernel = kernel
    if not make_nest(&nest, operands, kernel.operands, slope):
        return False
    if n < GIL_FREE:
        run_strided(&nest)
    else:
        with nogil:
            run_strided(&nest)
    return True


# ---- the general road ----

cdef list KEYWORDS = [None] * (1 << NAME - OUT)     # tuples of the ufunc's keywords, by which of them are given


cdef object by_ufunc(Function function, PyObject** values):
    """``values`` has the arguments, NULL where not given."""
    cdef Function chosen = function
    cdef object first = <object> values[FIRST], second = <object> values[SECOND] if function.arrays == 2 else None
    cdef object out = None if values[OUT] == NULL else <object> values[OUT]
    cdef object dtype = None if values[DTYPE] == NULL else <object> values[DTYPE]
    cdef object slope, stored = None
    cdef PyObject* stack[SLOTS]
    cdef int operands = 1, count = 0, given = 0, i
    cdef bint exact = dtype is None
    if not cnp.PyArray_Check(first) and not hasattr(first, "__array_ufunc__"):
        first = np.asarray(first)
    stack[0] = <PyObject*> first
    if function.arrays == 2:
        if not cnp.PyArray_Check(second) and not hasattr(second, "__array_ufunc__"):
            second = np.asarray(second)
        stack[1] = <PyObject*> second
        operands = 2
    if function.sloped:
        alpha = DEFAULT_ALPHA if values[ALPHA] == NULL else <object> values[ALPHA]
        slope = checked_slope(function, first, second, alpha, dtype)
        stack[operands] = <PyObject*> slope
        operands += 1
        # NumPy takes no notice of a scalar's dtype beside bfloat16.
        if dtype is None and is_bfloat16(dtype_of(first)) and dtype_of(slope) == np.float64:
            dtype = dtype_of(slope)
            values[DTYPE] = <PyObject*> dtype
            exact = False
    if out is not None:
        stored = dtype_of(out[0] if type(out) is tuple and len(out) == 1 else out)
        if values[CASTING] != NULL and dtype is None and function.truncated is not None and is_integer(stored):
            if <object> values[CASTING] == "unsafe" and is_integer(dtype_of(first)):
                if stored.newbyteorder("=") == first.dtype.newbyteorder("="):
                    chosen = function.truncated
    if stored is None:
        stored = dtype_of(first)
    for i in range(operands):
        exact = exact and stored is dtype_of(<object> stack[i])
    for i in range(OUT, NAME):
        if values[i] != NULL:
            stack[operands + count] = values[i]
            count += 1
            given |= 1 << i - OUT
    if KEYWORDS[given] is None:
        KEYWORDS[given] = tuple([<object> function.parameters[i] for i in range(OUT, NAME) if values[i] != NULL])
    keys = KEYWORDS[given]      # a reference: another thread may have stored the same again
    if exact:
        return PyObject_Vectorcall(chosen.ufunc, stack, operands, <PyObject*> keys)
    # A cast to a smaller dtype may overflow, to inf.
    with np.errstate(all="ignore"):
        return PyObject_Vectorcall(chosen.ufunc, stack, operands, <PyObject*> keys)


cdef object general(Function function, PyObject** values):
    """By the ufunc, whose errors get the function's name and the caller's label."""
    try:
        return by_ufunc(function, values)
    except (TypeError, ValueError, OverflowError) as error:
        hint = ""
        if getattr(error, "casting", None) is not None and is_integer(getattr(error, "to", None)):
            hint = '; give out a floating-point dtype, or casting="unsafe" to store the value truncated toward zero'
        raise with_context(error, function, values[NAME], hint) from error


# ---- the arguments ----

cdef int find(Function function, PyObject* key) except -2:
    """The type_index of a keyword; -1 where there is none. Names are interned as a rule, so that identity decides."""
    cdef int i
    for i in range(SLOTS):
        if function.parameters[i] == key:
            return i
    for i in range(SLOTS):
        if function.parameters[i] != NULL and <object> function.parameters[i] == <object> key:
            return i
    return -1


cdef PyObject* OUT_NAME = <PyObject*> "out"


cdef inline object call(Function function, PyObject** args, Py_ssize_t nargs, PyObject* names):
    """One call of a public function, its arguments as the interpreter hands them over.

    Most are the inputs, perhaps a slope, perhaps ``out=``: these are not even parse.
    """
    cdef Py_ssize_t more = nargs - function.arrays
    cdef PyObject** rest = args + function.arrays
    cdef PyObject* alpha = NULL
    cdef PyObject* out = NULL
    if function.sloped and more > 0:
        alpha = rest[0]
        rest += 1
        more -= 1
    if names == NULL:
        if more == 1:
            out = rest[0]
            more = 0
    elif more == 0 and PyTuple_GET_SIZE(<tuple> names) == 1 and PyTuple_GET_ITEM(names, 0) == OUT_NAME:
        out = rest[0]
    else:
        more = -1
    if more == 0:
        result = direct(function, args, alpha, out)
        if result is not None:
            return result
    return parse(function, args, nargs, names)


cdef object parse(Function function, PyObject** args, Py_ssize_t nargs, PyObject* names):
    """The same for any arguments."""
    cdef PyObject* values[SLOTS]
    cdef object problem = None, result = None
    cdef Py_ssize_t taken = 0, i
    cdef int place
    cdef bint simple = True
    memset(values, 0, sizeof(values))
    for place in range(OUT + 1):
        if taken == nargs:
            break
        if function.parameters[place] != NULL:
            values[place] = args[taken]
            taken += 1
    if taken < nargs:
        problem = f"takes at most {taken} positional arguments, {nargs} were given"
    if names != NULL:
        for i in range(PyTuple_GET_SIZE(<tuple> names)):
            place = find(function, PyTuple_GET_ITEM(names, i))
            if place < 0:
                problem = f"got an unexpected keyword argument {<object> PyTuple_GET_ITEM(names, i)!r}"
            elif values[place] != NULL:
                problem = f"got multiple values for argument {<object> PyTuple_GET_ITEM(names, i)!r}"
            else:
                values[place] = args[nargs + i]
                simple = simple and (place <= OUT or place == NAME)
    for place in range(FIRST, function.arrays):
        if values[place] == NULL and problem is None:
            problem = f"missing argument {<object> function.parameters[place]!r}"
    if problem is not None:
        raise TypeError(f"{describe_call(function, values[NAME])}: {problem}")
    if values[OUT] == <PyObject*> None:
        values[OUT] = NULL
    if simple:
        result = direct(function, values, values[ALPHA], values[OUT])
    elif function.truncated is not None and is_truncation(values):
        result = direct(function.truncated, values, values[ALPHA], values[OUT])
    return result if result is not None else general(function, values)


cdef bint is_truncation(PyObject** values):
    """Whether ``casting="unsafe"`` is all that was asked for, of an ``out``."""
    cdef int i
    for i in range(WHERE, NAME):
        if (values[i] != NULL) != (i == CASTING):
            return False
    return <object> values[CASTING] == "unsafe" and values[OUT] != NULL


ctypedef object (*entry_t)(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names)


__all__ = []


cdef object make_function(Function function, entry_t entry, str first, str second, str doc):
    """The function object. ``first`` and ``second`` are the names of its inputs."""
    alpha = "alpha" if function.sloped else None
    names = (first, second, alpha, "out", "where", "casting", "order", "dtype", "subok", "name")
    cdef int i
    for i, parameter in enumerate(names):
        function.parameters[i] = <PyObject*> parameter if parameter is not None else NULL
    inputs = ", ".join([name for name in (first, second, alpha and f"alpha={DEFAULT_ALPHA}") if name])
    options = "where=True, casting='same_kind', order='K', dtype=None, subok=True, name=None"
    text = f"{function.name}({inputs}, out=None, *, {options})\n--\n\n{doc}".encode()
    name = function.name.encode()
    # The function object points at these, and lives as long as the process.
    cdef PyMethodDef* method = <PyMethodDef*> PyMem_Malloc(sizeof(PyMethodDef))
    if method == NULL:
        raise MemoryError
    for kept in (text, name, names):
        Py_INCREF(kept)
    method.ml_name = name
    method.ml_meth = <void*> entry
    method.ml_flags = METH_FASTCALL | METH_KEYWORDS
    method.ml_doc = text
    __all__.append(function.name)
    return PyCFunction_NewEx(method, NULL, "cyact")


# ---- the functions ----

cdef Function RELU = ufuncs.functions["relu"]


cdef object relu_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(RELU, args, nargs, names)


relu = make_function(RELU, relu_entry, "features", None, """Rectified linear unit, ``max(features, 0)``.

Parameters
----------
features : array_like
    Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=features``.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    Of the shape of `features` and of its dtype; a NumPy scalar if `features` is 0-d; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

See Also
--------
leaky_relu : keeps a slope below zero.
relu_grad : its gradient.

Notes
-----
``where(x < 0, 0, x)``: exact. NaN gives NaN and -0.0 gives -0.0, bit for bit. An unsigned array is its own result.
The formula is that of Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.

Examples
--------
>>> import numpy as np, cyact
>>> x = np.array([-2, -0.5, 0, 3], dtype="float32")
>>> cyact.relu(x)
array([0., 0., 0., 3.], dtype=float32)
>>> cyact.relu(x, out=x) is x
True
""")


cdef Function LEAKY_RELU = ufuncs.functions["leaky_relu"]


cdef object leaky_relu_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(LEAKY_RELU, args, nargs, names)


leaky_relu = make_function(LEAKY_RELU, leaky_relu_entry, "features", None, """Leaky rectified linear unit.

Parameters
----------
features : array_like
    Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not.
alpha : float or array_like, default 0.2
    The slope below zero: any real number, or an array that broadcasts against `features` (a slope per channel). A
    Python number takes the dtype of the computation; an array promotes as in NumPy.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=features``.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    Of the shape of `features` and of its dtype, but float32 for integers of 8 and 16 bits, float64 for wider
    ones; a NumPy scalar if `features` is 0-d; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, if `alpha` is no real number, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

See Also
--------
leaky_relu_grad : its gradient.

Notes
-----
``where(x < 0, alpha * x, x)``, rounded once: at most 0.5 ULP. NaN, 0.0 and -0.0 give themselves whatever the slope.
Integers in place, or any integer `out`, need ``casting="unsafe"``: the value is then stored truncated toward zero,
and unsigned arrays are left as they are. The formula is that of Maas, Hannun and Ng, "Rectifier nonlinearities
improve neural network acoustic models", 2013; the default slope is TensorFlow's.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.leaky_relu(np.array([-10.0, 5.0]))
array([-2.,  5.])
>>> image = -np.ones((2, 2, 3), dtype="float32")
>>> cyact.leaky_relu(image, np.array([0.1, 0.2, 0.3], dtype="float32"))[0, 0]
array([-0.1, -0.2, -0.3], dtype=float32)
>>> cyact.leaky_relu(np.array([-10, 5], dtype="int8"), 0.25)
array([-2.5,  5. ], dtype=float32)
""")


cdef Function SIGMOID = ufuncs.functions["sigmoid"]


cdef object sigmoid_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(SIGMOID, args, nargs, names)


sigmoid = make_function(SIGMOID, sigmoid_entry, "features", None, """Logistic sigmoid, ``1 / (1 + exp(-features))``.

Parameters
----------
features : array_like
    Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=features``, for
    floating-point dtypes.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    Of the shape of `features` and of its dtype, but float32 for integers of 8 and 16 bits, float64 for wider
    ones; a NumPy scalar if `features` is 0-d; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

See Also
--------
sigmoid_grad : its gradient.

Notes
-----
At most 1 ULP from the exact value, correctly rounded for float16 and bfloat16; monotone, within [0, 1]; results down
to the smallest subnormal. inf gives 1, -inf 0, NaN itself. By ``e**-x = 2**k * e**r`` with a fitted polynomial for
``e**r`` and one Newton step for the quotient; constants, fit and errors stand above the formula in
``cyact/kernels/formulas.pxd``. Multiply-add is emulated where the processor lacks it (x86_64_v2): slower, and now and
then another last bit.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.sigmoid(np.array([-1.0, 0.0, 1.0]))
array([0.26894142, 0.5       , 0.73105858])
>>> cyact.sigmoid(np.array([0, 255], dtype="uint8"))
array([0.5, 1. ], dtype=float32)
""")


cdef Function TANH = ufuncs.functions["tanh"]


cdef object tanh_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(TANH, args, nargs, names)


tanh = make_function(TANH, tanh_entry, "features", None, """Hyperbolic tangent.

Parameters
----------
features : array_like
    Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=features``, for
    floating-point dtypes.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    Of the shape of `features` and of its dtype, but float32 for integers of 8 and 16 bits, float64 for wider
    ones; a NumPy scalar if `features` is 0-d; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

See Also
--------
tanh_grad : its gradient.

Notes
-----
At most 1 ULP from the exact value, correctly rounded for float16 and bfloat16; monotone, exactly odd, within [-1, 1].
inf gives 1, -inf -1; NaN, -0.0 and subnormals give themselves. By the addition theorem of tanh at a multiple of
``log(2) / 2``; constants, fit and errors stand above the formula in ``cyact/kernels/formulas.pxd``. Multiply-add is
emulated where the processor lacks it (x86_64_v2): slower, and now and then another last bit.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.tanh(np.array([-1.0, 0.0, 1.0]))
array([-0.76159416,  0.        ,  0.76159416])
""")


cdef Function RELU_GRAD = ufuncs.functions["relu_grad"]


cdef object relu_grad_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(RELU_GRAD, args, nargs, names)


relu_grad = make_function(RELU_GRAD, relu_grad_entry, "gradients", "features", """Gradient of `relu`.

Parameters
----------
gradients : array_like
    The gradient of the loss with respect to the output; floating-point or integer.
features : array_like
    The input of the activation, of a shape and dtype that go with `gradients` as in NumPy.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=`` either input.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    The gradient with respect to the input, of the inputs' common shape and dtype; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

Notes
-----
``where(x > 0, g, 0)``: exact; 0 where x is 0 or NaN. TensorFlow's ``raw_ops.ReluGrad``.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.relu_grad(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0]))
array([0., 0., 3.])
""")


cdef Function LEAKY_RELU_GRAD = ufuncs.functions["leaky_relu_grad"]


cdef object leaky_relu_grad_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(LEAKY_RELU_GRAD, args, nargs, names)


leaky_relu_grad = make_function(
    LEAKY_RELU_GRAD, leaky_relu_grad_entry, "gradients", "features", """Gradient of `leaky_relu`.

Parameters
----------
gradients : array_like
    The gradient of the loss with respect to the output; floating-point.
features : array_like
    The input of the activation, of a shape and dtype that go with `gradients` as in NumPy.
alpha : float or array_like, default 0.2
    The slope that `leaky_relu` had: any real number, or an array that broadcasts against `features` (a slope per
    channel). A Python number takes the dtype of the computation; an array promotes as in NumPy.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=`` either input.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    The gradient with respect to the input, of the inputs' common shape and dtype; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, if `alpha` is no real number, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

Notes
-----
``where(x > 0, g, alpha * g)``, rounded once; ``alpha * g`` where x is 0 or NaN. Where `alpha` is 0, an infinite
gradient gives 0. TensorFlow's ``raw_ops.LeakyReluGrad``.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.leaky_relu_grad(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0]), 0.5)
array([0.5, 1. , 3. ])
""")


cdef Function SIGMOID_GRAD = ufuncs.functions["sigmoid_grad"]


cdef object sigmoid_grad_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(SIGMOID_GRAD, args, nargs, names)


sigmoid_grad = make_function(SIGMOID_GRAD, sigmoid_grad_entry, "y", "dy", """Gradient of `sigmoid`, from its output.

Parameters
----------
y : array_like
    The output of the activation, not its input; floating-point.
dy : array_like
    The gradient of the loss with respect to `y`, of a shape and dtype that go with it as in NumPy.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=`` either input.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    The gradient with respect to the input, of the inputs' common shape and dtype; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

Notes
-----
``dy * (y - y * y)``, which is ``dy * y * (1 - y)`` with one rounding less: at most 1.5 ULP for y in [0, 1] and results
that are not subnormal; float16 and bfloat16 are computed as float32 and rounded once. TensorFlow's
``raw_ops.SigmoidGrad``.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.sigmoid_grad(np.array([0.25, 0.5]), np.array([1.0, 1.0]))
array([0.1875, 0.25  ])
""")


cdef Function TANH_GRAD = ufuncs.functions["tanh_grad"]


cdef object tanh_grad_entry(PyObject* self, PyObject** args, Py_ssize_t nargs, PyObject* names):
    return call(TANH_GRAD, args, nargs, names)


tanh_grad = make_function(TANH_GRAD, tanh_grad_entry, "y", "dy", """Gradient of `tanh`, from its output.

Parameters
----------
y : array_like
    The output of the activation, not its input; floating-point.
dy : array_like
    The gradient of the loss with respect to `y`, of a shape and dtype that go with it as in NumPy.
out : ndarray or tuple of one ndarray, optional
    Where to store the result, of the shape that the inputs broadcast to. In place: ``out=`` either input.
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry.

Returns
-------
ndarray or scalar
    The gradient with respect to the input, of the inputs' common shape and dtype; `out` if given.

Raises
------
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `out` cannot hold the
    result under `casting`, or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.

Notes
-----
``dy * (1 - y * y)``: at most 1.5 ULP for y in [-1, 1] and results that are not subnormal; float16 and bfloat16 are
computed as float32 and rounded once. TensorFlow's ``raw_ops.TanhGrad``.

Examples
--------
>>> import numpy as np, cyact
>>> cyact.tanh_grad(np.array([0.0, 0.5]), np.array([1.0, 1.0]))
array([1.  , 0.75])
""")
