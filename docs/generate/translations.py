"""What other frameworks call the functions: an expression of theirs, and what gives the same here.

    python docs/generate/translations.py

evaluates both sides of each pair with the frameworks that are installed, and fails where they differ. In an expression x
is an array of features, or a value of the framework made of it; g is an array of gradients.
"""

import sys
from collections.abc import Iterable

FRAMEWORKS = {
    "tensorflow": "TensorFlow", "keras": "Keras", "torch": "PyTorch", "jax": "JAX", "onnx": "ONNX", "scipy": "SciPy",
    "numpy": "NumPy",
}

PAIRS = {
    "tensorflow": {
        "tf.nn.relu(x)": "cyact.relu(x)",
        "tf.nn.relu6(x)": "cyact.relu6(x)",
        "tf.nn.leaky_relu(x)": "cyact.leaky_relu(x)",
        "tf.nn.elu(x)": "cyact.elu(x)",
        "tf.nn.selu(x)": "cyact.selu(x)",
        "tf.nn.gelu(x)": "cyact.gelu(x)",
        "tf.nn.gelu(x, approximate=True)": "cyact.gelu(x, approximate=True)",
        "tf.nn.silu(x)": "cyact.silu(x)",
        "tf.nn.silu(x, beta=1.702)": "cyact.silu(x, 1.702)",
        "tf.nn.softplus(x)": "cyact.softplus(x)",
        "tf.nn.softsign(x)": "cyact.softsign(x)",
        "tf.math.sigmoid(x)": "cyact.sigmoid(x)",
        "tf.math.log_sigmoid(x)": "cyact.log_sigmoid(x)",
        "tf.math.tanh(x)": "cyact.tanh(x)",
        "tf.nn.softmax(x)": "cyact.softmax(x)",
        "tf.nn.log_softmax(x)": "cyact.log_softmax(x)",
        "tf.math.reduce_logsumexp(x, axis=-1)": "cyact.logsumexp(x)",
        "tf.raw_ops.ReluGrad(gradients=g, features=x)": "cyact.relu_grad(g, x)",
        "tf.raw_ops.LeakyReluGrad(gradients=g, features=x)": "cyact.leaky_relu_grad(g, x)",
        "tf.raw_ops.EluGrad(gradients=g, outputs=x)": "cyact.elu_grad(g, x)",
        "tf.raw_ops.SeluGrad(gradients=g, outputs=x)": "cyact.selu_grad(g, x)",
        "tf.raw_ops.SoftplusGrad(gradients=g, features=x)": "cyact.softplus_grad(g, x)",
        "tf.raw_ops.SoftsignGrad(gradients=g, features=x)": "cyact.softsign_grad(g, x)",
        "tf.raw_ops.SigmoidGrad(y=x, dy=g)": "cyact.sigmoid_grad(x, g)",
        "tf.raw_ops.TanhGrad(y=x, dy=g)": "cyact.tanh_grad(x, g)",
    },
    "keras": {
        "keras.ops.relu(x)": "cyact.relu(x)",
        "keras.ops.relu6(x)": "cyact.relu6(x)",
        "keras.ops.leaky_relu(x)": "cyact.leaky_relu(x)",
        "keras.layers.LeakyReLU()(x)": "cyact.leaky_relu(x, 0.3)",
        "keras.ops.elu(x)": "cyact.elu(x)",
        "keras.ops.selu(x)": "cyact.selu(x)",
        "keras.ops.celu(x)": "cyact.celu(x)",
        "keras.activations.gelu(x)": "cyact.gelu(x)",
        "keras.ops.gelu(x)": "cyact.gelu(x, approximate=True)",
        "keras.ops.silu(x)": "cyact.silu(x)",
        "keras.activations.mish(x)": "cyact.mish(x)",
        "keras.ops.softplus(x)": "cyact.softplus(x)",
        "keras.ops.softsign(x)": "cyact.softsign(x)",
        "keras.ops.sigmoid(x)": "cyact.sigmoid(x)",
        "keras.ops.log_sigmoid(x)": "cyact.log_sigmoid(x)",
        "keras.ops.tanh(x)": "cyact.tanh(x)",
        "keras.ops.hard_sigmoid(x)": "cyact.hard_sigmoid(x)",
        "keras.ops.hard_silu(x)": "cyact.hard_silu(x)",
        "keras.ops.hard_tanh(x)": "cyact.hard_tanh(x)",
        "keras.ops.hard_shrink(x)": "cyact.hard_shrink(x)",
        "keras.ops.soft_shrink(x)": "cyact.soft_shrink(x)",
        "keras.ops.softmax(x)": "cyact.softmax(x)",
        "keras.ops.log_softmax(x)": "cyact.log_softmax(x)",
        "keras.ops.logsumexp(x, axis=-1)": "cyact.logsumexp(x)",
        "keras.layers.Rescaling(1 / 255)(x)": "cyact.rescale(x, 1 / 255)",
    },
    "torch": {
        "F.relu(x)": "cyact.relu(x)",
        "F.relu6(x)": "cyact.relu6(x)",
        "F.leaky_relu(x)": "cyact.leaky_relu(x, 0.01)",
        "F.elu(x)": "cyact.elu(x)",
        "F.selu(x)": "cyact.selu(x)",
        "F.celu(x)": "cyact.celu(x)",
        "F.gelu(x)": "cyact.gelu(x)",
        "F.gelu(x, approximate='tanh')": "cyact.gelu(x, approximate=True)",
        "F.silu(x)": "cyact.silu(x)",
        "F.mish(x)": "cyact.mish(x)",
        "F.softplus(x)": "cyact.softplus(x)",
        "F.softsign(x)": "cyact.softsign(x)",
        "torch.sigmoid(x)": "cyact.sigmoid(x)",
        "F.logsigmoid(x)": "cyact.log_sigmoid(x)",
        "torch.logit(x)": "cyact.logit(x)",
        "torch.tanh(x)": "cyact.tanh(x)",
        "F.hardsigmoid(x)": "cyact.hard_sigmoid(x)",
        "F.hardswish(x)": "cyact.hard_silu(x)",
        "F.hardtanh(x)": "cyact.hard_tanh(x)",
        "F.hardshrink(x)": "cyact.hard_shrink(x)",
        "F.softshrink(x)": "cyact.soft_shrink(x)",
        "torch.heaviside(x, torch.tensor(1.0))": "cyact.step(x)",
        "F.softmax(x, dim=-1)": "cyact.softmax(x)",
        "F.log_softmax(x, dim=-1)": "cyact.log_softmax(x)",
        "torch.logsumexp(x, dim=-1)": "cyact.logsumexp(x)",
    },
    "jax": {
        "jax.nn.relu(x)": "cyact.relu(x)",
        "jax.nn.relu6(x)": "cyact.relu6(x)",
        "jax.nn.leaky_relu(x)": "cyact.leaky_relu(x, 0.01)",
        "jax.nn.elu(x)": "cyact.elu(x)",
        "jax.nn.selu(x)": "cyact.selu(x)",
        "jax.nn.celu(x)": "cyact.celu(x)",
        "jax.nn.gelu(x)": "cyact.gelu(x, approximate=True)",
        "jax.nn.gelu(x, approximate=False)": "cyact.gelu(x)",
        "jax.nn.silu(x)": "cyact.silu(x)",
        "jax.nn.mish(x)": "cyact.mish(x)",
        "jax.nn.softplus(x)": "cyact.softplus(x)",
        "jax.nn.soft_sign(x)": "cyact.softsign(x)",
        "jax.nn.sigmoid(x)": "cyact.sigmoid(x)",
        "jax.nn.log_sigmoid(x)": "cyact.log_sigmoid(x)",
        "jax.scipy.special.logit(x)": "cyact.logit(x)",
        "jax.nn.tanh(x)": "cyact.tanh(x)",
        "jax.nn.hard_sigmoid(x)": "cyact.hard_sigmoid(x)",
        "jax.nn.hard_silu(x)": "cyact.hard_silu(x)",
        "jax.nn.hard_tanh(x)": "cyact.hard_tanh(x)",
        "jax.nn.softmax(x)": "cyact.softmax(x)",
        "jax.nn.log_softmax(x)": "cyact.log_softmax(x)",
        "jax.nn.logsumexp(x, axis=-1)": "cyact.logsumexp(x)",
    },
    "onnx": {
        "Relu(x)": "cyact.relu(x)",
        "LeakyRelu(x)": "cyact.leaky_relu(x, 0.01)",
        "Elu(x)": "cyact.elu(x)",
        "Selu(x)": "cyact.selu(x)",
        "Celu(x)": "cyact.celu(x)",
        "Gelu(x)": "cyact.gelu(x)",
        "Gelu(x, approximate='tanh')": "cyact.gelu(x, approximate=True)",
        "Swish(x)": "cyact.silu(x)",
        "Mish(x)": "cyact.mish(x)",
        "Softplus(x)": "cyact.softplus(x)",
        "Softsign(x)": "cyact.softsign(x)",
        "Sigmoid(x)": "cyact.sigmoid(x)",
        "Tanh(x)": "cyact.tanh(x)",
        "HardSigmoid(x, alpha=1 / 6)": "cyact.hard_sigmoid(x)",
        "HardSwish(x)": "cyact.hard_silu(x)",
        "Shrink(x, lambd=0.5)": "cyact.hard_shrink(x)",
        "Shrink(x, lambd=0.5, bias=0.5)": "cyact.soft_shrink(x)",
        "Softmax(x)": "cyact.softmax(x)",
        "LogSoftmax(x)": "cyact.log_softmax(x)",
    },
    "scipy": {
        "special.expit(x)": "cyact.sigmoid(x)",
        "special.log_expit(x)": "cyact.log_sigmoid(x)",
        "special.logit(x)": "cyact.logit(x)",
        "x * special.ndtr(x)": "cyact.gelu(x)",
        "special.softplus(x)": "cyact.softplus(x)",
        "special.softmax(x, axis=-1)": "cyact.softmax(x)",
        "special.log_softmax(x, axis=-1)": "cyact.log_softmax(x)",
        "special.logsumexp(x, axis=-1)": "cyact.logsumexp(x)",
    },
    "numpy": {
        "np.maximum(x, 0)": "cyact.relu(x)",
        "np.clip(x, 0, 6)": "cyact.relu6(x)",
        "np.where(x < 0, 0.2 * x, x)": "cyact.leaky_relu(x)",
        "1 / (1 + np.exp(-x))": "cyact.sigmoid(x)",
        "np.tanh(x)": "cyact.tanh(x)",
        "np.logaddexp(0, x)": "cyact.softplus(x)",
        "np.clip(x, -1, 1)": "cyact.hard_tanh(x)",
        "np.heaviside(x, 1)": "cyact.step(x)",
        "np.exp(-x**2)": "cyact.gaussian(x)",
    },
}


def function_of(ours: str) -> str:
    """The name of our function in an expression of ours."""
    return ours.removeprefix("cyact.").partition("(")[0]


def pairs(framework: str) -> list[tuple[str, str]]:
    """The pairs whose function the package has."""
    import cyact

    return [(theirs, ours) for theirs, ours in PAIRS[framework].items() if hasattr(cyact, function_of(ours))]


# ---- the check ----

class Onnx(dict):
    """An operator by its name, run by ONNX's own reference."""

    def __missing__(self, name):
        import onnx
        from onnx.reference import ReferenceEvaluator

        if not onnx.defs.has(name):
            raise KeyError(name)
        float32 = onnx.TensorProto.FLOAT
        edges = [onnx.helper.make_tensor_value_info(edge, float32, None) for edge in "xy"]

        def call(x, **attributes):
            graph = onnx.helper.make_graph([onnx.helper.make_node(name, ["x"], ["y"], **attributes)], "g", edges[:1], edges[1:])
            opset = onnx.helper.make_opsetid("", onnx.defs.onnx_opset_version())
            return ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=[opset])).run(None, {"x": x})[0]

        return call


def namespace(framework: str, arrays: dict) -> dict:
    """What the names of a framework's expressions stand for."""
    import numpy as np

    if framework == "torch":
        import torch

        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return {**tensors, "torch": torch, "F": torch.nn.functional}
    modules = {}
    match framework:
        case "tensorflow":
            import tensorflow as tf
            modules = {"tf": tf}
        case "keras":
            import keras
            modules = {"keras": keras}
        case "jax":
            import jax
            import jax.scipy.special
            modules = {"jax": jax}
        case "onnx":
            return Onnx(arrays)
        case "scipy":
            from scipy import special
            modules = {"special": special}
    return {**arrays, **modules, "np": np}


def check(frameworks: Iterable[str] = PAIRS) -> int:
    """How many pairs are wrong; each is printed."""
    import numpy as np

    import cyact

    random = np.random.default_rng(0)
    arrays = {name: random.standard_normal((7, 11)).astype("float32") * 2 for name in "xg"}
    inside = {name: abs(array) % 1 for name, array in arrays.items()}
    wrong = 0
    for framework in frameworks:
        try:
            names = {name: namespace(framework, given) for name, given in (("", arrays), ("logit", inside))}
        except ImportError as error:
            print(f"{framework}: not installed ({error})")
            continue
        for theirs, ours in pairs(framework):
            given = inside if function_of(ours) == "logit" else arrays
            expected = eval(ours, {**given, "cyact": cyact})
            try:
                result = np.asarray(eval(theirs, names["logit" if given is inside else ""]))
                good = np.allclose(result, expected, rtol=2e-4, atol=2e-6)
            except Exception as error:      # whatever a framework raises where it has no such function
                good, result = False, error
            if not good:
                wrong += 1
                print(f"{framework}: {theirs} is not {ours}: {result}")
        print(f"{framework}: {len(pairs(framework))} pairs")
    return wrong


if __name__ == "__main__":
    sys.exit(check())
