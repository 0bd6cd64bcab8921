"""Activation functions for NumPy arrays: fast, exact, in place.

``relu``, ``leaky_relu``, ``sigmoid``, ``tanh`` and their gradients, for every integer and floating-point dtype, called as
NumPy's ufuncs are, with TensorFlow's argument names.
"""

# ruff: noqa: E402, F401, I001 -- what OpenMP does is decided when it is loaded
from cyact.config import patient_openmp, show_config

with patient_openmp():
    from cyact import cpu   # starts on the level that it chooses

from cyact.parallel import get_num_threads, num_threads, set_num_threads
from cyact.activations import (
    leaky_relu,
    leaky_relu_grad,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    tanh,
    tanh_grad,
)

__version__ = "0.1.0"

__all__ = [
    "get_num_threads",
    "leaky_relu",
    "leaky_relu_grad",
    "num_threads",
    "relu",
    "relu_grad",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "sigmoid_grad",
    "tanh",
    "tanh_grad",
]
