# Which formula is computed by which loop, for which dtypes and with which promises: here and nowhere else.
#
# A function is a row in ``add_rows``. What stands behind it is one of two families:
#
# exact   One formula for all dtypes, whose result has the dtype of the input. Its kernel names the loop.
# real    A formula for float and double. Its loops are one fused function; integers and 16-bit floats go through
#         ``real_kernel``, by tables or by blocks.

from cpython.pycapsule cimport PyCapsule_New
from libc.stdlib cimport realloc

cdef extern from *:
    const char* BUILD_FLAGS "CYACT_BUILD_FLAGS"     # from setup.py


# ---- exact ----

# Unsigned integers are their own result.
cdef void copy_unless_same(const uint8_t* x, uint8_t* out, Py_ssize_t bytes) noexcept nogil:
    if x != out:
        map1[uint8_t](relu[uint8_t], x, out, bytes)


cdef void relu_kernel(const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    if number is uint8_t or number is uint16_t or number is uint32_t or number is uint64_t:
        copy_unless_same(<const uint8_t*> args[0], <uint8_t*> args[1], n * sizeof(number))
    else:
        map1[number](relu[number], args[0], args[1], n)


cdef void relu_grad_kernel(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    map2[number](relu_grad[number], args[0], args[1], args[2], n, False)


# ---- real: formulas of few operations ----

# The same formula for float and double, by the loop for each dtype. The last operand may be a single value.
cdef inline void few_operations2(
    float (*of_floats)(float, float) noexcept nogil, double (*of_doubles)(double, double) noexcept nogil,
    floating** args, Py_ssize_t n, bint single,
) noexcept nogil:
    if floating is float:
        map2[float](of_floats, args[0], args[1], args[2], n, single)
    elif floating is double:
        map2[double](of_doubles, args[0], args[1], args[2], n, single)
    else:
        map2_16_bit[floating](of_floats, args[0], args[1], args[2], n, single)


cdef inline void few_operations3(
    float (*of_floats)(float, float, float) noexcept nogil,
    double (*of_doubles)(double, double, double) noexcept nogil,
    floating** args, Py_ssize_t n, bint single,
) noexcept nogil:
    if floating is float:
        map3[float](of_floats, args[0], args[1], args[2], args[3], n, single)
    elif floating is double:
        map3[double](of_doubles, args[0], args[1], args[2], args[3], n, single)
    else:
        map3_16_bit[floating](of_floats, args[0], args[1], args[2], args[3], n, single)


cdef void leaky_relu_loop(floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    few_operations2[floating](leaky_relu[float], leaky_relu[double], args, n, single)


cdef void leaky_relu_grad_loop(floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    cdef float alpha
    if floating is float or floating is double:
        alpha = <float> args[2][0]
    else:
        alpha = widen(args[2][0])
    # Neither 0, nor infinite, nor NaN; where a double becomes so as a float, the longer way is right too.
    if single and 0 < fabsf(alpha) < INFINITY:
        few_operations3[floating](leaky_relu_grad_finite[float], leaky_relu_grad_finite[double], args, n, True)
    else:
        few_operations3[floating](leaky_relu_grad[float], leaky_relu_grad[double], args, n, single)


cdef void sigmoid_grad_loop(floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    few_operations2[floating](sigmoid_grad[float], sigmoid_grad[double], args, n, False)


cdef void tanh_grad_loop(floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    few_operations2[floating](tanh_grad[float], tanh_grad[double], args, n, False)


cdef void elu_grad_loop(floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    few_operations3[floating](elu_grad[float], elu_grad[double], args, n, single)


# Negative integers, stored into the integer dtype that they have; unsigned ones are their own result.
cdef void leaky_relu_to_integer_kernel(
    const Kernel* kernel, integer** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    if integer is uint8_t or integer is uint16_t or integer is uint32_t or integer is uint64_t:
        copy_unless_same(<const uint8_t*> args[0], <uint8_t*> args[2], n * sizeof(integer))
    elif integer is int8_t or integer is int16_t:
        map_to_integer[integer, float](leaky_relu_to_integer[integer, float], args[0], <float*> args[1], args[2],
                                       n, single)
    else:
        map_to_integer[integer, double](leaky_relu_to_integer[integer, double], args[0], <double*> args[1], args[2],
                                        n, single)


# ---- real: formulas that are bound by arithmetic ----

cdef void sigmoid_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](sigmoid_prepare[real], sigmoid_finish[real], clamp[real], -105 if real is float else -746,
                   20 if real is float else 40, args[0], NULL, NULL, args[1], n, single, streamed)


cdef void sigmoid_rounded(float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](sigmoid_16_bit, clamp[float], -105, 20, args[0], args[1], n)


cdef void tanh_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](tanh_prepare[real], tanh_finish[real], clamp_magnitude[real], 0,
                   <real> 9.25 if real is float else 20, args[0], NULL, NULL, args[1], n, single, streamed)


cdef void tanh_rounded(float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](tanh_16_bit, clamp[float], -4.5625, 4.5625, args[0], args[1], n)


cdef void softsign_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[real](softsign[real], clamp[real], -1073741824.0 if real is float else -1152921504606846976.0,
                       1073741824.0 if real is float else 1152921504606846976.0, args[0], args[1], n)


cdef void softsign_grad_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](softsign_grad_prepare[real], softsign_grad_finish[real], clamp_magnitude[real], 0,
                   FLT_MAX if real is float else DBL_MAX, args[1], NULL, args[0], args[2], n, single, streamed)


cdef void elu_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](elu_prepare[real], elu_finish[real], clamp[real], -18 if real is float else -38, 0,
                   args[0], args[1], NULL, args[2], n, single, streamed)


cdef void silu_loop(real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](silu_prepare[real], silu_finish[real], unclamped[real], 0, 0,
                   args[0], args[1], NULL, args[2], n, single, streamed)


# ---- the loops of each function ----

# ``rounded`` may be NULL: the loop of floats serves 16 bits too.
cdef Loops in_blocks(loop_t floats, loop_t doubles, loop_t rounded) noexcept:
    cdef Loops loops
    memset(&loops, 0, sizeof(loops))
    loops.floats, loops.doubles = floats, doubles
    loops.rounded = rounded if rounded != NULL else floats
    return loops


# Of few operations: blocks would take longer than they do.
cdef Loops direct(loop_t floats, loop_t doubles, loop_t halves, loop_t bfloat16s) noexcept:
    cdef Loops loops = in_blocks(floats, doubles, NULL)
    loops.halves, loops.bfloat16s = halves, bfloat16s
    return loops


cdef Loops leaky_relu_loops = direct(
    <loop_t> leaky_relu_loop[float], <loop_t> leaky_relu_loop[double],
    <loop_t> leaky_relu_loop[half], <loop_t> leaky_relu_loop[bfloat16],
)
cdef Loops leaky_relu_grad_loops = direct(
    <loop_t> leaky_relu_grad_loop[float], <loop_t> leaky_relu_grad_loop[double],
    <loop_t> leaky_relu_grad_loop[half], <loop_t> leaky_relu_grad_loop[bfloat16],
)
cdef Loops sigmoid_loops = in_blocks(
    <loop_t> sigmoid_loop[float], <loop_t> sigmoid_loop[double], <loop_t> sigmoid_rounded
)
cdef Loops sigmoid_grad_loops = direct(
    <loop_t> sigmoid_grad_loop[float], <loop_t> sigmoid_grad_loop[double],
    <loop_t> sigmoid_grad_loop[half], <loop_t> sigmoid_grad_loop[bfloat16],
)
cdef Loops tanh_loops = in_blocks(<loop_t> tanh_loop[float], <loop_t> tanh_loop[double], <loop_t> tanh_rounded)
cdef Loops tanh_grad_loops = direct(
    <loop_t> tanh_grad_loop[float], <loop_t> tanh_grad_loop[double],
    <loop_t> tanh_grad_loop[half], <loop_t> tanh_grad_loop[bfloat16],
)

cdef Loops softsign_loops = in_blocks(<loop_t> softsign_loop[float], <loop_t> softsign_loop[double], NULL)
cdef Loops softsign_grad_loops = in_blocks(
    <loop_t> softsign_grad_loop[float], <loop_t> softsign_grad_loop[double], NULL
)
cdef Loops elu_loops = in_blocks(<loop_t> elu_loop[float], <loop_t> elu_loop[double], NULL)
cdef Loops elu_grad_loops = direct(
    <loop_t> elu_grad_loop[float], <loop_t> elu_grad_loop[double],
    <loop_t> elu_grad_loop[half], <loop_t> elu_grad_loop[bfloat16],
)
cdef Loops silu_loops = in_blocks(<loop_t> silu_loop[float], <loop_t> silu_loop[double], NULL)


# ---- the table ----

cdef Level level_table
level_table.kernels = NULL
level_table.count = 0
level_table.emulates_fma = not HAS_FMA
level_table.store = store
level_table.run_streamed = run_streamed
level_table.run_nest = run_nest


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
    # By powers of two; pointers into the table are handed out when it is complete.
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
    return add(name, inputs, parameters, code(tag), result_code(tag), result_code(tag),
               <kernel_t> real_kernel[number], loops, traits)


cdef int add_rows(number* tag) except -1:
    add_exact(b"relu", 1, <kernel_t> relu_kernel[number], tag)
    add_exact(b"relu_grad", 2, <kernel_t> relu_grad_kernel[number], tag)
    add_real(b"leaky_relu", 1, 1, &leaky_relu_loops, PLAIN, tag)
    add_real(b"sigmoid", 1, 0, &sigmoid_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"tanh", 1, 0, &tanh_loops, COMPUTE_BOUND | STORES_PAST_CACHE | QUIET_FLOATS, tag)
    add_real(b"softsign", 1, 0, &softsign_loops, COMPUTE_BOUND, tag)
    add_real(b"elu", 1, 1, &elu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    add_real(b"silu", 1, 1, &silu_loops, COMPUTE_BOUND | STORES_PAST_CACHE, tag)
    if number in integer:
        add(b"leaky_relu_to_integer", 1, 1, code(tag), result_code(tag), code(tag),
            <kernel_t> leaky_relu_to_integer_kernel[number], NULL, PLAIN)
    if number in floating:
        add_real(b"leaky_relu_grad", 2, 1, &leaky_relu_grad_loops, PLAIN, tag)
        add_real(b"sigmoid_grad", 2, 0, &sigmoid_grad_loops, PLAIN, tag)
        add_real(b"tanh_grad", 2, 0, &tanh_grad_loops, PLAIN, tag)
        add_real(b"softsign_grad", 2, 0, &softsign_grad_loops, COMPUTE_BOUND, tag)
        add_real(b"elu_grad", 2, 1, &elu_grad_loops, PLAIN, tag)
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

level = PyCapsule_New(&level_table, b"cyact.kernels.level", NULL)
build_flags = BUILD_FLAGS.decode()
