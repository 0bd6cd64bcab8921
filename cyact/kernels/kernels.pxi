# What every level is made of. A level's own file includes this one and nothing else: the flags of its extension, in
# setup.py, are what makes it that level.
#
# Read on in this order. ``simd.h`` has all that names an instruction set, fused multiply-add among it; ``dtypes``,
# the groups of dtypes that code is written for once; ``elementary``, the bits of numbers, and e^x and log(1 + x) in
# parts; ``formulas`` (``_exp``, ``_log``, ``_gelu``, ``_hard``, ``_rows``), one scalar formula per function;
# ``convert``, 16-bit floating point; ``contiguous``, the loops that bring formulas to arrays; ``lookup``, ``blocks``,
# ``stream`` and ``strided``: eight bits by tables, dtypes without a loop, outputs past the cache, other layouts (with
# ``pixels``, ``copies``, ``masks`` and ``plan`` before it); ``functions`` (split as ``formulas`` are), which formula is
# computed by which loop; ``rescale``, which has loops of its own; ``rows`` and ``row_nests``, softmax and its like,
# which go along an axis; ``table``, a row per function. The result is one table of function pointers, handed over in a
# capsule: callers of other modules, compiled for the baseline, find all they need there (``table.pxd``).
#
# A formula is a C function of one element, passed by pointer to a generic loop that is ``inline``. The compiler
# inlines both, sees a loop over a branch-free body, and makes vector instructions of the level's width of it. That is
# why there is one source for all levels and dtypes, and why every level computes the same bits: the same IEEE
# operations, on another number of lanes.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from cyact.kernels.contiguous cimport *
from cyact.kernels.convert cimport *
from cyact.kernels.dtypes cimport *
from cyact.kernels.elementary cimport *
from cyact.kernels.formulas cimport *
from cyact.kernels.formulas_exp cimport *
from cyact.kernels.formulas_hard cimport *
from cyact.kernels.formulas_gelu cimport *
from cyact.kernels.formulas_log cimport *
from cyact.kernels.formulas_rescale cimport *
from cyact.kernels.formulas_rows cimport *
from cyact.kernels.simd cimport *
from cyact.kernels.table cimport (
    MAX_DIMS, MAX_INPUTS, MAX_OPERANDS, MAX_ROW_OPERANDS, NEST_OPERANDS, ORDERED, PATTERN, SEGMENTS, Kernel, Level,
    LongRow, LoopNest, Lookup, Loops, Rescaling, RowLoops, RowNest, kernel_t, magnitude, next_pass_t, run_pass_t,
    run_rows_t,
)

include "lookup.pxi"
include "blocks.pxi"
include "stream.pxi"
include "pixels.pxi"
include "copies.pxi"
include "masks.pxi"
include "plan.pxi"
include "strided.pxi"
include "functions.pxi"
include "functions_exp.pxi"
include "functions_hard.pxi"
include "functions_log.pxi"
include "functions_gelu.pxi"
include "rescale.pxi"
include "rows.pxi"
include "row_nests.pxi"
include "table.pxi"
