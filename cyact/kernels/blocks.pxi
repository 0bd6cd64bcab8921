# Dtypes that a function of real numbers has no loop of its own for: they are converted to float or double, block by
# block, in the first-level cache. What that costs is little beside the formula, and saves a copy of it for every dtype.

cdef enum:
    BLOCK = 512     # elements: blocks of all operands, of the widest dtype, stay in the first-level cache


# A double rounded once, to the dtype of a type character. For 16 bits by way of a float that is rounded to odd: an
# inexact one gets an odd last bit, so that the second rounding meets no tie that was not one.
cdef void store(double value, char type, void* to) noexcept nogil:
    cdef float x = <float> value
    cdef int32_t b = bits_f(x)
    if type == b"d":
        (<double*> to)[0] = value
    elif type == b"f":
        (<float*> to)[0] = x
    else:
        if <double> x != value and value == value:
            b -= abs(<double> x) > abs(value)       # toward zero; from inf, to the largest float
            x = from_bits_f(b | 1)
        if type == b"e":
            (<half*> to)[0] = narrow[half](x, half(0))
        else:
            (<bfloat16*> to)[0] = narrow[bfloat16](x, bfloat16(0))


# ``tag`` is of the dtype of the computation. Integers have their result, and parameters, in that dtype already.
cdef void run_blocks(
    kernel_t loop, const Kernel* kernel, number** args, Py_ssize_t n, bint single, real* tag
) noexcept nogil:
    cdef real memory[MAX_OPERANDS * BLOCK + LINE]
    cdef real* blocks[MAX_OPERANDS]
    cdef void* at[MAX_OPERANDS]
    cdef number* x[MAX_OPERANDS]
    cdef int out = kernel.operands - 1, o
    cdef Py_ssize_t m
    for o in range(out + 1):
        x[o] = args[o]
        blocks[o] = <real*> at_line(memory) + o * BLOCK
        at[o] = <void*> blocks[o]
    # In a loop of their own: in the one above compilers would store under masks, see ``begin`` in rows.pxi.
    for o in range(kernel.inputs, out + 1):
        if not (number is half or number is bfloat16):
            at[o] = <void*> x[o]
        elif single and o < out:
            load_block(x[o], blocks[o], 1)
    if number is half or number is bfloat16:
        at[out] = <void*> blocks[0]     # in place, over the first input
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        for o in range(out):
            if o < kernel.inputs:
                load_block(x[o], blocks[o], m)
                x[o] += m
            elif not single:
                if number is half or number is bfloat16:
                    load_block(x[o], blocks[o], m)
                    x[o] += m
        loop(kernel, <char**> at, m, single, False)
        if number is half or number is bfloat16:
            store_block(blocks[0], x[out], m)
            x[out] += m
        else:
            for o in range(out if single else kernel.inputs, out + 1):
                at[o] = <void*> (<real*> at[o] + m)
        n -= m


# The kernel of a function of real numbers for every dtype that the function has no loop of its own for.
cdef void converting_kernel(
    const Kernel* kernel, number** args, Py_ssize_t n, bint single, bint streamed
) noexcept nogil:
    cdef const Loops* loops = kernel.loops
    if (number is int8_t or number is uint8_t) and kernel.parameters == 0:
        look_up(&loops.lookups[number is int8_t], <const uint8_t*> args[0], <float*> args[1], n)
    elif number is half or number is bfloat16:
        run_blocks[number, float](loops.rounded, kernel, args, n, single, NULL)
    elif number is int8_t or number is uint8_t or number is int16_t or number is uint16_t:
        run_blocks[number, float](loops.floats, kernel, args, n, single, NULL)
    else:
        run_blocks[number, double](loops.doubles, kernel, args, n, single, NULL)


# ---- arrays of another dtype than the kernel's ----

# Elements of any dtype as float or double, as NumPy casts them.
cdef void widen_all(const number* x, real* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if number is half and real is float:
        load_block(x, out, n)
    else:
        for i in range(n):
            out[i] = converted(x[i], out[i])


cdef inline void to_real(const char* x, char type, real* out, Py_ssize_t n) noexcept nogil:
    if type == b"b": widen_all(<const int8_t*> x, out, n)
    elif type == b"B": widen_all(<const uint8_t*> x, out, n)
    elif type == b"h": widen_all(<const int16_t*> x, out, n)
    elif type == b"H": widen_all(<const uint16_t*> x, out, n)
    elif type == b"i": widen_all(<const int32_t*> x, out, n)
    elif type == b"I": widen_all(<const uint32_t*> x, out, n)
    elif type == b"q": widen_all(<const int64_t*> x, out, n)
    elif type == b"Q": widen_all(<const uint64_t*> x, out, n)
    elif type == b"e": widen_all(<const half*> x, out, n)
    elif type == b"E": widen_all(<const bfloat16*> x, out, n)
    elif type == b"f": widen_all(<const float*> x, out, n)
    else: widen_all(<const double*> x, out, n)


# A block from one dtype to another, by type characters: from any to float or double, and from float to float16.
# Where one of them is float16 the floats have room to the end of a vector.
cdef void convert(const char* x, char type, char* out, char to, Py_ssize_t n) noexcept nogil:
    if to == b"e":
        store_block(<const float*> x, <half*> out, n)
    elif to == b"f":
        to_real(x, type, <float*> out, n)
    else:
        to_real(x, type, <double*> out, n)
