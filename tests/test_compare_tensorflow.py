"""Against TensorFlow, where it is installed: compare_tensorflow.py finds no deviation that it does not list."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_no_unknown_deviation():
    """In a process of its own: TensorFlow takes seconds to import and changes much."""
    script = Path(__file__).with_name("compare_tensorflow.py")
    command = [sys.executable, script, "20000"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=script.parent, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n0 unknown deviations" in done.stdout
    assert all(f"\n{name} " in done.stdout for name in ("relu", "tanh", "leaky_relu_grad", "tanh_grad"))
