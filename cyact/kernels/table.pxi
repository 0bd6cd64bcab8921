# The table: a row for each function, with how many inputs and parameters it has and what it promises.

from cpython.pycapsule cimport PyCapsule_New
from libc.stdlib cimport realloc

cdef extern from *:
    const char* BUILD_FLAGS "CYACT_BUILD_FLAGS"     # from setup.py


# ---- the table ----

cdef Level level_table
level_table.kernels = NULL
level_table.count = 0
level_table.emulates_fma = not HAS_FMA
level_table.store = store
level_table.run_streamed = run_streamed
level_table.plan_nest = plan_nest
level_table.run_nest = run_nest
level_table.rescale_pixels = rescale_pixels
level_table.rescale_planes = rescale_planes
level_table.row_segments = row_segments
level_table.start_row = start_row


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


# What a row promises, as a sum.
cdef enum:
    PLAIN = 0
    COMPUTE_BOUND = 1
    STORES_PAST_CACHE = 2       # where the loop is one of floats or doubles
    QUIET_FLOATS = 4            # the formula for float raises no flag but underflow, if clamping raises none


cdef int add(
    const char* name, int inputs, int parameters, char x_type, char parameter_type, char result_type,
    kernel_t call, Loops* loops, int traits,
) except -1:
    cdef const Kernel* kernels = level_table.kernels
    # The room doubles when it is full. realloc may move the table: pointers into it are handed out when it is complete.
    if level_table.count & level_table.count - 1 == 0:
        kernels = <const Kernel*> realloc(<void*> kernels, 2 * max(1, level_table.count) * sizeof(Kernel))
        if kernels == NULL:
            raise MemoryError
        level_table.kernels = kernels
    cdef Kernel* kernel = <Kernel*> &kernels[level_table.count]
    cdef int o
    memset(kernel, 0, sizeof(Kernel))
    kernel.function = name
    kernel.inputs, kernel.parameters, kernel.operands = inputs, parameters, inputs + parameters + 1
    for o in range(kernel.operands):
        kernel.types[o] = x_type if o < inputs else parameter_type if o < inputs + parameters else result_type
        kernel.itemsize[o] = itemsize_of(kernel.types[o])
    kernel.compute_bound = traits & COMPUTE_BOUND != 0
    kernel.stores_past_cache = traits & STORES_PAST_CACHE and x_type in b"fd"
    kernel.raises_flags = not (traits & QUIET_FLOATS and x_type == b"f" and CLAMP_IS_QUIET)
    kernel.call, kernel.loops = call, loops
    level_table.count += 1
    return 0


# A function whose result has the dtype of its inputs.
cdef int add_exact(const char* name, int inputs, kernel_t call, number* tag) except -1:
    return add(name, inputs, 0, code(tag), 0, code(tag), call, NULL, PLAIN)


cdef int add_real(const char* name, int inputs, int parameters, Loops* loops, int traits, number* tag) except -1:
    if (number is int8_t or number is uint8_t) and parameters == 0:
        tabulate(loops, number is int8_t)
    cdef kernel_t call = NULL
    if number is float:
        call = loops.floats
    elif number is double:
        call = loops.doubles
    elif number is half:
        call = loops.halves
    elif number is bfloat16:
        call = loops.bfloat16s
    if call == NULL:
        call = <kernel_t> converting_kernel[number]
    return add(name, inputs, parameters, code(tag), result_code(tag), result_code(tag), call, loops, traits)


# A function of rows: a result for each element, or, of logsumexp, one for a row.
cdef int add_row_function(const char* name, int inputs, int function, number* tag) except -1:
    add(name, inputs, 0, code(tag), 0, result_code(tag), NULL, NULL, COMPUTE_BOUND)
    cdef Kernel* kernel = <Kernel*> &level_table.kernels[level_table.count - 1]
    kernel.row = function
    kernel.row_results = function != LOGSUMEXP
    if number in computed_as_float:
        kernel.rows.compute = <run_rows_t> compute_rows[number, float]
        kernel.rows.run_pass = <run_pass_t> run_pass[number, float]
        kernel.rows.next_pass = <next_pass_t> next_pass[number, float]
    else:
        kernel.rows.compute = <run_rows_t> compute_rows[number, double]
        kernel.rows.run_pass = <run_pass_t> run_pass[number, double]
        kernel.rows.next_pass = <next_pass_t> next_pass[number, double]
    return 0


cdef int add_rows(number* tag) except -1:
    add_exact(b"relu", 1, <kernel_t> relu_kernel[number], tag)
    add_exact(b"relu_grad", 2, <kernel_t> relu_grad_kernel[number], tag)
    add_real(b"sigmoid", 1, 0, &sigmoid_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"tanh", 1, 0, &tanh_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"softsign", 1, 0, &softsign_loops, COMPUTE_BOUND, tag)
    add_real(b"elu", 1, 1, &elu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"silu", 1, 1, &silu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"selu", 1, 0, &selu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"celu", 1, 1, &celu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"gaussian", 1, 0, &gaussian_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"mish", 1, 0, &mish_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_exact(b"relu6", 1, <kernel_t> relu6_kernel[number], tag)
    add_exact(b"relu6_grad", 2, <kernel_t> relu6_grad_kernel[number], tag)
    add_exact(b"hard_tanh", 1, <kernel_t> hard_tanh_kernel[number], tag)
    add_exact(b"step", 1, <kernel_t> step_kernel[number], tag)
    add_real(b"hard_sigmoid", 1, 0, &hard_sigmoid_loops, PLAIN, tag)
    add_real(b"hard_silu", 1, 0, &hard_silu_loops, PLAIN, tag)
    add_real(b"hard_shrink", 1, 1, &hard_shrink_loops, PLAIN, tag)
    add_real(b"soft_shrink", 1, 1, &soft_shrink_loops, PLAIN, tag)
    add_real(b"softplus", 1, 0, &softplus_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"log_sigmoid", 1, 0, &log_sigmoid_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"logit", 1, 0, &logit_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"gelu", 1, 0, &gelu_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"gelu_approximate", 1, 0, &gelu_approximate_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_row_function(b"softmax", 1, SOFTMAX, tag)
    add_row_function(b"log_softmax", 1, LOG_SOFTMAX, tag)
    add_row_function(b"logsumexp", 1, LOGSUMEXP, tag)
    # ``in`` a fused type is decided when Cython specialises: a row for each dtype of the group alone.
    if number in integer:
        add(b"leaky_relu", 1, 1, code(tag), result_code(tag), result_code(tag),
            <kernel_t> leaky_relu_of_integers[number], &leaky_relu_loops, PLAIN)
        add(b"leaky_relu_to_integer", 1, 1, code(tag), result_code(tag), code(tag),
            <kernel_t> leaky_relu_to_integer_kernel[number], NULL, PLAIN)
    if number in floating:
        add_real(b"leaky_relu", 1, 1, &leaky_relu_loops, PLAIN, tag)
        add_real(b"leaky_relu_grad", 2, 1, &leaky_relu_grad_loops, PLAIN, tag)
        add_real(b"sigmoid_grad", 2, 0, &sigmoid_grad_loops, PLAIN, tag)
        add_real(b"tanh_grad", 2, 0, &tanh_grad_loops, PLAIN, tag)
        add_real(b"softsign_grad", 2, 0, &softsign_grad_loops, COMPUTE_BOUND, tag)
        add_real(b"elu_grad", 2, 1, &elu_grad_loops, PLAIN, tag)
        add_real(b"selu_grad", 2, 0, &selu_grad_loops, PLAIN, tag)
        add_real(b"celu_grad", 2, 1, &celu_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"silu_grad", 2, 1, &silu_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"gaussian_grad", 2, 0, &gaussian_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"mish_grad", 2, 0, &mish_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_exact(b"hard_tanh_grad", 2, <kernel_t> hard_tanh_grad_kernel[number], tag)
        add_real(b"hard_sigmoid_grad", 2, 0, &hard_sigmoid_grad_loops, PLAIN, tag)
        add_real(b"hard_silu_grad", 2, 0, &hard_silu_grad_loops, PLAIN, tag)
        add_real(b"hard_shrink_grad", 2, 1, &shrink_grad_loops, PLAIN, tag)
        add_real(b"soft_shrink_grad", 2, 1, &shrink_grad_loops, PLAIN, tag)
        add_real(b"softplus_grad", 2, 0, &softplus_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"log_sigmoid_grad", 2, 0, &log_sigmoid_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"logit_grad", 2, 0, &logit_grad_loops, COMPUTE_BOUND, tag)
        add_real(b"gelu_grad", 2, 0, &gelu_grad_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_real(b"gelu_grad_approximate", 2, 0, &gelu_grad_approximate_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
        add_row_function(b"softmax_grad", 2, SOFTMAX_GRAD, tag)
        add_row_function(b"log_softmax_grad", 2, LOG_SOFTMAX_GRAD, tag)
    return 0


# Any dtype to any floating-point one.
cdef int add_rescale(number* tag) except -1:
    if number is int8_t or number is uint8_t:
        add(b"rescale", 1, 2, code(tag), b"d", b"f", <kernel_t> rescale_bytes[number], NULL, PLAIN)
    else:
        add(b"rescale", 1, 2, code(tag), b"d", b"f", <kernel_t> rescale_to_float[number], NULL, PLAIN)
    add(b"rescale", 1, 2, code(tag), b"d", b"d", <kernel_t> rescale_to_double[number], NULL, PLAIN)
    add(b"rescale", 1, 2, code(tag), b"d", b"e", <kernel_t> rescale_to_16_bit[number], NULL, PLAIN)
    add(b"rescale", 1, 2, code(tag), b"d", b"E", <kernel_t> rescale_to_16_bit[number], NULL, PLAIN)
    return 0


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

add_rescale[int8_t](NULL)
add_rescale[uint8_t](NULL)
add_rescale[int16_t](NULL)
add_rescale[uint16_t](NULL)
add_rescale[int32_t](NULL)
add_rescale[uint32_t](NULL)
add_rescale[int64_t](NULL)
add_rescale[uint64_t](NULL)
add_rescale[half](NULL)
add_rescale[bfloat16](NULL)
add_rescale[float](NULL)
add_rescale[double](NULL)

level = PyCapsule_New(&level_table, b"cyact.kernels.level", NULL)
build_flags = BUILD_FLAGS.decode()
