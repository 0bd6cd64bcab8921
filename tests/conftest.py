"""Fixtures over functions, dtypes and instruction-set levels: a test asks for ``case``, ``dtype`` or ``level``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("cases")

from cases import CASES, STREAMED  # noqa: E402

from cyact import cpu  # noqa: E402
from cyact import dispatch as parallel  # noqa: E402

TESTS = Path(__file__).parent


def pytest_generate_tests(metafunc):
    wanted = set(metafunc.fixturenames)
    for mark in metafunc.definition.iter_markers("parametrize"):
        wanted -= {mark.args[0]} if isinstance(mark.args[0], str) else set(mark.args[0])
    if {"case", "dtype"} <= wanted:
        pairs = [(case, dtype) for case in CASES.values() for dtype in case.dtypes]
        metafunc.parametrize("case, dtype", pairs, ids=[f"{case.name}-{dtype}" for case, dtype in pairs])
    elif "case" in wanted:
        metafunc.parametrize("case", CASES.values(), ids=list(CASES))
    if "level" in wanted:
        metafunc.parametrize("level", cpu.levels())


@pytest.fixture(autouse=True, scope="session")
def streamed():
    """From the same size on every machine, however large its cache."""
    parallel.set_streamed(STREAMED)


@pytest.fixture
def run_on_level():
    """Runs Python with a forced level, in the directory of the tests: these and the installed package are imported."""

    def run(level, *arguments, **environment):
        environment = {**os.environ, "CYACT_LEVEL": level, **environment}
        return subprocess.run([sys.executable, *arguments], cwd=TESTS, env=environment, capture_output=True, text=True)

    return run
