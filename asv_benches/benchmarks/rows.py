"""Time of functions along an axis, for logits of usual shapes."""

import numpy as np

import cyact

from .common import aligned

repeat = (10, 1000, 1.0)        # samples at least, at most, seconds

SHAPES = {
    "(256, 4096)": -1, "(64, 1000)": -1, "(1024, 64)": -1, "(4096, 10)": -1, "(8, 50257)": -1, "(16, 21, 64, 64)": 1,
}


class Rows:
    """Logits of usual shapes, into a given array."""

    params = [["softmax", "log_softmax", "logsumexp"], ["float16", "float32", "float64"], list(SHAPES)]
    param_names = ["function", "dtype", "shape"]

    def setup(self, function, dtype, shape):
        size = tuple(map(int, shape.strip("()").split(",")))
        self.x = aligned(np.random.default_rng(0).normal(0, 3, size).astype(dtype))
        self.call, self.axis = getattr(cyact, function), SHAPES[shape]
        self.out = aligned(np.asarray(self.call(self.x, self.axis)))

    def time_out(self, function, dtype, shape):
        self.call(self.x, self.axis, self.out)

    time_out.pretty_name = "Functions along an axis, into a given array"
