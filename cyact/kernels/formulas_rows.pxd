# What softmax and its like compute of one element, and of one row's sum. ``rows.pxi`` brings them to arrays.

from libc.stdint cimport int64_t, uint64_t

from cyact.kernels.dtypes cimport real
from cyact.kernels.elementary cimport (
    LN2_HIGH, LN2_HIGH_F, LN2_LOW, LN2_LOW_F, LN2_REST, LN2_SHORT, LOG2E, LOG2E_F, ROUND, ROUND_F, UPSCALED_ROUND,
    UPSCALED_ROUND_F, absolute, bits_d, exp_series, fma, from_bits_d, pow2, pow2_halves, reduce,
)
from cyact.kernels.formulas_log cimport INTEGER, atanh_series

cdef extern from *:
    const double SQRT_HALF "0x1.6a09e667f3bcdp-1"
    # The least sum of all other exponentials, beside the largest, that a sum of all has precisely enough.
    const double LEAST_OTHERS "0x1p-16"
    const float TWICE_ROUND_F "(0x1.8p+23f + 254.0f)"       # ROUND with the bias twice, for ``pow2_halves``
    const double TWICE_ROUND "(0x1.8p+52 + 2046.0)"


# ---- the exponentials of a row ----
#
# softmax and its like take e^x relative to the row's largest element m, lest it overflow. x - m is not exact: its
# rounding error alone, half an ULP of 100, say, is 64 ULP of e^(x - m). Hence x is not taken relative to m, but to the
# power of two that is nearest to e^m:
#
#     e^x / 2^K = 2^(k - K) e^r,    x = k ln2 + r,    K = m / ln2 rounded to an integer.
#
# K changes the exponent of the result, and no other bit. Where |m| is 2048 or more, ``shift`` is m: every x whose
# exponential is not 0 beside that of m is then within a factor of two of m, so that x - m is exact, and K is 0.
# Elsewhere ``shift`` is 0.

# e^d / 2^K = s (1 + p) for d = x - shift, times 2^64 (2^512), so that none is subnormal. p is rounded once, by 2^-26
# (2^-55) at most; ``p_lost`` is what it has lost.
#
# 1. k ln2 in two parts: h = x - k LN2_HIGH is exact, c the low part, r their rounded sum.
# 2. e^r = 1 + h + q, q = c + r^2 S(r): what r has lost is lost to the small term alone.
#
# ``delta`` is added to the exponent, see ``row_delta``.
cdef inline void row_exp(
    real d, real round, real low, real delta, real* s, real* p, real* p_lost
) noexcept nogil:
    cdef real log2e = LOG2E_F if real is float else LOG2E
    cdef real ln2 = LN2_HIGH_F if real is float else LN2_HIGH, ln2_low = LN2_LOW_F if real is float else LN2_LOW
    cdef real t, k, h, c, r, r2, q
    d = low if d < low else d
    t = fma(d, log2e, round)
    k = t - round
    h = fma(k, -ln2, d)
    c = fma(k, -ln2_low, delta)
    r = h + c
    r2 = r * r
    q = fma(r2, exp_series(r, r2), c)
    p[0] = q + h
    p_lost[0] = q - (p[0] - h)
    s[0] = pow2(t)


# What s (1 + p) has lost where it was rounded to e, exactly.
cdef inline real lost_of(real s, real p, real e) noexcept nogil:
    return fma(s, p, s - e)


# e^d / 2^K as ``row_exp`` computes it, but rounded at once, in two thirds of the operations. For float its relative
# error is at most 1.4 2^-24.
#
# That does not show in results of 16 bits. It is also little enough for log_softmax of floats, which stays within 2
# ULP. Results near 0 are log(1 + others), where ``others`` is the sum of all exponentials but the largest, relative to
# that one. They have the error of the other exponentials and of one last rounding, at most 1.9 ULP together; results
# farther from 0 have less. logsumexp adds the row's largest element, which may cancel that, and would miss its limit.
cdef inline real rounded_exp(real d, real round, real low) noexcept nogil:
    cdef real log2e = LOG2E_F if real is float else LOG2E
    cdef real ln2 = LN2_HIGH_F if real is float else LN2_HIGH, ln2_low = LN2_LOW_F if real is float else LN2_LOW
    cdef real t, k, r, r2, s
    d = low if d < low else d
    t = fma(d, log2e, round)
    k = t - round
    r = fma(k, -ln2_low, fma(k, -ln2, d))
    r2 = r * r
    s = pow2(t)
    return fma(s, fma(r2, exp_series(r, r2), r), s)


# How the exponentials of a row are scaled whose largest element is m. ``round`` is UPSCALED_ROUND less K, and ``low``
# what x - shift is not less than: e^-110 (e^-760) beside 1 is 0 when it is rounded, and no power of two is too small.
# An infinite or NaN m makes every exponential NaN.
cdef inline void row_scale(real m, real* shift, real* round, real* low) noexcept nogil:
    cdef real log2e = LOG2E_F if real is float else LOG2E, integer = ROUND_F if real is float else ROUND
    cdef real upscaled = UPSCALED_ROUND_F if real is float else UPSCALED_ROUND, top
    shift[0] = m if absolute(m) >= 2048 else <real> 0
    top = m - shift[0]
    round[0] = upscaled - (fma(top, log2e, integer) - integer)
    low[0] = top - <real> (110 if real is float else 760)


# What e, a rounded largest exponential of a row, has lost of it, relative to e. ``top`` is m - shift.
cdef inline real lost_of_largest(real e, real top, real round, real low) noexcept nogil:
    cdef real s, p, p_lost
    row_exp(top, round, low, <real> 0, &s, &p, &p_lost)
    return fma(s, p_lost, lost_of(s, p, e)) / e


# What makes a float of the largest exponential, by a factor of 1 + delta for all of them: its rounding error would
# else be in every share. What it still loses is 2^-29 of it.
cdef inline real row_delta(real top, real round, real low) noexcept nogil:
    cdef real s, p, p_lost
    row_exp(top, round, low, <real> 0, &s, &p, &p_lost)
    return -lost_of_largest(fma(s, p, s), top, round, low)


# The largest exponential of a row, and what it has lost of s (1 + p), relative to it: what a sum takes up of it.
cdef inline real largest_exp(real top, real round, real low, real delta, real* lost) noexcept nogil:
    cdef real s, p, p_lost, e
    row_exp(top, round, low, delta, &s, &p, &p_lost)
    e = fma(s, p, s)
    lost[0] = lost_of(s, p, e) / e
    return e


# ---- sums ----

cdef extern from *:
    # More than the largest exponential of a row.
    const float START_F "0x1p65f"
    const double START "0x1p513"


# a + b = sum + error, exactly (Knuth's TwoSum).
cdef inline void two_sum(double a, double b, double* sum, double* error) noexcept nogil:
    cdef double s = a + b, t = s - a
    error[0] = (a - (s - t)) + (b - t)
    sum[0] = s


# Adds e = s (1 + p), rounded, to a sum of two parts. The first one begins with START, above every e: what it takes of e
# is exact then (Dekker's Fast2Sum). The rest of s (1 + p), which e itself has not, goes to the second one. Its errors
# are 2^-31 of the largest e.
#
# A sum of e alone could be wrong in one direction, and an element in the other, by more than 2 ULP together.
cdef inline void add_exp(real* sum, real* rest, real e, real s, real p) noexcept nogil:
    cdef real total = sum[0] + e
    rest[0] += lost_of(s, p, total - sum[0])
    sum[0] = total


# Adds a number to a sum of two parts. Floats add up in double, whose errors are too small to matter. The second part of
# a sum of doubles has the errors of the first.
cdef inline void add_to(double* sum, real* rest, real x) noexcept nogil:
    cdef double error, s
    if real is float:
        sum[0] += x
    else:
        two_sum(sum[0], x, &s, &error)
        sum[0] = s
        rest[0] += error


# The same for a product, of which nothing is lost.
cdef inline void add_product_to(double* sum, real* rest, real x, real y) noexcept nogil:
    cdef double error, s, product
    if real is float:
        sum[0] += <double> x * <double> y
    else:
        product = x * y
        two_sum(sum[0], product, &s, &error)
        sum[0] = s
        rest[0] += error + fma(x, y, -product)


# ---- logarithms of a row's sum ----

# log(1 + d) for d >= 0, as long as 1 + d is finite: within 0.7 ULP. 0 gives 0; NaN gives NaN.
#
# 1. 2^-n (1 + d) in [sqrt(1/2), sqrt(2)), less 1, is N, rounded once: 2^-n - 1 is exact.
# 2. n ln2 + 2 atanh(f), f = N / (2 + N), |f| < 0.172; what the quotient has lost is in fl.
cdef inline double log1p_of(double d) noexcept nogil:
    cdef uint64_t e = (<uint64_t> bits_d(1 + d) - <uint64_t> bits_d(SQRT_HALF)) >> 52
    cdef double scale = from_bits_d(<int64_t> ((<uint64_t> 1023 - e) << 52))
    cdef double n = from_bits_d(<int64_t> (e | <uint64_t> bits_d(INTEGER))) - INTEGER
    cdef double N = fma(scale, d, scale - 1), D = 2 + N, inverse = 1 / D, f = N * inverse, u = f * f
    cdef double fl = (fma(-f, D, N) - f * (N - (D - 2))) * inverse
    cdef double high = n * LN2_SHORT, sum = high + 2 * f
    return sum + ((high - sum + 2 * f) + fma(n, LN2_REST, 2 * fma(f * u, atanh_series(u), fl)))


# The sum of a row's exponentials without the largest one, relative to that one: what log1p is to be taken of. ``sum``
# and ``rest`` are that of all, in row_exp's scale. The largest is taken out as it went in: without what it has lost
# where exponentials are ``rounded`` at once.
cdef inline double sum_of_others(real largest, real lost, double sum, double rest, bint rounded) noexcept nogil:
    cdef double low = <double> lost * largest
    return ((sum - largest) + (rest if rounded else rest - low)) / (largest + low)


# ---- gradients ----

# y dy - y s, s the row's sum of y dy in two parts. Two roundings: 1.5 ULP of the larger of the two terms.
cdef inline real softmax_slope(real y, real dy, real s, real rest) noexcept nogil:
    return fma(y, dy, -fma(y, s, y * rest))


# dy - e^y s, s the row's sum of dy. e^y as 2^j 2^i (1 + p), so that it may be subnormal.
cdef inline real log_softmax_slope(real y, real dy, real s, real rest) noexcept nogil:
    cdef real least = -160 if real is float else -1100, most = 160 if real is float else 1100
    cdef real x = least if y < least else most if y > most else y
    cdef real ln2_low = LN2_LOW_F if real is float else LN2_LOW
    cdef real round = TWICE_ROUND_F if real is float else TWICE_ROUND
    cdef real t, k, h, c, r, r2, p, first, second
    reduce(x, round, &t, &k, &h)
    c = k * -ln2_low
    r = h + c
    r2 = r * r
    p = fma(r2, exp_series(r, r2), c) + h
    pow2_halves(t, &first, &second)
    return fma(-fma(first, p, first), s * second, dy)
