# The loops of the functions that are made of straight pieces: all of few operations.


# ---- exact ----

cdef void relu6_kernel(const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    if number is float:
        map1_clamped[float](itself[float], clamp[float], 0, 6, args[0], args[1], n)
    elif number is double:
        map1_clamped[double](itself[double], clamp[double], 0, 6, args[0], args[1], n)
    else:
        map1[number](relu6[number], args[0], args[1], n)


cdef void relu6_grad_kernel(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    map2[number](relu6_grad[number], args[0], args[1], args[2], n, False)


cdef void hard_tanh_kernel(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    cdef number one
    if number is float:
        map1_clamped[float](itself[float], clamp[float], -1, 1, args[0], args[1], n)
    elif number is double:
        map1_clamped[double](itself[double], clamp[double], -1, 1, args[0], args[1], n)
    elif number is uint8_t or number is uint16_t or number is uint32_t or number is uint64_t:
        if sizeof(number) <= WIDEST_MINIMUM:
            one = 1
            forget(&one)
            map2[number](smaller[number], args[0], &one, args[1], n, True)
        else:
            map1[number](hard_tanh[number], args[0], args[1], n)
    else:
        map1[number](hard_tanh[number], args[0], args[1], n)


cdef void hard_tanh_grad_kernel(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    map2[floating](hard_tanh_grad[floating], args[0], args[1], args[2], n, False)


cdef void step_kernel(const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1[number](step[number], args[0], args[1], n)


# ---- real ----

cdef void hard_sigmoid_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    if floating is float:
        map1_clamped[float](hard_sigmoid[float], clamp[float], -3, 3, args[0], args[1], n)
    elif floating is double:
        map1_clamped[double](hard_sigmoid[double], clamp[double], -3, 3, args[0], args[1], n)
    else:
        map1_16_bit[floating](hard_sigmoid_16_bit, args[0], args[1], n)


cdef Loops hard_sigmoid_loops = with_16_bit_loops(
    <kernel_t> hard_sigmoid_loop[float], <kernel_t> hard_sigmoid_loop[double],
    <kernel_t> hard_sigmoid_loop[half], <kernel_t> hard_sigmoid_loop[bfloat16],
)


cdef void hard_sigmoid_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](hard_sigmoid_grad[float], hard_sigmoid_grad[double], args, n, False)


cdef Loops hard_sigmoid_grad_loops = with_16_bit_loops(
    <kernel_t> hard_sigmoid_grad_loop[float], <kernel_t> hard_sigmoid_grad_loop[double],
    <kernel_t> hard_sigmoid_grad_loop[half], <kernel_t> hard_sigmoid_grad_loop[bfloat16],
)


cdef void hard_silu_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    if floating is float:
        map1[float](hard_silu[float], args[0], args[1], n)
    elif floating is double:
        map1[double](hard_silu[double], args[0], args[1], n)
    else:
        map1_16_bit[floating](hard_silu_16_bit, args[0], args[1], n)


cdef Loops hard_silu_loops = with_16_bit_loops(
    <kernel_t> hard_silu_loop[float], <kernel_t> hard_silu_loop[double],
    <kernel_t> hard_silu_loop[half], <kernel_t> hard_silu_loop[bfloat16],
)


cdef void hard_silu_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](hard_silu_grad[float], hard_silu_grad[double], args, n, False)


cdef Loops hard_silu_grad_loops = with_16_bit_loops(
    <kernel_t> hard_silu_grad_loop[float], <kernel_t> hard_silu_grad_loop[double],
    <kernel_t> hard_silu_grad_loop[half], <kernel_t> hard_silu_grad_loop[bfloat16],
)


cdef void hard_shrink_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](hard_shrink[float], hard_shrink[double], args, n, single)


cdef Loops hard_shrink_loops = with_16_bit_loops(
    <kernel_t> hard_shrink_loop[float], <kernel_t> hard_shrink_loop[double],
    <kernel_t> hard_shrink_loop[half], <kernel_t> hard_shrink_loop[bfloat16],
)


cdef void soft_shrink_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](soft_shrink[float], soft_shrink[double], args, n, single)


cdef Loops soft_shrink_loops = with_16_bit_loops(
    <kernel_t> soft_shrink_loop[float], <kernel_t> soft_shrink_loop[double],
    <kernel_t> soft_shrink_loop[half], <kernel_t> soft_shrink_loop[bfloat16],
)


cdef void shrink_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations3[floating](shrink_grad[float], shrink_grad[double], args, n, single)


cdef Loops shrink_grad_loops = with_16_bit_loops(
    <kernel_t> shrink_grad_loop[float], <kernel_t> shrink_grad_loop[double],
    <kernel_t> shrink_grad_loop[half], <kernel_t> shrink_grad_loop[bfloat16],
)
