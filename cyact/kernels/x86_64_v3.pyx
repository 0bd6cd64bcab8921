"""Kernels for x86-64-v3: AVX2, fused multiply-add, float16 conversion."""
include "kernels.pxi"
