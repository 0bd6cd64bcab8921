"""What a call costs, whatever the array; and the import."""

import cyact.ufuncs
import numpy as np

from .common import FORMS, FUNCTIONS, aligned, function_of

TIMES = range(1000)


class Calls:
    params = [FUNCTIONS]
    param_names = ["function"]

    def setup(self, function):
        self.call = function_of(function)
        # Values that are not negative: in place they stay numbers of the same kind, call after call, but for a function
        # that leads out of its own domain.
        self.x = aligned(np.linspace(*FORMS[function].domain or (0, 4), 16, dtype=np.float32))
        self.out = aligned(np.zeros_like(self.x))

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


class UfuncCalls:
    params = [FUNCTIONS]
    param_names = ["function"]

    def setup(self, function):
        self.ufunc = getattr(cyact.ufuncs, function, None)
        if self.ufunc is None:
            raise NotImplementedError
        form = FORMS[function]
        x = aligned(np.linspace(*form.domain or (0, 4), 16, dtype=np.float32))
        self.inputs = (x, *map(np.float32, form.numbers.values()))
        self.out = aligned(np.zeros_like(x))

    def time_ufunc(self, function):
        for _ in TIMES:
            self.ufunc(*self.inputs, out=self.out)

    time_ufunc.pretty_name = "1000 short calls of the ufunc"


def timeraw_import():
    return "import cyact", "import numpy"


timeraw_import.pretty_name = "Import time"
