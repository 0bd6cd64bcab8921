# The loops of gelu, exact and by tanh, and of their gradients: real functions, bound by arithmetic.

cdef void gelu_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](gelu_prepare[real], gelu_finish[real], clamp_magnitude[real],
                   0, 14.4 if real is float else 38.7, args[0], NULL, NULL, args[1], n, single, streamed)


cdef void gelu_rounded(const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    map1_clamped[float](gelu_16_bit, clamp_magnitude[float], 0, 14.4, args[0], args[1], n)


cdef Loops gelu_loops = in_blocks(<kernel_t> gelu_loop[float], <kernel_t> gelu_loop[double], <kernel_t> gelu_rounded)


cdef void gelu_approximate_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](gelu_approximate_prepare[real], gelu_approximate_finish[real], clamp[real],
                   -11 if real is float else -22, 6 if real is float else 9,
                   args[0], NULL, NULL, args[1], n, single, streamed)


cdef void gelu_approximate_rounded(
    const Kernel* kernel, float** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    map1_clamped[float](gelu_approximate_16_bit, clamp[float], -11, 6, args[0], args[1], n)


cdef Loops gelu_approximate_loops = in_blocks(
    <kernel_t> gelu_approximate_loop[float], <kernel_t> gelu_approximate_loop[double],
    <kernel_t> gelu_approximate_rounded,
)


cdef void gelu_grad_loop(const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed) noexcept nogil:
    pipeline[real](gelu_grad_prepare[real], gelu_grad_finish[real], clamp_magnitude[real],
                   0, 20 if real is float else 54.5, args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops gelu_grad_loops = in_blocks(<kernel_t> gelu_grad_loop[float], <kernel_t> gelu_grad_loop[double], NULL)


cdef void gelu_grad_approximate_loop(
    const Kernel* kernel, real** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    pipeline[real](gelu_grad_approximate_prepare[real], gelu_grad_approximate_finish[real], clamp[real],
                   -14 if real is float else -27.6, 14 if real is float else 27.6,
                   args[1], NULL, args[0], args[2], n, single, streamed)


cdef Loops gelu_grad_approximate_loops = in_blocks(
    <kernel_t> gelu_grad_approximate_loop[float], <kernel_t> gelu_grad_approximate_loop[double], NULL
)
