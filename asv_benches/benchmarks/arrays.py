"""Time of calls on arrays: dtypes, sizes, layouts, values."""

import numpy as np

import cyact

from .common import (
    DTYPES,
    FLOATS,
    FORMS,
    FUNCTIONS,
    GRADIENTS,
    LARGE,
    SIZES,
    WITH_NUMBERS,
    aligned,
    function_and_result,
    function_of,
    operands,
    values,
)

repeat = (10, 1000, 1.0)        # samples at least, at most, seconds


class Dtypes:
    """65,536 elements of every dtype."""

    params = [FUNCTIONS, DTYPES]
    param_names = ["function", "dtype"]

    def setup(self, function, dtype):
        self.x, = operands(function, (65_536,), dtype)
        self.call, self.out = function_and_result(function, self.x)

    def time_out(self, function, dtype):
        self.call(self.x, out=self.out)

    time_out.pretty_name = "Each dtype, into a given array"


class DtypesInPlace:
    """The same in place, each time on fresh data: they would drift to where nothing changes."""

    params = [FUNCTIONS, DTYPES]
    param_names = ["function", "dtype"]
    number = 1

    def setup(self, function, dtype):
        features, = operands(function, (65_536,), dtype)
        self.call, self.x = function_and_result(function, features)
        if self.x.dtype != features.dtype:
            raise NotImplementedError
        self.x[...] = features

    def time_in_place(self, function, dtype):
        self.call(self.x, out=self.x)

    time_in_place.pretty_name = "Each dtype, in place"


class Sizes:
    """float32 of sizes in and out of the caches, 2^24 elements in all."""

    params = [FUNCTIONS, SIZES]
    param_names = ["function", "size"]

    def setup(self, function, size):
        self.x, = operands(function, (size,), "float32")
        self.call, self.out = function_and_result(function, self.x)
        self.times = range(LARGE // size)

    def time_out(self, function, size):
        for _ in self.times:
            self.call(self.x, out=self.out)

    time_out.pretty_name = "2^24 elements by each size, into a given array"

    def time_fresh(self, function, size):
        for _ in self.times:
            self.call(self.x)

    time_fresh.pretty_name = "2^24 elements by each size, into a new array"


class SizesInPlace:
    """float32 in place, each time on fresh data."""

    params = [FUNCTIONS, SIZES[1:]]
    param_names = ["function", "size"]
    number = 1

    def setup(self, function, size):
        features, = operands(function, (size,), "float32")
        self.call, self.x = function_and_result(function, features)
        self.x[...] = features

    def time_in_place(self, function, size):
        self.call(self.x, out=self.x)

    time_in_place.pretty_name = "One call of each size, in place"


LAYOUTS = {
    "contiguous": lambda a: a[:500],
    "rows": lambda a: a[:, :500],
    "columns": lambda a: a[:, ::2],
    "backwards": lambda a: a[:500, ::-1],
    "transposed": lambda a: a[:, :500].T,
}


class Layouts:
    """500,000 float32 elements of a 1000 x 1000 array, into a contiguous array or a like part of another."""

    params = [FUNCTIONS, list(LAYOUTS)]
    param_names = ["function", "layout"]

    def setup(self, function, layout):
        whole, = operands(function, (1000, 1000), "float32")
        self.x = LAYOUTS[layout](whole)
        self.call, self.contiguous = function_and_result(function, self.x)
        self.out = LAYOUTS[layout](aligned(np.zeros_like(whole)))

    def time_into_alike(self, function, layout):
        self.call(self.x, out=self.out)

    time_into_alike.pretty_name = "Each layout, into an array of the same layout"

    def time_into_contiguous(self, function, layout):
        self.call(self.x, out=self.contiguous)

    time_into_contiguous.pretty_name = "Each layout, into a contiguous array"


class SpecialValues:
    """65,536 elements of one kind: none may be slow."""

    params = [FUNCTIONS, FLOATS, ["normal", "nan", "inf", "subnormal"]]
    param_names = ["function", "dtype", "value"]

    def setup(self, function, dtype, value):
        normal, = operands(function, (65_536,), dtype)
        self.call, self.out = function_and_result(function, normal)
        zero, one = np.array([0, 1], normal.dtype)
        value = {"normal": normal, "nan": np.nan, "inf": np.inf, "subnormal": 5 * np.nextafter(zero, one)}[value]
        self.x = aligned(np.copysign(np.asarray(value, normal.dtype), normal))

    def time_out(self, function, dtype, value):
        self.call(self.x, out=self.out)

    time_out.pretty_name = "NaN, infinity, subnormal numbers"


class Parameters:
    """A function's parameters as arrays that are broadcast against 64 images of 32 channels."""

    params = [WITH_NUMBERS, ["one", "per channel", "per column", "per element"]]
    param_names = ["function", "parameters"]

    def setup(self, function, parameters):
        self.x = values((64, 32, 28, 28), "float32")
        self.call, self.out = function_and_result(function, self.x)
        shape = {"one": (), "per channel": (32, 1, 1), "per column": (28,), "per element": self.x.shape}[parameters]
        self.parameters = [aligned(np.full(shape, number, np.float32)) for number in FORMS[function].numbers.values()]

    def time_out(self, function, parameters):
        self.call(self.x, *self.parameters, out=self.out)

    time_out.pretty_name = "Parameters that are arrays"


class Gradients:
    params = [GRADIENTS, FLOATS]
    param_names = ["function", "dtype"]
    size = 65_536

    def setup(self, function, dtype):
        self.inputs = operands(function, (self.size,), dtype)
        self.call, self.out = function_and_result(function, *self.inputs)

    def time_out(self, function, dtype):
        self.call(*self.inputs, out=self.out)

    time_out.pretty_name = "Gradients, 65,536 elements"


class LargeGradients(Gradients):
    params = [GRADIENTS, ["float32"]]
    size = LARGE

    def time_out(self, function, dtype):        # a function of its own, for its name
        super().time_out(function, dtype)

    time_out.pretty_name = "Gradients, 2^24 elements"


class Threads:
    """2^24 elements, into another array."""

    params = [FUNCTIONS, ["float32", "float64"], [1, 2]]
    param_names = ["function", "dtype", "threads"]

    def setup(self, function, dtype, threads):
        if not hasattr(cyact, "set_num_threads"):
            raise NotImplementedError
        self.x, = operands(function, (LARGE,), dtype)
        self.call, self.out = function_and_result(function, self.x)
        cyact.set_num_threads(threads)

    def time_out(self, function, dtype, threads):
        self.call(self.x, out=self.out)

    time_out.pretty_name = "One and two threads"


class Memory:
    """2^24 float32 elements, 64 MiB. The arrays that are there before the call count too."""

    params = [FUNCTIONS]
    param_names = ["function"]

    def setup(self, function):
        self.call = function_of(function)
        self.x = np.zeros(LARGE, np.float32)
        self.x += 1     # its pages exist

    def peakmem_in_place(self, function):
        self.call(self.x, out=self.x)

    peakmem_in_place.pretty_name = "Peak memory, in place"

    def peakmem_fresh(self, function):
        self.call(self.x)

    peakmem_fresh.pretty_name = "Peak memory, into a new array"

    def peakmem_in_place_rows(self, function):
        rows = self.x.reshape(4096, 4096)[:, :2048]
        self.call(rows, out=rows)

    peakmem_in_place_rows.pretty_name = "Peak memory, in place on parts of rows"
