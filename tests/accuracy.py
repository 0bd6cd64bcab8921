"""How far results are from the exact ones: references, errors in ULP, inputs that are hard. Nothing here calls cyact.

ULP error is |y - exact| / ulp(exact); the ulp of a subnormal is the subnormal spacing.
"""

import gmpy2
import numpy as np

# The reference for float32 is float64 arithmetic of NumPy's, whose own error is some 2^-29 of a float32 ULP.
REFERENCE_64 = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}

# The reference for float64 is MPFR with 160 bits.
REFERENCE_MPFR = {
    "sigmoid": lambda x: 1 / (1 + gmpy2.exp(-x)),
    "tanh": gmpy2.tanh,
}

# (bits of the significand, exponent of the smallest subnormal) of the dtypes
FORMATS = {"float16": (11, -24), "bfloat16": (8, -133), "float32": (24, -149), "float64": (53, -1074)}

# The smallest and the largest result that a function may have.
RANGE = {"sigmoid": (0, 1), "tanh": (-1, 1)}

# From here on a result is the limit, or as good as zero.
EDGE = {"sigmoid": 745.2, "tanh": 20}


def ulp_errors(result, exact, dtype):
    """Errors in ULP of ``dtype``, of results whose exact values are known as float64."""
    bits, smallest = FORMATS[dtype]
    exponent = np.frexp(exact)[1] - bits
    return np.ldexp(np.abs(result.astype(np.float64) - exact), -np.maximum(exponent, smallest))


def exact_errors(function, x, result):
    """Errors in ULP of float64 results, against MPFR."""
    bits, smallest = FORMATS["float64"]
    errors = np.empty(len(x))
    with gmpy2.context(precision=160, emin=-5000):
        reference = REFERENCE_MPFR[function]
        for i, (value, y) in enumerate(zip(x.tolist(), result.tolist(), strict=True)):
            exact = reference(gmpy2.mpfr(value))
            exponent = max(gmpy2.get_exp(exact) - bits, smallest) if exact else smallest
            errors[i] = gmpy2.mul_2exp(abs(exact - y), -exponent) if exponent < 0 else abs(exact - y)
    return errors


def hard_float64(function, count, seed=0):
    """Inputs around everything that a formula does: zero, multiples of ln 2, saturation, the subnormal tail; and at large."""
    rng = np.random.default_rng(seed)
    n = max(1, count // 8)
    edge = EDGE[function]
    multiples = np.log(2) / 2 * rng.integers(-2 * int(edge / np.log(2)), 2 * int(edge / np.log(2)), n)
    x = np.concatenate([
        rng.normal(size=n),
        rng.uniform(-edge, min(edge, 40), 2 * n),
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-60, 3, n),
        multiples * (1 + rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-52, -3, n)),
        rng.uniform(-745.2, -700, n) if function == "sigmoid" else rng.uniform(0.1, 0.6, n),
        rng.uniform(18, 20, n) if function == "tanh" else rng.uniform(34, 40, n),
        rng.uniform(-1, 1, n) * 2.0 ** rng.integers(-1074, -900, n),
    ])
    return x


def order(x):
    """Violations of monotonicity among results for ascending inputs."""
    return int(np.count_nonzero(x[1:] < x[:-1]))
