"""exhaustive.py: what it finds, on few inputs."""

import exhaustive
import numpy as np
import pytest
from exhaustive import BITS_OF_INFINITY, PROMISES, Row, check, check_float32, forms

import cyact


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
    monkeypatch.setattr(exhaustive.Figures, "promised", lambda self, form, x, y: seen.append((x[0], x[-1])))
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
