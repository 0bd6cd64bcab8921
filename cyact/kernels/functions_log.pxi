# The loops of the logarithms and of their gradients: real functions, bound by arithmetic.

cdef void softplus_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](softplus_prepare[real], softplus_finish[real], clamp_magnitude[real],
                   0, SOFTPLUS_END_F if real is float else SOFTPLUS_END, args[0], NULL, NULL, args[1],
                   n, single, streamed)


cdef Loops softplus_loops = in_blocks(<kernel_t> softplus_loop[float], <kernel_t> softplus_loop[double], NULL)


cdef void log_sigmoid_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](softplus_prepare[real], log_sigmoid_finish[real], clamp_magnitude[real],
                   0, SOFTPLUS_END_F if real is float else SOFTPLUS_END, args[0], NULL, NULL, args[1],
                   n, single, streamed)


cdef Loops log_sigmoid_loops = in_blocks(<kernel_t> log_sigmoid_loop[float], <kernel_t> log_sigmoid_loop[double], NULL)


cdef void logit_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](logit_prepare[real], logit_finish[real], unclamped[real], 0, 0,
                   args[0], NULL, NULL, args[1], n, single, streamed)


cdef Loops logit_loops = in_blocks(<kernel_t> logit_loop[float], <kernel_t> logit_loop[double], NULL)


cdef void softplus_grad_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](softplus_grad_prepare[real], softplus_grad_finish[real], clamp[real],
                   -200 if real is float else -1500, 200 if real is float else 1500,
                   args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops softplus_grad_loops = in_blocks(
    <kernel_t> softplus_grad_loop[float], <kernel_t> softplus_grad_loop[double], NULL
)


cdef void log_sigmoid_grad_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](log_sigmoid_grad_prepare[real], log_sigmoid_grad_finish[real], clamp[real],
                   -200 if real is float else -1500, 200 if real is float else 1500,
                   args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops log_sigmoid_grad_loops = in_blocks(
    <kernel_t> log_sigmoid_grad_loop[float], <kernel_t> log_sigmoid_grad_loop[double], NULL
)


cdef void logit_grad_loop(
    const Kernel* kernel, floating** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    few_operations2[floating](logit_grad[float], logit_grad[double], args, n, False)


cdef Loops logit_grad_loops = with_16_bit_loops(
    <kernel_t> logit_grad_loop[float], <kernel_t> logit_grad_loop[double],
    <kernel_t> logit_grad_loop[half], <kernel_t> logit_grad_loop[bfloat16],
)
