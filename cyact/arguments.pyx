"""Arguments of a call: from position and keyword to slots, parameters to arrays, and errors with the caller's label.

But for reading numbers, what is here runs where the fast path does not: the arguments are of any kind.
"""

cimport numpy as cnp
from cpython.object cimport PyObject, Py_TYPE
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.string cimport memcpy, memset

from collections.abc import Mapping
from numbers import Real
from operator import index as as_index

import numpy as np

from cyact.arrays cimport (
    PyArray_CheckExact, PyArray_DATA, PyArray_DIMS, PyArray_FLAGS, PyArray_NDIM, PyArray_Return, PyArray_STRIDES,
    PyArray_TYPE, PyArrayObject, is_plain, is_readable,
)
from cyact.dispatch cimport store
from cyact.ufuncs cimport NPY_HALF, NUMPY_TYPES, Function, is_bfloat16

from cyact import docstrings

cnp.import_array()

cdef extern from "Python.h":
    object PyObject_Vectorcall(object callable, PyObject** args, size_t nargs, PyObject* names)
    object PyVectorcall_Call(object callable, object args, object keywords)
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef extern from *:
    """
    /* Without the GIL, threads that call the same function would write its reference count in turns, which takes longer
       than a short call. An object that is never freed has none: CPython's own way to mark one. */
    static void cyact_never_freed(PyObject *object) {
    #ifdef Py_GIL_DISABLED
        PyObject_GC_UnTrack(object);
        Py_SET_REFCNT(object, _Py_IMMORTAL_REFCNT);
    #else
        Py_INCREF(object);
    #endif
    }

    /* Cython has no word for the vectorcall protocol (PEP 590): a call of an instance goes to the function that it has
       at ``offset``, with no tuple of arguments. */
    static void cyact_use_vectorcall(PyObject *type, Py_ssize_t offset) {
        ((PyTypeObject *)type)->tp_vectorcall_offset = offset;
        ((PyTypeObject *)type)->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified((PyTypeObject *)type);
    }
    """
    void never_freed "cyact_never_freed"(object function)
    void use_vectorcall "cyact_use_vectorcall"(object type, Py_ssize_t offset)

cdef extern from "numpy/arrayobject.h":
    # Steals a reference to the dtype.
    object PyArray_Empty(int ndim, cnp.npy_intp* shape, cnp.dtype dtype, int is_f_order)
    object PyArray_NewFromDescr(
        type subtype, cnp.dtype dtype, int ndim, const cnp.npy_intp* shape, const cnp.npy_intp* strides, void* data,
        int flags, object like
    )
    # Steals a reference to the base.
    int PyArray_SetBaseObject(cnp.ndarray array, object base) except -1

KEYWORDS = ("out", "where", "casting", "order", "dtype", "subok", "name")


cdef class Signature(Function):
    """A function as its row has it: the names of its inputs, the names and defaults of its parameters, its description.

    It is pickled by its name. Its docstring is a property of each class below: a class never inherits ``__doc__``.
    """

    def __init__(self, row):
        if len(row.inputs) != self.inputs or len(row.parameters) != self.parameters:
            raise ImportError(
                f"{row.name}: the kernels' table has {self.inputs} inputs and {self.parameters} parameters"
            )
        self.row = row
        names = [None] * OUT
        names[INPUT:INPUT + self.inputs] = row.inputs
        for i, parameter in enumerate(row.parameters):
            names[PARAMETER + i], self.defaults[i] = parameter.name, parameter.default
        if row.option is not None:
            self.alternative = Function(f"{row.name}_{row.option.name}")
            never_freed(self.alternative)
        never_freed(self)
        kept = (*names, *KEYWORDS, row.option.name if row.option is not None else None)
        Py_INCREF(kept)
        for i in range(SLOTS):
            self.names[i] = NULL if kept[i] is None else <PyObject*> kept[i]

    def __call__(self, *args, **keywords):
        return PyVectorcall_Call(self, args, keywords)

    @property
    def __name__(self):
        return self.name

    @property
    def __qualname__(self):
        return self.name

    @property
    def __module__(self):
        return "cyact"

    @property
    def __signature__(self):
        return docstrings.signature(self.row)

    def __repr__(self):
        return f"<cyact.{self.name}>"

    def __reduce__(self):
        return self.name


cdef int take_vectorcalls(Signature function) except -1:
    """Have the interpreter call functions of this one's class by their ``vectorcall``."""
    use_vectorcall(type(function), <char*> &function.vectorcall - <char*> <PyObject*> function)


# ---- by position and keyword ----

cdef int find(Signature function, PyObject* key) except -2:
    """The slot of a keyword; -1 where there is none. Names are interned as a rule, so that identity decides."""
    cdef int i
    for i in range(SLOTS):
        if function.names[i] == key:
            return i
    for i in range(SLOTS):
        if function.names[i] != NULL and <object> function.names[i] == <object> key:
            return i
    return -1


cdef int parse(
    Signature function, PyObject** args, Py_ssize_t nargs, PyObject* keywords, PyObject** values
) except -1:
    """Fill in ``values``, NULL for what is not given."""
    cdef object problem = None
    cdef Py_ssize_t taken = 0, i
    cdef int index
    memset(values, 0, SLOTS * sizeof(values[0]))
    for index in range(OUT + 1):
        if taken == nargs:
            break
        if function.names[index] != NULL:
            values[index] = args[taken]
            taken += 1
    if taken < nargs:
        problem = f"takes at most {taken} positional arguments, {nargs} were given"
    if keywords != NULL:
        for i in range(PyTuple_GET_SIZE(<tuple> keywords)):
            index = find(function, <PyObject*> PyTuple_GET_ITEM(<tuple> keywords, i))
            if index < 0:
                problem = f"got an unexpected keyword argument {(<tuple> keywords)[i]!r}"
            elif values[index] != NULL:
                problem = f"got multiple values for argument {(<tuple> keywords)[i]!r}"
            else:
                values[index] = args[nargs + i]
    for index in range(INPUT, INPUT + function.inputs):
        if values[index] == NULL and problem is None:
            problem = f"missing argument {<object> function.names[index]!r}"
    if problem is not None:
        raise TypeError(f"{describe_call(function, values[NAME])}: {problem}")


cdef Function choose(Signature function, PyObject** values):
    """What computes the call: the function's alternative if its option is given as true."""
    cdef PyObject* option = values[OPTION]
    if option == NULL:
        return function
    if not isinstance(<object> option, (bool, np.bool_)):
        problem = f"{<object> function.names[OPTION]} must be a bool, not {<object> option!r}"
        raise TypeError(f"{describe_call(function, values[NAME])}: {problem}")
    return function.alternative if <object> option else function


cdef object as_axis(object axis):
    """An axis as an int; None where it is none. NumPy takes True for 1, which is not what a caller means."""
    if type(axis) is int:       # nearly always: the general way takes longer than a short row
        return axis
    try:
        return None if isinstance(axis, (bool, np.bool_)) else as_index(axis)
    except TypeError:
        return None


# ---- errors ----

cdef str call_text(str function, object label):
    """The function's name and the caller's label, None for none."""
    return function if label is None else f"{function} (name={label!r})"


cdef str describe_call(Function function, PyObject* name):
    """The same of a call's slot, which is NULL where no label is given."""
    return call_text(function.name, None if name == NULL else <object> name)


cdef object with_context(object error, Function function, PyObject* name):
    """The error again, of the same public type, with the function's name and the caller's label."""
    return explained(error, describe_call(function, name))


cdef object explained(object error, str call):
    """The error again, of the same public type, with what says whose it is."""
    hint = ""
    if getattr(error, "casting", None) is not None and is_integer(getattr(error, "to", None)):
        hint = '; give out a floating-point dtype, or casting="unsafe" to store the value truncated toward zero'
    text = f"{call}: {error}{hint}"
    ufunc_errors = [kind for kind in type(error).__mro__ if kind.__name__ == "UFuncTypeError"]
    if ufunc_errors:
        again = ufunc_errors[-1](text)
        again.__dict__.update(error.__dict__)
        return again
    return type(error)(text) if type(error) in (TypeError, ValueError, OverflowError) else error


# ---- dtypes ----

cdef inline object dtype_of(object x):
    return (<cnp.ndarray> x).descr if cnp.PyArray_Check(x) else getattr(x, "dtype", None)


cdef char dtype_kind(object dtype) except -1:
    """NumPy's character for the kind of a dtype; of another library's, if it is a number's; else 0."""
    if isinstance(dtype, cnp.dtype):
        return (<cnp.dtype> dtype).kind
    name = getattr(dtype, "kind", None)
    return ord(name) if name in ("i", "u", "f") else 0


cdef bint is_integer(object dtype) except -1:
    return dtype_kind(dtype) in b"iu"


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


cdef object computed_dtype(Function function, list inputs):
    """The dtype that the inputs are computed in; None where NumPy has to find it."""
    try:
        dtypes = [numpy_dtype(x) for x in inputs]
        return function.result_dtype(dtypes[0] if len(dtypes) == 1 else np.result_type(*dtypes))
    except (AttributeError, TypeError, ValueError):
        return None


# ---- single numbers ----

cdef extern from "numpy/arrayscalars.h":
    ctypedef struct NumPyType "PyTypeObject":
        object (*tp_alloc)(NumPyType* type, Py_ssize_t n)
    # All of these have their number at the same place, and room for a double.
    ctypedef struct DoubleScalar "PyDoubleScalarObject":
        double obval

# NumPy's type of scalar for each of its type numbers; NULL for what no function takes.
cdef PyObject* scalar_types[NUMPY_TYPES]
memset(scalar_types, 0, sizeof(scalar_types))
for _dtype in map(np.dtype, "bBhHiIlLqQefd"):
    _type = _dtype.type
    scalar_types[_dtype.num] = <PyObject*> _type
cdef int python_integer = np.dtype(int).num, python_integer_size = np.dtype(int).itemsize


cdef inline int scalar_type(PyObject* x) noexcept:
    """The type number of a NumPy scalar; -1 of anything else."""
    cdef int number
    for number in range(NUMPY_TYPES):
        if <PyObject*> Py_TYPE(<object> x) == scalar_types[number]:
            return number
    return -1


cdef int read_input(PyObject* number, void* value) except -2:
    """Read a number as np.asarray takes it, and return its type number; -1 where it is none, or needs another dtype."""
    cdef long long integer
    cdef int overflow, found
    if PyFloat_CheckExact(number):
        (<double*> value)[0] = PyFloat_AS_DOUBLE(number)
        return cnp.NPY_DOUBLE
    if PyLong_CheckExact(number):
        integer = PyLong_AsLongLongAndOverflow(<object> number, &overflow)
        if python_integer_size == 4:
            (<int*> value)[0] = <int> integer
            overflow |= integer != <int> integer
        else:
            (<long long*> value)[0] = integer
        return -1 if overflow else python_integer
    found = scalar_type(number)
    if found >= 0:
        memcpy(value, &(<DoubleScalar*> number).obval, sizeof(double))
    return found


cdef object new_scalar(int number, const void* value):
    """A NumPy scalar of a type number, made of its bytes and whatever follows them."""
    cdef NumPyType* type = <NumPyType*> scalar_types[number]
    scalar = type.tp_alloc(type, 0)
    memcpy(&(<DoubleScalar*> scalar).obval, value, sizeof(double))
    return scalar


cdef bint read_integer(PyObject* number, double* value) noexcept:
    try:
        value[0] = <object> number
    except OverflowError:
        return False
    return True


cdef bint read_scalar(PyObject* number, char type, double* value):
    """Read a NumPy scalar or an array without dimensions, of a dtype that casts safely to that of the computation."""
    cdef int given, computed = cnp.NPY_FLOAT if type == b"f" else cnp.NPY_DOUBLE if type == b"d" else NPY_HALF
    if PyArray_CheckExact(number):
        if not is_plain(number) or PyArray_NDIM(<PyArrayObject*> number) != 0:
            return False
        given = PyArray_TYPE(<PyArrayObject*> number)
    else:
        given = scalar_type(number)
    if given < 0 or given >= NUMPY_TYPES or scalar_types[given] == NULL or type == b"E":
        return False
    if not cnp.PyArray_CanCastSafely(given, computed):
        return False
    value[0] = <object> number
    return True


# ---- subclasses ----

cdef object memmap = np.memmap, array_ufunc = np.ndarray.__array_ufunc__, array_wrap = np.ndarray.__array_wrap__


# Whether an array is of a subclass, such as np.matrix, that leaves to ndarray how ufuncs compute it, and what becomes
# of a result. np.memmap is another: results of its arrays are plain ones.
cdef bint is_like_ndarray(PyObject* x) except -1:
    cdef object kind
    if not (cnp.PyArray_Check(<object> x) and is_readable(x)):
        return False
    kind = type(<object> x)
    return kind is memmap or kind.__array_ufunc__ is array_ufunc and kind.__array_wrap__ is array_wrap


cdef object in_class_of(PyObject* x, cnp.ndarray result):
    """A new result as such an array's operations give it: what ndarray.__array_wrap__ does, without a call of it."""
    cdef PyArrayObject* array = <PyArrayObject*> <PyObject*> result
    if type(<object> x) is memmap:
        Py_INCREF(result)
        return PyArray_Return(result)
    Py_INCREF(result.descr)
    view = PyArray_NewFromDescr(
        type(<object> x), result.descr, PyArray_NDIM(array), PyArray_DIMS(array), PyArray_STRIDES(array),
        PyArray_DATA(array), PyArray_FLAGS(array), <object> x
    )
    Py_INCREF(result)
    PyArray_SetBaseObject(view, result)
    return view


# ---- parameters ----

cdef object number_as_array(double number, cnp.dtype dtype):
    cdef cnp.ndarray array
    Py_INCREF(dtype)
    array = PyArray_Empty(0, NULL, dtype, 0)
    store(number, dtype.type, cnp.PyArray_DATA(array))
    return array


cdef object checked_parameter(Signature function, list inputs, str name, object value, object dtype):
    """A parameter as the ufunc takes it: a Python number in the computation's dtype if that is known, else an array."""
    cdef bint number = type(value) is float or type(value) is int
    cdef cnp.dtype computed
    if number or not (cnp.PyArray_Check(value) or hasattr(value, "__array_ufunc__")):
        # A subclass of these numbers, a fraction, but not what NumPy has an array of.
        if number or isinstance(value, Real) and not isinstance(value, (bool, np.generic)):
            computed = np.dtype(dtype) if dtype is not None else computed_dtype(function, inputs)
            if computed is not None and computed.type in b"efdE" and cnp.PyDataType_ISNOTSWAPPED(computed):
                return number_as_array(float(value), computed)
            return float(value)
        value = np.asarray(value)
    given = dtype_of(value)
    if given is None or dtype_kind(given) in b"iuf":
        # bfloat16 has float32 parameters rounded to it: NumPy would make the result float32.
        if dtype is None and is_bfloat16(dtype_of(inputs[0])) and given == np.float32:
            return value.astype(inputs[0].dtype)
    elif function.result_dtype(given) is None:
        raise TypeError(f"{name} must be a real number or an array of real numbers, not {value!r}")
    return value


# ---- the ufunc ----

cdef object list_as_array(Signature function, PyObject* x, PyObject* name):
    try:
        return cnp.PyArray_FROM_O(<object> x)
    except (TypeError, ValueError, OverflowError) as error:
        raise with_context(error, function, name) from error


cdef object apart_from(object out, object x):
    """An operand, or a copy of it where it may share memory with the output."""
    return np.copy(x) if cnp.PyArray_Check(x) and np.may_share_memory(x, out[0] if type(out) is tuple else out) else x


# The ufunc's keywords, by which of them are given.
cdef tuple KEYWORD_TUPLES = tuple(
    [tuple([KEYWORDS[i] for i in range(NAME - OUT) if given >> i & 1]) for given in range(1 << NAME - OUT)]
)


cdef object call_ufunc(Signature function, Function chosen, PyObject** values):
    """The call by the ufunc, whose errors get the function's name and the caller's label."""
    try:
        return ufunc_result(function, chosen, values)
    except (TypeError, ValueError, OverflowError) as error:
        raise with_context(error, function, values[NAME]) from error


cdef object ufunc_result(Signature function, Function chosen, PyObject** values):
    cdef object out = None if values[OUT] == NULL else <object> values[OUT]
    cdef object dtype = None if values[DTYPE] == NULL else <object> values[DTYPE]
    cdef object first, x, stored = None
    cdef list kept = None, inputs   # ``kept`` has what is made here, until the call is over
    cdef PyObject* stack[SLOTS]
    cdef int operands = function.inputs + function.parameters, count = operands, given = 0, i
    cdef bint exact = dtype is None, into_integer = False
    for i in range(function.inputs):
        x = <object> values[INPUT + i]
        if not cnp.PyArray_Check(x) and not hasattr(x, "__array_ufunc__"):
            x = np.asarray(x)
            kept = [x] if kept is None else [*kept, x]
        stack[i] = <PyObject*> x
    first = <object> stack[0]
    if function.parameters:
        kept = kept or []
        inputs = [<object> stack[i] for i in range(function.inputs)]
        for i in range(function.parameters):
            x = function.defaults[i] if values[PARAMETER + i] == NULL else <object> values[PARAMETER + i]
            x = checked_parameter(function, inputs, <object> function.names[PARAMETER + i], x, dtype)
            kept.append(x)
            stack[function.inputs + i] = <PyObject*> x
            # bfloat16 features with a float64 parameter: NumPy 2 gives float64, NumPy 1.26 float32 if the parameter is
            # 0-d; dtype= asks for float64.
            if dtype is None and is_bfloat16(dtype_of(first)) and dtype_of(x) == np.float64:
                dtype = dtype_of(x)
                values[DTYPE] = <PyObject*> dtype
                exact = False
    if out is not None:
        stored = dtype_of(out[0] if type(out) is tuple and len(out) == 1 else out)
        if values[CASTING] != NULL and dtype is None and chosen.to_integer is not None and is_integer(stored):
            if <object> values[CASTING] == "unsafe" and is_integer(dtype_of(first)):
                if stored.newbyteorder("=") == first.dtype.newbyteorder("="):
                    chosen, into_integer = chosen.to_integer, True
    if stored is None:
        stored = dtype_of(first)
    # Whether nothing is cast, the result included.
    for i in range(operands):
        exact = exact and stored is dtype_of(<object> stack[i])
    exact = exact and (into_integer or function.keeps(stored))
    # NumPy would copy the output, in the result's dtype, and store all of it back: where the mask is false, too.
    if out is not None and values[WHERE] != NULL and not exact:
        kept = kept or []
        for i in range(operands):
            kept.append(apart_from(out, <object> stack[i]))
            stack[i] = <PyObject*> kept[-1]
        kept.append(apart_from(out, <object> values[WHERE]))
        values[WHERE] = <PyObject*> kept[-1]
    for i in range(OUT, NAME):
        if values[i] != NULL:
            stack[count] = values[i]
            count += 1
            given |= 1 << i - OUT
    keywords = KEYWORD_TUPLES[given]
    if exact:
        return PyObject_Vectorcall(chosen.ufunc, stack, operands, <PyObject*> keywords)
    # Casts of the result warn: of overflow to inf, and of values that an integer dtype cannot hold.
    with np.errstate(all="ignore"):
        return PyObject_Vectorcall(chosen.ufunc, stack, operands, <PyObject*> keywords)
