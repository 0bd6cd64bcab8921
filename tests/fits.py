"""Fits the constants of the formulas for 16 bits, and moves them by last bits until no input is wrong.

    python tests/fits.py

The numbers that it prints are those of the formulas named *_16_bit in cyact/kernels, or as good, and of the Mills ratio for
float and double, which needs no such search. ml_dtypes is needed. It takes some minutes.
"""

import math

import gmpy2
import ml_dtypes
import numpy as np

LOG2E, LN2 = np.float32(np.log2(np.e)), np.float32(np.log(2))


def least_squares(a, b):
    """What multiplies the columns of ``a`` to come nearest to ``b``. Of numbers with many digits by the normal equations."""
    if a.dtype != object:
        return np.linalg.lstsq(a, b, rcond=None)[0]
    system = np.column_stack([a.T @ a, a.T @ b])
    n = len(system)
    for i in range(n):
        system[i] /= system[i, i]
        for j in range(n):
            if j != i:
                system[j] -= system[j, i] * system[i]
    return system[:, n]


def fit(basis, target, weight, rounds=500):
    """Coefficients of least maximum error: least squares, weighted anew by the error until it is level."""
    w, best = np.ones_like(target), (np.inf, None)
    for _ in range(rounds):
        scale = np.array([x**0.5 for x in w]) * weight(best[1])
        solution = least_squares(basis * scale[:, None], target * scale)
        error = abs(basis @ solution - target) * weight(solution)
        best = min(best, (error.max(), solution), key=lambda pair: pair[0])
        w *= error / error.max() + 1e-4
        w /= w.sum()
    return best


def fit_tanh():
    """tanh(x) / x = (1 + N1 u + N2 u^2 + N3 u^3) / (1 + D1 u + ...), u = x^2; linear once multiplied out."""
    top = 4.55**2
    u = top / 2 * (1 - np.cos(np.pi * (np.arange(2000) + 0.5) / 2000))
    f = np.tanh(np.sqrt(u)) / np.sqrt(u)
    powers = np.stack([(u / top) ** i for i in (1, 2, 3)], axis=1)

    def weight(solution):
        return 1 / f if solution is None else 1 / (f * (1 + powers @ solution[3:]))

    error, solution = fit(np.hstack([powers, -f[:, None] * powers]), f - 1, weight)
    return error, solution / np.tile([top, top**2, top**3], 2)


def fit_sigmoid():
    """(e^r - 1 - r) / r^2 = E2 + E3 r + E4 r^2 + E5 r^3, by its share of e^r."""
    r = np.log(2) / 2 * np.cos(np.pi * (np.arange(2000) + 0.5) / 2000)
    return fit(np.stack([r**i for i in range(4)], axis=1), (np.expm1(r) - r) / r**2, lambda solution: r**2 / np.exp(r))


def mills_ratio(t):
    """Phi(-t) / e^(-t^2 / 2), far out by its continued fraction."""
    if t < 5:
        return math.erfc(t / math.sqrt(2)) / 2 * math.exp(t * t / 2)
    rest = 0.0
    for k in range(80, 0, -1):
        rest = k / (t + rest)
    return 1 / ((t + rest) * math.sqrt(2 * math.pi))


def fit_mills():
    """Phi(-t) / e^(-t^2 / 2) = (B0 + B1 t + B2 t^2 + B3 t^3) / (1 + A1 t + ... + A4 t^4), likewise."""
    t = 14.4 * ((1 - np.cos(np.pi * (np.arange(3000) + 0.5) / 3000)) / 2) ** 2
    f = np.array([mills_ratio(x) for x in t])
    powers = np.stack([t**i for i in range(5)], axis=1)

    def weight(solution):
        return 1 / f if solution is None else 1 / (f * (1 + powers[:, 1:] @ solution[4:]))

    return fit(np.hstack([powers[:, :4], -f[:, None] * powers[:, 1:]]), f, weight)


def between(low, high, n):
    """Numbers that are dense at both ends, more so at the lower one."""
    return low + (high - low) * ((1 - np.cos(np.pi * np.arange(n) / (n - 1))) / 2) ** 2


def fit_mills_rational(t, q, degree, first, rounds=500):
    """q = Phi(-t) / phi(t) as B / (T B + A), T = t + 7/16: A / B is 1 / q - T. But for a common factor: B0 is ``first``."""
    f = 1 / q - (t + 7 / 16)
    scale = np.array([t[-1] ** -i for i in range(degree + 1)])
    powers = np.column_stack([t**i for i in range(degree + 1)]) * scale

    def weight(solution):
        return q if solution is None else q / (first + powers[:, 1:] @ solution[degree + 1:])

    basis = np.hstack([powers, -f[:, None] * powers[:, 1:]])
    error, solution = fit(basis, f * first, weight, rounds)
    scale = np.concatenate([scale, scale[1:]])
    if t.dtype == object:
        solution = round_one_by_one(basis * weight(solution)[:, None], f * first * weight(solution), scale)
    return error, np.insert(solution * scale, degree + 1, first)


def round_one_by_one(basis, target, scale):
    """Doubles for coefficients: when one is rounded, those that are not yet make up for it."""
    solution = least_squares(basis, target)
    for i in range(len(solution)):
        solution[i] = type(scale[i])(float(solution[i] * scale[i])) / scale[i]
        target = target - basis[:, i] * solution[i]
        solution[i + 1:] = least_squares(basis[:, i + 1:], target)
    return solution


def fit_mills_float():
    t = between(0.49, 14.4, 3000)
    return fit_mills_rational(t, np.array([mills_ratio(x) for x in t]) * np.sqrt(2 * np.pi), 4, float.fromhex("0x1.6ee168p+0"))


def fit_mills_double():
    """In numbers of 60 digits."""
    with gmpy2.context(precision=200):
        t = np.array([gmpy2.mpfr(x) for x in between(0.49, 38.7, 400)])
        root = gmpy2.sqrt(gmpy2.mpfr(2))
        q = np.array([gmpy2.erfc(x / root) * gmpy2.exp(x * x / 2) for x in t]) * gmpy2.sqrt(gmpy2.const_pi() / 2)
        error, solution = fit_mills_rational(t, q, 10, 1.6, rounds=100)
        return float(error), solution.astype(float)


def fma(a, b, c):
    """As good as a fused one: the product of two floats is exact in double."""
    return (a.astype(float) * b + c).astype(np.float32)


def horner(x, coefficients):
    y = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        y = fma(y, x, c)
    return y


def tanh(x, c):
    x = np.clip(x, -4.5625, 4.5625).astype(np.float32)
    u = x * x
    return x * horner(u, [1, *c[:3]]) / horner(u, [1, *c[3:]])


def sigmoid(value, c):
    x = np.clip(value, -105, 20).astype(np.float32)
    k = np.rint(x * -LOG2E)
    r = fma(k, -LN2, -x)
    p = fma(r * r, horner(r, c), r)
    s = np.ldexp(np.float32(2.0**-64), k.astype(int))
    y = np.float32(2.0**-64) / fma(s, p, np.float32(2.0**-64) + s)
    return np.where(abs(value) < 2.0**-6, fma(value, np.float32(float.fromhex("0x1.ffep-3")), 0.5), y)


def wrong(formula, exact, coefficients):
    """How many of the inputs of float16 and of bfloat16 have a result that is not the correctly rounded one."""
    count = 0
    for dtype in (np.float16, ml_dtypes.bfloat16):
        x = np.arange(65536, dtype="uint16").view(dtype)
        x = x[np.isfinite(x.astype(float))].astype(np.float32)
        double = exact(x.astype(np.longdouble)).astype(float)
        # Rounded to an odd float first, the second rounding is right.
        single = double.astype(np.float32)
        bits = single.view(np.int32)
        bits = np.where(single != double, (bits - (abs(single.astype(float)) > abs(double))) | 1, bits).astype(np.int32)
        count += np.count_nonzero(bits.view(np.float32).astype(dtype) != formula(x, coefficients).astype(dtype))
    return count


def search(name, formula, exact, fitted):
    error, solution = fitted
    print(f"{name}: fitted with a relative error of 2^{np.log2(error):.1f}")
    rng = np.random.default_rng(0)
    steps = np.zeros(len(solution))
    while True:
        coefficients = (solution * (1 + steps * 2.0**-24)).astype(np.float32)
        count = wrong(formula, exact, coefficients)
        print(f"  {count} wrong:", *(float(c).hex() for c in coefficients))
        if count == 0:
            return
        steps = rng.integers(-100, 101, len(solution)) * np.arange(1, len(solution) + 1)


if __name__ == "__main__":
    np.seterr(all="ignore")
    for name, dtype, (error, solution) in (
        ("gelu for 16 bits, B0 ... B3, A1 ... A4", np.float32, fit_mills()),
        ("gelu for float, A0 ... A4, B0 ... B4", np.float32, fit_mills_float()),
        ("gelu for double, A0 ... A10, B0 ... B10", np.float64, fit_mills_double()),
    ):
        print(f"{name}: fitted with a relative error of 2^{np.log2(error):.1f}")
        print(" ", *(float(c).hex() for c in solution.astype(dtype)))
    search("tanh", tanh, np.tanh, fit_tanh())
    search("sigmoid", sigmoid, lambda x: 1 / (1 + np.exp(-x)), fit_sigmoid())
