"""Calls that lie beside the direct path: numbers, lists, and arrays that preprocessing code hands over.

A row has what is timed, what it is held against and how many times as long it may take at most: ``side_by_side.py
--targets beside`` compares them, asv has a curve for each. A rival that is not installed leaves its row out there.
The limits are what AMD Zen 3 keeps, on which the list was run as a whole. Before tiles became what they are, Intel Cascade
Lake and Emerald Rapids kept 0.7 where transposes have 0.6 here, and 1.0 where they have 0.8.
``--targets threads`` compares two threads with one for each row of large arrays.
"""

import contextlib
import tempfile
from functools import partial
from typing import NamedTuple

import numpy as np

import cyact

from .common import aligned


class Row(NamedTuple):
    text: str
    limit: float
    ours: str               # a statement
    theirs: str
    names: object = dict    # makes what stands in both
    times: int = 1000       # a benchmark's calls: short ones are timed together. 1 for 2^20 elements and more


def short():
    x = aligned(np.linspace(-3, 3, 16, dtype=np.float32))
    return {"x": x, "out": np.empty_like(x), "number": np.float32(0.2), "array": np.array(0.2, np.float32)}


def images(shape, slopes):
    """Images, a slope for each channel, and an array for the result."""
    x = aligned(np.resize(np.random.default_rng(0).standard_normal(2**16, np.float32), shape))
    return {"x": x, "out": np.empty_like(x), "slopes": np.linspace(0.1, 0.3, 64, dtype=np.float32)[:slopes[0]].reshape(slopes)}


CAST, UNCAST = "cyact.sigmoid(x, dtype='float32', out=out)", "cyact.sigmoid(y, out=out)"
PER_CHANNEL, ONE_SLOPE = "cyact.leaky_relu(x, slopes, out=out)", "cyact.leaky_relu(x, 0.2, out=out)"


def numbers(dtype):
    """1.2 million numbers of a dtype, the same as float32, a random mask, and an array for the result."""
    random = np.random.default_rng(0)
    x = aligned(random.normal(0, 30, 1_200_000).astype(dtype))
    return {"x": x, "y": x.astype(np.float32), "mask": random.random(x.size) < 0.5, "out": np.empty(x.size, np.float32)}


def mapped():
    x = np.memmap(tempfile.TemporaryFile(), np.float32, "w+", shape=(16,))
    return {"x": x, "out": np.empty_like(x)}


def matrix():
    x = np.matrix(np.linspace(-3, 3, 16, dtype=np.float32))
    return {"x": x, "out": np.empty_like(x)}


def transposed(shape, axes, dtype="float32"):
    """An array whose axes are seen in another order, and a contiguous array for the result."""
    x = aligned(np.resize(np.random.default_rng(0).normal(0, 30, 2**16).astype(dtype), shape)).transpose(axes)
    return {"x": x, "out": aligned(np.zeros(x.shape, dtype))}


RELU, COPY = "cyact.relu(x, out=out)", "np.copyto(out, x)"
TRANSPOSES = {
    "2 axes": ((1024, 1024), (1, 0)),
    "2 axes of odd length": ((1100, 1001), (1, 0)),
    "2 short axes": ((64, 64), (1, 0)),
    "2 short axes of odd length": ((100, 75), (1, 0)),
    "3 axes, the first one last": ((64, 128, 128), (1, 2, 0)),
    "3 axes, the last one first": ((128, 128, 64), (2, 0, 1)),
    "3 axes, the other way round": ((128, 64, 128), (2, 1, 0)),
    "3 short axes": ((8, 16, 32), (2, 1, 0)),
    "4 axes, the other way round": ((32, 32, 32, 32), (3, 2, 1, 0)),
    "4 axes, within pairs": ((32, 32, 32, 32), (1, 0, 3, 2)),
    "NHWC to NCHW, 64 channels": ((32, 56, 56, 64), (0, 3, 1, 2)),
    "NCHW to NHWC, 64 channels": ((32, 64, 56, 56), (0, 2, 3, 1)),
    "NCHW to NHWC, a short one": ((1, 64, 14, 14), (0, 2, 3, 1)),
    "NHWC to NCHW, 100 channels": ((8, 56, 56, 100), (0, 3, 1, 2)),
    "NCHW to NHWC, 30 channels": ((32, 30, 56, 56), (0, 2, 3, 1)),
}
# Of np.copyto, where that transposes: 0.06 to 0.52 on Zen 3. Where it does so without missing the cache all the time, both
# take the time of their reads and writes for the most part: 0.24 to 0.75.
MOST, MOST_FROM_MEMORY = 0.6, 0.8
FROM_MEMORY = {
    "2 axes of odd length", "4 axes, within pairs", "NHWC to NCHW, 64 channels", "NCHW to NHWC, 64 channels",
    "NHWC to NCHW, 100 channels", "NCHW to NHWC, 30 channels",
}
# Below AVX-512 there are no stores under a mask that are fast on every processor: 4.9 to 5.7 (Zen 3). With it, 3.
RANDOM_MASK = 6.0
# Twice as many bytes are read as by the rival: 1.5 to 1.9 on Zen 3, up to 1.8 on Intel.
FROM_DOUBLE = 1.9


def is_short(shape):
    return np.prod(shape) < 2**20


ROWS = [
    Row("a Python float", 1.0, "cyact.sigmoid(0.5)", "expit(0.5)"),
    Row("a NumPy scalar", 1.0, "cyact.sigmoid(number)", "expit(number)", short),
    Row("a list", 1.0, "cyact.sigmoid([0.1, 0.2, 0.3])", "expit([0.1, 0.2, 0.3])"),
    Row("a slope that is a scalar", 2.0, "cyact.leaky_relu(x, number, out=out)", ONE_SLOPE, short),
    Row("a slope that is an array", 2.0, "cyact.leaky_relu(x, array, out=out)", ONE_SLOPE, short),
    Row("3 channels last", 2.0, PER_CHANNEL, ONE_SLOPE, partial(images, (8, 224, 224, 3), (3,)), 1),
    Row("64 channels last", 1.3, PER_CHANNEL, ONE_SLOPE, partial(images, (8, 56, 56, 64), (64,)), 1),
    Row("3 channels first", 1.5, PER_CHANNEL, ONE_SLOPE, partial(images, (8, 3, 224, 224), (3, 1, 1)), 1),
    Row("a random mask", RANDOM_MASK, "cyact.relu(x, out=out, where=mask)", "cyact.relu(x, out=out)", partial(numbers, "float32"), 1),
    Row("int32 as float32", 1.6, CAST, UNCAST, partial(numbers, "int32"), 1),
    Row("float64 as float32", FROM_DOUBLE, CAST, UNCAST, partial(numbers, "float64"), 1),
    Row("the dtype that it has", 1.1, "cyact.sigmoid(x, dtype='float32')", "np.tanh(x, dtype='float32')", short),
    Row("a memory-mapped file", 0.5, "cyact.sigmoid(x)", "np.tanh(x)", mapped),
    Row("a memory-mapped file, out", 0.5, "cyact.sigmoid(x, out=out)", "np.tanh(x, out=out)", mapped),
    Row("a matrix", 0.5, "cyact.sigmoid(x)", "np.tanh(x)", matrix),
    Row("a matrix, out", 0.5, "cyact.sigmoid(x, out=out)", "np.tanh(x, out=out)", matrix),
    Row("HWC to CHW", 0.8, RELU, COPY, partial(transposed, (8, 224, 224, 3), (0, 3, 1, 2)), 1),
    Row("Fortran to C order", 0.25, RELU, "np.maximum(x, 0, out=out)", partial(transposed, *TRANSPOSES["2 axes"]), 1),
    *(Row(text, MOST_FROM_MEMORY if text in FROM_MEMORY else MOST, RELU, COPY, partial(transposed, shape, axes),
          1000 if is_short(shape) else 1)
      for text, (shape, axes) in TRANSPOSES.items()),
    *(Row(f"2 axes, {dtype}", limit, RELU, COPY, partial(transposed, *TRANSPOSES["2 axes"], dtype), 1)
      for dtype, limit in (("uint8", MOST), ("float16", MOST), ("float64", MOST_FROM_MEMORY))),
]


def names_of(row):
    """What the statements of a row name."""
    names = {"cyact": cyact, "np": np, **row.names()}
    with contextlib.suppress(ImportError):
        from scipy.special import expit
        names["expit"] = expit
    return names


class Beside:
    params = [[row.text for row in ROWS]]
    param_names = ["call"]

    def setup(self, text):
        row = next(row for row in ROWS if row.text == text)
        self.names = names_of(row)
        self.code = compile(f"for _ in range({row.times}): {row.ours}", text, "exec")

    def time_call(self, text):
        exec(self.code, self.names)

    time_call.pretty_name = "Calls beside the direct path: 1000 short ones, or one"
