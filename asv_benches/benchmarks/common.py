"""What the benchmarks share: the table of functions, and data for each.

asv knows parameters by their position only, so what is measured must not depend on the version that is measured. Hence
the functions are those of the table beside these benchmarks, whatever version of the package is installed, and the
dtypes are spelled out. A function or dtype that a version does not have is skipped there.

asv sets up anew for every sample, and times one call in it: a short one then takes several times as long as among
others, since it comes cold and timing it counts too. So the benchmarks make short calls many times, and the others are
sampled often.

The names that its pages show stand below the functions: asv drops a benchmark's history where its source has changed,
and a decorator would belong to that.
"""

import functools
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import cyact

# The table of the working tree, in the order of its imports, whatever version of the package is measured.
for _name in ("rows", "gradients", "functions"):
    _spec = importlib.util.spec_from_file_location(f"cyact.{_name}", Path(__file__).parents[2] / f"cyact/{_name}.py")
    _module = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
    setattr(cyact, _name, _module)
ROWS = cyact.functions.ROWS

# What the table's names of arrays are here: x, what the activation was given or what it gave, and g, the gradient.
ARRAYS = {"features": "x", "y": "x", "outputs": "x", "gradients": "g", "dy": "g"}

# Where a function is defined, if not everywhere: the table does not say.
DOMAINS = {"logit": (0.0, 1.0)}


class Form(NamedTuple):
    """A function as it is measured: an option such as ``approximate=True`` makes another one of it."""

    row: object         # in the table
    option: str = ""    # the keyword that is True

    @property
    def keywords(self):
        return {self.option: True} if self.option else {}

    @property
    def numbers(self):
        """The parameters that are numbers, with their defaults."""
        return {p.name: p.default for p in self.row.parameters}

    @property
    def domain(self):
        """Of the activation, be it the function or what it is a gradient of; None if it is defined everywhere."""
        return DOMAINS.get(self.row.gradient_of or self.row.name)


def _forms():
    """By name; an option's form has its name behind the function's. Functions of other arguments have no place here."""
    for row in ROWS:
        if set(row.inputs) <= set(ARRAYS) and all(isinstance(p.default, float) for p in row.parameters):
            yield row.name, Form(row)
            if row.option:
                yield f"{row.name}_{row.option.name}", Form(row, row.option.name)


FORMS = dict(_forms())
FUNCTIONS = [name for name, form in FORMS.items() if not form.row.gradient_of]
GRADIENTS = [name for name, form in FORMS.items() if form.row.gradient_of]
WITH_NUMBERS = [name for name in FUNCTIONS if FORMS[name].numbers]
FLOATS = ["float16", "float32", "float64", "bfloat16"]
DTYPES = [f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")] + FLOATS
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


def drawn(shape, dtype, seed=0, domain=None, positive=False):
    """Normally distributed, or integers over the whole range of their dtype; evenly over a domain that has ends."""
    random = np.random.default_rng(seed)
    if domain:
        return aligned(random.uniform(*domain, shape).astype(dtype))
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return aligned(random.integers(0 if positive else info.min, info.max, shape, dtype, endpoint=True))
    normal = random.standard_normal(shape, np.float32) * 3
    return aligned((abs(normal) if positive else normal).astype(dtype))


def activated(form, x):
    """What a gradient takes for x: these features, or what the activation gives for them."""
    if not form.row.from_output:
        return x
    return aligned(function_of(form.row.gradient_of)(x).astype(x.dtype))


@functools.cache
def values(shape, name, domain=None):
    """The same block of data again and again; not to be written to."""
    return aligned(np.resize(drawn((2**16,), dtype_of(name), domain=domain), shape))


def operands(function, shape, name):
    """A function's arrays, in its order; not to be written to."""
    form = FORMS[function]
    x = values(shape, name, form.domain)
    if form.row.inputs == ("features",):
        return (x,)
    arrays = {"x": activated(form, x), "g": aligned(values(shape, name)[::-1])}
    return tuple(arrays[ARRAYS[given]] for given in form.row.inputs)


def function_of(name):
    """The function as it is called."""
    form = FORMS[name]
    function = getattr(cyact, form.row.name, None)
    if function is None:
        raise NotImplementedError
    return functools.partial(function, **form.keywords) if form.keywords else function


def function_and_result(name, *inputs):
    """The function, and an array for its result."""
    call = function_of(name)
    try:
        dtype = call(*(x[:1] for x in inputs)).dtype
    except TypeError:
        raise NotImplementedError from None
    # Without loops of its own for it, NumPy computes bfloat16 in float32.
    if inputs[0].dtype.name == "bfloat16" and dtype != inputs[0].dtype:
        raise NotImplementedError
    return call, aligned(np.zeros(inputs[0].shape, dtype))
