# The dtypes, and one row per function: formula, loop and types meet here and nowhere else.

from cpython.pycapsule cimport PyCapsule_New

cdef extern from *:
    const char* BUILD_FLAGS "CYACT_BUILD_FLAGS"     # from setup.py


# A function of one real number, for every dtype: a loop each for float, for double, and for what is then rounded to 16
# bits; tables for uint8 and int8.
cdef inline void real_function(
    float_loop single, double_loop double_, float_loop half_, const Table* tables, number** args, Py_ssize_t n,
    bint streamed,
) noexcept nogil:
    if number is float:
        single(args[0], args[1], n, streamed)
    elif number is double:
        double_(args[0], args[1], n, streamed)
    elif number is half or number is bfloat16:
        map1_through_float[number](half_, args[0], args[1], n)
    elif number is int8_t or number is uint8_t:
        lookup(&tables[number is int8_t], <const uint8_t*> args[0], <float*> args[1], n)
    elif number is int16_t or number is uint16_t:
        map1_float[number](single, args[0], <float*> args[1], n)
    else:
        map1_double[number](double_, args[0], <double*> args[1], n)


cdef inline void truncated_function(
    float_loop single, double_loop double_, integer** args, Py_ssize_t n
) noexcept nogil:
    if integer is int8_t or integer is int16_t or integer is uint8_t or integer is uint16_t:
        map1_through_float[integer](single, args[0], args[1], n)
    else:
        map1_through_double[integer](double_, args[0], args[1], n)


# Unsigned integers are their own result.
cdef void copied(const uint8_t* x, uint8_t* out, Py_ssize_t bytes) noexcept nogil:
    if x != out:
        map1[uint8_t](relu[uint8_t], x, out, bytes, False)


cdef void relu_kernel(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    if number is uint8_t or number is uint16_t or number is uint32_t or number is uint64_t:
        copied(<const uint8_t*> args[0], <uint8_t*> args[1], n * sizeof(number))
    else:
        map1[number](relu[number], args[0], args[1], n, number in floating and streamed)


cdef void relu_chosen(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    map1_chosen[number](relu[number], args[0], args[2], n)


cdef void leaky_relu_chosen(real** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    map_slope_chosen[real](leaky_relu[real], args[0], args[1][0], args[3], n)


cdef void leaky_relu_kernel(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    if number is float or number is double:
        map_slope[number](leaky_relu[number], args[0], args[1], args[2], n, scalar, streamed)
    elif number is half or number is bfloat16:
        map2_16_bit[number](leaky_relu[float], args[0], args[1], args[2], n, scalar, streamed)
    elif number is int8_t or number is int16_t or number is uint8_t or number is uint16_t:
        map_slope_integer[float, number](leaky_relu[float], args[0], <float*> args[1], <float*> args[2], n, scalar)
    else:
        map_slope_integer[double, number](leaky_relu[double], args[0], <double*> args[1], <double*> args[2], n, scalar)


cdef void sigmoid_floats(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil:
    pipeline[float](sigmoid_prepare_f, sigmoid_finish_f, SIGMOID_LOW_F, SIGMOID_HIGH_F, x, out, n, streamed)


cdef void sigmoid_doubles(const double* x, double* out, Py_ssize_t n, bint streamed) noexcept nogil:
    pipeline[double](sigmoid_prepare_d, sigmoid_finish_d, SIGMOID_LOW, SIGMOID_HIGH, x, out, n, streamed)


cdef void sigmoid_halves(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil:
    map1_clamped[float](sigmoid_half, SIGMOID_LOW_F, SIGMOID_HIGH_F, x, out, n)


cdef Table[2] sigmoid_tables = [tabulated(sigmoid_floats, is_signed=False), tabulated(sigmoid_floats, is_signed=True)]


cdef void sigmoid_kernel(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    real_function[number](sigmoid_floats, sigmoid_doubles, sigmoid_halves, sigmoid_tables, args, n, streamed)


cdef void tanh_floats(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil:
    pipeline[float](tanh_prepare_f, tanh_finish_f, 0, TANH_HIGH_F, x, out, n, streamed)


cdef void tanh_halves(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil:
    map1_clamped[float](tanh_half, -TANH_HIGH_H, TANH_HIGH_H, x, out, n)


cdef void tanh_doubles(const double* x, double* out, Py_ssize_t n, bint streamed) noexcept nogil:
    pipeline[double](tanh_prepare_d, tanh_finish_d, 0, TANH_HIGH, x, out, n, streamed)


cdef Table[2] tanh_tables = [tabulated(tanh_floats, is_signed=False), tabulated(tanh_floats, is_signed=True)]


cdef void tanh_kernel(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    real_function[number](tanh_floats, tanh_doubles, tanh_halves, tanh_tables, args, n, streamed)


cdef void relu_grad_kernel(number** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    map2[number](relu_grad[number], args[0], args[1], args[2], n, number in floating and streamed)


# A gradient from the activation's output.
cdef inline void output_gradient(
    float (*single)(float, float) noexcept nogil,
    double (*double_)(double, double) noexcept nogil,
    floating** args,
    Py_ssize_t n,
    bint streamed,
) noexcept nogil:
    if floating is float:
        map2[float](single, args[0], args[1], args[2], n, streamed)
    elif floating is double:
        map2[double](double_, args[0], args[1], args[2], n, streamed)
    else:
        map2_16_bit[floating](single, args[0], args[1], args[2], n, False, streamed)


cdef void sigmoid_grad_kernel(floating** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    output_gradient[floating](sigmoid_grad_f, sigmoid_grad_d, args, n, streamed)


cdef void tanh_grad_kernel(floating** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    output_gradient[floating](tanh_grad_f, tanh_grad_d, args, n, streamed)


# Whether a slope is neither 0, nor infinite, nor NaN. The oldest processors do without what is done then: less code.
cdef inline bint is_ordinary(floating* slope) noexcept nogil:
    if floating is float or floating is double:
        return HAS_FMA and slope[0] != 0 and -INFINITY < slope[0] < INFINITY
    else:
        return HAS_FMA and 0 < fabsf(widen(slope[0])) < INFINITY


cdef void leaky_relu_grad_kernel(floating** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    if (floating is float or floating is double) and scalar and is_ordinary(args[2]):
        map3[floating](leaky_relu_grad_finite[floating], args[0], args[1], args[2], args[3], n, True, streamed)
    elif floating is float or floating is double:
        map3[floating](leaky_relu_grad[floating], args[0], args[1], args[2], args[3], n, scalar, streamed)
    elif scalar and is_ordinary(args[2]):
        map3_16_bit[floating](leaky_relu_grad_finite[float], args[0], args[1], args[2], args[3], n, True, streamed)
    else:
        map3_16_bit[floating](leaky_relu_grad[float], args[0], args[1], args[2], args[3], n, scalar, streamed)


cdef void truncated_leaky_relu_kernel(integer** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    if integer is uint8_t or integer is uint16_t or integer is uint32_t or integer is uint64_t:
        copied(<const uint8_t*> args[0], <uint8_t*> args[2], n * sizeof(integer))
    elif integer is int8_t or integer is int16_t:
        map_slope_truncated[integer, float](
            truncated_leaky_relu[integer, float], args[0], <float*> args[1], args[2], n, scalar
        )
    else:
        map_slope_truncated[integer, double](
            truncated_leaky_relu[integer, double], args[0], <double*> args[1], args[2], n, scalar
        )


cdef void truncated_sigmoid_kernel(integer** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    truncated_function[integer](sigmoid_floats, sigmoid_doubles, args, n)


cdef void truncated_tanh_kernel(integer** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil:
    truncated_function[integer](tanh_floats, tanh_doubles, args, n)


cdef enum:
    MAX_KERNELS = 256

cdef Kernel kernels[MAX_KERNELS]
cdef Level table
table.kernels = kernels
table.count = 0
table.store = store
table.stream = stream
table.walk = walk


# NumPy's type character of a dtype, and of the result that a function of real numbers has for it.
cdef char code(number* tag) noexcept:
    if number is int8_t: return b"b"
    elif number is int16_t: return b"h"
    elif number is int32_t: return b"i"
    elif number is int64_t: return b"q"
    elif number is uint8_t: return b"B"
    elif number is uint16_t: return b"H"
    elif number is uint32_t: return b"I"
    elif number is uint64_t: return b"Q"
    elif number is half: return b"e"
    elif number is bfloat16: return b"E"
    elif number is float: return b"f"
    else: return b"d"


cdef char result_code(number* tag) noexcept:
    if number is half or number is bfloat16 or number is float: return code(tag)
    elif number is int8_t or number is int16_t or number is uint8_t or number is uint16_t: return b"f"
    else: return b"d"


cdef int itemsize_of(char c) noexcept:
    return 1 if c in b"bB" else 2 if c in b"hHeE" else 4 if c in b"iIf" else 8


# What a kernel is, as a sum.
cdef enum:
    PLAIN = 0
    COMPUTE_BOUND = 1
    STORES_PAST_CACHE = 2

# Of the rows that are being added: the dtype, and that of the result.
cdef char x_type, result_type


# ``pattern`` has a letter for each operand: x, the dtype itself; r, the result's; s, a slope of the result's.
cdef void add(const char* function, const char* pattern, kernel_t call, int traits) noexcept:
    if table.count == MAX_KERNELS:      # the function that is missing then is one that tests/test_package.py misses
        return
    cdef Kernel* kernel = &kernels[table.count]
    cdef int o = 0
    while pattern[o]:
        kernel.types[o] = x_type if pattern[o] == b"x" else result_type
        kernel.itemsize[o] = itemsize_of(kernel.types[o])
        o += 1
    kernel.types[o] = 0
    kernel.operands = o
    kernel.sloped = pattern[o - 2] == b"s"
    kernel.compute_bound = traits & COMPUTE_BOUND
    kernel.stores_past_cache = LOOPS_STREAM and traits & STORES_PAST_CACHE
    # These formulas, for float, compare nothing; the minimum of AVX-512 does not call NaN "invalid".
    kernel.quiet = HAS_MASKS and traits & COMPUTE_BOUND and x_type == b"f"
    kernel.function = function
    kernel.call = call
    kernel.chosen = NULL
    table.count += 1


# To the row before.
cdef void add_chosen(kernel_t call) noexcept:
    if HAS_MASKS:
        kernels[table.count - 1].chosen = call


cdef void add_rows(number* tag) noexcept:
    global x_type, result_type
    cdef int light = STORES_PAST_CACHE if number in floating else PLAIN, compute_bound = COMPUTE_BOUND
    x_type, result_type = code(tag), result_code(tag)
    if number is float or number is double:
        compute_bound = COMPUTE_BOUND | STORES_PAST_CACHE
    add(b"relu", b"xx", <kernel_t> relu_kernel[number], light)
    if number is float or number is double or number is int32_t or number is int64_t:
        add_chosen(<kernel_t> relu_chosen[number])
    add(b"leaky_relu", b"xsr", <kernel_t> leaky_relu_kernel[number], light)
    if number is float or number is double:
        add_chosen(<kernel_t> leaky_relu_chosen[number])
    add(b"sigmoid", b"xr", <kernel_t> sigmoid_kernel[number], compute_bound)
    add(b"tanh", b"xr", <kernel_t> tanh_kernel[number], compute_bound)
    add(b"relu_grad", b"xxx", <kernel_t> relu_grad_kernel[number], light)


cdef void add_integer_rows(integer* tag) noexcept:
    global x_type, result_type
    x_type, result_type = code(tag), result_code(tag)
    add(b"truncated_leaky_relu", b"xsx", <kernel_t> truncated_leaky_relu_kernel[integer], PLAIN)
    add(b"truncated_sigmoid", b"xx", <kernel_t> truncated_sigmoid_kernel[integer], COMPUTE_BOUND)
    add(b"truncated_tanh", b"xx", <kernel_t> truncated_tanh_kernel[integer], COMPUTE_BOUND)


cdef void add_floating_rows(floating* tag) noexcept:
    global x_type, result_type
    x_type, result_type = code(tag), result_code(tag)
    add(b"leaky_relu_grad", b"xxsx", <kernel_t> leaky_relu_grad_kernel[floating], STORES_PAST_CACHE)
    add(b"sigmoid_grad", b"xxx", <kernel_t> sigmoid_grad_kernel[floating], STORES_PAST_CACHE)
    add(b"tanh_grad", b"xxx", <kernel_t> tanh_grad_kernel[floating], STORES_PAST_CACHE)


# In this order NumPy looks for a loop that takes the operands without loss.
add_rows[int8_t](NULL)
add_rows[uint8_t](NULL)
add_rows[int16_t](NULL)
add_rows[uint16_t](NULL)
add_rows[int32_t](NULL)
add_rows[uint32_t](NULL)
add_rows[int64_t](NULL)
add_rows[uint64_t](NULL)
add_rows[half](NULL)
add_rows[bfloat16](NULL)
add_rows[float](NULL)
add_rows[double](NULL)
add_floating_rows[half](NULL)
add_floating_rows[bfloat16](NULL)
add_floating_rows[float](NULL)
add_floating_rows[double](NULL)
add_integer_rows[int8_t](NULL)
add_integer_rows[uint8_t](NULL)
add_integer_rows[int16_t](NULL)
add_integer_rows[uint16_t](NULL)
add_integer_rows[int32_t](NULL)
add_integer_rows[uint32_t](NULL)
add_integer_rows[int64_t](NULL)
add_integer_rows[uint64_t](NULL)

level = PyCapsule_New(&table, b"cyact.kernels.level", NULL)
build_flags = BUILD_FLAGS.decode()
