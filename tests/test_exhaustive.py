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


def test_every_float32_is_tried():
    """In both signs, once, and in order across tasks."""
    tasks = [task for task in exhaustive.float32_tasks(forms("tanh")[0], 1) if task[0] == "float32"]
    assert sum(count for *_, count, _ in tasks) == 2 * BITS_OF_INFINITY + len(tasks) - 2
    for (_, _, start, count, _), (_, _, following, *_) in zip(tasks, tasks[1:]):
        assert start + count - 1 in (following, BITS_OF_INFINITY - 1)


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
