"""How cyact and each of its peers computes the functions: the statement that is timed, and the names in it.

A statement is what timeit runs, with nothing around it. Its names: x, the features (for sigmoid_grad and tanh_grad the
activation's result y); g, the gradients; out; scratch, which is out unless that is x or g; dtype, the result's. A peer
that cannot write into out gives a fresh array in every mode.
"""

import contextlib
import functools
import inspect
import math
from dataclasses import dataclass

import cyact.ufuncs
import numpy as np

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

    @property
    def writes(self):
        """Whether it can write into an array that it is given."""
        return any("=out" in statement for statement in self.statements.values())


class Cyact(Peer):
    parameters = {"features": "x", "y": "x", "gradients": "g", "dy": "g"}
    writes = True

    def statement(self, call, arrays):
        mode = MODES[call.mode]
        parameters = inspect.signature(getattr(cyact, call.function)).parameters
        inputs = ", ".join(self.parameters[name] for name in parameters if name in self.parameters)
        if call.mode == "ufunc":
            slope = ", slope" if "alpha" in parameters else ""
            return f"cyact.ufuncs.{call.function}({inputs}{slope}, out=out)"
        extra = KEYWORD if call.mode == "general" else ""
        return f"cyact.{call.function}({inputs}{'' if mode.into == 'fresh' else ', out=out'}{extra})"

    def names(self, call, arrays):
        slope = np.asarray(0.2, arrays["out"].dtype) if call.mode == "ufunc" else None
        return {**arrays, "cyact": cyact, "slope": slope}


class Copy(Peer):
    """The limit of memory: the same array copied (and cast where the result has another dtype)."""

    writes = True

    def statement(self, call, arrays):
        return "x.copy()" if MODES[call.mode].into == "fresh" else "copyto(scratch, x)"

    def names(self, call, arrays):
        return {**arrays, "copyto": np.copyto}


class NumPy(Peer):
    statements = {
        "relu": "np.maximum(x, 0, out=out)",
        "leaky_relu": "np.maximum(x, np.multiply(x, 0.2, out=scratch, dtype=dtype), out=out)",
        "sigmoid": "np.divide(1, np.add(1, np.exp(np.negative(x, out=out, dtype=dtype), out=out), out=out), out=out)",
        "tanh": "np.tanh(x, out=out, dtype=dtype)",
        "positive": "np.positive(x, out=out)",
        "relu_grad": "np.multiply(g, x > 0, out=out)",
        "leaky_relu_grad": "np.multiply(g, np.where(x > 0, one, slope), out=out)",
        "sigmoid_grad": "np.multiply(np.multiply(np.subtract(1, x, out=scratch), x, out=scratch), g, out=out)",
        "tanh_grad": "np.multiply(np.subtract(1, np.multiply(x, x, out=scratch), out=scratch), g, out=out)",
    }

    def statement(self, call, arrays):
        statement = super().statement(call, arrays)
        if call.mode == "general":
            statement = statement.replace("out=out", f"out=out{KEYWORD}")
        return statement.replace(", dtype=dtype", "") if arrays["x"].dtype == arrays["out"].dtype else statement

    def names(self, call, arrays):
        dtype = arrays["out"].dtype
        return {**arrays, "np": np, "dtype": dtype, "one": dtype.type(1), "slope": dtype.type(0.2)}


class SciPy(Peer):
    statements = {"sigmoid": "expit(x, out=out)"}

    def __init__(self, threads):
        from scipy.special import expit
        self.expit = expit

    def names(self, call, arrays):
        return {**arrays, "expit": self.expit}


class NumExpr(Peer):
    statements = {
        "relu": "evaluate('where(x < 0, 0, x)', local_dict=inputs, out=out)",
        "leaky_relu": "evaluate('where(x < 0, slope * x, x)', local_dict=inputs, out=out)",
        "sigmoid": "evaluate('1 / (1 + exp(-x))', local_dict=inputs, out=out)",
        "tanh": "evaluate('tanh(x)', local_dict=inputs, out=out)",
    }

    def __init__(self, threads):
        import numexpr
        numexpr.set_num_threads(threads)
        self.evaluate = numexpr.evaluate

    def names(self, call, arrays):
        inputs = {"x": arrays["x"], "slope": arrays["out"].dtype.type(0.2)}
        return {**arrays, "evaluate": self.evaluate, "inputs": inputs}


class Torch(Peer):
    statements = {
        "relu": "torch.clamp_min(x, 0, out=out)",
        "leaky_relu": "torch._C._nn.leaky_relu(x, 0.2, out=out)",
        "sigmoid": "torch.sigmoid(x, out=out)",
        "tanh": "torch.tanh(x, out=out)",
        "relu_grad": "aten.threshold_backward.grad_input(g, x, 0, grad_input=out)",
        "leaky_relu_grad": "aten.leaky_relu_backward.grad_input(g, x, 0.2, False, grad_input=out)",
        "sigmoid_grad": "aten.sigmoid_backward.grad_input(g, x, grad_input=out)",
        "tanh_grad": "aten.tanh_backward.grad_input(g, x, grad_input=out)",
    }
    in_place = {
        "relu": "torch.relu_(x)",
        "leaky_relu": "torch._C._nn.leaky_relu_(x, 0.2)",
        "sigmoid": "torch.sigmoid_(x)",
        "tanh": "torch.tanh_(x)",
    }

    def __init__(self, threads):
        import torch
        torch.set_num_threads(threads)
        self.torch = torch

    def statement(self, call, arrays):
        statement = super().statement(call, arrays)
        fresh = MODES[call.mode].into == "fresh"
        return statement.replace(".grad_input", "").replace(", grad_input=out", "") if fresh else statement

    def names(self, call, arrays):
        return {**super().names(call, arrays), "torch": self.torch, "aten": self.torch.ops.aten}

    def shared(self, array):
        if array.dtype == "bfloat16":
            return self.torch.from_numpy(array.view("int16")).view(self.torch.bfloat16)
        return self.torch.from_numpy(array)

    def array(self, result):
        if result.dtype == self.torch.bfloat16:
            return result.view(self.torch.int16).numpy().view("bfloat16")
        return result.numpy()


class TensorFlow(Peer):
    statements = {
        "relu": "ops.Relu(features=x)",
        "leaky_relu": "ops.LeakyRelu(features=x, alpha=0.2)",
        "sigmoid": "ops.Sigmoid(x=x)",
        "tanh": "ops.Tanh(x=x)",
        "relu_grad": "ops.ReluGrad(gradients=g, features=x)",
        "leaky_relu_grad": "ops.LeakyReluGrad(gradients=g, features=x, alpha=0.2)",
        "sigmoid_grad": "ops.SigmoidGrad(y=x, dy=g)",
        "tanh_grad": "ops.TanhGrad(y=x, dy=g)",
    }

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
    statements = {"relu": "Relu", "leaky_relu": "LeakyRelu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
    writes = True

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

    def array(self, result):
        return result[0]

    @functools.cache
    def session(self, operator, dtype):
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        attributes = {"alpha": 0.2} if operator == "LeakyRelu" else {}
        x, y = (helper.make_tensor_value_info(name, kind, ["n"]) for name in "xy")
        graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], operator, [x], [y])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return self.onnxruntime.InferenceSession(model.SerializeToString(), self.options, ["CPUExecutionProvider"])

    def names(self, call, arrays):
        x, out = arrays["x"], arrays["out"]
        if not x.flags.c_contiguous or x.dtype != out.dtype:
            raise Missing
        session = self.session(self.statements[call.function], x.dtype)
        binding = session.io_binding()
        binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
        binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)
        return {
            "run": session.run, "feed": {"x": x}, "run_with_iobinding": session.run_with_iobinding, "binding": binding
        }


class Jax(Peer):
    statements = dict.fromkeys(("relu", "leaky_relu", "sigmoid", "tanh"), "compiled(x).block_until_ready()")

    def __init__(self, threads):
        import jax
        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.compiled = {
            "relu": jax.jit(jax.nn.relu),
            "leaky_relu": jax.jit(lambda x: jax.nn.leaky_relu(x, 0.2)),
            "sigmoid": jax.jit(jax.nn.sigmoid),
            "tanh": jax.jit(jax.numpy.tanh),
        }

    def names(self, call, arrays):
        return {"x": self.shared(arrays["x"]), "compiled": self.compiled[call.function]}

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
