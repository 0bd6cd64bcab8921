"""Time of functions along an axis, for logits of usual shapes."""

import numpy as np

import cyact

from .calls import TIMES
from .common import aligned

repeat = (10, 1000, 1.0)        # samples at least, at most, seconds

SHAPES = {
    "(256, 4096)": -1, "(64, 1000)": -1, "(1024, 64)": -1, "(4096, 10)": -1, "(8, 50257)": -1, "(16, 21, 64, 64)": 1,
    "(16, 21, 56, 56)": 1,
}


def lengths(shape):
    """The lengths of the axes of one of ``SHAPES``."""
    return tuple(map(int, shape.strip("()").split(",")))


def logits(shape, dtype, seed=0):
    return aligned(np.random.default_rng(seed).normal(0, 3, lengths(shape)).astype(dtype))


class Rows:
    """Logits of usual shapes, into a given array."""

    params = [["softmax", "log_softmax", "logsumexp"], ["float16", "float32", "float64"], list(SHAPES)]
    param_names = ["function", "dtype", "shape"]

    def setup(self, function, dtype, shape):
        self.x = logits(shape, dtype)
        self.call, self.axis = getattr(cyact, function), SHAPES[shape]
        self.out = aligned(np.asarray(self.call(self.x, self.axis)))

    def time_out(self, function, dtype, shape):
        self.call(self.x, self.axis, self.out)

    time_out.pretty_name = "Functions along an axis, into a given array"


class Gradients:
    """Gradients of rows, from the function's output, into a given array."""

    params = [["softmax_grad", "log_softmax_grad"], ["float16", "float32", "float64"], list(SHAPES)]
    param_names = ["function", "dtype", "shape"]

    def setup(self, function, dtype, shape):
        self.call, self.axis = getattr(cyact, function), SHAPES[shape]
        self.y = aligned(getattr(cyact, function.removesuffix("_grad"))(logits(shape, dtype), self.axis))
        self.dy = logits(shape, dtype, seed=1)
        self.out = aligned(np.empty_like(self.y))

    def time_out(self, function, dtype, shape):
        self.call(self.y, self.dy, self.axis, self.out)

    time_out.pretty_name = "Gradients along an axis, into a given array"


class RowCalls:
    """Calls for a row of sixteen: what a call costs."""

    params = [["softmax", "log_softmax", "logsumexp"]]
    param_names = ["function"]

    def setup(self, function):
        self.call = getattr(cyact, function)
        self.x = aligned(np.random.default_rng(0).normal(0, 3, 16).astype("float32"))
        self.out = aligned(np.asarray(self.call(self.x)))

    def time_out(self, function):
        for _ in TIMES:
            self.call(self.x, out=self.out)

    time_out.pretty_name = "1000 short calls along an axis, into a given array"

    def time_fresh(self, function):
        for _ in TIMES:
            self.call(self.x)

    time_fresh.pretty_name = "1000 short calls along an axis, into a new array"
