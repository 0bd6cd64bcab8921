# The loops of each function: which formula goes by which of the generic loops.
#
# exact   One formula for all dtypes, whose result has the dtype of the input. Its kernel is for all of them.
# real    A formula for float and double. Its loops are one fused function; integers and 16-bit floats go through
#         ``converting_kernel`` (blocks.pxi), by tables or by blocks, unless there are loops for 16 bits too.


# ---- exact ----

# Unsigned integers are their own result. Vectors go straight from one array to the other, see ``store_vector``.
cdef void copy_unless_same(const uint8_t* x, uint8_t* out, Py_ssize_t bytes) noexcept nogil:
    if x == out:
        return
    while bytes >= VECTOR:
        store_vector(out, x)
        x += VECTOR
        out += VECTOR
        bytes -= VECTOR
    memcpy(out, x, bytes)


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

# Loops of a function whose other dtypes are converted, block by block. ``rounded`` is a cheaper loop of floats for
# results that are rounded to 16 bits; NULL: there is none.
cdef Loops in_blocks(kernel_t floats, kernel_t doubles, kernel_t rounded) noexcept:
    cdef Loops loops
    memset(&loops, 0, sizeof(loops))
    loops.floats, loops.doubles = floats, doubles
    loops.rounded = rounded if rounded != NULL else floats
    return loops


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


# With loops for 16 bits too: for few operations, blocks would take longer than the formula.
cdef Loops with_16_bit_loops(kernel_t floats, kernel_t doubles, kernel_t halves, kernel_t bfloat16s) noexcept:
    cdef Loops loops = in_blocks(floats, doubles, NULL)
    loops.halves, loops.bfloat16s = halves, bfloat16s
    return loops


cdef void leaky_relu_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](leaky_relu[float], leaky_relu[double], args, n, single)


cdef Loops leaky_relu_loops = with_16_bit_loops(
    <kernel_t> leaky_relu_loop[float], <kernel_t> leaky_relu_loop[double],
    <kernel_t> leaky_relu_loop[half], <kernel_t> leaky_relu_loop[bfloat16],
)


cdef void leaky_relu_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
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


cdef Loops leaky_relu_grad_loops = with_16_bit_loops(
    <kernel_t> leaky_relu_grad_loop[float], <kernel_t> leaky_relu_grad_loop[double],
    <kernel_t> leaky_relu_grad_loop[half], <kernel_t> leaky_relu_grad_loop[bfloat16],
)


cdef void sigmoid_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](sigmoid_grad[float], sigmoid_grad[double], args, n, False)


cdef Loops sigmoid_grad_loops = with_16_bit_loops(
    <kernel_t> sigmoid_grad_loop[float], <kernel_t> sigmoid_grad_loop[double],
    <kernel_t> sigmoid_grad_loop[half], <kernel_t> sigmoid_grad_loop[bfloat16],
)


cdef void tanh_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](tanh_grad[float], tanh_grad[double], args, n, False)


cdef Loops tanh_grad_loops = with_16_bit_loops(
    <kernel_t> tanh_grad_loop[float], <kernel_t> tanh_grad_loop[double],
    <kernel_t> tanh_grad_loop[half], <kernel_t> tanh_grad_loop[bfloat16],
)


cdef void elu_grad_loop(const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    few_operations3[floating](elu_grad[float], elu_grad[double], args, n, single)


cdef Loops elu_grad_loops = with_16_bit_loops(
    <kernel_t> elu_grad_loop[float], <kernel_t> elu_grad_loop[double],
    <kernel_t> elu_grad_loop[half], <kernel_t> elu_grad_loop[bfloat16],
)


cdef void leaky_relu_of_integers(
    const Kernel* kernel, integer** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    if integer is int8_t or integer is uint8_t or integer is int16_t or integer is uint16_t:
        map_integer[float, integer](leaky_relu[float], args[0], <float*> args[1], <float*> args[2], n, single)
    else:
        map_integer[double, integer](leaky_relu[double], args[0], <double*> args[1], <double*> args[2], n, single)


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

cdef void sigmoid_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](sigmoid_prepare[real], sigmoid_finish[real], clamp[real], -105 if real is float else -746,
                   20 if real is float else 40, args[0], NULL, NULL, args[1], n, single, streamed)


cdef void sigmoid_rounded(const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](sigmoid_16_bit, clamp[float], -105, 20, args[0], args[1], n)


cdef Loops sigmoid_loops = in_blocks(
    <kernel_t> sigmoid_loop[float], <kernel_t> sigmoid_loop[double], <kernel_t> sigmoid_rounded
)


cdef void tanh_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](tanh_prepare[real], tanh_finish[real], clamp_magnitude[real], 0,
                   <real> 9.25 if real is float else 20, args[0], NULL, NULL, args[1], n, single, streamed)


cdef void tanh_rounded(const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](tanh_16_bit, clamp[float], -4.5625, 4.5625, args[0], args[1], n)


cdef Loops tanh_loops = in_blocks(<kernel_t> tanh_loop[float], <kernel_t> tanh_loop[double], <kernel_t> tanh_rounded)


cdef void softsign_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[real](softsign[real], clamp[real], -1073741824.0 if real is float else -1152921504606846976.0,
                       1073741824.0 if real is float else 1152921504606846976.0, args[0], args[1], n)


cdef void softsign_rounded(const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](softsign_16_bit, clamp[float], -1073741824.0, 1073741824.0, args[0], args[1], n)


cdef Loops softsign_loops = in_blocks(
    <kernel_t> softsign_loop[float], <kernel_t> softsign_loop[double], <kernel_t> softsign_rounded
)


cdef void softsign_grad_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](softsign_grad_prepare[real], softsign_grad_finish[real], clamp_magnitude[real], 0,
                   FLT_MAX if real is float else DBL_MAX, args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops softsign_grad_loops = in_blocks(
    <kernel_t> softsign_grad_loop[float], <kernel_t> softsign_grad_loop[double], NULL
)


cdef void elu_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](elu_prepare[real], elu_finish[real], clamp[real], -18 if real is float else -38, 0,
                   args[0], args[1], NULL, args[2], n, single, streamed)


cdef Loops elu_loops = in_blocks(<kernel_t> elu_loop[float], <kernel_t> elu_loop[double], NULL)


cdef void silu_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    if single and args[1][0] == 1:
        pipeline[real](silu_1_prepare[real], silu_1_finish[real], unclamped[real], 0, 0,
                       args[0], NULL, NULL, args[2], n, single, streamed)
    else:
        pipeline[real](silu_prepare[real], silu_finish[real], unclamped[real], 0, 0,
                       args[0], args[1], NULL, args[2], n, single, streamed)


cdef void silu_rounded(const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    if single and args[1][0] == 1:
        map1_clamped[float](silu_16_bit, clamp[float], -110, 20, args[0], args[2], n)
    else:
        silu_loop[float](kernel, args, n, single, streamed)


cdef Loops silu_loops = in_blocks(<kernel_t> silu_loop[float], <kernel_t> silu_loop[double], <kernel_t> silu_rounded)
