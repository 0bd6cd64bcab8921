"""Typed uses of the package: checked by mypy and pyright, never run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import cyact

x: NDArray[np.float32] = np.zeros(3, dtype=np.float32)

# The type of out is the type of the result.
in_place: NDArray[np.float32] = cyact.relu(x, out=x)
positional: NDArray[np.float32] = cyact.tanh(x, x)
in_tuple: NDArray[np.float32] = cyact.sigmoid(x, out=(x,))
sloped: NDArray[np.float32] = cyact.leaky_relu(x, 0.1, out=x)
gradient: NDArray[np.float32] = cyact.leaky_relu_grad(x, x, 0.1, out=x)

# Anything that NumPy takes is taken.
fresh: Any = cyact.leaky_relu([1, 2, 3], alpha=[0.1, 0.2, 0.3], dtype="float32", name="layer 1")
scalar: Any = cyact.sigmoid(0.5)
masked: Any = cyact.relu(x, where=x > 1, order="C", casting="unsafe", subok=False)

# What is wrong at run time is wrong here: with --warn-unused-ignores, mypy fails if these pass.
cyact.relu(x, axis=0)  # type: ignore[call-overload]
cyact.relu(x, order="Z")  # type: ignore[call-overload]
cyact.set_num_threads("two")  # type: ignore[arg-type]

with cyact.num_threads(1):
    count: int = cyact.get_num_threads()
