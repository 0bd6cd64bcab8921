"""The rows of softmax and its like, in the table of public functions: see ``functions``."""

from cyact.rows import Function

ROWS = [
    Function(
        "softmax", "Softmax along an axis: exponentials, divided by their sum.", result="real", inputs=("logits",),
        along_axis=True, see_also="log_softmax : its logarithm.\nlogsumexp : the logarithm of the sum.",
        notes="""
``exp(x) / sum(exp(x))`` along `axis`, without overflow: at most 2 ULP (float64: 4 ULP) from the exact value for the
given row, down to the smallest subnormal; 0.501 ULP for float16 and bfloat16. A row with NaN or inf is NaN, and so is
one of -inf alone; other -inf give 0. The order of addition depends on a row's length alone: the same bits along any
axis, of any layout, on any number of threads.
""",
        examples="""
>>> logits = np.array([[1, 2, 3], [1000, 1000, -np.inf]], dtype="float32")
>>> cyact.softmax(logits)
array([[0.09003057, 0.24472848, 0.66524094],
       [0.5       , 0.5       , 0.        ]], dtype=float32)
>>> cyact.softmax(logits, axis=0, out=logits) is logits
True
""",
    ),
    Function(
        "log_softmax", "Logarithm of softmax along an axis.", result="real", inputs=("logits",), along_axis=True,
        see_also="softmax : itself.\nlogsumexp : what is subtracted from `logits`.",
        notes="""
``x - log(sum(exp(x)))`` along `axis`: at most 2 ULP (float64: 4 ULP) from the exact value for the given row, also
where one element dominates and the result is nearly 0; 0.501 ULP for float16 and bfloat16. A row with NaN or inf is
NaN, and so is one of -inf alone; other -inf give -inf. The same bits along any axis, of any layout, on any number of
threads.
""",
        examples="""
>>> cyact.log_softmax(np.array([1.0, 2.0, 3.0]))
array([-2.40760596, -1.40760596, -0.40760596])
>>> cyact.log_softmax(np.array([20, 0], dtype="float32"))
array([-2.0611537e-09, -2.0000000e+01], dtype=float32)
""",
    ),
    Function(
        "logsumexp", "Logarithm of the sum of exponentials along an axis.", result="real", inputs=("logits",),
        along_axis=True, reduces=True, see_also="log_softmax : `logits` less this.",
        notes="""
``log(sum(exp(x)))`` along `axis`, without overflow: at most 2 ULP (float64: 4 ULP) from the exact value for the given
row, 0.501 ULP for float16 and bfloat16; where the largest element and the logarithm beside it cancel, 1 ULP of the
larger of them. A row with NaN is NaN; one with inf is inf; one of -inf alone, and an empty one, -inf. The same bits
along any axis, of any layout, on any number of threads.
""",
        examples="""
>>> cyact.logsumexp(np.array([[1000.0, 1000.0], [-np.inf, 2.0]]))
array([1000.69314718,    2.        ])
>>> cyact.logsumexp(np.zeros((2, 3)), axis=(0, 1), keepdims=True)
array([[1.79175947]])
""",
    ),
    Function(
        "softmax_grad", "Gradient of `softmax`, from its output.", result="same", inputs=("y", "dy"), along_axis=True,
        gradient_of="softmax", only_floating=True,
        notes="""
``y * (dy - sum(y * dy))`` along `axis`: at most 2 ULP of the larger of ``y * dy`` and ``y * sum(y * dy)``, whose
difference may cancel; float16 and bfloat16 are rounded once. The same bits along any axis, of any layout, on any
number of threads.
""",
        examples="""
>>> cyact.softmax_grad(np.array([0.25, 0.75]), np.array([1.0, 0.0]))
array([ 0.1875, -0.1875])
""",
    ),
    Function(
        "log_softmax_grad", "Gradient of `log_softmax`, from its output.", result="same", inputs=("y", "dy"),
        along_axis=True, gradient_of="log_softmax", only_floating=True,
        notes="""
``dy - exp(y) * sum(dy)`` along `axis`: at most 2 ULP of the larger of the two terms, whose difference may cancel;
float16 and bfloat16 are rounded once. The same bits along any axis, of any layout, on any number of threads.
""",
        examples="""
>>> cyact.log_softmax_grad(np.log([0.25, 0.75]), np.array([1.0, 0.0]))
array([ 0.75, -0.75])
""",
    ),
]

ALONG_AXIS = {row.name: row for row in ROWS}
GRADIENTS = {row.gradient_of: row.name for row in ROWS if row.gradient_of}
