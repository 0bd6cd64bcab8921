"""Other processes: workers by every way to start one, and an interpreter that drops assertions and docstrings."""

import ast
import multiprocessing
import subprocess
import sys

import pytest

WORKERS = """
import multiprocessing
import os
import sys

import cyact
import numpy as np

forked = []                                 # since cyact was imported
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: forked.append(True))


def work(value):
    x = np.full(1 << 18, value)             # enough for threads
    return float(cyact.elu(x).sum()), bool(forked), cyact.get_num_threads()


if __name__ == "__main__":
    work(1.0)                               # the parent has threads by then
    with multiprocessing.get_context(sys.argv[1] or None).Pool(2) as pool:
        print((list(map(float, pool.map(cyact.relu, [-1.0, 2.0]))), pool.map(work, [1.0, 2.0])))
"""
OPTIMIZED = """
import cyact
import numpy as np

print(cyact.elu(np.array([-np.inf, 2.0])).tolist(), cyact.relu.__doc__.partition(":")[0])
try:
    cyact.relu("text", name="first")
except TypeError as error:
    print(error)
"""


def output(folder, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("method", ["", *multiprocessing.get_all_start_methods()])
def test_workers(tmp_path, method):
    """By the default, too, which differs by version and platform. A forked worker has one thread; one of the fork server has so where
    the server has imported cyact, as it does before it forks from Python 3.15 on."""
    (tmp_path / "workers.py").write_text(WORKERS)
    threads = int(output(tmp_path, "-c", "import cyact; print(cyact.get_num_threads())"))
    relu, results = ast.literal_eval(output(tmp_path, "workers.py", method))
    assert relu == [0.0, 2.0]
    for value, (total, forked, count) in zip((1, 2), results, strict=True):
        assert total == value << 18
        assert forked == {"fork": True, "spawn": False}.get(method or multiprocessing.get_start_method(), forked)
        assert count == (1 if forked else threads)


def test_optimized(tmp_path):
    plain = output(tmp_path, "-c", OPTIMIZED)
    assert plain.startswith("[-1.0, 2.0] ")
    assert "relu (name='first')" in plain
    assert output(tmp_path, "-OO", "-c", OPTIMIZED) == plain
    assert "usage" in output(tmp_path, "-OO", "-m", "cyact", "--help")
