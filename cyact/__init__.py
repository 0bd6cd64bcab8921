"""Activation functions for NumPy arrays: fast, exact, in place.

For every integer and floating-point dtype, called as NumPy's ufuncs are, with TensorFlow's argument names.
``cyact.functions`` is the table of them.
"""

# ruff: noqa: E402, I001 -- what OpenMP does is decided when it is loaded, and a level comes before what needs it
import os

from cyact import cpu, kernels
from cyact.config import patient_openmp, show_config

with patient_openmp():
    from cyact import dispatch, threads

threads.set_quota(cpu.quota())
dispatch.start(kernels.load(cpu.choose(os.environ.get("CYACT_LEVEL", ""))), cpu.last_cache())

# What compiled modules import is spelled out, for tools that follow imports.
from cyact import (  # noqa: F401
    activations, along_axis, arguments, axis_calls, docstrings, functions, planned, rescaling,
    rescaling_layouts, rescaling_ufunc, ufuncs,
)
from cyact.threads import get_num_threads, num_threads, set_num_threads

__version__ = "0.1.0"

_functions = activations.functions | rescaling.public | axis_calls.functions
globals().update(_functions)
__all__ = [*_functions, "get_num_threads", "num_threads", "set_num_threads", "show_config"]
