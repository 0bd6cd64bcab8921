"""What the benchmarks share: the package's own table of functions and dtypes, and data.

A function or dtype that a version of the package does not have is skipped there. asv knows parameters by their position
only, so what is measured must not depend on the version: the table's order has to stay, and the gradients and bfloat16,
which came later than the rest, are listed whether there or not.

asv sets up anew for every sample, and times one call in it: a short one then takes several times as long as among
others, since it comes cold and timing it counts too. So the benchmarks make short calls many times, and the others are
sampled often.

The names that its pages show stand below the functions: asv drops a benchmark's history where its source has changed,
and a decorator would belong to that.
"""

import functools

import cyact.ufuncs
import numpy as np

import cyact

FUNCTIONS = [name for name in cyact.ufuncs.functions if hasattr(cyact, name) and not name.endswith("_grad")]
GRADIENTS = [f"{name}_grad" for name in FUNCTIONS]
DTYPES = list(dict.fromkeys(
    np.dtype(types[0]).name for name in FUNCTIONS for types in cyact.ufuncs.functions[name].ufunc.types
)) + ["bfloat16"]
FLOATS = [name for name in DTYPES if "float" in name]
LARGE = 2**24
SIZES = [16, 4096, 65_536, LARGE]
PAGE = 4096


def dtype_of(name):
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError:
            raise NotImplementedError from None
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def aligned(array):
    """A copy from the start of a page on, whose pages exist.

    Every peer takes it as it is; some copy what starts at no multiple of 64. And how far two arrays are apart modulo a
    page decides how fast one is read while the other is written: left to chance, it would change from run to run.
    """
    buffer = np.empty(array.nbytes + PAGE, np.uint8)
    start = -buffer.ctypes.data % PAGE
    copy = buffer[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@functools.cache
def values(shape, name):
    """Normally distributed, or integers over the whole range of their dtype; not to be written to."""
    dtype, random = dtype_of(name), np.random.default_rng(0)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        some = random.integers(info.min, info.max, 2**16, dtype, endpoint=True)
    else:
        some = (3 * random.standard_normal(2**16, np.float32)).astype(dtype)
    return aligned(np.resize(some, shape))


def function_and_result(function, *inputs):
    """The function, and an array for its result."""
    call = getattr(cyact, function, None)
    if call is None:
        raise NotImplementedError
    try:
        dtype = call(*(x[:1] for x in inputs)).dtype
    except TypeError:
        raise NotImplementedError from None
    # Without loops of its own for it, NumPy computes bfloat16 in float32.
    if inputs[0].dtype.name == "bfloat16" and dtype != inputs[0].dtype:
        raise NotImplementedError
    return call, aligned(np.zeros(inputs[0].shape, dtype))
