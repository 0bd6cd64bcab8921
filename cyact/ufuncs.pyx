"""NumPy ufuncs, one for each function in the kernels' table; generalised ones for functions along an axis.

They are what a public function falls back on, which adds defaults, checks and messages. NumPy broadcasts, casts,
resolves overlap, applies ``where`` and hands over to ``__array_ufunc__``. ``leaky_relu_to_integer`` takes integers and
stores the result into the same integer dtype, toward zero.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

from threading import Lock

import numpy as np

from cyact.atomic cimport load, publish
from cyact.dispatch cimport begin_nest, clear_raised_flags, level, run_contiguous, run_row_nest, run_strided
from cyact.kernels.simd cimport get_status
from cyact.kernels.table cimport MAX_OPERANDS, Kernel, LoopNest, RowNest

cnp.import_array()
cnp.import_ufunc()


cdef void loop(char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data) noexcept nogil:
    """The inner loop of every ufunc; ``data`` is the kernel.

    ``args`` is left as it was: under ``where=`` NumPy goes on from it.
    """
    cdef const Kernel* kernel = <const Kernel*> data
    cdef int out = kernel.operands - 1, o
    cdef Py_ssize_t n = dimensions[0], i
    cdef bint single = True, straight = True
    cdef char* at[MAX_OPERANDS]
    cdef LoopNest nest
    cdef unsigned int status = get_status()
    for o in range(kernel.inputs, out):
        single = single and steps[o] == 0
    for o in range(out + 1):
        straight = straight and (steps[o] == kernel.itemsize[o] or single and kernel.inputs <= o < out)
    if overlaps(kernel, args, n, steps):
        for i in range(n):
            for o in range(out + 1):
                at[o] = args[o] + i * steps[o]
            run_contiguous(kernel, at, 1, True, False)
    elif straight:
        run_contiguous(kernel, args, n, single, False)
    else:
        begin_nest(&nest, kernel)
        nest.ndim = 1
        nest.shape[0] = n
        for o in range(out + 1):
            nest.strides[o][0] = steps[o]
            nest.data[o] = args[o]
        run_strided(&nest)
    clear_raised_flags(status)


cdef void row_loop(char** args, const cnp.npy_intp* dimensions, const cnp.npy_intp* steps, void* data) noexcept nogil:
    """The inner loop of every generalised ufunc: dimensions[0] rows of dimensions[1] elements.

    NumPy has copied what overlaps.
    """
    cdef const Kernel* kernel = <const Kernel*> data
    cdef int operands = kernel.inputs + 1, o
    cdef RowNest nest
    cdef unsigned int status = get_status()
    nest.kernel = kernel
    nest.ndim = nest.core = 1
    nest.rows, nest.length = dimensions[0], dimensions[1]
    for o in range(2):
        nest.shape[o] = dimensions[o]
    for o in range(operands):
        nest.data[o] = args[o]
        nest.strides[o][0] = steps[o]
        nest.strides[o][1] = steps[operands + o] if o < kernel.inputs or kernel.row_results else 0
    run_row_nest(&nest)
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

    1. A dtype without a loop is refused, also where NumPy would cast it (bool to int8, float8 to float32).
    2. Integers are refused where all loops are floating-point: NumPy would cast them to float16.
    3. bfloat16's loops are added when it is first met.
    4. ``dtype=`` alone is taken for every operand: NumPy would take the first loop with that result, and cast an int32
       array to int8 for it.
    """
    cdef int nargs = ufunc.nin + ufunc.nout, inputs = (<const Kernel*> ufunc.data[0]).inputs, number, i
    cdef bint integers = True
    cdef cnp.ndarray array
    for i in range(ufunc.nin):
        array = <cnp.ndarray> operands[i]
        number = cnp.PyArray_TYPE(array)
        meet(array.dtype)
        if not (
            cnp.PyArray_ISINTEGER(array)
            or number in (NPY_HALF, cnp.NPY_FLOAT, cnp.NPY_DOUBLE)
            or type_index(number) == NUMPY_TYPES
        ):
            raise TypeError(f"{array.dtype} is not supported")
        integers = integers and (cnp.PyArray_ISINTEGER(array) or i >= inputs)
    if integers and ufunc.types[0] == NPY_HALF:
        raise TypeError("integers are not supported")
    types = <object> type_tuple if type_tuple != NULL else None
    if type(types) is tuple and types[:-1] == (None,) * ufunc.nin and types[ufunc.nin] is not None:
        wanted = types[ufunc.nin]
        if is_bfloat16(wanted):
            # NumPy looks among added loops for the inputs' dtypes alone.
            meet(wanted)
            for i in range(nargs):
                Py_INCREF(wanted)
                descriptors[i] = <PyArray_Descr*> wanted
            return PyUFunc_ValidateCasting(ufunc, casting, operands, descriptors)
        types = (types[ufunc.nin],) * nargs
        return numpy_resolver(ufunc, casting, operands, <PyObject*> types, descriptors)
    return numpy_resolver(ufunc, casting, operands, type_tuple, descriptors)


cdef inline cnp.PyUFuncGenericFunction loop_of(const Kernel* kernel) noexcept:
    return <cnp.PyUFuncGenericFunction> (row_loop if kernel.row else loop)


# ---- bfloat16 ----

cdef int bfloat16_number = -1       # NumPy's number for ml_dtypes' bfloat16, published when all is there that it is for
cdef object bfloat16_lock = Lock()
bfloat16_hooks = []         # functions of its dtype that add loops of their own, beside those of the table's functions


cdef int type_index(int type_number) noexcept:
    """Where ``Function`` keeps what belongs to a type number; -1 for types that it does not know."""
    if type_number < NUMPY_TYPES:
        return type_number
    return NUMPY_TYPES if type_number == load(&bfloat16_number) else -1


cdef bint is_bfloat16(object dtype):
    if not isinstance(dtype, cnp.dtype) or (<cnp.dtype> dtype).type_num < NUMPY_TYPES:
        return False
    return (dtype.type.__module__, dtype.type.__name__) == ("ml_dtypes", "bfloat16")


cdef int meet(object dtype) except -1:
    """Add bfloat16's loops to every ufunc if this is the first call with it: ml_dtypes is optional, and slow to import.

    Threads that meet it at the same time wait for the one that adds them.
    """
    if load(&bfloat16_number) < 0 and is_bfloat16(dtype):
        with bfloat16_lock:
            if load(&bfloat16_number) < 0:
                add_bfloat16(dtype)
    return 0


cdef add_bfloat16(dtype):
    cdef Function function
    cdef int number = dtype.num, o
    cdef int types[MAX_OPERANDS]
    cdef void* kernel
    for o in range(MAX_OPERANDS):
        types[o] = number
    for function in functions.values():
        if function.kernels[NUMPY_TYPES] != NULL:
            kernel = <void*> function.kernels[NUMPY_TYPES]
            cnp.PyUFunc_RegisterLoopForType(function.ufunc, number, loop_of(<const Kernel*> kernel), types, kernel)
            function.results[NUMPY_TYPES] = number
    for hook in bfloat16_hooks:
        hook(dtype)
    publish(&bfloat16_number, number)


# ---- functions ----

def _rows():
    """The rows of the level's table by function: (index, NumPy's type number of each operand).

    NumPy may have several types for one of the table's: int64 is both long and long long on Linux. Apart from these,
    the indices of bfloat16's rows by function: its number is not known yet.
    """
    alike = {code: [char for char in "bBhHiIlLqQefd" if np.dtype(char) == np.dtype(code)] for code in "bBhHiIqQefd"}
    number = {char: np.dtype(char).num for char in "bBhHiIlLqQefd"}
    cdef Py_ssize_t i
    cdef dict rows = {}, of_bfloat16 = {}
    for i in range(level.count):
        name, types = level.kernels[i].function.decode(), (<char*> level.kernels[i].types).decode()
        if name == "rescale":
            continue        # of several results for each dtype: rescaling_ufunc.pyx
        if types[0] == "E":
            of_bfloat16[name] = i
        for char in alike.get(types[0], ()):
            numbers = [number[char if code == types[0] else code] for code in types]
            rows.setdefault(name, []).append((i, numbers))
    return rows, of_bfloat16


cdef dict rows_by_name, bfloat16_rows
rows_by_name, bfloat16_rows = _rows()
functions = {}


cdef class Function:
    """A function's kernels as the fast path looks them up, and its ufunc."""

    def __cinit__(self, row):
        cdef str name = getattr(row, "name", row)       # in functions.py, or the name alone
        cdef list rows = rows_by_name.get(name)
        if rows is None:
            raise ImportError(f"the kernels' table has no {name}")
        # NumPy keeps these arrays, and a ufunc lives as long as the process.
        cdef Py_ssize_t count = len(rows), i
        cdef const Kernel* kernel = &level.kernels[<Py_ssize_t> rows[0][0]]
        cdef int nin = kernel.operands - 1
        cdef bytes name_bytes = name.encode()
        cdef bytes types = b"".join([bytes(numbers) for _, numbers in rows])
        cdef bytes signature = b",".join([b"(n)"] * nin) + (b"->(n)" if kernel.row_results else b"->()")
        cdef cnp.PyUFuncGenericFunction* loops = <cnp.PyUFuncGenericFunction*> PyMem_Malloc(count * sizeof(loops[0]))
        cdef void** data = <void**> PyMem_Malloc(count * sizeof(data[0]))
        if loops == NULL or data == NULL:
            raise MemoryError
        self.name, self.inputs, self.parameters = name, kernel.inputs, kernel.parameters
        for i, (index, numbers) in enumerate(rows):
            kernel = &level.kernels[<Py_ssize_t> index]
            loops[i], data[i] = loop_of(kernel), <void*> kernel
            self.kernels[<int> numbers[0]], self.results[<int> numbers[0]] = kernel, numbers[nin]
        if name in bfloat16_rows:
            self.kernels[NUMPY_TYPES] = &level.kernels[<Py_ssize_t> bfloat16_rows[name]]
        for constant in (name_bytes, types, signature):
            Py_INCREF(constant)
        self.ufunc = cnp.PyUFunc_FromFuncAndDataAndSignature(
            loops, data, types, count, nin, 1, cnp.PyUFunc_None, name_bytes, b"See cyact.", 0,
            <char*> signature if kernel.row else NULL,
        )
        global numpy_resolver
        numpy_resolver = (<PyUFuncObject*> self.ufunc).type_resolver
        (<PyUFuncObject*> self.ufunc).type_resolver = resolver
        # By this name it is pickled.
        globals()[name] = self.ufunc
        functions[name] = self
        if f"{name}_to_integer" in rows_by_name:
            self.to_integer = Function(f"{name}_to_integer")

    @property
    def dtypes(self):
        """Names of the dtypes that it takes."""
        names = dict.fromkeys(np.dtype(types[0]).name for types in self.ufunc.types[:self.ufunc.ntypes])
        names.pop("bfloat16", None)
        return (*names, *["bfloat16"] * (self.kernels[NUMPY_TYPES] != NULL))

    cdef object result_dtype(self, object dtype):
        """The dtype of the result for features of a dtype, None where there is no such kernel."""
        if not isinstance(dtype, cnp.dtype):
            return None
        meet(dtype)
        cdef int number = type_index((<cnp.dtype> dtype).type_num)
        return cnp.PyArray_DescrFromType(self.results[number]) if number >= 0 and self.kernels[number] else None

    cdef bint keeps(self, object dtype):
        """Whether the result for features of a dtype has that very dtype."""
        if not isinstance(dtype, cnp.dtype) or not cnp.PyDataType_ISNOTSWAPPED(dtype):
            return False
        cdef int number = type_index((<cnp.dtype> dtype).type_num)
        return number >= 0 and self.kernels[number] != NULL and self.results[number] == (<cnp.dtype> dtype).type_num
