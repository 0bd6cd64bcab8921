"""How cyact and each of its peers is called: the statement that is timed, made of the tables in ``statements.py``.

A peer that cannot write into out gives a fresh array in every mode.
"""

import contextlib
import functools
import math
from dataclasses import dataclass

import cyact.ufuncs
import numpy as np
from benchmarks.common import ARRAYS, FORMS
from statements import JAX, NUMEXPR, NUMPY, ONNX, SCIPY, TENSORFLOW, TORCH, TORCH_IN_PLACE

import cyact


class Missing(Exception):
    """What is asked for is not there: a peer, or a function or dtype of cyact."""


@dataclass(frozen=True)
class Mode:
    text: str
    into: str = "out"       # "out", "in-place" or "fresh"
    layout: tuple = ()      # of a 1000 x 1000 array


KEYWORD = ", order='C'"     # what leads to the general road
COLUMNS, ROWS, WHOLE = (slice(None), slice(None, None, 2)), (slice(None), slice(500)), (slice(None),)
MODES = {
    "out": Mode("into another array"),
    "in-place": Mode("out= is the input", "in-place"),
    "fresh": Mode("into a new array", "fresh"),
    "columns": Mode("every second column of 1000 x 1000", layout=COLUMNS),
    "rows": Mode("a[:, :500] of 1000 x 1000", layout=ROWS),
    "columns-in-place": Mode("likewise in place", "in-place", COLUMNS),
    "rows-in-place": Mode("likewise in place", "in-place", ROWS),
    "whole-in-place": Mode("all of 1000 x 1000 in place", "in-place", WHOLE),
    "ufunc": Mode("cyact's ufunc called by itself, as its function does"),
    "general": Mode("cyact's function where it falls back on the ufunc: with a keyword"),
}


class Peer:
    statements = {}
    in_place = {}       # where the peer has something better for it

    def statement(self, call, arrays):
        into = MODES[call.mode].into
        statement = self.in_place.get(call.function) if into == "in-place" else None
        statement = statement or self.statements[call.function]
        return statement.replace(", out=out", "").replace(", out=scratch", "") if into == "fresh" else statement

    def names(self, call, arrays):
        return {name: self.shared(array) for name, array in arrays.items()}

    def shared(self, array):
        """The peer's view of the array's memory."""
        return array

    def array(self, result):
        return np.asarray(result)

    def writes(self, function):
        """Whether it can write into an array that it is given."""
        return "=out" in self.statements[function]


class Cyact(Peer):
    def writes(self, function):
        return True

    def statement(self, call, arrays):
        form = FORMS[call.function]
        given = [ARRAYS[name] for name in form.row.inputs]
        if call.mode == "ufunc":
            return f"cyact.ufuncs.{call.function}({', '.join([*given, *form.numbers])}, out=out)"
        given += [f"{name}={value}" for name, value in form.keywords.items()]
        given += [] if MODES[call.mode].into == "fresh" else ["out=out"]
        return f"cyact.{form.row.name}({', '.join(given)}{KEYWORD if call.mode == 'general' else ''})"

    def names(self, call, arrays):
        if call.mode != "ufunc":
            return {**arrays, "cyact": cyact}
        if not hasattr(cyact.ufuncs, call.function):
            raise Missing(f"no cyact.ufuncs.{call.function}")
        numbers = FORMS[call.function].numbers.items()
        dtype = arrays["out"].dtype
        return {**arrays, "cyact": cyact, **{name: np.asarray(number, dtype) for name, number in numbers}}


class Copy(Peer):
    """The limit of memory: the same array copied (and cast where the result has another dtype)."""

    def writes(self, function):
        return True

    def statement(self, call, arrays):
        return "x.copy()" if MODES[call.mode].into == "fresh" else "copyto(scratch, x)"

    def names(self, call, arrays):
        return {**arrays, "copyto": np.copyto}


class NumPy(Peer):
    statements = NUMPY

    def statement(self, call, arrays):
        statement = super().statement(call, arrays)
        if call.mode == "general":
            statement = statement.replace("out=out", f"out=out{KEYWORD}")
        return statement.replace(", dtype=dtype", "") if arrays["x"].dtype == arrays["out"].dtype else statement

    def names(self, call, arrays):
        dtype = arrays["out"].dtype
        return {**arrays, "np": np, "dtype": dtype, "one": dtype.type(1), "slope": dtype.type(0.2)}


class SciPy(Peer):
    statements = SCIPY

    def __init__(self, threads):
        from scipy.special import expit, log_expit, logit, ndtr
        self.functions = {"expit": expit, "log_expit": log_expit, "logit": logit, "ndtr": ndtr, "multiply": np.multiply}

    def names(self, call, arrays):
        return {**arrays, **self.functions}


class NumExpr(Peer):
    statements = {
        function: f"evaluate('{expression}', local_dict=inputs, out=out)"
        for function, expression in NUMEXPR.items()
    }

    def __init__(self, threads):
        import numexpr
        numexpr.set_num_threads(threads)
        self.evaluate = numexpr.evaluate

    def names(self, call, arrays):
        inputs = {"x": arrays["x"], "slope": arrays["out"].dtype.type(0.2)}
        return {**arrays, "evaluate": self.evaluate, "inputs": inputs}


class Torch(Peer):
    statements = TORCH
    in_place = TORCH_IN_PLACE

    def __init__(self, threads):
        import torch
        torch.set_num_threads(threads)
        self.torch = torch

    def statement(self, call, arrays):
        statement = super().statement(call, arrays)
        fresh = MODES[call.mode].into == "fresh"
        return statement.replace(".grad_input", "").replace(", grad_input=out", "") if fresh else statement

    def names(self, call, arrays):
        torch, names = self.torch, super().names(call, arrays)
        names.update(torch=torch, nn=torch._C._nn, aten=torch.ops.aten, one=torch.ones((), dtype=names["x"].dtype))
        if "buffer" in self.statements[call.function]:
            names["buffer"] = torch.exp(-torch.abs(names["x"]))     # what the forward pass leaves for the backward one
        return names

    def shared(self, array):
        if array.dtype == "bfloat16":
            return self.torch.from_numpy(array.view("int16")).view(self.torch.bfloat16)
        return self.torch.from_numpy(array)

    def array(self, result):
        if result.dtype == self.torch.bfloat16:
            return result.view(self.torch.int16).numpy().view("bfloat16")
        return result.numpy()


class TensorFlow(Peer):
    statements = TENSORFLOW

    def __init__(self, threads):
        import tensorflow
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.tensorflow = tensorflow

    def names(self, call, arrays):
        return {**super().names(call, arrays), "ops": self.tensorflow.raw_ops}

    def shared(self, array):
        if array.dtype == "bfloat16":
            return self.tensorflow.constant(array)
        return self.tensorflow.experimental.dlpack.from_dlpack(array.__dlpack__())


class OnnxRuntime(Peer):
    statements = ONNX

    def __init__(self, threads):
        import onnx
        import onnxruntime
        self.onnx, self.onnxruntime = onnx, onnxruntime
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.options.log_severity_level = 4

    def statement(self, call, arrays):
        return "run(None, feed)" if MODES[call.mode].into == "fresh" else "run_with_iobinding(binding)"

    def writes(self, function):
        return True

    def array(self, result):
        return result[0]

    @functools.cache
    def session(self, function, dtype):
        helper = self.onnx.helper
        operator, attributes, opset = (*self.statements[function], 17)[:3]
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        x, y = (helper.make_tensor_value_info(name, kind, ["n"]) for name in "xy")
        graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], operator, [x], [y])
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))
        return self.onnxruntime.InferenceSession(model.SerializeToString(), self.options, ["CPUExecutionProvider"])

    def names(self, call, arrays):
        x, out = arrays["x"], arrays["out"]
        if not x.flags.c_contiguous or x.dtype != out.dtype:
            raise Missing
        session = self.session(call.function, x.dtype)
        binding = session.io_binding()
        binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
        binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)
        return {
            "run": session.run, "feed": {"x": x}, "run_with_iobinding": session.run_with_iobinding, "binding": binding
        }


class Jax(Peer):
    statements = dict.fromkeys(JAX, "compiled(x).block_until_ready()")

    def __init__(self, threads):
        import jax
        import jax.scipy.special
        jax.config.update("jax_enable_x64", True)
        self.jax = jax

    @functools.cache
    def compiled(self, function):
        jax = self.jax
        names = {"nn": jax.nn, "np": jax.numpy, "logit": jax.scipy.special.logit}
        return jax.jit(eval(f"lambda x: {JAX[function]}", names))

    def names(self, call, arrays):
        return {"x": self.shared(arrays["x"]), "compiled": self.compiled(call.function)}

    def shared(self, array):
        if array.dtype == "bfloat16":
            return self.jax.numpy.asarray(array)
        return self.jax.dlpack.from_dlpack(array)


class Numba(Peer):
    statements = dict.fromkeys(("relu", "leaky_relu", "sigmoid", "tanh"), "compiled(x, out=out)")

    def __init__(self, threads):
        import numba
        self.numba = numba
        self.target = "parallel" if threads > 1 else "cpu"

    @functools.cache
    def compiled(self, function, dtype, result):
        kind, exp, tanh = result.type, math.exp, math.tanh
        zero, one, slope = kind(0), kind(1), kind(0.2)
        formulas = {
            "relu": lambda x: zero if x < zero else x,
            "leaky_relu": lambda x: slope * kind(x) if x < zero else kind(x),
            "sigmoid": lambda x: one / (one + exp(-kind(x))),
            "tanh": lambda x: tanh(kind(x)),
        }
        signature = self.numba.from_dtype(result)(self.numba.from_dtype(dtype))
        return self.numba.vectorize([signature], target=self.target)(formulas[function])

    def names(self, call, arrays):
        return {**arrays, "compiled": self.compiled(call.function, arrays["x"].dtype, arrays["out"].dtype)}


OURS, COPY = Cyact(), Copy()
PEERS = {
    "numpy": lambda threads: NumPy(),
    "scipy": SciPy,
    "numexpr": NumExpr,
    "torch": Torch,
    "tensorflow": TensorFlow,
    "onnxruntime": OnnxRuntime,
    "jax": Jax,
    "numba": Numba,
}


@functools.cache
def peer(name, threads):
    if name in ("cyact", "copy"):
        return OURS if name == "cyact" else COPY
    try:
        return PEERS[name](threads)
    except ImportError as error:
        raise Missing(f"no {error.name}") from None


def installed(names, threads):
    for name in names:
        with contextlib.suppress(Missing):
            peer(name, threads)
            yield name
