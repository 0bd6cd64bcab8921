"""Instruction-set levels: how one is chosen, and that all of them give the same results."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from cases import CASES, DISPATCH, LEVEL
from conftest import TESTS

from cyact import cpu

LEVELS = cpu.levels()
# What the kernels take part in; errors and packaging are the same on every level.
SUITE = ["test_accuracy.py", "test_values.py", "test_gradients.py", "test_layout.py", "test_ufunc_arguments.py"]


def test_machine_can_run_the_loaded_level():
    assert LEVELS
    assert LEVEL == (os.environ.get("CYACT_LEVEL") or LEVELS[-1])


def test_highest_level_is_the_default(run_on_level):
    done = run_on_level("", "-c", "from cases import LEVEL; print(LEVEL)")
    assert done.stdout.strip() == LEVELS[-1], done.stderr


def test_forced_level_is_loaded_alone(level, run_on_level):
    script = "import sys; from cases import LEVEL; print(LEVEL, *(m for m in sys.modules if 'kernels.' in m))"
    done = run_on_level(level, "-c", script)
    loaded, *modules = done.stdout.split()
    assert loaded == level
    assert [module for module in modules if "x86" in module or "generic" in module] == [f"cyact.kernels.{level}"]


def test_emulated_multiply_add_is_said(level, run_on_level):
    done = run_on_level(level, "-c", "import cyact; cyact.show_config()")
    assert ("multiply-add is emulated" in done.stdout) == (level == "x86_64_v2"), done.stderr


@pytest.mark.parametrize("forced", ["x86_64_v9", "avx2", "X86_64_V3", " x86_64_v3", "../x86_64_v3"])
def test_unknown_level_is_refused(forced, run_on_level):
    done = run_on_level(forced, "-c", "import cyact")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert forced.strip() in last
    assert all(level in last for level in LEVELS)


@pytest.mark.parametrize(("processor", "levels"), [("Nehalem", ["x86_64_v2"]), ("Haswell", ["x86_64_v2", "x86_64_v3"])])
def test_older_processor(processor, levels):
    """The choice on a processor that lacks the higher levels, and the refusal of one that it can't run."""
    qemu = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    if not qemu or "x86_64_v2" not in LEVELS:
        pytest.skip("needs qemu-user on x86-64")
    script = f"from {DISPATCH} import level_name; import numpy as np; print(level_name, cyact.tanh(np.float32([0, 20])))"
    environment = {name: value for name, value in os.environ.items() if name != "CYACT_LEVEL"}
    command = [qemu, "-cpu", processor, sys.executable, "-c", f"import cyact; {script}"]
    done = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == f"{levels[-1]} [0. 1.]", done.stderr
    environment["CYACT_LEVEL"] = "x86_64_v4"
    done = subprocess.run(command, cwd=TESTS, env=environment, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert "x86_64_v4" in last
    assert f"can run {', '.join(levels)}; it lacks" in last
    assert "avx512f" in last


def test_levels_give_the_same_bits(run_on_level):
    """v2 has no fused multiply-add: what takes one may differ there in the last bit, and nothing else may."""
    digests = {}
    for level in LEVELS:
        done = run_on_level(level, "cases.py")
        assert done.returncode == 0, done.stderr
        digests[level] = json.loads(done.stdout)
    newest = digests[LEVELS[-1]]
    exact = [case.name for case in CASES.values() if case.reference]
    assert len(newest) >= sum(len(case.dtypes) for case in CASES.values())
    for level, found in digests.items():
        compared = newest if level != "x86_64_v2" else [key for key in newest if key.split()[0] in exact]
        assert [key for key in compared if found[key] != newest[key]] == [], level


@pytest.fixture(scope="module")
def suites():
    """The suite on every level but the loaded one, all at once: each in a process of its own, on one thread."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITE]
    environment = {**os.environ, "CYACT_SUITE_OF_LEVEL": "1", "CYACT_NUM_THREADS": "1"}
    return {
        level: subprocess.Popen(
            command, cwd=TESTS, env={**environment, "CYACT_LEVEL": level}, stdout=subprocess.PIPE, text=True
        )
        for level in LEVELS if level != LEVEL
    }


@pytest.mark.skipif("CYACT_SUITE_OF_LEVEL" in os.environ, reason="this is the suite of one level already")
@pytest.mark.parametrize("other", [level for level in LEVELS if level != LEVEL])
def test_suite_on_every_other_level(other, suites):
    output = suites[other].communicate()[0]
    assert suites[other].returncode == 0, "\n".join(output.splitlines()[-60:])
    assert " passed" in output
