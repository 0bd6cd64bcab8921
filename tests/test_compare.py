"""Against other libraries, where they are installed: compare.py finds no deviation without a reason."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import compare
import numpy as np
import pytest
from compare import REASONS, OfElements, OfRows


@pytest.mark.parametrize("source", compare.SOURCES)
def test_no_unknown_deviation(source):
    """In a process of its own: some libraries take seconds to import and change much."""
    if importlib.util.find_spec(source) is None:
        pytest.skip(f"{source} is not installed")
    script = Path(__file__).with_name("compare.py")
    done = subprocess.run([sys.executable, script, source], capture_output=True, text=True, cwd=script.parent, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" in done.stdout or f"\n{source} " in done.stdout


@pytest.mark.parametrize("name, x, theirs, reasons", [
    ("tanh", 1.0, 0.7615942, {"rounding"}), ("tanh", 1.0, 0.762, set()), ("relu", -1.0, -0.0, {"sign of zero"}),
    ("silu", -np.inf, np.nan, {"limit"}), ("sigmoid", -100.0, 0.0, {"flushed"}), ("gelu", -5.5, -1.64e-7, {"absolute"}),
    ("gelu", -5.5, -1e-3, set()), ("relu", 3.0, 4.0, set()),
])
def test_reasons(name, x, theirs, reasons):
    """Each holds of what it is for, and not of any wrong result."""
    result = OfElements(name, [np.array([x], "f4")], [], np.array([theirs], "f4"))
    assert not result.wrong.any()
    held = {reason for reason, (holds, _) in REASONS.items() if holds(result)[0]}
    assert reasons <= held and (reasons or not held)


@pytest.mark.parametrize("name, row, theirs, reasons", [
    ("softmax", [0, -60.3], [1, 6.48702e-27], {"difference"}), ("softmax", [0, -60.3], [1, 6.5e-27], set()),
    ("softmax", [0, -100], [1, 0], {"flushed"}), ("softmax", [np.nan, 1], [np.nan, 0.5], {"limit"}),
    ("log_softmax", [0, 20], [-20, 0], {"absolute"}), ("log_softmax", [0, 20], [-20, -1e-4], set()),
    ("logsumexp", [1, 1], 1.7, set()),
])
def test_reasons_of_rows(name, row, theirs, reasons):
    """Likewise, of the last element."""
    result = OfRows(name, [np.array(row, "f4")], -1, np.array(theirs, "f4"))
    assert not result.wrong.any()
    held = {reason for reason, (holds, _) in REASONS.items() if np.broadcast_to(holds(result), result.theirs.shape)[-1]}
    assert reasons <= held and (reasons or not held)


def test_a_wrong_result_of_ours_is_seen(monkeypatch):
    monkeypatch.setattr(compare.cyact, "tanh", lambda x: x)
    assert OfElements("tanh", [np.array([1.0])], [], np.array([np.tanh(1.0)])).wrong.all()
