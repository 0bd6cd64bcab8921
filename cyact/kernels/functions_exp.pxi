# The loops of the functions with an exponential.


cdef void selu_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](selu_grad[float], selu_grad[double], args, n, False)


cdef Loops selu_grad_loops = with_16_bit_loops(
    <kernel_t> selu_grad_loop[float], <kernel_t> selu_grad_loop[double],
    <kernel_t> selu_grad_loop[half], <kernel_t> selu_grad_loop[bfloat16],
)


cdef void selu_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](selu_prepare[real], selu_finish[real], clamp[real], -18 if real is float else -38, 0,
                   args[0], NULL, NULL, args[1], n, single, streamed)


cdef Loops selu_loops = in_blocks(<kernel_t> selu_loop[float], <kernel_t> selu_loop[double], NULL)


cdef void celu_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    # For alpha = 1 celu is elu, with the same bits.
    if single and args[1][0] == 1:
        elu_loop[real](kernel, args, n, single, streamed)
        return
    pipeline[real](celu_prepare[real], celu_finish[real], clamp[real], -FLT_MAX if real is float else -DBL_MAX, 0,
                   args[0], args[1], NULL, args[2], n, single, streamed)


cdef Loops celu_loops = in_blocks(<kernel_t> celu_loop[float], <kernel_t> celu_loop[double], NULL)


cdef void celu_grad_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](celu_grad_prepare[real], celu_grad_finish[real], clamp[real],
                   -FLT_MAX if real is float else -DBL_MAX, 0,
                   args[1], args[2], args[0], args[3], n, single, streamed)


cdef Loops celu_grad_loops = in_blocks(<kernel_t> celu_grad_loop[float], <kernel_t> celu_grad_loop[double], NULL)


cdef void gaussian_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](gaussian_prepare[real], gaussian_finish[real], clamp_magnitude[real], 0,
                   <real> 10.3 if real is float else 27.4, args[0], NULL, NULL, args[1], n, single, streamed)


cdef Loops gaussian_loops = in_blocks(<kernel_t> gaussian_loop[float], <kernel_t> gaussian_loop[double], NULL)


cdef void gaussian_grad_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](gaussian_grad_prepare[real], gaussian_grad_finish[real], clamp_magnitude[real],
                   0, GAUSSIAN_GRAD_HIGH_F if real is float else GAUSSIAN_GRAD_HIGH,
                   args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops gaussian_grad_loops = in_blocks(
    <kernel_t> gaussian_grad_loop[float], <kernel_t> gaussian_grad_loop[double], NULL
)


cdef void mish_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](mish_prepare[real], mish_finish[real], clamp[real], -110 if real is float else -753,
                   MISH_HIGH_F if real is float else MISH_HIGH, args[0], NULL, NULL, args[1], n, single, streamed)


cdef Loops mish_loops = in_blocks(<kernel_t> mish_loop[float], <kernel_t> mish_loop[double], NULL)


cdef void silu_grad_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](silu_grad_prepare[real], silu_grad_finish[real], unclamped[real], 0, 0,
                   args[1], args[2], args[0], args[3], n, single, streamed)


cdef Loops silu_grad_loops = in_blocks(<kernel_t> silu_grad_loop[float], <kernel_t> silu_grad_loop[double], NULL)


cdef void mish_grad_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](mish_grad_prepare[real], mish_grad_finish[real], clamp[real],
                   NOTHING_F if real is float else NOTHING, MISH_HIGH_F if real is float else MISH_HIGH,
                   args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops mish_grad_loops = in_blocks(<kernel_t> mish_grad_loop[float], <kernel_t> mish_grad_loop[double], NULL)
