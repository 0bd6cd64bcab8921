from cyact.kernels.table cimport MAX_DIMS, MAX_OPERANDS, Job, Kernel, Level, bfloat16, half, kernel_t

include "elementary.pxi"
include "formulas.pxi"
include "half.pxi"
include "lookup.pxi"
include "loops.pxi"
include "table.pxi"
