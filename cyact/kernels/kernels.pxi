# What every level is made of. A level's own file includes this one and nothing else: the flags of its extension, in
# setup.py, are what makes it that level.
#
# Read on in this order. ``elementary`` has the bits of numbers, fused multiply-add and constants; ``formulas``, one
# scalar formula per function; ``half``, 16-bit floating point; ``lookup``, tables for eight bits; ``loops``, the
# loops that bring formulas to arrays; ``table``, which formula is computed by which loop for which dtype. The result
# is one table of function pointers, handed over in a capsule: callers of other modules, compiled for the baseline,
# find all they need there (``table.pxd``).
#
# A formula is a C function of one element, passed by pointer to a generic loop that is ``inline``. The compiler
# inlines both, sees a loop over a branch-free body, and makes vector instructions of the level's width of it. That is
# why there is one source for all levels and dtypes, and why every level computes the same bits: the same IEEE
# operations, on another number of lanes.

from cyact.kernels.table cimport MAX_DIMS, MAX_OPERANDS, Job, Kernel, Level, bfloat16, half, kernel_t

include "elementary.pxi"
include "formulas.pxi"
include "half.pxi"
include "lookup.pxi"
include "loops.pxi"
include "table.pxi"
