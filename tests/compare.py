"""Compares cyact with what other libraries give, and with their own tests: ``python tests/compare.py [source ...]``.

onnx        its backend's node tests
torch       the samples of its OpInfo database, forward and by autograd; needs expecttest
tensorflow  its raw_ops, gradients among them
jax         jax.nn's functions, forward and by jax.grad
scipy       scipy.special's own tests of softmax and its like, with cyact's functions in place of SciPy's

Sources whose library is missing are skipped. Both results are judged by the exact value (accuracy.py, exact_rows.py): cyact's must be
within its limit. Where theirs is not the exact value rounded, one of the REASONS of deviations.py must hold; what has none fails,
with exit status 1.
"""

import argparse
import io
import os
import sys
import textwrap
import warnings
from collections import Counter
from contextlib import redirect_stdout
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import exact_rows
import numpy as np
from accuracy import with_gradients
from cases import CASES, FLOATS, A, S, sample, special
from deviations import REASONS, OfElements, OfRows

import cyact
from cyact.functions import FUNCTIONS

warnings.filterwarnings("ignore")


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
    along_axis = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "ReduceLogSumExp": "logsumexp"}
    for test in collect_testcases(None):
        node = test.model.graph.node[0]
        if len(test.model.graph.node) > 1 or node.op_type not in {**operators, **along_axis}:
            continue
        attributes = {a.name: get_attribute_value(a) for a in node.attribute}
        if node.op_type in along_axis:
            (x, *axes), (y, *_) = test.data_sets[0]
            axis = tuple(axes[0].tolist()) or None if axes else attributes.get("axis", -1)
            yield OfRows(along_axis[node.op_type], [x], axis, y)
            continue
        found = operators[node.op_type](**attributes)
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
                yield OfElements(name, [x[slopes == slope]], [slope], y[slopes == slope])
            continue
        yield OfElements(name, [x], parameters, y)


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
        if op.name not in {*functions, *exact_rows.OF_LOGITS} or op.variant_test_name:
            continue
        for dtype in (torch.float32, torch.float64):
            for given in op.sample_inputs("cpu", dtype, requires_grad=True):
                if op.name in exact_rows.OF_LOGITS:
                    (axis, *_), x, y = given.args, given.input, op(given.input, *given.args)
                    yield OfRows(op.name, [x.detach().numpy()], axis, y.detach().numpy())
                    if op.name != "logsumexp":
                        dy = torch.randn_like(y)
                        g, = torch.autograd.grad(y, x, dy)
                        yield OfRows(f"{op.name}_grad", [y.detach().numpy(), dy.numpy()], axis, g.numpy())
                    continue
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
                yield OfElements(name, [x], values, y.detach().numpy())
                if f"{case.name}_grad" in CASES and FUNCTIONS[f"{case.name}_grad"].inputs == ("gradients", "features"):
                    g, = torch.autograd.grad(y.sum(), given.input)
                    gradient = name.replace("gelu", "gelu_grad") if case.name == "gelu" else f"{name}_grad"
                    yield OfElements(gradient, [np.ones_like(x), x], values, g.numpy())
    yield from on_rows("torch", FLOATS[-2:])


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
            yield OfElements(name, operands, [float(np.float32(0.2))] if attributes else [], y)
    yield from on_rows("tensorflow", FLOATS)


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
            yield OfElements(name, [x], [], np.asarray(jax.jit(function)(x)))
            gradient = name.replace("gelu", "gelu_grad") if "gelu" in name else f"{name}_grad"
            if CASES[gradient].inputs == ("gradients", "features"):
                slope = np.asarray(jax.jit(jax.vmap(jax.grad(function)))(x))
                yield OfElements(gradient, [np.ones_like(x), x], [], slope)
    yield from on_rows("jax", FLOATS[-2:])
    for name in exact_rows.GRADIENTS:
        function = getattr(jax.nn, name.removesuffix("_grad"))
        for dtype in FLOATS[-2:]:
            for x in rows_of(dtype):
                dy = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
                y, pull_back = jax.vjp(function, x)
                yield OfRows(name, [np.asarray(y), dy], -1, np.asarray(pull_back(dy)[0]))


def scipy():
    """Runs its tests; each call of what cyact has, too, gives cyact's result, which the test then judges."""
    import pytest
    from scipy.special.tests import test_logsumexp as tests

    calls = []

    def ours(name, theirs, a, axis=None, **others):
        x = np.asarray(a)
        if {*others} - {"keepdims"} or x.dtype.kind not in "iuf":
            return theirs(a, axis=axis, **others)
        calls.append((name, x, axis, theirs(x, axis=axis)))
        return getattr(cyact, name)(x, axis, **others)

    for name in exact_rows.OF_LOGITS:
        setattr(tests, name, partial(ours, name, getattr(tests, name)))
    folder, _ = os.path.split(tests.__file__)
    with redirect_stdout(io.StringIO()) as text:
        failed = pytest.main(["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", folder, tests.__file__])
    assert not failed, text.getvalue()
    yield from (OfRows(name, [x], axis, y) for name, x, axis, y in calls if x.size < 100_000)
    yield from on_rows("scipy", FLOATS[-2:])


def on_rows(library, dtypes):
    """A library's functions along the last axis."""
    for name, function in exact_rows.LIBRARIES[library]().items():
        for x in (x for dtype in dtypes for x in rows_of(dtype)):
            with np.errstate(all="ignore"):
                yield OfRows(name, [x], -1, function(x))


def rows_of(dtype):
    return [*exact_rows.hard_rows(dtype, long=5000).values(), exact_rows.special_rows(dtype)]


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


SOURCES = {source.__name__: source for source in (onnx, torch, tensorflow, jax, scipy)}


def compare(source):
    """Prints a line for each function and dtype; gives the number of elements without a reason, and the reasons seen."""
    table, unknown = {}, 0
    for r in SOURCES[source]():
        counts, sizes = table.setdefault((r.name, r.theirs.dtype.name), (Counter(), Counter()))
        sizes["elements"] += r.theirs.size
        left = (r.error > 0.51) | (np.signbit(r.theirs) != np.signbit(r.ours)) & (r.ours == 0)
        for reason, (holds, _) in REASONS.items():
            if r.format is None and reason != "side":
                continue
            explained = left & holds(r)
            counts[reason] += int(np.count_nonzero(explained))
            left &= ~explained
        for kind, where in (("cyact is beyond its limit", r.wrong), ("no reason is known", left)):
            unknown += int(np.count_nonzero(where))
            for i in np.flatnonzero(where)[:2]:
                print(f"    {kind}: {r.described(i)} is {r.exact[i]!r}, cyact {r.ours[i]!r}, {source} {r.theirs[i]!r}")
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
