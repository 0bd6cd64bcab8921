"""The table of the public functions: what a user sees of each.

A row has a function's arguments, what its result is, and the words that only its own docstring has. What several share
is in ``docstrings``; how a function is computed is in ``kernels``. The gradients' rows stand in ``gradients``, those
of functions that make features in ``preprocessing``.
"""

from cyact import gradients, preprocessing
from cyact.rows import ALPHA, APPROXIMATE, THRESHOLD, Function, Parameter

ROWS = [
    Function(
        "relu", "Rectified linear unit, ``max(features, 0)``.", result="same",
        see_also="leaky_relu : keeps a slope below zero.",
        notes="""
``where(x < 0, 0, x)``: exact. NaN gives NaN and -0.0 gives -0.0, bit for bit. An unsigned array is its own result.
The formula is that of Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
""",
        examples="""
>>> x = np.array([-2, -0.5, 0, 3], dtype="float32")
>>> cyact.relu(x)
array([0., 0., 0., 3.], dtype=float32)
>>> cyact.relu(x, out=x) is x
True
""",
    ),
    Function(
        "leaky_relu", "Leaky rectified linear unit; with an array of slopes, PReLU.", result="real", parameters=(ALPHA,),
        limits=(-2.0, 2.0),       # narrow, for the small slope to be seen
        notes="""
``where(x < 0, alpha * x, x)``, rounded once: at most 0.5 ULP. NaN, 0.0 and -0.0 give themselves whatever the slope.
Stored into an integer `out`, unsigned arrays are left as they are. The formula is that of Maas, Hannun and Ng,
"Rectifier nonlinearities improve neural network acoustic models", 2013; the default slope is TensorFlow's.
""",
        examples="""
>>> cyact.leaky_relu(np.array([-10.0, 5.0]))
array([-2.,  5.])
>>> image = -np.ones((2, 2, 3), dtype="float32")
>>> cyact.leaky_relu(image, np.array([0.1, 0.2, 0.3], dtype="float32"))[0, 0]
array([-0.1, -0.2, -0.3], dtype=float32)
>>> cyact.leaky_relu(np.array([-10, 5], dtype="int8"), 0.25)
array([-2.5,  5. ], dtype=float32)
""",
    ),
    Function(
        "sigmoid", "Logistic sigmoid, ``1 / (1 + exp(-features))``.", result="real",
        notes="""
At most 1 ULP from the exact value, correctly rounded for float16 and bfloat16; monotone, within [0, 1]; results down
to the smallest subnormal. inf gives 1, -inf 0, NaN itself. By ``e**-x = 2**k * e**r`` with a fitted polynomial for
``e**r`` and one Newton step for the quotient.
""",
        examples="""
>>> cyact.sigmoid(np.array([-1.0, 0.0, 1.0]))
array([0.26894142, 0.5       , 0.73105858])
>>> cyact.sigmoid(np.array([0, 255], dtype="uint8"))
array([0.5, 1. ], dtype=float32)
""",
    ),
    Function(
        "tanh", "Hyperbolic tangent, ``(exp(features) - exp(-features)) / (exp(features) + exp(-features))``.", result="real",
        notes="""
At most 1 ULP from the exact value, correctly rounded for float16 and bfloat16; monotone, exactly odd, within [-1, 1].
inf gives 1, -inf -1; NaN, -0.0 and subnormals give themselves. By the addition theorem of tanh at a multiple of
``log(2) / 2``.
""",
        examples="""
>>> cyact.tanh(np.array([-1.0, 0.0, 1.0]))
array([-0.76159416,  0.        ,  0.76159416])
""",
    ),
    Function(
        "softsign", "Softsign, ``features / (1 + abs(features))``.", result="real",
        notes="""
At most 0.51 ULP from the exact value; monotone, exactly odd, within [-1, 1]. inf gives 1, -inf -1; NaN, -0.0 and
subnormals give themselves. Saturates more slowly than `tanh`, as the inverse of `features`, and needs no exponential.
The formula is that of Turian, Bergstra and Bengio, "Quadratic features and deep architectures for chunking", 2009.
""",
        examples="""
>>> cyact.softsign(np.array([-1.0, 0.0, 3.0]))
array([-0.5 ,  0.  ,  0.75])
""",
    ),
    Function(
        "elu", "Exponential linear unit.", result="real",
        parameters=(Parameter("alpha", 1.0, "Minus the value that the function tends to below zero"),),
        notes="""
``where(x > 0, x, alpha * expm1(x))``: at most 1 ULP from the exact value, near zero too. inf gives inf, -inf
``-alpha``; NaN, 0.0 and -0.0 give themselves. The formula is that of Clevert, Unterthiner and Hochreiter, "Fast and
accurate deep network learning by exponential linear units (ELUs)", 2015.
""",
        examples="""
>>> cyact.elu(np.array([-1.0, 0.0, 2.0]))
array([-0.63212056,  0.        ,  2.        ])
>>> cyact.elu(np.array([-1.0, 2.0]), alpha=0.5)
array([-0.31606028,  2.        ])
""",
    ),
    Function(
        "silu", "Sigmoid linear unit, or swish: ``features * sigmoid(beta * features)``.", result="real",
        parameters=(Parameter("beta", 1.0, "The factor inside the sigmoid; 1.702 approximates GELU"),),
        notes="""
At most 1 ULP from the exact value, down to the smallest subnormal. Not monotone: the least value, -0.278, is at -1.278
where `beta` is 1. inf gives inf, -inf -0.0; NaN, 0.0 and -0.0 give themselves. The formula is that of Elfwing, Uchibe
and Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning", 2017.
""",
        examples="""
>>> cyact.silu(np.array([-1.0, 0.0, 1.0]))
array([-0.26894142,  0.        ,  0.73105858])
""",
    ),
    Function(
        "selu", "Scaled exponential linear unit.", result="real",
        notes="""
``S * where(x > 0, x, A * expm1(x))``, S = 1.0507009873554805, A = 1.6732632423543772: at most 1 ULP from the exact
value, near zero too. inf gives inf, -inf ``-S * A``; NaN, 0.0 and -0.0 give themselves. The formula is that of
Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.
""",
        examples="""
>>> cyact.selu(np.array([-1.0, 0.0, 2.0]))
array([-1.11133074,  0.        ,  2.10140197])
""",
    ),
    Function(
        "celu", "Continuously differentiable exponential linear unit.", result="real",
        parameters=(Parameter("alpha", 1.0, "Minus the value that the function tends to below zero"),),
        notes="""
``where(x > 0, x, alpha * expm1(x / alpha))``: at most 1 ULP from the exact value.
inf gives inf, -inf ``-alpha``; NaN, 0.0 and -0.0 give themselves. The formula is that of Barron, "Continuously
differentiable exponential linear units", 2017.
""",
        examples="""
>>> cyact.celu(np.array([-1.0, 0.0, 2.0]))
array([-0.63212056,  0.        ,  2.        ])
>>> cyact.celu(np.array([-1.0, 2.0]), alpha=0.5)
array([-0.43233236,  2.        ])
""",
    ),
    Function(
        "gaussian", "Gaussian, ``exp(-features**2)``.", result="real", limits=(-4.0, 4.0),
        notes="""
At most 1 ULP from the exact value, down to the smallest subnormal; even, within [0, 1]. inf and -inf give 0, NaN
itself.
""",
        examples="""
>>> cyact.gaussian(np.array([-1.0, 0.0, 2.0]))
array([0.36787944, 1.        , 0.01831564])
""",
    ),
    Function(
        "mish", "Mish, ``features * tanh(softplus(features))``.", result="real",
        notes="""
At most 1 ULP from the exact value, down to the smallest subnormal. Not monotone: the least value, -0.309, is at -1.192.
inf gives inf, -inf -0.0; NaN, 0.0 and -0.0 give themselves. Computed as ``x * n / (n + 2)`` with
``n = exp(x) * (exp(x) + 2)``. The formula is that of Misra, "Mish: a self regularized non-monotonic activation
function", 2019.
""",
        examples="""
>>> cyact.mish(np.array([-1.0, 0.0, 1.0]))
array([-0.30340146,  0.        ,  0.86509839])
""",
    ),
    Function(
        "relu6", "Rectified linear unit within [0, 6], ``min(max(features, 0), 6)``.", result="same",
        notes="""
Exact. NaN gives NaN and -0.0 gives -0.0, bit for bit. The formula is that of Krizhevsky, "Convolutional deep belief
networks on CIFAR-10", 2010.
""",
        examples="""
>>> cyact.relu6(np.array([-2, 3, 8], dtype="int8"))
array([0, 3, 6], dtype=int8)
""",
    ),
    Function(
        "hard_tanh", "Linear approximation of `tanh`, ``min(max(features, -1), 1)``.", result="same", limits=(-3.0, 3.0),
        notes="""
Exact; odd. NaN, 0.0 and -0.0 give themselves. Unsigned integers are at most 1. The formula is that of Collobert,
"Large scale machine learning", 2004.
""",
        examples="""
>>> cyact.hard_tanh(np.array([-2.0, 0.5, 2.0]))
array([-1. ,  0.5,  1. ])
""",
    ),
    Function(
        "step", "Unit step, ``where(features < 0, 0, 1)``.", result="same", limits=(-3.0, 3.0),
        notes="""
Exact. NaN gives itself; 0.0 and -0.0 are not below zero, and give 1. There is no gradient: it is 0 wherever it exists.
""",
        examples="""
>>> cyact.step(np.array([-2.0, 0.0, 2.0]))
array([0., 1., 1.])
""",
    ),
    Function(
        "hard_sigmoid", "Linear approximation of `sigmoid`, ``relu6(features + 3) / 6``.", result="real",
        notes="""
At most 0.51 ULP from the exact value, correctly rounded for float16 and bfloat16; monotone, within [0, 1]: exactly 0 up
to -3, and 1 from 3 on. NaN gives itself. The formula is that of Howard et al., "Searching for MobileNetV3", 2019.
""",
        examples="""
>>> cyact.hard_sigmoid(np.array([-3.0, 0.0, 1.5]))
array([0.  , 0.5 , 0.75])
""",
    ),
    Function(
        "hard_silu", "Approximation of `silu` without an exponential, ``features * relu6(features + 3) / 6``.",
        result="real",
        notes="""
At most 0.75 ULP from the exact value. -inf gives -0.0; inf, NaN, 0.0 and -0.0 give themselves. The formula, hard swish,
is that of Howard et al., "Searching for MobileNetV3", 2019.
""",
        examples="""
>>> cyact.hard_silu(np.array([-1.5, 0.0, 1.5, 4.0]))
array([-0.375,  0.   ,  1.125,  4.   ])
""",
    ),
    Function(
        "hard_shrink", "Hard shrinkage, ``where(abs(features) > threshold, features, 0)``.", result="real",
        parameters=(THRESHOLD,), limits=(-2.0, 2.0),
        notes="""
Exact; odd: a zero has the sign of the input. NaN gives itself. The formula is the hard thresholding of Donoho and
Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
""",
        examples="""
>>> cyact.hard_shrink(np.array([-2.0, 0.25, 0.75]))
array([-2.  ,  0.  ,  0.75])
""",
    ),
    Function(
        "soft_shrink", "Soft shrinkage, ``sign(features) * max(abs(features) - threshold, 0)``.", result="real",
        parameters=(THRESHOLD,), limits=(-2.0, 2.0),
        notes="""
Rounded once: at most 0.5 ULP; odd: a zero has the sign of the input. NaN gives itself. The formula is the soft
thresholding of Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
""",
        examples="""
>>> cyact.soft_shrink(np.array([-2.0, 0.25, 0.75]))
array([-1.5 ,  0.  ,  0.25])
""",
    ),
    Function(
        "softplus", "Softplus, a smooth `relu`: ``log(1 + exp(features))``.", result="real",
        see_also="log_sigmoid : minus this of the opposite.",
        notes="""
At most 1 ULP from the exact value, down to the smallest subnormal; monotone, not negative. inf gives inf, -inf 0, NaN
itself. Never overflows: it is ``max(x, 0)`` and the logarithm of a number between 1 and 2. The formula is that of
Dugas, Bengio, Belisle, Nadeau and Garcia, "Incorporating second-order functional knowledge for better option pricing",
2000.
""",
        examples="""
>>> cyact.softplus(np.array([-1.0, 0.0, 1000.0]))
array([3.13261688e-01, 6.93147181e-01, 1.00000000e+03])
""",
    ),
    Function(
        "log_sigmoid", "Logarithm of the sigmoid, ``-log(1 + exp(-features))``.", result="real",
        see_also="softplus : minus this of the opposite.",
        notes="""
At most 1 ULP from the exact value, where ``log(sigmoid(x))`` loses all of it: below -745 it is x, above 40
``-exp(-x)``. Monotone, not positive; exactly ``-softplus(-x)``. inf gives -0.0, -inf itself, NaN itself. The
log-likelihood of a label in logistic regression: Cox, "The regression analysis of binary sequences", 1958; the name is
TensorFlow's.
""",
        examples="""
>>> cyact.log_sigmoid(np.array([-1000.0, 0.0, 1.0]))
array([-1.00000000e+03, -6.93147181e-01, -3.13261688e-01])
""",
    ),
    Function(
        "logit", "Log-odds, the inverse of `sigmoid`: ``log(features / (1 - features))``.", result="real",
        limits=(0.0, 1.0), see_also="sigmoid : its inverse.",
        notes="""
At most 1 ULP from the exact value, near 0.5 too, where the naive formula cancels; monotone. 0 gives -inf, 1 gives inf,
what is outside of [0, 1] NaN, NaN itself. The name is Berkson's, "Application of the logistic function to bio-assay",
1944.
""",
        examples="""
>>> cyact.logit(np.array([0.0, 0.25, 0.5, 1.0]))
array([       -inf, -1.09861229,  0.        ,         inf])
""",
    ),
    Function(
        "gelu", "Gaussian error linear unit: ``features`` times the normal distribution's function of it.", result="real",
        option=APPROXIMATE, see_also="silu : the same with the logistic distribution.",
        notes="""
``x * erfc(-x / sqrt(2)) / 2``, approximate ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``: at most 1 ULP
from the exact value of either, down to the smallest subnormal. They are at most 0.0005 apart. Not monotone: the least
value, -0.17, is at -0.752. inf gives inf, -inf -0.0; NaN, 0.0 and -0.0 give themselves. The formulas are those of
Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.
""",
        examples="""
>>> cyact.gelu(np.array([-1.0, 0.0, 1.0]))
array([-0.15865525,  0.        ,  0.84134475])
>>> cyact.gelu(np.array([-1.0, 0.0, 1.0]), approximate=True)
array([-0.15880801,  0.        ,  0.84119199])
""",
    ),
    *gradients.ROWS,
]

FUNCTIONS = {row.name: row for row in ROWS}
ACTIVATIONS = [row.name for row in ROWS if not row.gradient_of]
GRADIENTS = {row.gradient_of: row.name for row in ROWS if row.gradient_of}
PREPROCESSING = {row.name: row for row in preprocessing.ROWS}
