"""What the other libraries compute the functions by: for each, a statement or what its statement is made of.

A statement is what timeit runs, with nothing around it; into a new array ``out=out`` and ``out=scratch`` are taken away.
Its names: x, the features (for a gradient from the output the activation's result); g, the gradients; out; scratch, which
is out unless that is x or g, so that an operand that is still to be read must not wait in it; dtype, the result's.

The keys are cyact's names. Parameters have cyact's defaults.
"""

# selu's constants.
SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772

NUMPY = {
    "relu": "np.maximum(x, 0, out=out)",
    "relu6": "np.clip(x, 0, 6, out=out)",
    "leaky_relu": "np.maximum(x, np.multiply(x, 0.2, out=scratch, dtype=dtype), out=out)",
    "elu": "np.add(np.maximum(x, 0), np.expm1(np.minimum(x, 0, out=scratch, dtype=dtype), out=scratch), out=out)",
    "selu": f"np.multiply({SCALE}, np.where(x > 0, x, {ALPHA} * np.expm1(x)), out=out)",
    "celu": "np.add(np.maximum(x, 0), np.expm1(np.minimum(x, 0, out=scratch, dtype=dtype), out=scratch), out=out)",
    "gelu_approximate": "np.multiply(x / 2, 1 + np.tanh(0.7978845608028654 * x * (1 + 0.044715 * x * x)), out=out)",
    "silu": "np.divide(x, np.add(1, np.exp(np.negative(x, out=scratch, dtype=dtype), out=scratch), out=scratch), out=out)",
    "mish": "np.multiply(x, np.tanh(np.logaddexp(0, x, out=scratch, dtype=dtype), out=scratch), out=out)",
    "softplus": "np.logaddexp(0, x, out=out, dtype=dtype)",
    "softsign": "np.divide(x, np.add(1, np.abs(x, out=scratch, dtype=dtype), out=scratch), out=out)",
    "sigmoid": "np.divide(1, np.add(1, np.exp(np.negative(x, out=out, dtype=dtype), out=out), out=out), out=out)",
    "log_sigmoid": "np.negative(np.logaddexp(0, np.negative(x, out=out, dtype=dtype), out=out), out=out)",
    "logit": "np.log(np.divide(x, np.subtract(1, x, out=scratch, dtype=dtype), out=scratch), out=out)",
    "tanh": "np.tanh(x, out=out, dtype=dtype)",
    "hard_sigmoid": "np.divide(np.clip(np.add(x, 3, out=out, dtype=dtype), 0, 6, out=out), 6, out=out)",
    "hard_silu": (
        "np.multiply(x, np.divide(np.clip(np.add(x, 3, out=scratch, dtype=dtype), 0, 6, out=scratch), 6, out=scratch), out=out)"
    ),
    "hard_tanh": "np.clip(x, -1, 1, out=out)",
    "hard_shrink": "np.multiply(x, np.abs(x) > 0.5, out=out)",
    "soft_shrink": "np.subtract(x, np.clip(x, -0.5, 0.5, out=scratch, dtype=dtype), out=out)",
    "step": "np.heaviside(x, 1, out=out)",
    "gaussian": "np.exp(np.negative(np.square(x, out=out, dtype=dtype), out=out), out=out)",
    "positive": "np.positive(x, out=out)",

    "relu_grad": "np.multiply(g, x > 0, out=out)",
    "relu6_grad": "np.multiply(g, (x > 0) & (x < 6), out=out)",
    "leaky_relu_grad": "np.multiply(g, np.where(x > 0, one, slope), out=out)",
    "elu_grad": "np.multiply(g, np.add(1, np.minimum(x, 0, out=scratch), out=scratch), out=out)",
    "selu_grad": f"np.multiply(g, np.where(x > 0, {SCALE}, x + {SCALE * ALPHA}), out=out)",
    "celu_grad": "np.multiply(g, np.exp(np.minimum(x, 0, out=scratch), out=scratch), out=out)",
    "softplus_grad": "np.divide(g, np.add(1, np.exp(np.negative(x, out=scratch), out=scratch), out=scratch), out=out)",
    "softsign_grad": "np.divide(g, np.square(np.add(1, np.abs(x, out=scratch), out=scratch), out=scratch), out=out)",
    "sigmoid_grad": "np.multiply(np.multiply(np.subtract(1, x, out=scratch), x, out=scratch), g, out=out)",
    "log_sigmoid_grad": "np.divide(g, np.add(1, np.exp(x, out=scratch), out=scratch), out=out)",
    "logit_grad": "np.divide(g, np.multiply(x, np.subtract(1, x, out=scratch), out=scratch), out=out)",
    "tanh_grad": "np.multiply(np.subtract(1, np.multiply(x, x, out=scratch), out=scratch), g, out=out)",
    "hard_sigmoid_grad": "np.multiply(np.divide(g, 6, out=out), np.abs(x) < 3, out=out)",
    "hard_tanh_grad": "np.multiply(g, np.abs(x) < 1, out=out)",
    "hard_shrink_grad": "np.multiply(g, np.abs(x) > 0.5, out=out)",
    "soft_shrink_grad": "np.multiply(g, np.abs(x) > 0.5, out=out)",
}

# Names without a module are scipy.special's.
SCIPY = {
    "sigmoid": "expit(x, out=out)",
    "log_sigmoid": "log_expit(x, out=out)",
    "logit": "logit(x, out=out)",
    "gelu": "multiply(x, ndtr(x, out=scratch), out=out)",
}

NUMEXPR = {
    "relu": "where(x < 0, 0, x)",
    "leaky_relu": "where(x < 0, slope * x, x)",
    "sigmoid": "1 / (1 + exp(-x))",
    "tanh": "tanh(x)",
}

# nn is torch._C._nn, what torch.nn.functional calls, which takes no out itself; ``grad_input=out`` goes with the new array.
TORCH = {
    "relu": "torch.clamp_min(x, 0, out=out)",
    "relu6": "torch.clamp(x, 0, 6, out=out)",
    "leaky_relu": "nn.leaky_relu(x, 0.2, out=out)",
    "elu": "nn.elu(x, out=out)",
    "selu": f"nn.elu(x, {ALPHA}, {SCALE}, out=out)",
    "celu": "nn.elu(x, out=out)",
    "gelu": "nn.gelu(x, out=out)",
    "gelu_approximate": "nn.gelu(x, approximate='tanh', out=out)",
    "silu": "nn.silu(x, out=out)",
    "mish": "nn.mish(x, out=out)",
    "softplus": "nn.softplus(x, out=out)",
    "softsign": "torch.div(x, torch.abs(x, out=scratch).add_(1), out=out)",
    "sigmoid": "torch.sigmoid(x, out=out)",
    "log_sigmoid": "nn.log_sigmoid(x, out=out)",
    "logit": "torch.logit(x, out=out)",
    "tanh": "torch.tanh(x, out=out)",
    "hard_sigmoid": "nn.hardsigmoid(x, out=out)",
    "hard_silu": "nn.hardswish(x, out=out)",
    "hard_tanh": "nn.hardtanh(x, out=out)",
    "hard_shrink": "torch.hardshrink(x, out=out)",
    "soft_shrink": "nn.softshrink(x, out=out)",
    "step": "torch.heaviside(x, one, out=out)",
    "gaussian": "torch.exp(torch.square(x, out=out).neg_(), out=out)",

    "relu_grad": "aten.threshold_backward.grad_input(g, x, 0, grad_input=out)",
    "relu6_grad": "aten.hardtanh_backward.grad_input(g, x, 0, 6, grad_input=out)",
    "leaky_relu_grad": "aten.leaky_relu_backward.grad_input(g, x, 0.2, False, grad_input=out)",
    "elu_grad": "aten.elu_backward.grad_input(g, 1, 1, 1, True, x, grad_input=out)",
    "selu_grad": f"aten.elu_backward.grad_input(g, {ALPHA}, {SCALE}, 1, True, x, grad_input=out)",
    "celu_grad": "aten.elu_backward.grad_input(g, 1, 1, 1, False, x, grad_input=out)",
    "gelu_grad": "aten.gelu_backward.grad_input(g, x, grad_input=out)",
    "gelu_grad_approximate": "aten.gelu_backward.grad_input(g, x, approximate='tanh', grad_input=out)",
    "silu_grad": "aten.silu_backward.grad_input(g, x, grad_input=out)",
    "mish_grad": "aten.mish_backward(g, x)",
    "softplus_grad": "aten.softplus_backward.grad_input(g, x, 1, 20, grad_input=out)",
    "softsign_grad": "torch.div(g, torch.abs(x, out=scratch).add_(1).square_(), out=out)",
    "sigmoid_grad": "aten.sigmoid_backward.grad_input(g, x, grad_input=out)",
    "log_sigmoid_grad": "aten.log_sigmoid_backward.grad_input(g, x, buffer, grad_input=out)",
    "logit_grad": "aten.logit_backward.grad_input(g, x, grad_input=out)",
    "tanh_grad": "aten.tanh_backward.grad_input(g, x, grad_input=out)",
    "hard_sigmoid_grad": "aten.hardsigmoid_backward.grad_input(g, x, grad_input=out)",
    "hard_silu_grad": "aten.hardswish_backward(g, x)",
    "hard_tanh_grad": "aten.hardtanh_backward.grad_input(g, x, -1, 1, grad_input=out)",
    "hard_shrink_grad": "aten.hardshrink_backward.grad_input(g, x, 0.5, grad_input=out)",
    "soft_shrink_grad": "aten.softshrink_backward.grad_input(g, x, 0.5, grad_input=out)",
}

TORCH_IN_PLACE = {
    "relu": "torch.relu_(x)",
    "relu6": "nn.relu6_(x)",
    "leaky_relu": "nn.leaky_relu_(x, 0.2)",
    "elu": "nn.elu_(x)",
    "selu": "torch.selu_(x)",
    "celu": "torch.celu_(x)",
    "gelu": "nn.gelu_(x)",
    "gelu_approximate": "nn.gelu_(x, approximate='tanh')",
    "silu": "nn.silu_(x)",
    "mish": "nn.mish_(x)",
    "sigmoid": "torch.sigmoid_(x)",
    "logit": "torch.logit_(x)",
    "tanh": "torch.tanh_(x)",
    "hard_sigmoid": "nn.hardsigmoid_(x)",
    "hard_silu": "nn.hardswish_(x)",
    "hard_tanh": "nn.hardtanh_(x)",
}

# ops is tensorflow.raw_ops. tf.nn's gelu and silu are made of several operations: compiled, they are JAX's.
TENSORFLOW = {
    "relu": "ops.Relu(features=x)",
    "relu6": "ops.Relu6(features=x)",
    "leaky_relu": "ops.LeakyRelu(features=x, alpha=0.2)",
    "elu": "ops.Elu(features=x)",
    "selu": "ops.Selu(features=x)",
    "softplus": "ops.Softplus(features=x)",
    "softsign": "ops.Softsign(features=x)",
    "sigmoid": "ops.Sigmoid(x=x)",
    "tanh": "ops.Tanh(x=x)",

    "relu_grad": "ops.ReluGrad(gradients=g, features=x)",
    "relu6_grad": "ops.Relu6Grad(gradients=g, features=x)",
    "leaky_relu_grad": "ops.LeakyReluGrad(gradients=g, features=x, alpha=0.2)",
    "elu_grad": "ops.EluGrad(gradients=g, outputs=x)",
    "selu_grad": "ops.SeluGrad(gradients=g, outputs=x)",
    "softplus_grad": "ops.SoftplusGrad(gradients=g, features=x)",
    "softsign_grad": "ops.SoftsignGrad(gradients=g, features=x)",
    "sigmoid_grad": "ops.SigmoidGrad(y=x, dy=g)",
    "tanh_grad": "ops.TanhGrad(y=x, dy=g)",
}

# The operator, its attributes, the first opset that has it if that is above 17: newer ones have lost LeakyRelu of float64.
ONNX = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {}),
    "gelu": ("Gelu", {}, 20),
    "gelu_approximate": ("Gelu", {"approximate": "tanh"}, 20),
    "silu": ("Swish", {}, 24),
    "mish": ("Mish", {}, 18),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6}),
    "hard_silu": ("HardSwish", {}),
    "hard_shrink": ("Shrink", {"lambd": 0.5}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}),
}

# Expressions of x, compiled. nn is jax.nn, np is jax.numpy.
JAX = {
    "relu": "nn.relu(x)",
    "relu6": "nn.relu6(x)",
    "leaky_relu": "nn.leaky_relu(x, 0.2)",
    "elu": "nn.elu(x)",
    "selu": "nn.selu(x)",
    "celu": "nn.celu(x)",
    "gelu": "nn.gelu(x, approximate=False)",
    "gelu_approximate": "nn.gelu(x, approximate=True)",
    "silu": "nn.silu(x)",
    "mish": "nn.mish(x)",
    "softplus": "nn.softplus(x)",
    "softsign": "nn.soft_sign(x)",
    "sigmoid": "nn.sigmoid(x)",
    "log_sigmoid": "nn.log_sigmoid(x)",
    "logit": "logit(x)",
    "tanh": "np.tanh(x)",
    "hard_sigmoid": "nn.hard_sigmoid(x)",
    "hard_silu": "nn.hard_silu(x)",
    "hard_tanh": "nn.hard_tanh(x)",
    "hard_shrink": "np.where(abs(x) > 0.5, x, 0)",
    "soft_shrink": "x - np.clip(x, -0.5, 0.5)",
    "step": "np.heaviside(x, 1)",
    "gaussian": "np.exp(-x * x)",
}
