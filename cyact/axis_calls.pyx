"""The public functions along an axis: softmax and its like.

Exact, aligned, native ndarrays of one dtype and shape are computed here, along any axes. Anything else goes to the
generalised ufunc, which takes one axis: several are brought together first.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

import numpy as np
from numpy.exceptions import AxisError

from cyact.arguments cimport (
    CASTING, DTYPE, NAME, OPTION, ORDER, OUT, PARAMETER, PyVectorcall_NARGS, SLOTS, SUBOK, WHERE, Signature, as_axis,
    describe_call, parse, take_vectorcalls, with_context,
)
from cyact.arrays cimport (
    GIL_FREE, PyArray_DIM, PyArray_FLAGS, PyArray_NDIM, PyArray_NewLikeArray, PyArray_Return, PyArray_TYPE,
    PyArrayObject, bounds_allow, is_plain, lie_apart, same_shape, size,
)
from cyact.dispatch cimport clear_raised_flags, run_row_nest
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_DIMS, MAX_ROW_OPERANDS, Kernel, RowNest, magnitude
from cyact.ufuncs cimport type_index

from cyact import docstrings
from cyact.along_axis import ROWS

cnp.import_array()


# ---- axes ----

cdef int mark_axes(AxisFunction function, PyObject** values, int ndim, bint* is_core) except -1:
    """Mark the axes that a row has, as NumPy's reductions take them: a number, a tuple, None for all."""
    cdef object axes, axis
    cdef int i
    for i in range(ndim):
        is_core[i] = values[PARAMETER] == <PyObject*> None
    if values[PARAMETER] == <PyObject*> None:
        return 0
    if values[PARAMETER] == NULL and ndim > 0:
        is_core[ndim - 1] = True
        return 0
    axes = -1 if values[PARAMETER] == NULL else <object> values[PARAMETER]
    for axis in axes if type(axes) is tuple else (axes,):
        number = as_axis(axis)
        if number is None:
            problem = f"axis must be an integer, a tuple of integers or None, not {axes!r}"
            raise TypeError(f"{describe_call(function, values[NAME])}: {problem}")
        if not -ndim <= number < ndim:
            problem = f"axis {number} is out of bounds for an array of {ndim} dimension{'s' * (ndim != 1)}"
            raise AxisError(f"{describe_call(function, values[NAME])}: {problem}")
        i = number % ndim
        if is_core[i]:
            raise ValueError(f"{describe_call(function, values[NAME])}: duplicate value in axis={axes!r}")
        is_core[i] = True
    return 0


cdef bint keeps_dims(AxisFunction function, PyObject** values) except -1:
    cdef PyObject* given = values[OPTION]
    if given == NULL:
        return False
    if not isinstance(<object> given, (bool, np.bool_)):
        raise TypeError(f"{describe_call(function, values[NAME])}: keepdims must be a bool, not {<object> given!r}")
    return <object> given


# ---- arrays ----

cdef int add_axis(RowNest* nest, int first, int operands, Py_ssize_t n, const Py_ssize_t* strides) noexcept:
    """Put an axis inside of those from ``first`` on, or make it one with the last of them where all strides allow."""
    cdef int last = nest.ndim + nest.core - 1, o
    cdef bint merge = last >= first
    for o in range(operands):
        merge = merge and nest.strides[o][last] == strides[o] * n
    if merge:
        nest.shape[last] *= n
        for o in range(operands):
            nest.strides[o][last] = strides[o]
        return 0
    nest.shape[last + 1] = n
    for o in range(operands):
        nest.strides[o][last + 1] = strides[o]
    return 1


cdef bint make_nest(
    RowNest* nest, const Kernel* kernel, PyObject** operands, const bint* is_core, bint keepdims
) noexcept:
    """Fill in a nest. False where elements of the output may overlap each other.

    Rows lie along the other axes by descending stride of the first input. A row's own axes keep their order, on which
    the order of addition depends.
    """
    cdef int inputs = kernel.inputs, count = inputs + 1, axis, a, o, kept = 0, outer = 0
    cdef int order[MAX_DIMS]
    cdef Py_ssize_t strides[MAX_DIMS][MAX_ROW_OPERANDS]
    cdef cnp.ndarray x = <cnp.ndarray> operands[0], out = <cnp.ndarray> operands[inputs]
    nest.kernel = kernel
    nest.ndim = nest.core = 0
    nest.rows = nest.length = 1
    for o in range(count):
        nest.data[o] = cnp.PyArray_BYTES(<cnp.ndarray> operands[o])
    for axis in range(x.ndim):
        for o in range(inputs):
            strides[axis][o] = (<cnp.ndarray> operands[o]).strides[axis]
        if kernel.row_results:
            strides[axis][inputs] = out.strides[axis]
        else:
            strides[axis][inputs] = 0 if is_core[axis] else out.strides[kept]
            kept += keepdims or not is_core[axis]
        if is_core[axis]:
            nest.length *= x.shape[axis]
            continue
        nest.rows *= x.shape[axis]
        a = outer
        while a > 0 and magnitude(strides[order[a - 1]][0]) < magnitude(strides[axis][0]):
            order[a] = order[a - 1]
            a -= 1
        order[a] = axis
        outer += 1
    for a in range(outer):
        if x.shape[order[a]] != 1:
            nest.ndim += add_axis(nest, 0, count, x.shape[order[a]], strides[order[a]])
    if nest.ndim == 0:
        nest.shape[0] = nest.ndim = 1
        for o in range(count):
            nest.strides[o][0] = 0
    for axis in range(x.ndim):
        if is_core[axis] and x.shape[axis] != 1:
            nest.core += add_axis(nest, nest.ndim, count, x.shape[axis], strides[axis])
    if nest.core == 0:
        nest.core = 1
        nest.shape[nest.ndim] = 1
        for o in range(count):
            nest.strides[o][nest.ndim] = nest.kernel.itemsize[o]
    return not overlaps_itself(nest, inputs)


cdef bint overlaps_itself(const RowNest* nest, int o) noexcept:
    """Whether elements of an operand may overlap: the axes by ascending stride, each must step over all before it."""
    cdef Py_ssize_t extent = nest.kernel.itemsize[o]
    cdef int axis, next_axis, count = nest.ndim + (nest.core if nest.kernel.row_results else 0)
    cdef bint used[MAX_DIMS]
    for axis in range(count):
        used[axis] = nest.shape[axis] <= 1
    for _ in range(count):
        next_axis = -1
        for axis in range(count):
            if not used[axis] and (
                next_axis < 0 or magnitude(nest.strides[o][axis]) < magnitude(nest.strides[o][next_axis])
            ):
                next_axis = axis
        if next_axis < 0:
            return False
        if magnitude(nest.strides[o][next_axis]) < extent:
            return True
        extent += magnitude(nest.strides[o][next_axis]) * (nest.shape[next_axis] - 1)
        used[next_axis] = True
    return False


cdef int reduced_shape(PyArrayObject* x, const bint* is_core, bint keepdims, cnp.npy_intp* shape) noexcept:
    """The shape of one result for each row, and how many dimensions it has."""
    cdef int axis, ndim = 0
    for axis in range(PyArray_NDIM(x)):
        if keepdims or not is_core[axis]:
            shape[ndim] = 1 if is_core[axis] else PyArray_DIM(x, axis)
            ndim += 1
    return ndim


# ---- plain arrays ----

cdef object plain_call(AxisFunction function, PyObject** values, PyObject* out):
    """The result; None where the ufunc has to be called."""
    cdef PyObject* operands[MAX_ROW_OPERANDS]
    cdef bint is_core[MAX_DIMS]
    cdef cnp.npy_intp shape[MAX_DIMS]
    cdef bint keepdims
    cdef const Kernel* kernel
    cdef PyArrayObject* x = <PyArrayObject*> values[0]
    cdef PyArrayObject* y
    cdef PyArrayObject* target
    cdef object result
    cdef cnp.dtype descriptor
    cdef RowNest nest
    cdef int inputs = function.inputs, i, number, ndim, axis
    cdef Py_ssize_t n
    cdef unsigned int status = get_status()
    for i in range(inputs):
        if not is_plain(values[i]):
            return None
        operands[i] = values[i]
    number = type_index(PyArray_TYPE(x))
    kernel = function.kernels[number] if number >= 0 else NULL
    if kernel == NULL or PyArray_NDIM(x) > MAX_DIMS - 2:
        return None
    if inputs == 2:
        y = <PyArrayObject*> values[1]
        if PyArray_TYPE(y) != PyArray_TYPE(x) or not same_shape(x, y):
            return None
    mark_axes(function, values, PyArray_NDIM(x), is_core)
    keepdims = keeps_dims(function, values)
    n = size(x)
    ndim = 0 if kernel.row_results else reduced_shape(x, is_core, keepdims, shape)
    if out != NULL:
        target = <PyArrayObject*> out
        if (
            not is_plain(out) or PyArray_TYPE(target) != function.results[number]
            or not PyArray_FLAGS(target) & cnp.NPY_ARRAY_WRITEABLE
        ):
            return None
        if kernel.row_results:
            if target != x and not same_shape(x, target):
                return None
        elif PyArray_NDIM(target) != ndim:
            return None
        for axis in range(ndim):
            if PyArray_DIM(target, axis) != shape[axis]:
                return None
        for i in range(inputs if size(target) > 0 and n > 0 else 0):
            y = <PyArrayObject*> values[i]
            if y != target and not (bounds_allow(target, y) if kernel.row_results else lie_apart(target, y)):
                return None
        result = <object> out
    elif kernel.row_results:
        descriptor = cnp.PyArray_DescrFromType(function.results[number])
        Py_INCREF(descriptor)
        result = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, descriptor, 0)
    else:
        result = cnp.PyArray_EMPTY(ndim, shape, function.results[number], 0)
    target = <PyArrayObject*> <PyObject*> result
    operands[inputs] = <PyObject*> target
    if not make_nest(&nest, kernel, operands, is_core, keepdims):
        return None
    if size(target) > 0:
        if n < GIL_FREE:
            kernel.rows.compute(&nest, 0, nest.rows, NULL, NULL)
        else:
            with nogil:
                run_row_nest(&nest)
        clear_raised_flags(status)
    if out == NULL and PyArray_NDIM(target) == 0:
        Py_INCREF(result)
        return PyArray_Return(result)
    return result


# ---- the ufunc ----

cdef dict given_keywords(AxisFunction function, PyObject** values, tuple slots):
    cdef int i
    return {<object> function.names[i]: <object> values[i] for i in slots if values[i] != NULL}


cdef object masked_call(AxisFunction function, PyObject** values, list inputs, object out):
    """The call of masked arrays: an element that a mask hides has no share in its row, as in NumPy's sums of them."""
    cdef dict keywords = given_keywords(function, values, (PARAMETER, CASTING, ORDER, DTYPE, SUBOK, NAME, OPTION))
    cdef list filled = []
    # What adds nothing: the exponential of -inf, and a product with 0.
    cdef double neutral = -np.inf if function.inputs == 1 else 0
    mask = np.logical_or.reduce(np.broadcast_arrays(*map(np.ma.getmaskarray, inputs)))
    for x in map(np.ma.getdata, inputs):
        dtype = function.result_dtype(x.dtype)
        filled.append(x if dtype is None else np.where(mask, np.asarray(neutral, dtype), x.astype(dtype)))
    target = np.ma.getdata(out) if isinstance(out, np.ndarray) else out
    result = function(*filled, out=target, **keywords)
    if not function.row_results:
        mask = mask.all(keywords.get("axis", -1), keepdims=keywords.get("keepdims", False))
    if out is None:
        if not keywords.get("subok", True):
            return result
        result = np.ma.array(result, mask=mask)
        return result if result.ndim else result[()]
    if isinstance(out, np.ma.MaskedArray):
        out.mask = mask
    return out


cdef object ufunc_call(AxisFunction function, PyObject** values, object out):
    """The call by the ufunc, of arrays and array-likes of any kind."""
    cdef bint is_core[MAX_DIMS]
    cdef int i
    cdef object axis = -1 if values[PARAMETER] == NULL else <object> values[PARAMETER]
    cdef bint keepdims = keeps_dims(function, values)
    cdef bint reduces = not function.row_results
    cdef dict keywords = given_keywords(function, values, (CASTING, ORDER, DTYPE, SUBOK))
    inputs = [<object> values[i] for i in range(function.inputs)]
    inputs = [x if hasattr(x, "__array_ufunc__") else np.asarray(x) for x in inputs]
    # Casts of the result warn: of overflow to inf, and of values that an integer dtype cannot hold.
    with np.errstate(all="ignore"):
        if not all(isinstance(x, np.ndarray) for x in inputs):
            # Other libraries' arrays are handed over as they are. Theirs take one axis, as NumPy's own ufuncs do.
            if type(axis) is tuple and len(axis) == 1:
                axis = axis[0]
            if axis is None or type(axis) is tuple:
                raise TypeError(f"axis={axis!r}: arrays of type {type(inputs[0]).__name__} take one axis, a number")
            if reduces and keepdims:
                keywords["keepdims"] = True
            return function.ufunc(*inputs, out=out, axis=axis, **keywords)
        if any(np.ma.is_masked(x) for x in inputs):
            return masked_call(function, values, inputs, out)
        if len(inputs) == 2 and inputs[0].shape != inputs[1].shape:
            inputs = np.broadcast_arrays(*inputs, subok=True)
        x = inputs[0]
        mark_axes(function, values, x.ndim, is_core)
        core = [i for i in range(x.ndim) if is_core[i]]
        if len(core) == 1:
            if reduces and keepdims:
                keywords["keepdims"] = True
            return function.ufunc(*inputs, out=out, axis=core[0], **keywords)
        # Several axes are brought together at the end, which copies an array where they do not lie beside each other.
        ends = tuple(range(-len(core), 0))
        moved = [np.moveaxis(array, core, ends) for array in inputs]
        outer = moved[0].shape[:x.ndim - len(core)]
        length = int(np.prod(moved[0].shape[x.ndim - len(core):]))
        order = keywords.pop("order", None)
        result = np.asanyarray(function.ufunc(*(array.reshape(*outer, length) for array in moved), axis=-1, **keywords))
        if reduces:
            kept = [i for i in range(x.ndim) if keepdims or not is_core[i]]
            result = result.reshape([1 if is_core[i] else x.shape[i] for i in kept])
        else:
            result = np.moveaxis(result.reshape(moved[0].shape), ends, core)
        if order is not None:
            result = np.array(result, order=order, subok=True)
        if out is None:
            return result if result.ndim else result[()]
        if not isinstance(out, np.ndarray):
            raise TypeError("out must be an array")
        if out.shape != result.shape:
            raise ValueError(f"out has the shape {out.shape}, the result {result.shape}")
        np.copyto(out, result, casting=keywords.get("casting", "same_kind"))
        return out


# ---- the functions ----

cdef object call(AxisFunction function, PyObject** args, size_t nargsf, PyObject* names):
    cdef PyObject* values[SLOTS]
    cdef PyObject* out
    cdef object result = None
    parse(function, args, PyVectorcall_NARGS(nargsf), names, values)
    out = values[OUT]
    if out != NULL and type(<object> out) is tuple and len(<tuple> out) == 1:
        out = <PyObject*> (<tuple> out)[0]
    if out == <PyObject*> None:
        out = NULL
    if values[CASTING] == values[ORDER] == values[DTYPE] == values[SUBOK] == NULL:
        result = plain_call(function, values, out)
    if result is not None:
        return result
    try:
        return ufunc_call(function, values, None if out == NULL else <object> out)
    except (TypeError, ValueError, OverflowError) as error:
        if type(error) is AxisError and error.ndim is not None:     # NumPy's, of an output
            raise AxisError(f"{describe_call(function, values[NAME])}: {error}") from error
        if str(error).startswith(describe_call(function, values[NAME])):
            raise
        raise with_context(error, function, values[NAME]) from error


cdef class AxisFunction(Signature):
    # A public function along an axis.
    cdef bint row_results

    def __cinit__(self, row):
        self.vectorcall = <object (*)(object, PyObject**, size_t, PyObject*)> call

    def __init__(self, row):
        Signature.__init__(self, row)
        self.row_results = not row.reduces
        # What stands in the slots of a parameter and an option, which these functions have none of.
        self.names[PARAMETER] = <PyObject*> "axis"
        self.names[WHERE] = NULL
        if row.reduces:
            self.names[OPTION] = <PyObject*> "keepdims"

    @property
    def __doc__(self):
        return docstrings.docstring(self.row)


functions = {row.name: AxisFunction(row) for row in ROWS}
take_vectorcalls(functions["softmax"])
