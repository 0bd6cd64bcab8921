"""What ``simd.h`` offers."""

from libc.stdint cimport int8_t, int16_t, int32_t, uint8_t, uint16_t

from cyact.kernels.dtypes cimport half

cdef extern from "simd.h":
    const bint HAS_FMA "CYACT_HAS_FMA"                          # as an instruction
    int32_t to_int32 "CYACT_INT32"(double x) noexcept nogil     # toward zero
    # a b + c, rounded once
    float fma_f "cyact_fmaf"(float a, float b, float c) noexcept nogil
    double fma_d "cyact_fma"(double a, double b, double c) noexcept nogil
    # the same where the processor can, else rounded twice: for the small terms of a polynomial
    float mad_f "cyact_madf"(float a, float b, float c) noexcept nogil
    double mad_d "cyact_mad"(double a, double b, double c) noexcept nogil
    const bint KEEPS_NAN "CYACT_KEEPS_NAN"          # arithmetic hands a NaN on, of two the first
    # The result of a formula, but x where that is NaN.
    float or_nan_f "CYACT_OR_NAN"(float y, float x) noexcept nogil
    double or_nan_d "CYACT_OR_NAN"(double y, double x) noexcept nogil

    enum: HALF_LANES "CYACT_HALF_LANES"
    void widen_lanes "CYACT_WIDEN"(const half* x, float* out) noexcept nogil
    void narrow_lanes "CYACT_NARROW"(const float* x, half* out) noexcept nogil

    # The processor has an instruction that converts a vector of 64-bit integers to double.
    const bint CONVERTS_64_BITS "CYACT_CONVERTS_64_BITS"
    enum: WIDEST_MINIMUM "CYACT_WIDEST_MINIMUM"     # bytes of the widest integers that a vector's minimum is of
    # Keeps clang from using the value that it knows a number to have.
    void forget "CYACT_FORGET_NUMBER"(void* x) noexcept nogil
    # Keeps clang from using that n doubles, a constant, were integers; ``simd.h`` has why.
    void forget_integers "CYACT_FORGET_INTEGERS"(double* block, size_t n) noexcept nogil
    # As many short integers as a vector has floats.
    void int8_to_32 "cyact_int8_to_32"(const int8_t* x, int32_t* to) noexcept nogil
    void uint8_to_32 "cyact_uint8_to_32"(const uint8_t* x, int32_t* to) noexcept nogil
    void int16_to_32 "cyact_int16_to_32"(const int16_t* x, int32_t* to) noexcept nogil
    void uint16_to_32 "cyact_uint16_to_32"(const uint16_t* x, int32_t* to) noexcept nogil

    enum: LOOKUP_LANES "CYACT_LOOKUP_LANES"
    enum: LOOKUP_ALL "CYACT_LOOKUP_ALL"
    void lookup_32 "cyact_lookup_32"(
        const float* entries, const void* planes, const uint8_t* x, float* out
    ) noexcept nogil
    void lookup_256 "cyact_lookup_256"(const float* entries, const uint8_t* x, float* out) noexcept nogil

    enum: VECTOR "CYACT_VECTOR"             # bytes that a loop goes over in one turn
    enum: LANES_16_BIT "(CYACT_REGISTER / 2)"      # elements of 16 bits that a loop computes in one turn
    enum: LINE "CYACT_LINE"                 # bytes of a cache line
    # The first place in an array that begins a cache line; ``simd.h`` has why. The array is a line longer.
    char* at_line "CYACT_AT_LINE"(const void* memory) noexcept nogil
    const bint STAGES_APART "CYACT_STAGES_APART"    # a loop for each stage of the pipeline, not one for both
    # gcc would copy a block in halves, by way of memory, where it sees a loop or memcpy.
    void store_vector "CYACT_STORE"(void* to, const void* block) noexcept nogil
    const bint CAN_STREAM "CYACT_CAN_STREAM"        # there are stores past the cache
    # Such a store; ``to`` is a multiple of the vector's size.
    void stream_vector "CYACT_STREAM"(void* to, const void* block) noexcept nogil
    # The first elements of a vector; the rest is loaded as zero.
    void load_first "cyact_load_first"(void* to, const void* x, size_t n, size_t itemsize) noexcept nogil
    void store_first "cyact_store_first"(void* to, const void* x, size_t n, size_t itemsize) noexcept nogil
    const bint CLAMP_IS_QUIET "CYACT_CLAMP_IS_QUIET"    # raises no floating-point flag, for NaN either
    # A vector within bounds, and its magnitude at most a bound, where NaN stays NaN. These name the instructions: gcc
    # makes a minimum of no C conditional that keeps NaN.
    void clamp_f "CYACT_CLAMP_F"(float* to, const float* x, float low, float high) noexcept nogil
    void clamp_d "CYACT_CLAMP_D"(double* to, const double* x, double low, double high) noexcept nogil
    void clamp_magnitude_f "CYACT_CLAMP_MAGNITUDE_F"(float* to, const float* x, float high) noexcept nogil
    void clamp_magnitude_d "CYACT_CLAMP_MAGNITUDE_D"(double* to, const double* x, double high) noexcept nogil
    void store_pair "cyact_store_pair"(float* to, float a, float b) noexcept nogil      # by one store
    void fence "CYACT_FENCE"() noexcept nogil
    void prefetch "CYACT_PREFETCH"(const char* p) noexcept nogil

    # Loops over i < n that every compiler makes vector code of, ``width`` elements at a time, a constant; ``simd.h``
    # has why. Each turn is f of elements i of one to six arrays:
    void loop1 "CYACT_LOOP1"(...) noexcept nogil        # (n, width, to, f, x):             to[i] = f(x[i])
    void loop2 "CYACT_LOOP2"(...) noexcept nogil        # (n, width, to, f, x, y)
    void loop3 "CYACT_LOOP3"(...) noexcept nogil        # (n, width, to, f, x, y, z)
    void loop4 "CYACT_LOOP4"(...) noexcept nogil        # (n, width, to, f, w, x, y, z)
    void loop5 "CYACT_LOOP5"(...) noexcept nogil        # (n, width, to, f, v, w, x, y, z)
    void loop6 "CYACT_LOOP6"(...) noexcept nogil        # (n, width, to, f, u, v, w, x, y, z)
    # or a function that stores by itself.
    void loop "CYACT_LOOP"(...) noexcept nogil          # (n, width, f, ...):               f(i, ...)
    # (n, width, a, b, c, f, x, y):     f(x[i], y[i], &a[i], &b[i], &c[i])
    void loop_to3 "CYACT_LOOP_TO3"(...) noexcept nogil
    # (n, width, pairs, f, a, b):       f(&pairs[2 * i], &a[i], &b[i])
    void loop_of_pairs "CYACT_LOOP_OF_PAIRS"(...) noexcept nogil

    # n pixels of two to four channels into planes, and back; n and the number of channels are constants.
    void split_pixels "CYACT_SPLIT"(...) noexcept nogil         # (n, count, a, b, c, d, pixels)
    void join_pixels "CYACT_JOIN"(...) noexcept nogil           # (n, count, a, b, c, d, pixels)

    const bint HAS_SPREAD "CYACT_HAS_SPREAD"
    # 32 bytes of units to every second place, and nothing in between: what lies there is another array's
    void spread "cyact_spread"(void* to, const void* source, size_t itemsize) noexcept nogil

    # Byte i of the sixteen that are written is byte order[i] of those that are read.
    void shuffle "cyact_shuffle"(void* to, const void* source, const uint8_t* order) noexcept nogil

    void copy_bytes "cyact_copy_bytes"(void* to, const void* x, size_t n) noexcept nogil
    enum: SQUARES "CYACT_SQUARES"
    # Turns that many squares of 16 bytes a side, of units of ``itemsize`` bytes: rows and columns are exchanged. The
    # squares lie below each other in the source, beside each other in what is written.
    void transpose_squares "cyact_transpose_squares"(
        char* to, Py_ssize_t to_row, const char* source, Py_ssize_t row, size_t itemsize
    ) noexcept nogil

    const bint HAS_MASKED_STORES "CYACT_HAS_MASKED_STORES"
    # A store of a vector under a mask; a byte of the mask for each unit.
    void store_where "cyact_store_where"(void* to, const void* x, const uint8_t* mask, size_t itemsize) noexcept nogil

    # The calling thread's floating-point flags (MXCSR, FPSR), and the mask of those that NumPy warns of. Inexact is not
    # among them.
    const unsigned int WARNINGS "CYACT_WARNINGS"
    unsigned int get_status "CYACT_GET_STATUS"() noexcept nogil
    void set_status "CYACT_SET_STATUS"(unsigned int status) noexcept nogil
