"""Kernels for processors other than x86-64."""
include "kernels.pxi"
