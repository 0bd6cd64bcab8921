"""``rescale``: from any dtype to features of a floating-point one, with an activation in the same pass.

As for the activations there are two paths. The fast path takes exact, aligned, native ndarrays of any strides, with
numbers or arrays that broadcast for scale and offset. All else goes by a ufunc of NumPy's, and then to the activation.
"""

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

import operator
from functools import partial

import numpy as np

from cyact.activations cimport Activation
from cyact.arguments cimport OPTION, PARAMETER, dtype_kind, explained
from cyact.arrays cimport (
    CONTIGUOUS, GIL_FREE, PyArray_DATA, PyArray_DIM, PyArray_DIMS, PyArray_FLAGS, PyArray_NDIM, PyArray_NewLikeArray,
    PyArray_Return, PyArray_STRIDE, PyArray_STRIDES, PyArray_TYPE, PyArrayObject, fill_nest, is_plain, lie_apart,
    may_write, same_shape, size,
)
from cyact.dispatch cimport begin_nest, clear_raised_flags, level, run_contiguous, run_strided, store
from cyact.kernels.formulas_rescale cimport Parts, split_constants
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_DIMS, MAX_PARAMETERS, PATTERN, Kernel, LoopNest, Rescaling
from cyact.rescaling_ufunc cimport kernel_of, natural_number, result_number
from cyact.ufuncs cimport Function, type_index

from cyact import docstrings
from cyact.activations import functions
from cyact.functions import PREPROCESSING
from cyact.rescaling_ufunc import rescale as ufunc

cnp.import_array()

cdef enum:
    LONGEST_PIXEL = 64      # bytes, unless pixels lie in one straight run


# ---- scale and offset ----

cdef object as_constant(str what, object value):
    """Scale or offset: a float, an array of float64, or what NumPy hands over to (dask's arrays, pandas' series)."""
    if type(value) is float:
        return value
    if cnp.PyArray_Check(value):
        if is_plain(<PyObject*> value) and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
            return value
    elif hasattr(value, "__array_ufunc__") and not isinstance(value, np.generic):
        return value
    array = np.asarray(value)
    if dtype_kind(array.dtype) not in b"iuf" and array.dtype.name != "bfloat16":
        raise TypeError(f"{what} must be a real number or an array of real numbers, not {value!r}")
    array = array.astype(np.float64)
    return array if array.ndim else float(array)


# Scale and offset as a call has them.
cdef struct Given:
    double numbers[2]                           # where they are numbers
    char* data[2]
    const cnp.npy_intp* strides[2]              # by the features' axes; NULL for numbers
    cnp.npy_intp room[2][MAX_DIMS]


# False where an array does not broadcast to the shape of x.
cdef bint broadcast(Given* given, int k, object constant, PyArrayObject* x) noexcept:
    cdef PyArrayObject* array = <PyArrayObject*> <PyObject*> constant
    cdef cnp.npy_intp* strides = given.room[k]
    cdef int missing, axis
    if type(constant) is float:
        given.numbers[k] = constant
        given.data[k], given.strides[k] = <char*> &given.numbers[k], NULL
        return True
    given.data[k], given.strides[k] = <char*> PyArray_DATA(array), strides
    missing = PyArray_NDIM(x) - PyArray_NDIM(array)
    if missing < 0:
        return False
    for axis in range(PyArray_NDIM(x)):
        strides[axis] = 0
        if axis >= missing and PyArray_DIM(array, axis - missing) != 1:
            if PyArray_DIM(array, axis - missing) != PyArray_DIM(x, axis):
                return False
            strides[axis] = PyArray_STRIDE(array, axis - missing)
    return True


cdef enum:
    NONE = -1       # no axis
    SEVERAL = -2


# The axis along which they differ.
cdef int channel_axis(const Given* given, PyArrayObject* x) noexcept:
    cdef int axis, k, found = NONE
    for axis in range(PyArray_NDIM(x)):
        for k in range(2):
            if given.strides[k] != NULL and given.strides[k][axis] != 0 and PyArray_DIM(x, axis) > 1 and found != axis:
                if found != NONE:
                    return SEVERAL
                found = axis
    return found


# ---- constants that repeat ----

cdef inline void place(Rescaling* r, const Parts* parts, double scale, double offset, Py_ssize_t at) noexcept nogil:
    if r.in_parts:
        r.constants.parts[0][at], r.constants.parts[1][at] = parts.scale_high, parts.offset_high
        r.constants.parts[2][at], r.constants.parts[3][at] = parts.scale_low, parts.offset_low
    else:
        r.constants.whole[0][at], r.constants.whole[1][at] = scale, offset


# Fills in the pattern, for n elements. False where the constants cannot be split.
cdef bint fill_pattern(Rescaling* r, const Given* given, int axis, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t steps[2]
    cdef Py_ssize_t filled, more, count = min(n, <Py_ssize_t> r.length), itemsize = 4 if r.in_parts else 8
    cdef int each = 16 if r.plane != 0 or r.channels == 1 else 1, c, i, k
    cdef double scale, offset, least = -128 if r.first.types[0] == b"b" else 0
    cdef Parts parts = Parts(0, 0, 0, 0)
    cdef char* row
    for k in range(2):
        steps[k] = 0 if axis == NONE or given.strides[k] == NULL else given.strides[k][axis]
    for c in range(r.channels):
        scale = (<double*> (given.data[0] + c * steps[0]))[0]
        offset = (<double*> (given.data[1] + c * steps[1]))[0]
        if r.in_parts and not split_constants(scale, offset, least, &parts):
            return False
        for i in range(each):
            place(r, &parts, scale, offset, each * c + i)
    for k in range(4 if r.in_parts else 2):
        row = <char*> r.constants.parts[k] if r.in_parts else <char*> r.constants.whole[k]
        filled = each * r.channels
        while filled < count:
            more = min(filled, count - filled)
            memcpy(row + filled * itemsize, row, more * itemsize)
            filled += more
    return True


# How many elements a pattern has: whole pixels, and whole vectors of any level. More of them where a kernel is called
# for each. 0 where there is no room.
cdef int pattern_length(int channels, bint in_parts) noexcept nogil:
    cdef int length = channels
    while length % 16 != 0:
        length *= 2
    if length > PATTERN:
        return 0
    return length if in_parts or length > PATTERN // 2 else PATTERN // 2 // length * length


# Computes n elements, where scale and offset differ along one axis at most, along which the input's elements lie beside
# each other. False, and nothing is written, where they do not, or where the output's layout is none of the two.
cdef bint compute_pixels(
    const Kernel* first, const Kernel* second, const uint64_t* numbers, Given* given, int axis, PyArrayObject* x,
    PyArrayObject* target, Py_ssize_t n, bint allocated,
) noexcept:
    cdef Rescaling r
    cdef LoopNest nest
    cdef cnp.npy_intp shape[MAX_DIMS]
    cdef cnp.npy_intp own[2][MAX_DIMS]
    cdef const cnp.npy_intp* strides[2]
    cdef char* data[2]
    cdef int ndim = 0, a, o, k
    cdef Py_ssize_t step, out_step
    cdef bint straight
    data[0], data[1] = <char*> PyArray_DATA(x), <char*> PyArray_DATA(target)
    r.first, r.second, r.channels, r.backwards, r.plane, r.kernel = first, second, 1, False, 0, first[0]
    if second != NULL:
        memcpy(r.numbers, numbers, second.parameters * sizeof(numbers[0]))
    if axis >= 0:
        if PyArray_DIM(x, axis) > PATTERN:
            return False
        r.channels = PyArray_DIM(x, axis)
        step, out_step = PyArray_STRIDE(x, axis), PyArray_STRIDE(target, axis)
        if step < 0 and (out_step < 0 or out_step != first.itemsize[3]):
            # The last channel first, everywhere.
            data[0] += (r.channels - 1) * step
            data[1] += (r.channels - 1) * out_step
            step, out_step = -step, -out_step
            for k in range(2):
                if given.strides[k] != NULL:
                    given.data[k] += (r.channels - 1) * given.room[k][axis]
                    given.room[k][axis] = -given.room[k][axis]
        if out_step != first.itemsize[3]:
            r.plane = out_step
        elif step < 0:
            r.backwards = True
            data[0] += (r.channels - 1) * step
        if step != first.itemsize[0] and not r.backwards:
            return False
    r.in_parts = first.types[0] in b"bB" and first.types[3] != b"d" and not level.emulates_fma
    r.kernel.inputs, r.kernel.parameters, r.kernel.operands = 1, 0, 2
    r.kernel.itemsize[0] = r.channels * first.itemsize[0]
    r.kernel.itemsize[1] = first.itemsize[3] if r.plane != 0 else r.channels * first.itemsize[3]
    r.kernel.in_rows = r.plane != 0
    r.kernel.stores_past_cache = False
    r.kernel.compute_bound = second != NULL and second.compute_bound or r.channels > 1
    r.kernel.call = level.rescale_planes if r.plane != 0 else level.rescale_pixels
    for a in range(PyArray_NDIM(x)):
        if a != axis:
            shape[ndim], own[0][ndim], own[1][ndim] = PyArray_DIM(x, a), PyArray_STRIDE(x, a), PyArray_STRIDE(target, a)
            ndim += 1
    strides[0], strides[1] = own[0], own[1]
    begin_nest(&nest, &r.kernel)
    if not fill_nest(&nest, ndim, shape, strides, data):
        return False
    straight = nest.ndim == 1
    for o in range(2):
        straight = straight and nest.strides[o][0] == r.kernel.itemsize[o]
    if r.plane != 0 and nest.strides[1][nest.ndim - 1] != r.kernel.itemsize[1]:
        return False
    if not straight and max(r.kernel.itemsize[0], r.kernel.itemsize[1]) > LONGEST_PIXEL:
        return False
    if r.plane != 0 and r.channels * 16 > PATTERN or r.backwards and r.kernel.itemsize[0] > LONGEST_PIXEL:
        return False
    while True:
        r.length = 16 * r.channels if r.plane != 0 else pattern_length(r.channels, r.in_parts)
        if r.length == 0:
            return False
        if fill_pattern(&r, given, axis, n):
            break
        r.in_parts = False
    if n < GIL_FREE:
        run_pixels(&nest, straight, n // r.channels, allocated or r.plane != 0)
    else:
        with nogil:
            run_pixels(&nest, straight, n // r.channels, allocated or r.plane != 0)
    return True


# Planes are not written past the cache: whoever does that knows of one output.
cdef void run_pixels(LoopNest* nest, bint straight, Py_ssize_t n, bint in_cache) noexcept nogil:
    if not straight:
        run_strided(nest)
    elif n < GIL_FREE:
        nest.kernel.call(nest.kernel, nest.data, n, True, False)
    else:
        run_contiguous(nest.kernel, nest.data, n, True, in_cache)


# Computes n elements of any layout, by the kernel of single elements. False where those of the target may overlap each
# other.
cdef bint compute_elements(
    const Kernel* kernel, const Given* given, PyArrayObject* x, PyArrayObject* target, Py_ssize_t n
) noexcept:
    cdef LoopNest nest
    cdef char* data[4]
    cdef const cnp.npy_intp* strides[4]
    data[0], data[1], data[2] = <char*> PyArray_DATA(x), given.data[0], given.data[1]
    data[3] = <char*> PyArray_DATA(target)
    strides[0], strides[3] = PyArray_STRIDES(x), PyArray_STRIDES(target)
    strides[1], strides[2] = given.strides[0], given.strides[1]
    begin_nest(&nest, kernel)
    if not fill_nest(&nest, PyArray_NDIM(x), PyArray_DIMS(x), strides, data):
        return False
    if n < GIL_FREE:
        run_strided(&nest)
    else:
        with nogil:
            run_strided(&nest)
    return True


# ---- the fast path ----

# Whether an activation's parameters are numbers, which are stored.
cdef bint find_activation(
    Activation activation, dict keywords, int index, const Kernel** kernel, uint64_t* numbers
) except -1:
    cdef Function function = activation
    cdef int i
    if activation.names[OPTION] != NULL and keywords.get(<object> activation.names[OPTION], False):
        function = activation.alternative
    kernel[0] = function.kernels[index]
    for i in range(activation.parameters):
        value = keywords.get(<object> activation.names[PARAMETER + i], activation.defaults[i])
        if type(value) is not float and type(value) is not int:
            return False
        store(float(value), kernel[0].types[1 + i], &numbers[i])
    return True


cdef object fast_path(
    object features, object scale, object offset, object out, int result, bint c_order, Activation activation,
    dict keywords,
):
    """The result, or None where the ufunc has to be called. ``result`` is its dtype's number."""
    cdef PyArrayObject* x = <PyArrayObject*> <PyObject*> features
    cdef PyArrayObject* target = NULL
    cdef Py_ssize_t n = size(x)
    cdef int index = type_index(PyArray_TYPE(x)), axis
    cdef const Kernel* kernel
    cdef const Kernel* second = NULL
    cdef uint64_t numbers[MAX_PARAMETERS]
    cdef char* args[4]
    cdef Given given
    cdef object made = out
    cdef cnp.dtype descriptor
    cdef bint done
    cdef unsigned int status = get_status()
    if index < 0:
        return None
    kernel = kernel_of(index, result)
    if kernel == NULL or not (broadcast(&given, 0, scale, x) and broadcast(&given, 1, offset, x)):
        return None
    if out is not None:
        target = <PyArrayObject*> <PyObject*> out
        if (
            not is_plain(<PyObject*> out)
            or PyArray_TYPE(target) != result
            or not PyArray_FLAGS(target) & cnp.NPY_ARRAY_WRITEABLE
            or not (same_shape(x, target) and may_write(target, x, kernel, n))
            or given.strides[0] != NULL and not lie_apart(target, <PyArrayObject*> <PyObject*> scale)
            or given.strides[1] != NULL and not lie_apart(target, <PyArrayObject*> <PyObject*> offset)
        ):
            return None
    if activation is not None and not find_activation(activation, keywords, type_index(result), &second, numbers):
        return None
    if out is None:
        if c_order or PyArray_FLAGS(x) & cnp.NPY_ARRAY_C_CONTIGUOUS:
            made = cnp.PyArray_EMPTY(PyArray_NDIM(x), PyArray_DIMS(x), result, 0)
        else:
            descriptor = cnp.PyArray_DescrFromType(result)
            Py_INCREF(descriptor)
            made = PyArray_NewLikeArray(x, cnp.NPY_KEEPORDER, descriptor, 0)
        target = <PyArrayObject*> <PyObject*> made
    if n > 0:
        axis = channel_axis(&given, x)
        if axis == NONE and second == NULL and PyArray_FLAGS(x) & PyArray_FLAGS(target) & CONTIGUOUS:
            args[0], args[1], args[2] = <char*> PyArray_DATA(x), given.data[0], given.data[1]
            args[3] = <char*> PyArray_DATA(target)
            if n < GIL_FREE:
                kernel.call(kernel, args, n, True, False)
            else:
                with nogil:
                    run_contiguous(kernel, args, n, True, out is None)
        else:
            done = axis != SEVERAL and (axis != NONE or second != NULL) and compute_pixels(
                kernel, second, numbers, &given, axis, x, target, n, out is None
            )
            if not done and (second != NULL or not compute_elements(kernel, &given, x, target, n)):
                return None
    clear_raised_flags(status)
    if out is None and PyArray_NDIM(target) == 0:
        Py_INCREF(made)
        return PyArray_Return(made)
    return made


# ---- the public function ----

cdef str call_text(str function, object label):
    """The function's name and the caller's label."""
    return function if label is None else f"{function} (name={label!r})"


cdef tuple as_activation(object activation):
    """The function, and its own parameters by keyword."""
    cdef dict keywords = {}
    cdef object function = activation
    if isinstance(activation, partial):
        function, keywords = activation.func, activation.keywords
        if activation.args:
            function = None
    elif type(activation) is str:
        function = functions.get(activation)
    if not isinstance(function, Activation) or (<Activation> function).inputs != 1:
        raise TypeError(
            f"activation must be one of cyact's functions of one array, its name, or a functools.partial of it that "
            f"has its parameters by keyword, not {activation!r}"
        )
    for name in keywords:
        if name not in function.row.defaults:
            raise TypeError(f"activation: {function.__name__} has no parameter {name!r}")
    return function, keywords


cdef object in_two_calls(object features, object scale, object offset, object out, object activation, dict options):
    """By the ufunc, and then by the activation."""
    cdef object y, function, keywords
    if activation is None:
        return ufunc(features, scale, offset, out=out, **options)
    function, keywords = as_activation(activation)
    first = dict(options, casting="same_kind")
    if out is not None and options["dtype"] is None:
        # As without an activation: the dtype of ``out`` decides, where it is a floating-point one.
        stored = out[0] if type(out) is tuple else out
        if result_number(getattr(stored, "dtype", None)) >= 0:
            first["dtype"] = stored.dtype
    y = ufunc(features, scale, offset, **first)
    if out is None and type(y) is np.ndarray:
        out = y
    return function(y, out=out, where=options["where"], casting=options["casting"], **keywords)


# Whether the fast path takes it as scale or offset.
cdef inline bint is_ready(object constant) noexcept:
    return type(constant) is float or cnp.PyArray_CheckExact(constant)


cdef object computed(
    str name, object features, object scale, object offset, object out, object activation, object where, object casting,
    object order, object dtype, bint subok, object label,
):
    cdef object target = out, result = None
    cdef dict keywords = None
    cdef Activation function = None
    cdef int number
    try:
        scale = as_constant("scale", scale)
        offset = as_constant("offset", offset)
        if activation is not None:
            function, keywords = as_activation(activation)
        if not cnp.PyArray_Check(features) and not hasattr(features, "__array_ufunc__"):
            features = np.asarray(features)
        if type(out) is tuple and len(<tuple> out) == 1:
            target = (<tuple> out)[0]
        if (
            is_plain(<PyObject*> features) and is_ready(scale) and is_ready(offset) and where is True
            and (order == "K" or order == "C") and (casting == "same_kind" or casting == "unsafe")
        ):
            if dtype is not None:
                number = result_number(np.dtype(dtype))
            elif target is None:
                number = natural_number((<cnp.ndarray> features).descr)
            else:
                number = result_number((<cnp.ndarray> target).descr if cnp.PyArray_Check(target) else None)
            if number >= 0:
                result = fast_path(features, scale, offset, target, number, order == "C", function, keywords)
        if result is None:
            options = {"where": where, "casting": casting, "order": order, "dtype": dtype, "subok": subok}
            result = in_two_calls(features, scale, offset, out, activation, options)
        return result
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(error, call_text(name, label)) from error


def rescale(
    features, scale, offset=0.0, out=None, *, activation=None, where=True, casting="same_kind", order="K", dtype=None,
    subok=True, name=None, **unknown,
):
    if unknown:
        raise TypeError(f"{call_text('rescale', name)}: got an unexpected keyword argument {min(unknown)!r}")
    return computed("rescale", features, scale, offset, out, activation, where, casting, order, dtype, subok, name)


# ---- normalize ----

cdef object along_axis(str what, object values, object images, int axis):
    """Means or standard deviations as float64: a number, or an array that broadcasts along the axis."""
    array = as_constant(what, values)
    if type(array) is float:
        return np.float64(array)
    array = np.asarray(array, dtype=np.float64)
    if array.ndim != 1 or array.size not in (1, images.shape[axis]):
        raise ValueError(f"{what} has the shape {array.shape}, and the images have {images.shape[axis]} channels")
    return array.reshape(array.shape + (1,) * (-1 - axis))


def normalize(
    images, mean, std, *,
    max_value=None, axis=-1, layout=None, activation=None, out=None, dtype=None, name=None, **unknown,
):
    cdef int channels
    try:
        if unknown:
            raise TypeError(f"got an unexpected keyword argument {min(unknown)!r}")
        if not hasattr(images, "shape"):
            images = np.asarray(images)
        ndim = len(images.shape)
        channels = operator.index(axis)
        if layout not in (None, "CHW"):
            raise ValueError(f"layout must be \"CHW\" or None, not {layout!r}")
        if not -ndim <= channels < ndim and (ndim > 0 or channels != -1):
            raise ValueError(f"axis {channels} is out of bounds for images of {ndim} dimensions")
        channels -= ndim if channels >= 0 else 0
        if layout is not None:
            if ndim < 3 or channels != -1:
                shape = f"(..., height, width, channels), not of shape {images.shape}"
                raise ValueError(f"layout=\"CHW\" is for images {shape}")
            images = np.moveaxis(images, -1, -3)
            channels = -3
        largest = 1.0 if max_value is None else as_constant("max_value", max_value)
        if type(largest) is not float or not 0 < largest < np.inf:
            raise ValueError(f"max_value must be a positive number, not {max_value!r}")
        mean = along_axis("mean", mean, images, channels)
        std = along_axis("std", std, images, channels)
        if np.any(std == 0):
            raise ValueError("std is 0")
        with np.errstate(all="ignore"):
            scale, offset = 1 / (largest * std), -mean / std
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(error, call_text("normalize", name)) from error
    order = "K" if layout is None else "C"
    return computed("normalize", images, scale, offset, out, activation, True, "same_kind", order, dtype, True, name)


def described(function, row):
    """The function with the words of its row."""
    function.__doc__ = docstrings.preprocessing_docstring(row)
    function.__signature__ = docstrings.preprocessing_signature(row)
    function.__module__ = "cyact"
    return function


public = {row.name: described(globals()[row.name], row) for row in PREPROCESSING.values()}
rescale.ufunc = ufunc
