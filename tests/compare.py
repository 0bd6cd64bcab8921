"""Compares cyact with what other libraries give, and with their own tests: ``python tests/compare.py [source ...]``.

onnx        its backend's node tests
torch       the samples of its OpInfo database, forward and by autograd; needs expecttest
tensorflow  its raw_ops, gradients among them
jax         jax.nn's functions, forward and by jax.grad

Sources whose library is missing are skipped. Both results are judged by the exact value (accuracy.py): cyact's must be within
its limit. Where theirs is not the exact value rounded, one of the REASONS must hold; what has none fails, with exit status 1.
"""

import argparse
import os
import sys
import textwrap
import warnings
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
from accuracy import exact_64, exact_mpfr, larger_terms, ulp_errors_64, ulp_errors_mpfr, with_gradients
from cases import CASES, FLOATS, FORMATS, A, S, is_float, largest, sample, special

import cyact
from cyact.functions import FUNCTIONS

warnings.filterwarnings("ignore")


class Result:
    """What a library gives for operands, which have one shape and dtype; beside it the exact value and cyact's result."""

    def __init__(self, name, operands, parameters, theirs):
        self.case = CASES[name].giving(*parameters or CASES[name].defaults)
        self.operands = [np.ravel(x) for x in operands]
        self.theirs = np.ravel(theirs)
        with np.errstate(all="ignore"):
            self.ours = self.case(*self.operands)
            self.exact = self.exact_value()
            self.error, self.our_error = self.errors(self.theirs), self.errors(self.ours)
            self.x = self.operands[self.case.argument].astype("float64")
            self.scale = abs(self.operands[1 - self.case.argument].astype("float64")) if self.case.arrays == 2 else 1.0
        self.format = FORMATS.get(self.theirs.dtype.name)       # None for integers

    @property
    def finite(self):
        """Where a formula has a meaning; cyact's results elsewhere are those of the tests' special values."""
        low, high = self.case.domain
        inside = np.logical_and.reduce([np.isfinite(x.astype("float64")) for x in self.operands])
        x = self.operands[self.case.argument]
        return inside & (x >= low) & (x <= high)

    def exact_value(self):
        if self.case.reference:
            exact = self.case.reference(*self.operands, *self.case.tried)
            return exact.astype("float64") if is_float(exact.dtype) else exact
        if self.ours.dtype == np.float64:
            return np.array([float(y) for y in exact_mpfr(self.case, self.operands, self.ours.dtype)])
        return exact_64(self.case, self.operands, self.ours.dtype)

    def errors(self, y):
        if not is_float(y.dtype):
            return np.where(y == self.exact, 0, np.inf)
        if y.dtype == np.float64 and self.case.formula:
            exact = [*exact_mpfr(self.case, self.operands, y.dtype)]
            errors = ulp_errors_mpfr(y, exact, larger_terms(self.case, self.operands, y.dtype))
        elif y.dtype == np.float64:
            errors = np.where((y == self.exact) | np.isnan(y) & np.isnan(self.exact), 0, np.inf)
        else:
            term = larger_terms(self.case, self.operands, y.dtype) if self.case.formula else 0.0
            errors = ulp_errors_64(y, self.exact, term)
        same = (y.astype("float64") == self.ours) | np.isnan(y.astype("float64")) & np.isnan(self.ours.astype("float64"))
        return np.where(self.finite, errors, np.where(same, 0, np.inf))

    def wrong(self):
        """Where cyact is beyond its limit."""
        case = self.case
        return self.our_error > (case.limit(self.ours.dtype) if case.formula else 0)


# ---- the reasons known ----

def near_zero(r, y):
    return abs(y.astype("float64")) < 2.0 ** (r.format[1] + 1)


def rounding(r):
    return r.error <= 8


def sign_of_zero(r):
    return (r.theirs == 0) & (r.ours == 0)


def side(r):
    kinks = r.case.kinks(*r.case.tried) if callable(r.case.kinks) else r.case.kinks
    base = CASES.get(r.case.name.replace("_grad", ""), r.case)
    kinks = (*kinks, *(base.kinks(*r.case.tried) if callable(base.kinks) else base.kinks))
    return (r.case.arrays == 2) & np.isin(r.x, [np.float64(np.array(kink).astype(r.ours.dtype)) for kink in (0.0, *kinks)])


def limit(r):
    return ~r.finite


def flushed(r):
    touched = near_zero(r, r.exact) & near_zero(r, r.theirs)
    for x in r.operands:
        touched |= near_zero(r, x) & (x != 0)
    return touched


def constant(r):
    rough = abs(r.theirs.astype("float64") - r.exact) <= 2.0**-24 * abs(r.exact)
    return rough & (r.case.name in ("hard_sigmoid_grad", "hard_silu_grad"))


def overflow(r):
    return abs(r.x) > float(largest(r.ours.dtype)) ** (1 / 3)


def absolute(r):
    eps = 2.0 ** -r.format[0]
    return abs(r.theirs.astype("float64") - r.exact) <= 16 * eps * r.scale * np.maximum(1, r.x * r.x)


# In the order in which they are tried.
REASONS = {
    "rounding": (rounding, "Up to 8 ULP: theirs is rounded in several steps, or an approximation; parameters are rounded to float32."),
    "sign of zero": (sign_of_zero, "A zero of the other sign."),
    "side": (side, "At a kink theirs is the derivative of the right side, or the mean of both; cyact's is that of the left side."),
    "limit": (limit, "At infinity, NaN and outside of the domain theirs is what the formula makes of it, often NaN; cyact's is the limit."),
    "flushed": (flushed, "Theirs flushes subnormal inputs and results to zero; cyact keeps them."),
    "overflow": (overflow, "An intermediate result of theirs overflows, such as a square, a cube or a gradient times a slope."),
    "constant": (constant, "Theirs has 1 / 6 as a float32, for float64 too."),
    "absolute": (absolute, "Theirs has a small absolute error and no correct digits in a small result: 1 + tanh, exp(x) - 1, 1 + erf."),
}


# ---- the sources: each gives results ----

def onnx():
    """Operator -> kernel and its parameters, of the attributes. Clip and Shrink are several functions of ours."""
    from onnx.backend.test.case.node import collect_testcases
    from onnx.helper import get_attribute_value

    def shrink(lambd=0.5, bias=0.0):
        return ("hard_shrink", lambd) if bias == 0 else ("soft_shrink", lambd) if bias == lambd else None

    operators = {
        "Relu": lambda: ("relu",), "LeakyRelu": lambda alpha=0.01: ("leaky_relu", alpha), "PRelu": lambda: ("leaky_relu",),
        "Elu": lambda alpha=1.0: ("elu", alpha), "Celu": lambda alpha=1.0: ("celu", alpha),
        "Selu": lambda alpha=A, gamma=S: ("selu",) if (alpha, gamma) == (A, S) else None,
        "Gelu": lambda approximate=b"none": ("gelu_approximate",) if approximate == b"tanh" else ("gelu",),
        "Mish": lambda: ("mish",), "Softplus": lambda: ("softplus",), "Softsign": lambda: ("softsign",),
        "Sigmoid": lambda: ("sigmoid",), "Tanh": lambda: ("tanh",), "HardSwish": lambda: ("hard_silu",),
        "HardSigmoid": lambda alpha=0.2, beta=0.5: ("hard_sigmoid", alpha, beta), "Shrink": shrink,
        "Swish": lambda alpha=1.0: ("silu", alpha),
    }
    for test in collect_testcases(None):
        node = test.model.graph.node[0]
        if len(test.model.graph.node) > 1 or node.op_type not in operators:
            continue
        found = operators[node.op_type](**{a.name: get_attribute_value(a) for a in node.attribute})
        if found is None:
            print(f"    {test.name}: other constants than cyact has")
            continue
        (name, *parameters), ((x, *slopes), (y, *_)) = found, test.data_sets[0]
        if name == "hard_sigmoid":          # of another slope: that of an input that is scaled
            alpha, beta = parameters
            x, parameters = (6 * (alpha * x.astype("float64") + beta) - 3).astype(x.dtype), []
            close = np.allclose(cyact.hard_sigmoid(x), y, rtol=0, atol=1e-6)
            assert close, test.name
            continue
        if slopes:                          # PReLU: a slope for each element, one result for each
            x, slopes = np.broadcast_arrays(x, *slopes)
            for slope in np.unique(slopes):
                yield Result(name, [x[slopes == slope]], [slope], y[slopes == slope])
            continue
        yield Result(name, [x], parameters, y)


def torch():
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    functions = {f"nn.functional.{name}": name for name in (
        "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign")}
    functions |= {
        "relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "logit": "logit", "nn.functional.logsigmoid": "log_sigmoid",
        "nn.functional.hardsigmoid": "hard_sigmoid", "nn.functional.hardswish": "hard_silu", "nn.functional.hardtanh": "hard_tanh",
        "nn.functional.hardshrink": "hard_shrink", "nn.functional.softshrink": "soft_shrink",
    }
    for op in op_db:
        if op.name not in functions or op.variant_test_name:
            continue
        for dtype in (torch.float32, torch.float64):
            for given in op.sample_inputs("cpu", dtype, requires_grad=True):
                name, keywords = functions[op.name], dict(given.kwargs)
                case = CASES[name]
                keywords.pop("inplace", None)
                if keywords.pop("approximate", "none") == "tanh":
                    name = "gelu_approximate"
                renamed = {"negative_slope": "alpha", "lambd": "threshold"}
                parameters = {renamed.get(key, key): value for key, value in keywords.items()}
                if given.args and case.parameters:
                    parameters |= dict(zip(case.parameters, given.args))
                elif given.args and name != "hard_tanh" or set(parameters) - set(case.parameters):
                    continue                # what cyact does not have: eps of logit, beta of softplus, bounds of hardtanh
                if name == "hard_tanh" and (given.args or keywords):
                    continue
                defaults = {"leaky_relu": {"alpha": 0.01}}.get(name, {p: d for p, (d, _) in case.parameters.items()})
                values = [{**defaults, **parameters}[key] for key in case.parameters]
                y = op(given.input, *given.args, **given.kwargs)
                x = given.input.detach().numpy()
                yield Result(name, [x], values, y.detach().numpy())
                if f"{case.name}_grad" in CASES and FUNCTIONS[f"{case.name}_grad"].inputs == ("gradients", "features"):
                    g, = torch.autograd.grad(y.sum(), given.input)
                    gradient = name.replace("gelu", "gelu_grad") if case.name == "gelu" else f"{name}_grad"
                    yield Result(gradient, [np.ones_like(x), x], values, g.numpy())


def tensorflow():
    import tensorflow as tf

    operations = {
        "relu": "Relu", "relu6": "Relu6", "leaky_relu": "LeakyRelu", "elu": "Elu", "selu": "Selu", "softplus": "Softplus",
        "softsign": "Softsign", "sigmoid": "Sigmoid", "tanh": "Tanh",
    }
    operations |= {f"{name}_grad": f"{theirs}Grad" for name, theirs in operations.items()}
    for name, theirs in operations.items():
        case, operation = CASES[name], getattr(tf.raw_ops, theirs)
        names = case.inputs if case.arrays == 2 else ("x",) if name in ("sigmoid", "tanh") else ("features",)
        attributes = {"alpha": 0.2} if name.startswith("leaky") else {}
        # leaky_relu's integers are float32 there, whatever their size.
        for dtype in case.dtypes if case.reference and name != "leaky_relu" else FLOATS:
            operands = operands_of(case, dtype)
            y = operation(**dict(zip(names, map(tf.constant, operands))), **attributes).numpy()
            # TensorFlow keeps alpha as float32, whatever the dtype.
            yield Result(name, operands, [float(np.float32(0.2))] if attributes else [], y)


def jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    functions = {
        "relu": jax.nn.relu, "relu6": jax.nn.relu6, "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2), "elu": jax.nn.elu,
        "selu": jax.nn.selu, "celu": jax.nn.celu, "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "gelu_approximate": jax.nn.gelu, "silu": jax.nn.silu, "mish": jax.nn.mish, "softplus": jax.nn.softplus,
        "softsign": jax.nn.soft_sign, "sigmoid": jax.nn.sigmoid, "log_sigmoid": jax.nn.log_sigmoid, "tanh": jax.numpy.tanh,
        "hard_sigmoid": jax.nn.hard_sigmoid, "hard_silu": jax.nn.hard_silu, "hard_tanh": jax.nn.hard_tanh,
        "logit": jax.scipy.special.logit,
    }
    for name, function in functions.items():
        for dtype in (np.dtype("float32"), np.dtype("float64")):
            x, = operands_of(CASES[name], dtype)
            yield Result(name, [x], [], np.asarray(jax.jit(function)(x)))
            gradient = name.replace("gelu", "gelu_grad") if "gelu" in name else f"{name}_grad"
            if CASES[gradient].inputs == ("gradients", "features"):
                slope = np.asarray(jax.jit(jax.vmap(jax.grad(function)))(x))
                yield Result(gradient, [np.ones_like(x), x], [], slope)


def operands_of(case, dtype, n=3000):
    """Special values, ordinary ones, any at all; for a gradient those from above are ordinary."""
    x = np.concatenate([special(dtype), sample(dtype, n), np.linspace(-20, 20, n).astype(dtype)])
    if case.arrays == 1:
        return [x]
    if FUNCTIONS[case.public].from_output:
        with np.errstate(all="ignore"):
            x = np.asarray(getattr(cyact, FUNCTIONS[case.public].gradient_of)(x))
    g = np.random.default_rng(0).normal(size=len(x)).astype(dtype)
    return list(with_gradients(case, x, g))


SOURCES = {source.__name__: source for source in (onnx, torch, tensorflow, jax)}


def compare(source):
    """Prints a line for each function and dtype; gives the number of elements without a reason, and the reasons seen."""
    table, unknown = {}, 0
    for r in SOURCES[source]():
        counts, sizes = table.setdefault((r.case.name, r.theirs.dtype.name), (Counter(), Counter()))
        sizes["elements"] += r.theirs.size
        left = (r.error > 0.51) | (np.signbit(r.theirs) != np.signbit(r.ours)) & (r.ours == 0)
        for reason, (holds, _) in REASONS.items():
            if r.format is None and reason != "side":
                continue
            explained = left & holds(r)
            counts[reason] += int(np.count_nonzero(explained))
            left &= ~explained
        for kind, where in (("cyact is beyond its limit", r.wrong()), ("no reason is known", left)):
            unknown += int(np.count_nonzero(where))
            for i in np.flatnonzero(where)[:2]:
                given = ", ".join(repr(x[i].item()) for x in r.operands)
                print(f"    {kind}: {r.case.name}({given}) is {r.exact[i]!r}, cyact {r.ours[i]!r}, {source} {r.theirs[i]!r}")
    for (name, dtype), (counts, sizes) in sorted(table.items()):
        text = ", ".join(f"{reason} {count}" for reason, count in counts.items() if count) or "none"
        print(f"{source:12}{name:24}{dtype:10} of {sizes['elements']:>6}: {text}", flush=True)
    return unknown, {reason for counts, _ in table.values() for reason, count in counts.items() if count}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", metavar="source", help=f"{', '.join(SOURCES)}; by default all that are installed")
    arguments = parser.parse_args()
    if set(arguments.sources) - set(SOURCES):
        parser.error(f"choose from {', '.join(SOURCES)}")
    unknown, seen = 0, set()
    for source in arguments.sources or SOURCES:
        try:
            count, reasons = compare(source)
        except ImportError as error:
            print(f"{source}: skipped, {error}")
            continue
        unknown, seen = unknown + count, seen | reasons
    print("\nDeviations:")
    for reason in REASONS:
        if reason in seen:
            print(textwrap.fill(f"{reason}: {REASONS[reason][1]}", 118, initial_indent="- ", subsequent_indent="  "))
    print(f"\n{unknown} unknown deviations")
    return int(unknown > 0)


if __name__ == "__main__":
    sys.exit(main())
