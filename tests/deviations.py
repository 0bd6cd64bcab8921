"""What other libraries give beside cyact's and the exact results, and the reasons known for what deviates: see compare.py."""

import math

import exact_rows
import numpy as np
from accuracy import exact_64, exact_mpfr, larger_terms, ulp_errors_64, ulp_errors_mpfr
from cases import CASES, FORMATS, is_float, largest

import cyact


class Result:
    """What a library gives, as a list of elements; beside it cyact's results, the exact ones, and what reasons ask for.

    operands    of the elements, lists of the same length; x, that which the formula is about
    finite      where the formula has a meaning; cyact's results elsewhere are those of the tests' special values
    size        of the largest terms of the formula's sums
    shift       how far x is from what it is subtracted from before an exponential
    at_kink     where theirs and ours may have the derivative of another side
    """

    shift, at_kink = 0.0, False

    def judge(self, theirs, limit):
        self.theirs = np.ravel(theirs)
        self.format = FORMATS.get(self.theirs.dtype.name)       # None for integers
        with np.errstate(all="ignore"):
            self.error, self.our_error = self.errors(self.theirs), self.errors(self.ours)
        self.wrong = self.our_error > limit

    def errors(self, y):
        same = (y.astype("float64") == self.ours) | np.isnan(y.astype("float64")) & np.isnan(self.ours.astype("float64"))
        return np.where(self.finite, self.ulp_errors(y), np.where(same, 0, np.inf))


class OfElements(Result):
    """Of a function of elements. Its operands have one shape and dtype."""

    def __init__(self, name, operands, parameters, theirs):
        self.case = case = CASES[name].giving(*parameters or CASES[name].defaults)
        self.name = name
        self.operands = [np.ravel(x) for x in operands]
        x = self.operands[case.argument]
        with np.errstate(all="ignore"):
            self.ours = case(*self.operands)
            self.exact = self.exact_value()
            self.x = x.astype("float64")
            scale = abs(self.operands[1 - case.argument].astype("float64")) if case.arrays == 2 else 1.0
            self.size = scale * np.maximum(1, self.x * self.x)
        numbers = np.logical_and.reduce([np.isfinite(x.astype("float64")) for x in self.operands])
        self.finite = numbers & (x >= case.domain[0]) & (x <= case.domain[1])
        self.at_kink = (case.arrays == 2) & np.isin(self.x, [np.float64(np.array(kink).astype(self.ours.dtype)) for kink in self.kinks()])
        self.judge(theirs, case.limit(self.ours.dtype) if case.formula else 0)

    def kinks(self):
        """Those of the function, and for a gradient of what it is the gradient of."""
        for case in (self.case, CASES.get(self.name.replace("_grad", ""), self.case)):
            yield from case.kinks(*self.case.tried) if callable(case.kinks) else case.kinks
        yield 0.0

    def exact_value(self):
        if self.case.reference:
            exact = self.case.reference(*self.operands, *self.case.tried)
            return exact.astype("float64") if is_float(exact.dtype) else exact
        if self.ours.dtype == np.float64:
            return np.array([float(y) for y in exact_mpfr(self.case, self.operands, self.ours.dtype)])
        return exact_64(self.case, self.operands, self.ours.dtype)

    def ulp_errors(self, y):
        if not is_float(y.dtype):
            return np.where(y == self.exact, 0, np.inf)
        if y.dtype == np.float64 and self.case.formula:
            exact = [*exact_mpfr(self.case, self.operands, y.dtype)]
            return ulp_errors_mpfr(y, exact, larger_terms(self.case, self.operands, y.dtype))
        if y.dtype == np.float64:
            return np.where((y == self.exact) | np.isnan(y) & np.isnan(self.exact), 0, np.inf)
        term = larger_terms(self.case, self.operands, y.dtype) if self.case.formula else 0.0
        return ulp_errors_64(y, self.exact, term)

    def described(self, i):
        return f"{self.name}({', '.join(repr(x[i].item()) for x in self.operands)})"


class OfRows(Result):
    """Of a function along an axis. An element's operands are those at its place; logsumexp's is the row's largest."""

    def __init__(self, name, operands, axis, theirs):
        self.name = name
        operands = [np.atleast_1d(x) for x in operands]
        self.ours = np.ravel(getattr(cyact, name)(*operands, axis=axis))
        axes = tuple(range(operands[0].ndim)) if axis is None else (axis,) if np.isscalar(axis) else tuple(axis)
        ends = tuple(range(-len(axes), 0))
        moved = [np.moveaxis(x, axes, ends) for x in operands]
        shape = moved[0].shape
        self.given = [x.reshape(math.prod(shape[:-len(axes)]), math.prod(shape[-len(axes):])) for x in moved]
        assert np.size(theirs) == self.ours.size, name
        if name != "logsumexp":
            theirs, self.ours = (np.moveaxis(np.reshape(y, operands[0].shape), axes, ends).ravel() for y in (theirs, self.ours))
        meaning = [self.has_meaning(row) for row in zip(*self.given)]
        self.exact_rows = [exact_rows.exact_row(name, *row) if known else None for known, row in zip(meaning, zip(*self.given))]
        self.set_elements(np.array(meaning, bool))
        self.judge(theirs, exact_rows.limit(name, self.ours.dtype))

    def has_meaning(self, row):
        x = [values.astype("float64") for values in row]
        if self.name in exact_rows.GRADIENTS:
            return bool(np.isfinite(x).all())
        return len(x[0]) > 0 and bool(np.isfinite(x[0].max()))

    def set_elements(self, meaning):
        """What the reasons ask for, an array for each."""
        wide = [x.astype("float64") for x in self.given]
        with np.errstate(all="ignore"):
            if self.name in exact_rows.GRADIENTS:
                y, dy = wide
                factor, terms = (y, abs(y * dy)) if self.name == "softmax_grad" else (np.exp(y), abs(dy))
                size = np.maximum(abs(terms), factor * terms.sum(-1, keepdims=True))
                self.operands, self.x = [x.ravel() for x in self.given], dy.ravel()
            else:
                tops = wide[0].max(-1, keepdims=True, initial=-np.inf)
                below = abs(wide[0] - tops)
                self.shift = below.ravel() if self.name == "softmax" else 0.0
                x = tops if self.name == "logsumexp" else wide[0]
                # Softmax has no sum in which anything cancels.
                size = {"softmax": 0 * below, "log_softmax": np.maximum(1, below), "logsumexp": np.maximum(1, abs(tops))}[self.name]
                self.operands, self.x = [x.ravel()], x.ravel()
        self.size = size.ravel()
        count = self.ours.size // max(1, len(meaning))
        self.finite = np.repeat(meaning, count)
        nothing = [np.nan] * count
        self.exact = np.array([float(y) for exact in self.exact_rows for y in (exact[0] if exact else nothing)])

    def ulp_errors(self, y):
        found = np.zeros(y.shape)
        count = y.size // max(1, len(self.exact_rows))
        for i, exact in enumerate(self.exact_rows):
            if exact:
                part = slice(i * count, (i + 1) * count)
                found[part] = exact_rows.errors(self.name, y[part], exact)
        return found

    def described(self, i):
        given = ", ".join(repr(x[i].item()) for x in self.operands)
        return f"{self.name} of {given} in a row of {self.given[0].shape[1]}"


# ---- the reasons known ----

def near_zero(r, y):
    """Below four times the smallest normal number: what is flushed may be multiplied yet."""
    return abs(y.astype("float64")) < 2.0 ** (r.format[1] + 2)


def rounding(r):
    return r.error <= 8


def sign_of_zero(r):
    return (r.theirs == 0) & (r.ours == 0)


def side(r):
    return r.at_kink


def limit(r):
    return ~r.finite


def flushed(r):
    touched = near_zero(r, r.exact) & near_zero(r, r.theirs)
    for x in r.operands:
        touched |= near_zero(r, x) & (x != 0)
    return touched


def constant(r):
    rough = abs(r.theirs.astype("float64") - r.exact) <= 2.0**-24 * abs(r.exact)
    return rough & (r.name in ("hard_sigmoid_grad", "hard_silu_grad"))


def difference(r):
    return (r.error <= 8 + r.shift) & (r.shift > 0)


def overflow(r):
    return abs(r.x) > float(largest(r.ours.dtype)) ** (1 / 3)


def absolute(r):
    eps = 2.0 ** -r.format[0]
    return abs(r.theirs.astype("float64") - r.exact) <= 16 * eps * r.size


# In the order in which they are tried.
REASONS = {
    "rounding": (rounding, "Up to 8 ULP: theirs is rounded in several steps, or an approximation; parameters are rounded to float32."),
    "sign of zero": (sign_of_zero, "A zero of the other sign."),
    "side": (side, "At a kink theirs is the derivative of the right side, or the mean of both; cyact's is that of the left side."),
    "limit": (limit, "At infinity, NaN and outside of the domain theirs is what the formula makes of it, often NaN; cyact's is the limit."),
    "flushed": (flushed, "Theirs flushes subnormal inputs and results to zero; cyact keeps them."),
    "difference": (difference, "Softmax's x - max is rounded, and its exponential is off by as many ULP as the difference is large."),
    "overflow": (overflow, "An intermediate result of theirs overflows, such as a square, a cube or a gradient times a slope."),
    "constant": (constant, "Theirs has 1 / 6 as a float32, for float64 too."),
    "absolute": (absolute, (
        "Theirs has a small absolute error and no correct digits in a small result: 1 + tanh, exp(x) - 1, 1 + erf, x - log(sum).")),
}
