"""What a call costs, whatever the array; and the import."""

import cyact.ufuncs
import numpy as np

from .common import FUNCTIONS, aligned

TIMES = range(1000)


class Calls:
    params = [FUNCTIONS]
    param_names = ["function"]

    def setup(self, function):
        # Values that are not negative: in place they stay numbers of the same kind, call after call.
        self.x = aligned(np.linspace(0, 4, 16, dtype=np.float32))
        self.out = aligned(np.zeros_like(self.x))
        self.call = getattr(cyact, function)
        ufunc = getattr(cyact.ufuncs, function)
        self.ufunc, self.inputs = ufunc, (self.x, np.float32(0.2))[:ufunc.nin]

    def time_in_place(self, function):
        for _ in TIMES:
            self.call(self.x, out=self.x)

    time_in_place.pretty_name = "1000 short calls, in place"

    def time_out(self, function):
        for _ in TIMES:
            self.call(self.x, out=self.out)

    time_out.pretty_name = "1000 short calls, into a given array"

    def time_fresh(self, function):
        for _ in TIMES:
            self.call(self.x)

    time_fresh.pretty_name = "1000 short calls, into a new array"

    def time_general_road(self, function):
        for _ in TIMES:
            self.call(self.x, out=self.out, order="C")

    time_general_road.pretty_name = "1000 short calls, with a keyword"

    def time_ufunc(self, function):
        for _ in TIMES:
            self.ufunc(*self.inputs, out=self.out)

    time_ufunc.pretty_name = "1000 short calls of the ufunc"


def timeraw_import():
    return "import cyact", "import numpy"


timeraw_import.pretty_name = "Import time"
