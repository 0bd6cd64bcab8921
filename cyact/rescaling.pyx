"""``rescale``: from any dtype to features of a floating-point one, with an activation in the same pass.

There are two paths. The fast path takes exact, aligned, native ndarrays of any strides, with
numbers or arrays that broadcast for scale and offset. All else goes by a ufunc of NumPy's, and then to the activation.
"""

cimport numpy as cnp
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from functools import partial
from numbers import Real

import numpy as np

from cyact.activations cimport Activation
from cyact.arguments cimport OPTION, PARAMETER, as_axis, call_text, dtype_kind, explained
from cyact.arrays cimport (
    CONTIGUOUS, GIL_FREE, PyArray_DATA, PyArray_DIM, PyArray_DIMS, PyArray_FLAGS, PyArray_NDIM,
    PyArray_NewLikeArray, PyArray_Return, PyArray_STRIDE, PyArray_TYPE, PyArrayObject, is_plain, lie_apart, may_write,
    same_shape, size,
)
from cyact.dispatch cimport clear_raised_flags, run_contiguous, store
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_PARAMETERS, Kernel
from cyact.rescaling_layouts cimport (
    NONE, SEVERAL, Given, broadcast, channel_axis, compute_elements, compute_pixels, pixel_axis,
)
from cyact.rescaling_ufunc cimport kernel_of, natural_number, result_number
from cyact.ufuncs cimport Function, type_index

from cyact import docstrings
from cyact.activations import functions
from cyact.functions import PREPROCESSING
from cyact.rescaling_ufunc import rescale as ufunc

cnp.import_array()

# ---- scale and offset ----

cdef enum:
    MOST_CHANNELS = 64                  # that are read without NumPy
    LARGEST_INTEGER = 1073741824        # likewise, among those that double has

cdef object float64 = np.float64


cdef bint read(object number, double* to) noexcept:
    """Whether it is a number that double holds, of a type that as_constant takes."""
    if type(number) is float or type(number) is float64:
        to[0] = number
        return True
    if type(number) is int and -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
        to[0] = number
        return True
    return False


cdef double* read_all(object values, double* to) noexcept:
    """Read how many there are and which; behind them, or NULL for what is no number, tuple, list or plain array."""
    cdef PyArrayObject* array = <PyArrayObject*> <PyObject*> values
    cdef Py_ssize_t n, i
    if type(values) is list:
        values = tuple(<list> values)       # which no other thread changes
    if type(values) is tuple:
        n = len(<tuple> values)
        if n > MOST_CHANNELS:
            return NULL
        to[0] = n
        for i in range(n):
            if not read((<tuple> values)[i], &to[1 + i]):
                return NULL
        return to + 1 + n
    if not is_plain(<PyObject*> values):
        to[0] = -1      # one number is another thing than a tuple of one
        return to + 2 if read(values, &to[1]) else NULL
    n = size(array)
    if (
        PyArray_TYPE(array) != cnp.NPY_DOUBLE or PyArray_NDIM(array) != 1 or n > MOST_CHANNELS
        or not PyArray_FLAGS(array) & cnp.NPY_ARRAY_C_CONTIGUOUS
    ):
        return NULL
    to[0] = n
    memcpy(to + 1, PyArray_DATA(array), n * sizeof(double))
    return to + 1 + n


cdef object as_constant(str what, object value):
    """Scale or offset: a float, an array of float64, or what NumPy hands over to (dask's arrays, pandas' series)."""
    cdef double numbers[1 + MOST_CHANNELS]
    cdef cnp.npy_intp n
    if type(value) is float:
        return value
    if (type(value) is tuple or type(value) is list) and read_all(value, numbers) != NULL:
        n = <cnp.npy_intp> numbers[0]
        array = cnp.PyArray_EMPTY(1, &n, cnp.NPY_DOUBLE, 0)
        memcpy(cnp.PyArray_DATA(array), numbers + 1, n * sizeof(double))
        return array
    if cnp.PyArray_Check(value):
        if is_plain(<PyObject*> value) and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
            return value
    elif isinstance(value, Real) and not isinstance(value, (bool, np.generic)) or type(value) is float64:
        return float(value)
    elif hasattr(value, "__array_ufunc__") and not isinstance(value, np.generic):
        return value
    array = np.asanyarray(value)
    if dtype_kind(array.dtype) not in b"iuf" and array.dtype.name != "bfloat16":
        raise TypeError(f"{what} must be a real number or an array of real numbers, not {value!r}")
    array = array.astype(np.float64)
    return array if array.ndim else float(array)


# ---- the fast path ----

# Whether an activation's parameters are numbers, which are stored, and its option is a bool.
cdef bint find_activation(
    Activation activation, dict keywords, int index, const Kernel** kernel, uint64_t* numbers
) except -1:
    cdef Function function = activation
    cdef int i
    if activation.names[OPTION] != NULL:
        value = keywords.get(<object> activation.names[OPTION], False)
        if not isinstance(value, bool):
            return False
        if value:
            function = activation.alternative
    kernel[0] = function.kernels[index]
    for i in range(activation.parameters):
        value = keywords.get(<object> activation.names[PARAMETER + i], activation.defaults[i])
        if type(value) is not float and type(value) is not int:
            return False
        store(float(value), kernel[0].types[1 + i], &numbers[i])
    return True


# Whether the axis along which the constants differ is all there is, and all of it lies straight: one row of a table.
cdef inline bint is_one_run(
    const Kernel* kernel, const Given* given, int axis, PyArrayObject* x, PyArrayObject* target, Py_ssize_t n
) noexcept:
    cdef int k
    for k in range(2):
        if given.strides[k] == NULL or given.strides[k][axis] != sizeof(double):
            return False
    return (
        PyArray_DIM(x, axis) == n
        and PyArray_STRIDE(x, axis) == kernel.itemsize[0]
        and PyArray_STRIDE(target, axis) == kernel.itemsize[3]
    )


cdef object fast_path(
    object features, object scale, object offset, object out, int result, bint c_order, Activation activation,
    dict keywords,
):
    """The result, or None where the ufunc has to be called. ``result`` is its dtype's number."""
    cdef PyArrayObject* x = <PyArrayObject*> <PyObject*> features
    cdef PyArrayObject* target = NULL
    cdef Py_ssize_t n = size(x)
    cdef int index = type_index(PyArray_TYPE(x)), axis, pixels
    cdef const Kernel* kernel
    cdef const Kernel* second = NULL
    cdef uint64_t numbers[MAX_PARAMETERS]
    cdef char* args[4]
    cdef Given given
    cdef object made = out
    cdef cnp.dtype descriptor
    cdef bint done, single
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
        single = axis == NONE and PyArray_FLAGS(x) & PyArray_FLAGS(target) & CONTIGUOUS
        if second == NULL and (single or axis >= 0 and is_one_run(kernel, &given, axis, x, target, n)):
            args[0], args[1], args[2] = <char*> PyArray_DATA(x), given.data[0], given.data[1]
            args[3] = <char*> PyArray_DATA(target)
            if n < GIL_FREE:
                kernel.call(kernel, args, n, single, False)
            else:
                with nogil:
                    run_contiguous(kernel, args, n, single, out is None)
        else:
            done = False
            if axis == NONE:
                pixels = pixel_axis(x)
                done = pixels != NONE and compute_pixels(
                    kernel, second, numbers, &given, pixels, x, target, n, out is None
                )
            if axis != SEVERAL and not done:
                done = compute_pixels(kernel, second, numbers, &given, axis, x, target, n, out is None)
            if not done and (second != NULL or not compute_elements(kernel, &given, x, target, n)):
                return None
    clear_raised_flags(status)
    if out is None and PyArray_NDIM(target) == 0:
        Py_INCREF(made)
        return PyArray_Return(made)
    return made


# ---- the public function ----

cdef tuple as_activation(object activation):
    """The function, and its own parameters by keyword."""
    cdef dict keywords = {}
    cdef object function = activation
    if isinstance(activation, partial):
        function, keywords = activation.func, activation.keywords
        if activation.args:
            function = None
    elif isinstance(activation, str):
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
    """By the ufunc, and then by the activation. ``options`` has no defaults: dask's arrays do not take all of them."""
    cdef object y, function, keywords
    cdef dict first
    if out is not None and "dtype" not in options:
        # The dtype of ``out`` decides, where it is a floating-point one. NumPy has to be told: it remembers what it
        # chose for a call without ``out``, and would compute in that.
        stored = out[0] if type(out) is tuple else out
        if result_number(getattr(stored, "dtype", None)) >= 0:
            options = dict(options, dtype=stored.dtype.newbyteorder("="))
    if activation is None:
        return ufunc(features, scale, offset, out=out, **options)
    function, keywords = as_activation(activation)
    first = {key: value for key, value in options.items() if key != "casting"}
    if "where" in first:
        first["out"] = None     # so that NumPy does not warn: what is left out here is not looked at again
    y = ufunc(features, scale, offset, **first)
    if out is None and type(y) is np.ndarray:
        out = y
    return function(y, out=out, **{key: options[key] for key in ("where", "casting") if key in options}, **keywords)


cdef dict DEFAULTS = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True}


# Whether the fast path takes it as scale or offset.
cdef inline bint is_ready(object constant) noexcept:
    return type(constant) is float or cnp.PyArray_CheckExact(constant)


cdef object computed(
    str name, object features, object scale, object offset, object out, object activation, object where, object casting,
    object order, object dtype, object subok, object label,
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
            and (subok is True or subok is False) and (order == "K" or order == "C")
            and (casting == "same_kind" or casting == "unsafe")
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
            options = {key: value for key, value in options.items() if value is not DEFAULTS[key]}
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

cdef enum:
    MOST_KNOWN = 64     # constants that are kept

cdef dict known_constants = {}      # scale and offset, by the bytes of what they are made of


cdef object per_channel(str what, object values):
    """Means or standard deviations as float64: a number, or an array of one dimension."""
    array = np.asarray(as_constant(what, values), dtype=np.float64)
    if array.ndim > 1:
        raise ValueError(f"{what} has the shape {array.shape}: there must be one number, or one for each channel")
    return array


cdef object along(object constants, int channels):
    """They, or the number that they are, as what broadcasts along an axis, counted from the last one."""
    if constants.ndim == 0:
        return float(constants)
    constants.flags.writeable = False       # later calls use them again, and other code may see them
    return constants.reshape(constants.shape + (1,) * (-1 - channels))


cdef tuple constants_of(object mean, object std, object max_value, int channels):
    """Scale and offset, and how many there are of means and deviations."""
    largest = 1.0 if max_value is None else as_constant("max_value", max_value)
    if type(largest) is not float or not 0 < largest < np.inf:
        raise ValueError(f"max_value must be a positive number, not {max_value!r}")
    mean, std = per_channel("mean", mean), per_channel("std", std)
    if np.any(std == 0):
        raise ValueError("std is 0")
    if mean.size != std.size and 1 not in (mean.size, std.size):
        raise ValueError(f"mean has {mean.size} numbers, and std has {std.size}")
    with np.errstate(all="ignore"):
        return along(1 / (largest * std), channels), along(-mean / std, channels), mean.size, std.size


cdef tuple constants_for(object mean, object std, object max_value, int channels):
    """As ``constants_of``. As a rule they are the same in every call, and take longer than a small image."""
    cdef double numbers[2 * MOST_CHANNELS + 4]
    cdef double* end = NULL
    numbers[0], numbers[1] = channels, 1
    if max_value is None or read(max_value, &numbers[1]):
        end = read_all(mean, numbers + 2)
        if end != NULL:
            end = read_all(std, end)
    if end == NULL:
        return constants_of(mean, std, max_value, channels)
    key = PyBytes_FromStringAndSize(<char*> numbers, <char*> end - <char*> numbers)
    constants = known_constants.get(key)
    if constants is None:
        constants = constants_of(mean, std, max_value, channels)
        if len(known_constants) >= MOST_KNOWN:
            known_constants.clear()
        known_constants[key] = constants
    return constants


cdef object channels_first(object images, int ndim):
    if is_plain(<PyObject*> images):
        return cnp.PyArray_SwapAxes(cnp.PyArray_SwapAxes(images, ndim - 1, ndim - 2), ndim - 2, ndim - 3)
    return np.transpose(images, (*range(ndim - 3), ndim - 1, ndim - 3, ndim - 2))


cdef bint fits(object count, object images, int ndim, int channels) except -1:
    """Whether there is one number, or one for each channel."""
    if count == 1:
        return True
    if ndim == 0:
        return False
    return count == (PyArray_DIM(<PyArrayObject*> <PyObject*> images, ndim + channels) if cnp.PyArray_Check(images)
                     else images.shape[channels])


def normalize(
    images, mean, std, *,
    max_value=None, axis=-1, layout=None, activation=None, out=None, dtype=None, name=None, **unknown,
):
    cdef int ndim, channels
    try:
        if unknown:
            raise TypeError(f"got an unexpected keyword argument {min(unknown)!r}")
        if not cnp.PyArray_Check(images) and not hasattr(images, "shape"):
            images = np.asarray(images)
        ndim = cnp.PyArray_NDIM(images) if cnp.PyArray_Check(images) else len(images.shape)
        number = as_axis(axis)
        if number is None:
            raise TypeError(f"axis must be an integer, not {axis!r}")
        channels = number
        if layout is not None and not (isinstance(layout, str) and layout == "CHW"):
            raise ValueError(f"layout must be \"CHW\" or None, not {layout!r}")
        if not -ndim <= channels < ndim and (ndim > 0 or channels != -1):
            raise ValueError(f"axis {channels} is out of bounds for images of {ndim} dimensions")
        channels -= ndim if channels >= 0 else 0
        if layout is not None and (ndim < 3 or channels != -1):
            raise ValueError(
                f"layout=\"CHW\" is for images (..., height, width, channels), not of shape {tuple(images.shape)}"
            )
        scale, offset, means, deviations = constants_for(mean, std, max_value, -3 if layout is not None else channels)
        if not fits(means, images, ndim, channels):
            raise ValueError(f"mean has {means} numbers for images of shape {tuple(images.shape)}")
        if not fits(deviations, images, ndim, channels):
            raise ValueError(f"std has {deviations} numbers for images of shape {tuple(images.shape)}")
        if layout is not None:
            images = channels_first(images, ndim)
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(error, call_text("normalize", name)) from error
    # In the order of its axes, where NumPy allocates the result.
    order = "C" if layout is not None and cnp.PyArray_Check(images) else "K"
    return computed("normalize", images, scale, offset, out, activation, True, "same_kind", order, dtype, True, name)


def described(function, row):
    """The function with the words of its row."""
    function.__doc__ = docstrings.preprocessing_docstring(row)
    function.__signature__ = docstrings.preprocessing_signature(row)
    function.__module__ = "cyact"
    return function


public = {row.name: described(globals()[row.name], row) for row in PREPROCESSING.values()}
rescale.ufunc = ufunc
