from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str
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
