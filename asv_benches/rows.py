"""softmax and its like beside other libraries: how each is called along an axis.

A call is made of a function of the arrays and the axis, which gives what timeit runs. The libraries are those of ``peers``.
"""

import timeit
from dataclasses import dataclass

import numpy as np
from benchmarks.common import aligned, drawn
from benchmarks.rows import SHAPES
from measure import Contender, dtype_of
from peers import Missing, peer

import cyact

FUNCTIONS = ["softmax", "log_softmax", "logsumexp"]
OPERATORS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def of_cyact(_, function, x, axis, out):
    call = getattr(cyact, function)
    return lambda: call(x, axis, out=out)


def of_scipy(_, function, x, axis, out):
    from scipy import special
    call = getattr(special, function)
    return lambda: call(x, axis)


def of_torch(theirs, function, x, axis, out):
    call, x, out = getattr(theirs.torch, function), theirs.shared(x), theirs.shared(out)
    return lambda: call(x, axis, out=out)


def of_tensorflow(theirs, function, x, axis, out):
    module = theirs.tensorflow.math if function == "logsumexp" else theirs.tensorflow.nn
    call, x = getattr(module, "reduce_logsumexp" if function == "logsumexp" else function), theirs.shared(x)
    return lambda: call(x, axis)


def of_onnxruntime(theirs, function, x, axis, out):
    if function not in OPERATORS:
        raise Missing("an axis that is an input, in some versions")
    helper = theirs.onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    given, result = (helper.make_tensor_value_info(name, kind, x.shape) for name in "xy")
    graph = helper.make_graph([helper.make_node(OPERATORS[function], ["x"], ["y"], axis=axis)], function, [given], [result])
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))
    session = theirs.onnxruntime.InferenceSession(model.SerializeToString(), theirs.options, ["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)
    return lambda: session.run_with_iobinding(binding)


def of_jax(theirs, function, x, axis, out):
    call = getattr(theirs.jax.nn, function)
    compiled, x = theirs.jax.jit(lambda x: call(x, axis=axis)), theirs.shared(x)
    return lambda: compiled(x).block_until_ready()


CALLS = {
    "cyact": of_cyact, "scipy": of_scipy, "torch": of_torch, "tensorflow": of_tensorflow, "onnxruntime": of_onnxruntime,
    "jax": of_jax,
}
WRITES = ["cyact", "torch", "onnxruntime"]      # into a given array
PEERS = [name for name in CALLS if name != "cyact"]


@dataclass
class Rows(Contender):
    """A call along the axis that ``SHAPES`` says."""

    peer: str
    function: str
    shape: str = "(256, 4096)"
    dtype: str = "float32"
    in_place: bool = False
    threads: int = 0            # of cyact; 0 leaves the count alone
    arrays: tuple = ()
    timer: object = None

    repeatable = True

    @property
    def label(self):
        return self.peer

    @property
    def text(self):
        return f"{self.function} {self.dtype} {self.shape} axis {SHAPES[self.shape]}" + self.in_place * " in place"

    def installed(self, threads):
        """Whether the library has the function for the dtype; ours has every one."""
        try:
            self.make(threads)
        except Exception:       # whatever a library raises for what it does not take
            return False
        return True

    def make(self, threads):
        size, axis = tuple(map(int, self.shape.strip("()").split(","))), SHAPES[self.shape]
        x = drawn(size, dtype_of(self.dtype))
        expected = getattr(cyact, self.function)(x, axis)
        out = x if self.in_place else aligned(np.zeros_like(expected))
        call = CALLS[self.peer](peer(self.peer, threads), self.function, x, axis, out)
        result = call()
        result = np.asarray(out if self.peer in WRITES else result)
        if result.dtype != expected.dtype or not np.allclose(result.astype(float), expected.astype(float), 0.02, 0.02):
            raise Missing(f"{self.peer} gives something else")
        self.arrays = x, out        # a binding does not keep them
        self.timer = timeit.Timer(call)

    def prepare(self):
        if self.threads:
            cyact.set_num_threads(self.threads)

    def time(self, number):
        return self.timer.timeit(number) / number
