"""What one instruction-set level hands over to the rest of the package.

A level is an extension module that is compiled for one set of instructions. It exports one ``Level`` in a capsule;
everything else of the package is baseline code and calls through the pointers found there.
"""

from libc.stdint cimport uint8_t, uint64_t


# Of a stride. Cython's abs() of this type makes a Python object.
cdef inline Py_ssize_t magnitude(Py_ssize_t stride) noexcept nogil:
    return -stride if stride < 0 else stride


cdef enum:
    MAX_DIMS = 64           # NumPy's own limit on the number of dimensions
    MAX_INPUTS = 2          # arrays
    MAX_PARAMETERS = 3      # such as a slope
    MAX_OPERANDS = 6        # those and the output
    NEST_OPERANDS = 7       # those and a mask
    MAX_ROW_OPERANDS = 3    # of a function of rows, which has no parameters
    PATTERN = 1024          # elements of constants that repeat, at most
    ORDERED = 8             # bytes of a pixel that is brought into another order together with others, at most
    SEGMENTS = 1024         # parts that the sum of a long row is made of, at most

# Computes ``n`` elements. ``args`` are the operands: inputs, parameters, output. Each is contiguous and aligned; where
# ``single``, each parameter is one value instead. The output is one of the inputs, or overlaps none of them. Where
# ``streamed``, a kernel that ``stores_past_cache`` does so; its output then starts at a cache line.
ctypedef void (*kernel_t)(
    const Kernel* kernel, char** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil

# Results of a function of an eight-bit integer, by the bits of the argument.
cdef struct Lookup:
    float entries[256]
    uint8_t planes[4][32]   # byte k of each of the first 32
    bint flat               # every entry from 31 on is the same

# The loops of a function of real numbers, each the kernel for its dtype. Every dtype that has none is converted to
# float or double, block by block.
cdef struct Loops:
    kernel_t floats
    kernel_t doubles
    kernel_t halves         # of float16; NULL where blocks of floats serve
    kernel_t bfloat16s      # likewise
    kernel_t rounded        # of floats whose results are rounded to 16 bits, so that it may be less exact
    Lookup lookups[2]       # of uint8 and int8, of functions without parameters

# How a function of rows is computed: rows [start, stop) in C order; or one row by passes, each of them over all
# segments in any order, on several threads at will, until ``next_pass`` says that there is none. The two pointers at
# the end are NULL: their types are those that the function is compiled for, of the input and of the computation.
ctypedef void (*run_rows_t)(
    const RowNest* nest, Py_ssize_t start, Py_ssize_t stop, void*, void*
) noexcept nogil
ctypedef void (*run_pass_t)(const RowNest* nest, LongRow* row, Py_ssize_t segment, void*, void*) noexcept nogil
ctypedef bint (*next_pass_t)(const RowNest* nest, LongRow* row, void*, void*) noexcept nogil

cdef struct RowLoops:
    run_rows_t compute
    run_pass_t run_pass
    next_pass_t next_pass

# A function for one dtype.
cdef struct Kernel:
    const char* function            # its name, "relu"
    char types[MAX_OPERANDS + 1]    # a NumPy type character for each operand; "E" is bfloat16
    int itemsize[MAX_OPERANDS]
    int inputs, parameters, operands
    int row                         # what is computed of a whole row (rows.pxi); 0 where elements are by themselves
    bint row_results                # whether a row has a result for each element, or one
    bint compute_bound              # by arithmetic, not by memory: worth a thread for fewer elements
    bint stores_past_cache          # by itself, see ``kernel_t``
    bint in_rows                    # its output must lie straight and be no copy: a block is a part of one row
    # True unless a row promises that no input raises invalid, divide-by-zero or overflow (QUIET_FLOATS in table.pxi).
    bint raises_flags
    kernel_t call                   # NULL where rows are computed
    const Loops* loops
    RowLoops rows                   # and these where elements are

# Scale and offset for every element of a pattern, or their parts (formulas_rescale.pxd).
cdef union Constants:
    double whole[2][PATTERN]
    float parts[4][PATTERN]

# ``rescale`` for one call, where scale and offset repeat: they are the same for whatever lies ``channels`` elements
# apart. To whoever runs kernels, that many elements of the input are one, a pixel.
cdef struct Rescaling:
    # Of pixels: a pointer to it is one to this. Where ``itemsize`` of the input is negative, pixels are read backwards.
    Kernel kernel
    const Kernel* first             # of single elements
    const Kernel* second            # the activation's, NULL for none
    uint64_t numbers[MAX_PARAMETERS]        # its parameters, a value of any dtype each
    int channels
    bint turned                     # the channels of the input lie in the other order
    # What ``shuffle`` makes pixels of the output's order by, of ORDERED bytes at most: of sixteen bytes that begin with
    # as many pixels as there is room for, and of sixteen that end with them.
    uint8_t order[2][16]
    Py_ssize_t plane                # bytes from a channel of the output to the next, where it has planes, else 0
    bint in_parts                   # computed as floats
    int length                      # of the pattern: whole pixels, and whole vectors; of planes, 16 for each channel
    Constants constants

# One call of a function of rows, over arrays of any strides: ``ndim`` axes along which rows lie, at least one, the
# outermost first; then the ``core`` axes of a row.
cdef struct RowNest:
    const Kernel* kernel
    int ndim, core
    Py_ssize_t rows, length
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[MAX_ROW_OPERANDS][MAX_DIMS]
    char* data[MAX_ROW_OPERANDS]

# A row that is computed in passes over its segments, and what these have found.
cdef struct LongRow:
    char* data[MAX_ROW_OPERANDS]
    int step                        # what the pass does; 0 before the first one
    double largest, numbers[2]      # what the results are made of
    double tops[SEGMENTS]
    double sums[SEGMENTS]
    double rests[SEGMENTS]

# One call over arrays of any strides. Axis 0 is the outermost. The arrays may have other dtypes than the kernel takes:
# inputs and parameters any dtype where it takes float or double, the output float for double and the other way round,
# or float16 for float.
cdef struct LoopNest:
    const Kernel* kernel
    int operands                    # the kernel's, and the mask behind them where there is one
    bint masked                     # elements whose mask is 0 are not written
    char types[MAX_OPERANDS]        # of the arrays, as ``Kernel.types``
    int itemsize[NEST_OPERANDS]     # likewise
    int ndim
    Py_ssize_t shape[MAX_DIMS]
    Py_ssize_t strides[NEST_OPERANDS][MAX_DIMS]
    char* data[NEST_OPERANDS]
    Py_ssize_t streamed_from        # bytes of operands from which on the last cache does not hold them
    # What ``Level.plan_nest`` makes of it (plan.pxi).
    Py_ssize_t size                 # elements
    Py_ssize_t blocks, block_size   # how many, and elements of a whole one
    Py_ssize_t block[MAX_DIMS]      # its extent along each axis
    int outer                       # the outermost axis that a block may take more than one element of
    int row_axis                    # of a plane that is copied at once: what its rows lie along; elements: the last
    bint in_lines                   # blocks follow each other along the last axis but one, not along the last
    bint single                     # each parameter is one value in a block
    bint straight[NEST_OPERANDS]    # contiguous within every block
    bint as_it_lies[NEST_OPERANDS]  # the kernel takes it where it is
    bint repeated[NEST_OPERANDS]    # the same in every block, copied once
    bint prefetched[NEST_OPERANDS]  # the next block is far from the one before
    bint by_rows                    # the kernel writes each row of a tile where it belongs
    bint past_cache                 # results are written past the cache
    Py_ssize_t lacking              # elements that the first block along the last axis is shorter by, for whole lines

cdef struct Level:
    const Kernel* kernels
    Py_ssize_t count
    bint emulates_fma
    # Rounds a number once to the dtype of a type character.
    void (*store)(double value, char type, void* to) noexcept nogil
    # Computes ``n`` elements as ``kernel.call`` does, and writes them past the cache. The output overlaps no input.
    void (*run_streamed)(const Kernel* kernel, char** args, Py_ssize_t n, bint single) noexcept nogil
    # Cuts a nest into blocks.
    void (*plan_nest)(LoopNest* nest) noexcept nogil
    # Computes its blocks [start, stop).
    void (*run_nest)(const LoopNest* nest, Py_ssize_t start, Py_ssize_t stop) noexcept nogil
    # Kernels to put into a ``Rescaling``.
    kernel_t rescale_pixels
    kernel_t rescale_planes
    # Segments of a row that threads may share; 1 where rows are computed whole.
    Py_ssize_t (*row_segments)(const RowNest* nest) noexcept nogil
    void (*start_row)(const RowNest* nest, Py_ssize_t row, LongRow* state) noexcept nogil
