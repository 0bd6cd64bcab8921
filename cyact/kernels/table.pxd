"""What one instruction-set level hands over to the rest of the package.

A level is an extension module that is compiled for one set of instructions. It exports one ``Level`` in a capsule;
everything else of the package is baseline code and calls through the pointers found there.
"""

# NumPy's own limit on the number of dimensions.
cdef enum:
    MAX_DIMS = 64
    MAX_OPERANDS = 4

# Computes ``n`` elements. ``args`` are the operands, inputs first, output last; each is contiguous and aligned, but
# when ``scalar`` is true the slope is a single value. The output is one of the inputs, or overlaps none of them. Only
# a kernel that ``stores_past_cache`` heeds ``streamed``: it writes past the cache an output that starts at a cache
# line.
ctypedef void (*kernel_t)(char** args, Py_ssize_t n, bint scalar, bint streamed) noexcept nogil

cdef struct Kernel:
    const char* function        # its name, "relu"
    char types[MAX_OPERANDS + 1]    # a NumPy type character for each operand, the output last; "E" is bfloat16
    int operands                # inputs and output
    int itemsize[MAX_OPERANDS]
    bint sloped                 # the last input is a slope
    bint compute_bound                  # bound by arithmetic, not by memory
    bint stores_past_cache                # can write past the cache by itself
    bint quiet                  # raises no floating-point flag that NumPy warns of, unless told to, of any array
    kernel_t call
    # In place, of chosen elements alone: after the operands come unsigned integers as wide as these, zero where an
    # element is to be left as it is. NULL where there is no fast way.
    kernel_t chosen

# One call over arrays of any strides. Axis 0 is the outermost.
cdef struct LoopNest:
    const Kernel* kernel
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_OPERANDS][MAX_DIMS]
    char* data[MAX_OPERANDS]

cdef struct Level:
    const Kernel* kernels
    Py_ssize_t count
    # Rounds a number once to the dtype of a type character.
    void (*store)(double value, char type, void* to) noexcept nogil
    # Computes ``n`` elements as ``kernel.call`` does, and writes them past the cache. The output overlaps no input.
    void (*stream)(const Kernel* kernel, char** args, Py_ssize_t n, bint scalar) noexcept nogil
    # Computes the elements [start, stop) of the nest, counted in C order.
    void (*walk)(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop) noexcept nogil
