"""The rows of the gradients, in the table of public functions: see ``functions``."""

from cyact.rows import ALPHA, APPROXIMATE, THRESHOLD, Function, Parameter

ROWS = [
    Function(
        "relu_grad", "Gradient of `relu`.", result="same", inputs=("gradients", "features"), gradient_of="relu",
        notes="""
``where(x > 0, g, 0)``: exact; 0 where x is 0 or NaN. TensorFlow's ``raw_ops.ReluGrad``.
""",
        examples="""
>>> cyact.relu_grad(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0]))
array([0., 0., 3.])
""",
    ),
    Function(
        "leaky_relu_grad", "Gradient of `leaky_relu`.", result="same", inputs=("gradients", "features"),
        parameters=(ALPHA,), gradient_of="leaky_relu", only_floating=True,
        notes="""
``where(x > 0, g, alpha * g)``, rounded once; ``alpha * g`` where x is 0 or NaN. Where `alpha` is 0, an infinite
gradient gives 0. TensorFlow's ``raw_ops.LeakyReluGrad``.
""",
        examples="""
>>> cyact.leaky_relu_grad(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0]), 0.5)
array([0.5, 1. , 3. ])
""",
    ),
    Function(
        "sigmoid_grad", "Gradient of `sigmoid`, from its output.", result="same", inputs=("y", "dy"),
        gradient_of="sigmoid", only_floating=True,
        notes="""
``dy * (y - y * y)``, which is ``dy * y * (1 - y)`` with one rounding less: at most 1.5 ULP for y in [0, 1] and results
that are not subnormal; float16 and bfloat16 are computed as float32 and rounded once. TensorFlow's
``raw_ops.SigmoidGrad``.
""",
        examples="""
>>> cyact.sigmoid_grad(np.array([0.25, 0.5]), np.array([1.0, 1.0]))
array([0.1875, 0.25  ])
""",
    ),
    Function(
        "softsign_grad", "Gradient of `softsign`.", result="same", inputs=("gradients", "features"),
        gradient_of="softsign", only_floating=True,
        notes="""
``g / (1 + abs(x))**2``: at most 2 ULP from the exact value; 0 at inf and -inf. TensorFlow's ``raw_ops.SoftsignGrad``.
""",
        examples="""
>>> cyact.softsign_grad(np.array([1.0, 1.0]), np.array([0.0, 3.0]))
array([1.    , 0.0625])
""",
    ),
    Function(
        "softplus_grad", "Gradient of `softplus`.", result="same", inputs=("gradients", "features"),
        gradient_of="softplus", only_floating=True,
        notes="""
``g / (1 + exp(-x))``, the gradient times `sigmoid`: at most 2 ULP from the exact value, whatever the sizes of the two;
0 where x is -inf. TensorFlow's ``raw_ops.SoftplusGrad``.
""",
        examples="""
>>> cyact.softplus_grad(np.array([1.0, 1.0]), np.array([0.0, -1.0]))
array([0.5       , 0.26894142])
""",
    ),
    Function(
        "log_sigmoid_grad", "Gradient of `log_sigmoid`.", result="same", inputs=("gradients", "features"),
        gradient_of="log_sigmoid", only_floating=True,
        notes="""
``g / (1 + exp(x))``, the gradient times the sigmoid of -x: at most 2 ULP from the exact value, whatever the sizes of
the two; 0 where x is inf.
""",
        examples="""
>>> cyact.log_sigmoid_grad(np.array([1.0, 1.0]), np.array([0.0, -1.0]))
array([0.5       , 0.73105858])
""",
    ),
    Function(
        "logit_grad", "Gradient of `logit`.", result="same", inputs=("gradients", "features"),
        gradient_of="logit", only_floating=True,
        notes="""
``g / (x * (1 - x))``, two roundings: at most 1.5 ULP. At 0 and 1 an infinity of the gradient's sign, or 0 where that is
0; NaN where x is outside of [0, 1].
""",
        examples="""
>>> cyact.logit_grad(np.array([1.0, 3.0]), np.array([0.5, 0.25]))
array([ 4., 16.])
""",
    ),
    Function(
        "gelu_grad", "Gradient of `gelu`.", result="same", inputs=("gradients", "features"), option=APPROXIMATE,
        gradient_of="gelu", only_floating=True,
        notes="""
The gradient times the derivative of the formula that `approximate` chooses, which is a sum of two terms and crosses
zero near -0.752: at most 2 ULP of the larger of the result and the larger term. Where x is -inf the result is 0; an
infinite gradient gives infinity elsewhere, with the derivative's sign.
""",
        examples="""
>>> cyact.gelu_grad(np.array([1.0, 1.0]), np.array([-1.0, 0.0]))
array([-0.08331547,  0.5       ])
""",
    ),
    Function(
        "elu_grad", "Gradient of `elu`, from its output.", result="same", inputs=("gradients", "outputs"),
        parameters=(Parameter("alpha", 1.0, "The one that `elu` had"),), gradient_of="elu", only_floating=True,
        notes="""
``where(y > 0, g, g * (y + alpha))``: two roundings for the given outputs, at most 1.5 ULP. What the output has lost by
rounding is lost here too: below -17 (float32) or -37 (float64) the result is 0, as in TensorFlow, where the exact
derivative is small but not 0. TensorFlow's ``raw_ops.EluGrad``.
""",
        examples="""
>>> cyact.elu_grad(np.array([1.0, 1.0]), np.array([-0.5, 2.0]))
array([0.5, 1. ])
""",
    ),
    Function(
        "tanh_grad", "Gradient of `tanh`, from its output.", result="same", inputs=("y", "dy"),
        gradient_of="tanh", only_floating=True,
        notes="""
``dy * (1 - y * y)``: at most 1.5 ULP for y in [-1, 1] and results that are not subnormal; float16 and bfloat16 are
computed as float32 and rounded once. TensorFlow's ``raw_ops.TanhGrad``.
""",
        examples="""
>>> cyact.tanh_grad(np.array([0.0, 0.5]), np.array([1.0, 1.0]))
array([1.  , 0.75])
""",
    ),
    Function(
        "selu_grad", "Gradient of `selu`, from its output.", result="same", inputs=("gradients", "outputs"),
        gradient_of="selu", only_floating=True,
        notes="""
``g * where(y > 0, S, y + S * A)``: at most 1.5 ULP of the larger of the value and ``g * S * A``, for the given outputs.
What the output has lost by rounding is lost here too: below -17 (float32) or -37 (float64) the result is 0, as in
TensorFlow. TensorFlow's ``raw_ops.SeluGrad``.
""",
        examples="""
>>> cyact.selu_grad(np.array([1.0, 1.0]), cyact.selu(np.array([-1.0, 2.0])))
array([0.6467686 , 1.05070099])
""",
    ),
    Function(
        "celu_grad", "Gradient of `celu`.", result="same", inputs=("gradients", "features"),
        parameters=(Parameter("alpha", 1.0, "The one that `celu` had"),), gradient_of="celu", only_floating=True,
        notes="""
``g * where(x > 0, 1, exp(x / alpha))``: at most 1 ULP from the exact value. NaN where x is.
""",
        examples="""
>>> cyact.celu_grad(np.array([1.0, 1.0]), np.array([-1.0, 2.0]))
array([0.36787944, 1.        ])
""",
    ),
    Function(
        "silu_grad", "Gradient of `silu`.", result="same", inputs=("gradients", "features"),
        parameters=(Parameter("beta", 1.0, "The one that `silu` had"),), gradient_of="silu", only_floating=True,
        notes="""
``g * s * (1 + z * (1 - s))`` with ``z = beta * x`` and ``s = sigmoid(z)``: at most 2 ULP of the larger of the value and
the larger term, since the sum crosses zero. NaN where x is.
""",
        examples="""
>>> cyact.silu_grad(np.array([1.0, 1.0]), np.array([0.0, 1.0]))
array([0.5       , 0.92767051])
""",
    ),
    Function(
        "gaussian_grad", "Gradient of `gaussian`.", result="same", inputs=("gradients", "features"),
        gradient_of="gaussian", only_floating=True,
        notes="""
``-2 * x * g * exp(-x**2)``: at most 2 ULP from the exact value. NaN where x is.
""",
        examples="""
>>> cyact.gaussian_grad(np.array([1.0, 1.0]), np.array([0.5, 1.0]))
array([-0.77880078, -0.73575888])
""",
    ),
    Function(
        "mish_grad", "Gradient of `mish`.", result="same", inputs=("gradients", "features"),
        gradient_of="mish", only_floating=True,
        notes="""
``g * (t + x * s * (1 - t * t))`` with ``t = tanh(softplus(x))`` and ``s = sigmoid(x)``: at most 2 ULP of the larger of
the value and the larger term, since the sum crosses zero. NaN where x is.
""",
        examples="""
>>> cyact.mish_grad(np.array([1.0, 1.0]), np.array([0.0, 1.0]))
array([0.6       , 1.04903622])
""",
    ),
    Function(
        "relu6_grad", "Gradient of `relu6`.", result="same", inputs=("gradients", "features"), gradient_of="relu6",
        notes="""
``where((x > 0) & (x <= 6), g, 0)``: exact; 0 where x is 0 or NaN. At 6 it is the gradient of the left side, g, where
TensorFlow's ``raw_ops.Relu6Grad`` gives 0.
""",
        examples="""
>>> cyact.relu6_grad(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 6.0, 7.0]))
array([0., 2., 3., 0.])
""",
    ),
    Function(
        "hard_tanh_grad", "Gradient of `hard_tanh`.", result="same", inputs=("gradients", "features"),
        gradient_of="hard_tanh", only_floating=True,
        notes="""
``where((x > -1) & (x <= 1), g, 0)``: exact; 0 where x is NaN.
""",
        examples="""
>>> cyact.hard_tanh_grad(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0]))
array([0., 2., 3.])
""",
    ),
    Function(
        "hard_sigmoid_grad", "Gradient of `hard_sigmoid`.", result="same", inputs=("gradients", "features"),
        gradient_of="hard_sigmoid", only_floating=True,
        notes="""
``where((x > -3) & (x <= 3), g / 6, 0)``: at most 0.7 ULP from the exact value; 0 where x is NaN.
""",
        examples="""
>>> cyact.hard_sigmoid_grad(np.array([3.0, 3.0, 3.0]), np.array([-4.0, 0.0, 4.0]))
array([0. , 0.5, 0. ])
""",
    ),
    Function(
        "hard_silu_grad", "Gradient of `hard_silu`.", result="same", inputs=("gradients", "features"),
        gradient_of="hard_silu", only_floating=True,
        notes="""
``g * (2 * x + 3) / 6`` where x is above -3 and at most 3, g above, 0 elsewhere and where x is NaN: at most 1.5 ULP from
the exact value.
""",
        examples="""
>>> cyact.hard_silu_grad(np.array([1.0, 1.0, 1.0, 1.0]), np.array([-4.0, -1.5, 0.0, 4.0]))
array([0. , 0. , 0.5, 1. ])
""",
    ),
    Function(
        "hard_shrink_grad", "Gradient of `hard_shrink`.", result="same", inputs=("gradients", "features"),
        parameters=(THRESHOLD,), gradient_of="hard_shrink", only_floating=True,
        notes="""
``where((x > threshold) | (x <= -threshold), g, 0)``: exact; 0 where x is NaN.
""",
        examples="""
>>> cyact.hard_shrink_grad(np.array([1.0, 2.0, 3.0]), np.array([-2.0, 0.5, 0.75]))
array([1., 0., 3.])
""",
    ),
    Function(
        "soft_shrink_grad", "Gradient of `soft_shrink`.", result="same", inputs=("gradients", "features"),
        parameters=(THRESHOLD,), gradient_of="soft_shrink", only_floating=True,
        notes="""
``where((x > threshold) | (x <= -threshold), g, 0)``: exact; 0 where x is NaN.
""",
        examples="""
>>> cyact.soft_shrink_grad(np.array([1.0, 2.0, 3.0]), np.array([-2.0, 0.5, 0.75]))
array([1., 0., 3.])
""",
    ),
]
