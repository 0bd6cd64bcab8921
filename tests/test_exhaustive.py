"""exhaustive.py: what it finds, on few inputs."""

import math

import exhaustive
import numpy as np
import pytest
from accuracy import ulp_errors_64
from cases import from_bits
from exhaustive import BITS_OF_INFINITY, PROMISES, Fast, Row, check, check_float32, forms, largest_error

import cyact

pytest.importorskip("Cython")
pytest.importorskip("setuptools")
FLOAT32 = np.dtype("float32")


def hard_results():
    """Of every exponent, and where it changes; with exact values at some ULP from them, some of them 0 or beyond the largest."""
    rng = np.random.default_rng(1)
    y = from_bits(np.concatenate([
        rng.integers(0, BITS_OF_INFINITY, 5000), rng.integers(0, 1 << 24, 2000), np.arange(200),
        (np.arange(1, 255)[:, None] << 23) + np.arange(-2, 3), [BITS_OF_INFINITY - 1] * 9,
    ], axis=None), FLOAT32)
    y = y * rng.choice(np.array([-1, 1], FLOAT32), len(y))
    exact = y + np.spacing(np.minimum(abs(y), 1e38)).astype("float64") * rng.normal(size=len(y)) * 2.0 ** rng.integers(-40, 30, len(y))
    exact[::7] = y[::7]
    exact[::11] = 0
    return y, exact


def test_judge():
    """It finds the largest of ulp_errors_64, to the bit, wherever that is."""
    y, exact = hard_results()
    errors = ulp_errors_64(y, exact)
    assert np.isfinite(errors).all() and errors.max() > 1e6
    assert [largest_error(y[i:i + 1], exact[i:i + 1]) for i in range(len(y))] == errors.tolist()
    order = errors.argsort()
    for n in (2, 7, 64, 1001, len(y)):
        for chosen in (order[:n], order[:n][::-1], np.random.default_rng(n).permutation(order[:n])):
            assert largest_error(y[chosen], exact[chosen]) == errors[chosen].max()
    assert largest_error(y[:0], exact[:0]) == 0


def test_judge_does_not_pass_what_is_not_finite():
    y, exact = (a[:100] for a in hard_results())
    for result, value in [(np.inf, 1), (np.nan, 1), (1, np.inf), (1, np.nan), (np.inf, np.inf), (np.nan, np.nan), (-np.inf, 1e300),
                          (-np.nan, -np.nan)]:
        for i in (0, 50, 99):
            wrong, right = y.copy(), exact.copy()
            wrong[i], right[i] = result, value
            assert largest_error(wrong, right) == np.inf


def test_functions_of_the_reference():
    x = np.concatenate([np.random.default_rng(0).normal(0, 10, 2000), [0, -0.0, 1e-300, 27.5, -1e300, np.inf, -np.inf, np.nan]])
    assert np.array_equal(Fast.erfc(x), [*map(math.erfc, x)], equal_nan=True)
    inside = abs(x) <= 700
    assert np.array_equal(Fast.exp(x[inside]), np.exp(x[inside]))
    with np.errstate(over="ignore"):
        assert np.array_equal(Fast.exp(x).astype("float32"), np.exp(x).astype("float32"), equal_nan=True)


def checked(name, step=10_007, float64=2000):
    """The figures of each of its rows of the table."""
    for row in exhaustive.table_rows([name], step, float64):
        figures = exhaustive.Figures()
        for task in row.tasks:
            if task[0] != "NaN":            # all 16 million of them
                figures.add(check((0, *task))[1])
        yield row, figures


@pytest.mark.parametrize("name", ["tanh", "logit", "celu", "soft_shrink", "gelu_grad", "sigmoid_grad", "leaky_relu_grad"])
def test_every_promise_holds(name):
    rows = [*checked(name)]
    assert [(row.parameters, row.dtype) for row, _ in rows[:2]] == [("", "float32"), ("", "float64")]
    assert all(figures["inputs"] > 50 and not row.broken(figures) for row, figures in rows)


def test_every_float32_is_tried(monkeypatch):
    """In both signs, once, and in order from block to block and from task to task."""
    tasks = [task for task in exhaustive.float32_tasks(forms("tanh")[0], 1) if task[0] == "float32"]
    assert sum(count for *_, count, _ in tasks) == 2 * BITS_OF_INFINITY
    seen = []
    monkeypatch.setattr(exhaustive.Figures, "promised", lambda self, case, promises, x, y: seen.append((x[0], x[-1])))
    start = BITS_OF_INFINITY - 3 * exhaustive.BLOCK
    figures = check_float32(forms("tanh")[0], start, 2 * exhaustive.BLOCK, 1)
    figures.add(check_float32(forms("tanh")[0], start + 2 * exhaustive.BLOCK, exhaustive.BLOCK, 1))
    assert figures["inputs"] == 3 * exhaustive.BLOCK
    assert [high for _, high in seen[:2]] == [low for low, _ in seen[1:]]
    assert seen[-1][1] == np.finfo("f4").max


def test_what_is_broken_is_found(monkeypatch):
    tanh = cyact.tanh

    def wrong(x):
        y = np.where(x > 2, np.nextafter(np.float32(1), np.float32(2)), np.where(x > 1.5, np.float32(0), tanh(x)))
        return np.where(np.isnan(x), np.float32("nan"), y)

    monkeypatch.setattr(cyact, "tanh", wrong)
    form, = forms("tanh")
    figures = check_float32(form, 0, BITS_OF_INFINITY // 10_007, 10_007)
    figures.add(exhaustive.check_nans(form))
    row = Row("tanh", "", "float32", [])
    assert set(row.broken(figures)) == {f"the limit {row.limit:g}", *PROMISES}
    assert figures["error"] > 1e6 and 1.5 < figures["at"][0] < 2.1
