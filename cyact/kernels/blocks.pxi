# A double rounded once, to the dtype of a type character. For 16 bits it is first rounded to an odd float: two more
# bits than the result has, and no tie that was not one, make the second rounding right.
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


# Formulas of many operations have one loop for float and one for double. Other dtypes are converted to one of these a
# block at a time: what that costs is little beside the formula, and saves a copy of it for every dtype.
ctypedef void (*float_loop)(const float* x, float* out, Py_ssize_t n, bint streamed) noexcept nogil
ctypedef void (*double_loop)(const double* x, double* out, Py_ssize_t n, bint streamed) noexcept nogil


cdef void map1_float(float_loop f, const number* x, float* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        load_block(x, out, m)
        f(out, out, m, False)
        x += m
        out += m
        n -= m


cdef void map1_double(double_loop f, const number* x, double* out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        load_block(x, out, m)
        f(out, out, m, False)
        x += m
        out += m
        n -= m


cdef void map1_through_float(float_loop f, const number* x, number* out, Py_ssize_t n) noexcept nogil:
    cdef float block[BLOCK]
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        map1_float(f, x, block, m)
        store_block(block, out, m)
        x += m
        out += m
        n -= m


cdef void map1_through_double(double_loop f, const number* x, number* out, Py_ssize_t n) noexcept nogil:
    cdef double block[BLOCK]
    cdef Py_ssize_t m
    while n > 0:
        m = min(<Py_ssize_t> BLOCK, n)
        map1_double(f, x, block, m)
        store_block(block, out, m)
        x += m
        out += m
        n -= m
