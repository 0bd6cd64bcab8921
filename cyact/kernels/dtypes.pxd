"""The dtypes: C types for the two that C lacks, and the groups that code is written for once (fused types)."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# float16 and bfloat16 have no C type: structures of their own keep the fused types apart.
cdef struct half:
    uint16_t bits

cdef struct bfloat16:
    uint16_t bits

ctypedef fused number:
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t
    half
    bfloat16
    float
    double

ctypedef fused integer:
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused short_integer:
    int8_t
    int16_t
    uint8_t
    uint16_t

ctypedef fused float16_like:    # computed as float, rounded once
    half
    bfloat16

ctypedef fused real:
    float
    double

ctypedef fused floating:
    half
    bfloat16
    float
    double

ctypedef fused computed_as_float:
    half
    bfloat16
    float
    int8_t
    int16_t
    uint8_t
    uint16_t
