"""NumPy ufuncs, one for each function in the kernels' table.

They are the general road of the public functions, which add defaults, checks and messages. NumPy broadcasts, casts,
resolves overlap, applies ``where`` and hands over to ``__array_ufunc__``. ``truncated_*`` take integers and store the
result into the same integer dtype, toward zero.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from collections.abc import Mapping
from numbers import Real

import numpy as np

from cyact.kernels.table cimport MAX_OPERANDS, LoopNest, Kernel
from cyact.parallel cimport run_contiguous, run_strided, get_status, level, clear_raised_flags, store

cnp.import_array()
cnp.import_ufunc()

cdef extern from "numpy/arrayobject.h":
    # Steals a reference to the dtype.
    object PyArray_Zeros(int ndim, cnp.npy_intp* shape, cnp.dtype dtype, int is_f_order)

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
        type_resolver_t type_resolver


cdef void loop(char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data) noexcept nogil:
    """The inner loop of every ufunc; ``data`` is the kernel.

    ``args`` is left as it was: under ``where=`` NumPy goes on from it.
    """
    cdef const Kernel* kernel = <const Kernel*> data
    cdef int out = kernel.operands - 1, o
    cdef Py_ssize_t n = dimensions[0], i
    cdef bint scalar = kernel.sloped and steps[out - 1] == 0, straight = True
    cdef char* at[MAX_OPERANDS]
    cdef LoopNest nest
    cdef unsigned int status = get_status()
    for o in range(out + 1):
        straight = straight and (steps[o] == kernel.itemsize[o] or scalar and o == out - 1)
    if overlaps(kernel, args, n, steps):
        for i in range(n):
            for o in range(out + 1):
                at[o] = args[o] + i * steps[o]
            run_contiguous(kernel, at, 1, kernel.sloped, just_allocated=False)
    elif straight:
        run_contiguous(kernel, args, n, scalar, just_allocated=False)
    else:
        nest.kernel = kernel
        nest.ndim = 1
        nest.shape[0] = n
        for o in range(out + 1):
            nest.strides[o][0] = steps[o]
            nest.data[o] = args[o]
        run_strided(&nest)
    clear_raised_flags(status)


cdef inline bint overlaps(
    const Kernel* kernel, char** args, Py_ssize_t n, const cnp.npy_intp* steps
) noexcept nogil:
    """Whether an input shares memory with the output other than element by element.

    NumPy lets that happen where a loop that goes forward, one element at a time, is right: an input ahead of the
    output, the running value of ``reduce``, the one before it in ``accumulate``.
    """
    cdef int out = kernel.operands - 1, o
    cdef char* low
    cdef char* high
    cdef char* out_low
    cdef char* out_high
    out_low = args[out] + min(0, (n - 1) * steps[out])
    out_high = args[out] + max(0, (n - 1) * steps[out]) + kernel.itemsize[out]
    for o in range(out):
        if args[o] == args[out] and steps[o] == steps[out] and (steps[o] != 0 or n == 1):
            continue
        low = args[o] + min(0, (n - 1) * steps[o])
        high = args[o] + max(0, (n - 1) * steps[o]) + kernel.itemsize[o]
        if low < out_high and out_low < high:
            return True
    return False


cdef type_resolver_t numpy_resolver     # what PyUFunc_FromFuncAndData sets


cdef int resolver(
    PyUFuncObject* ufunc,
    cnp.NPY_CASTING casting,
    PyArrayObject** operands,
    PyObject* type_tuple,
    PyArray_Descr** descriptors,
) except -1:
    """NumPy's choice of a loop, but for four things.

    Dtypes that have no loop are refused, of which NumPy would cast some (bool to int8, float8 to float32), and integers
    where there are floating-point loops alone, which it would cast to float16. bfloat16 is made known when it is first
    met. And where only the result's dtype is asked for (``dtype=``), every other operand is computed in it too: NumPy
    would take the first loop with that result, and cast an int32 array to int8 for it.
    """
    cdef int nargs = ufunc.nin + ufunc.nout, number, i
    cdef bint integers = True
    cdef cnp.ndarray array
    for i in range(ufunc.nin):
        array = <cnp.ndarray> operands[i]
        number = cnp.PyArray_TYPE(array)
        if bfloat16_number < 0 and is_bfloat16(array.dtype):
            add_bfloat16(array.dtype)
        if not (
            cnp.PyArray_ISINTEGER(array)
            or number in (NPY_HALF, cnp.NPY_FLOAT, cnp.NPY_DOUBLE)
            or number == bfloat16_number
        ):
            raise TypeError(f"{array.dtype} is not supported")
        integers = integers and (cnp.PyArray_ISINTEGER(array) or i == 2)     # the slope, of three
    if integers and ufunc.types[0] == NPY_HALF:
        raise TypeError("integers are not supported")
    types = <object> type_tuple if type_tuple != NULL else None
    if type(types) is tuple and types[:-1] == (None,) * ufunc.nin and types[ufunc.nin] is not None:
        wanted = types[ufunc.nin]
        if is_bfloat16(wanted):
            # NumPy looks among added loops for the inputs' dtypes alone.
            if bfloat16_number < 0:
                add_bfloat16(wanted)
            for i in range(nargs):
                Py_INCREF(wanted)
                descriptors[i] = <PyArray_Descr*> wanted
            return PyUFunc_ValidateCasting(ufunc, casting, operands, descriptors)
        types = (types[ufunc.nin],) * nargs
        return numpy_resolver(ufunc, casting, operands, <PyObject*> types, descriptors)
    return numpy_resolver(ufunc, casting, operands, type_tuple, descriptors)


# ---- bfloat16 ----

cdef int bfloat16_number = -1       # NumPy's number for ml_dtypes' bfloat16, once it was met


cdef int type_index(int type_number) noexcept:
    """Where ``Function`` keeps what belongs to a type number; -1 for types that it does not know."""
    if type_number < NUMPY_TYPES:
        return type_number
    return NUMPY_TYPES if type_number == bfloat16_number else -1


cdef bint is_bfloat16(object dtype):
    if not isinstance(dtype, cnp.dtype) or (<cnp.dtype> dtype).type_num < NUMPY_TYPES:
        return False
    return (dtype.type.__module__, dtype.type.__name__) == ("ml_dtypes", "bfloat16")


cdef add_bfloat16(dtype):
    """Adds its loops to every ufunc: at the first call, since ml_dtypes is optional and takes time to import."""
    global bfloat16_number
    cdef Function function
    cdef int number = dtype.num, o
    cdef int types[MAX_OPERANDS]
    cdef void* kernel
    for o in range(MAX_OPERANDS):
        types[o] = number
    for function in functions.values():
        if function.kernels[NUMPY_TYPES] != NULL:
            kernel = <void*> function.kernels[NUMPY_TYPES]
            cnp.PyUFunc_RegisterLoopForType(function.ufunc, number, <cnp.PyUFuncGenericFunction> loop, types, kernel)
            function.results[NUMPY_TYPES] = number
    bfloat16_number = number


cdef class Function:
    """A function's kernels as the direct road looks them up, and its ufunc."""

    def __cinit__(self, str name, list rows):
        # NumPy keeps these arrays, and a ufunc lives as long as the process.
        cdef Py_ssize_t count = len(rows), i
        cdef int nin = len(rows[0][1]) - 1
        cdef bytes name_bytes = name.encode()
        cdef bytes types = b"".join([bytes(numbers) for _, numbers in rows])
        cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*> PyMem_Malloc(count * sizeof(loops[0]))
        cdef void** data = <void**> PyMem_Malloc(count * sizeof(data[0]))
        if loops == NULL or data == NULL:
            raise MemoryError
        for i, (index, numbers) in enumerate(rows):
            loops[i] = <cnp.PyUFuncGenericFunction> loop
            data[i] = <void*> &level.kernels[<Py_ssize_t> index]
            self.kernels[<int> numbers[0]] = &level.kernels[<Py_ssize_t> index]
            self.results[<int> numbers[0]] = numbers[nin]
        for i in range(level.count):
            if level.kernels[i].types[0] == c"E" and level.kernels[i].function.decode() == name:
                self.kernels[NUMPY_TYPES] = &level.kernels[i]
        for constant in (name_bytes, types):
            Py_INCREF(constant)
        self.name = name
        self.sloped = level.kernels[<Py_ssize_t> rows[0][0]].sloped
        self.arrays = nin - self.sloped
        self.ufunc = cnp.PyUFunc_FromFuncAndData(
            loops, data, types, count, nin, 1, cnp.PyUFunc_None, name_bytes, b"See cyact.", 0
        )
        global numpy_resolver
        numpy_resolver = (<PyUFuncObject*> self.ufunc).type_resolver
        (<PyUFuncObject*> self.ufunc).type_resolver = resolver

    cdef object result_dtype(self, object dtype):
        """The dtype of the result for features of a dtype, None where there is no such kernel."""
        if not isinstance(dtype, cnp.dtype):
            return None
        if bfloat16_number < 0 and is_bfloat16(dtype):
            add_bfloat16(dtype)
        cdef int number = type_index((<cnp.dtype> dtype).type_num)
        return cnp.PyArray_DescrFromType(self.results[number]) if number >= 0 and self.kernels[number] else None


def _functions():
    """The level's table as ``Function`` objects, by name."""
    # NumPy may have several types for one of the table's: int64 is both long and long long on Linux.
    alike = {code: [char for char in "bBhHiIlLqQefd" if np.dtype(char) == np.dtype(code)] for code in "bBhHiIqQefd"}
    cdef Py_ssize_t index
    cdef dict rows = {}
    for index in range(level.count):
        types = (<char*> level.kernels[index].types).decode()
        for char in alike.get(types[0], ()):
            numbers = [np.dtype(char if code == types[0] else code).num for code in types]
            rows.setdefault(level.kernels[index].function.decode(), []).append((index, numbers))
    cdef dict functions = {name: Function(name, rows[name]) for name in rows}
    cdef Function function
    for function in functions.values():
        function.truncated = functions.get(f"truncated_{function.name}")
    return functions


functions = _functions()
globals().update({name: function.ufunc for name, function in functions.items()})
__all__ = list(functions)


# ---- what public functions need of these beside the call: messages, dtypes, slopes ----

cdef str describe_call(Function function, PyObject* name):
    """The function's name and the caller's label, NULL for none."""
    if name == NULL or <object> name is None:
        return function.name
    return f"{function.name} (name={<object> name!r})"


cdef object with_context(object error, Function function, PyObject* name, str hint):
    """The error again, of the same public type, with the function's name and the caller's label."""
    text = f"{describe_call(function, name)}: {error}{hint}"
    ufunc_errors = [kind for kind in type(error).__mro__ if kind.__name__ == "UFuncTypeError"]
    if ufunc_errors:
        again = ufunc_errors[-1](text)
        again.__dict__.update(error.__dict__)
        return again
    return type(error)(text) if type(error) in (TypeError, ValueError, OverflowError) else error


cdef inline char kind(object dtype) except -1:
    """NumPy's character for the kind of a dtype; of another library's, if it is a number's; else 0."""
    if isinstance(dtype, cnp.dtype):
        return (<cnp.dtype> dtype).kind
    name = getattr(dtype, "kind", None)
    return ord(name) if name in ("i", "u", "f") else 0


cdef bint is_integer(object dtype) except -1:
    return kind(dtype) in b"iu"


cdef object computed_dtype(Function function, object first, object second):
    """The dtype that the inputs are computed in; None where NumPy has to find it."""
    try:
        return function.result_dtype(
            numpy_dtype(first) if function.arrays == 1 else np.result_type(numpy_dtype(first), numpy_dtype(second))
        )
    except (AttributeError, TypeError):
        return None


cdef object numpy_dtype(object x):
    """The dtype of an array, of a pandas Series (perhaps nullable), or of all columns of a DataFrame."""
    if cnp.PyArray_Check(x):
        return (<cnp.ndarray> x).descr
    if hasattr(x, "dtypes") and not hasattr(x, "dtype"):
        # An xarray Dataset has them by name, and is computed a variable at a time.
        if isinstance(x.dtypes, Mapping):
            raise TypeError
        return np.result_type(*x.dtypes)
    return getattr(x.dtype, "numpy_dtype", x.dtype)


# The last slope that was made of a number: as a rule the next call has the same.
cdef double last_number = 0
cdef cnp.ndarray last_slope = np.zeros(())


cdef object checked_slope(Function function, object first, object second, object alpha, object dtype):
    """A slope as the ufunc takes it: a Python number in the computation's dtype if that is known, else an array."""
    global last_number, last_slope
    cdef double slope
    cdef cnp.ndarray array
    cdef bint number = type(alpha) is float or type(alpha) is int
    if number or not (cnp.PyArray_Check(alpha) or hasattr(alpha, "__array_ufunc__")):
        # A subclass of these numbers, a fraction, but not what NumPy has an array of.
        if number or isinstance(alpha, Real) and not isinstance(alpha, (bool, np.generic)):
            slope = float(alpha)
            computed = np.dtype(dtype) if dtype is not None else computed_dtype(function, first, second)
            if (
                computed is None
                or (<cnp.dtype> computed).type not in b"efdE"
                or not cnp.PyDataType_ISNOTSWAPPED(computed)
            ):
                return slope
            if slope != last_number or slope == 0 or last_slope.descr is not computed:      # 0 is -0 too
                Py_INCREF(computed)
                array = PyArray_Zeros(0, NULL, computed, 0)
                store(slope, (<cnp.dtype> computed).type, cnp.PyArray_DATA(array))
                array.setflags(write=False)
                last_number, last_slope = slope, array
            return last_slope
        alpha = np.asarray(alpha)
    given = dtype_of(alpha)
    if given is None or kind(given) in b"iuf":
        # bfloat16 has float32 slopes rounded to it: NumPy would make the result float32.
        if dtype is None and is_bfloat16(dtype_of(first)) and given == np.float32:
            return alpha.astype(first.dtype)
    elif function.result_dtype(given) is None:
        raise TypeError(f"alpha must be a real number or an array of real numbers, not {alpha!r}")
    return alpha
