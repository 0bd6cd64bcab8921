"""Fixtures over functions, dtypes and instruction-set levels: a test asks for ``case``, ``dtype`` or ``level``.

``case`` is every function, ``dtype`` each that it takes. Tests marked ``mechanics`` try what does not depend on the formula:
they run on one function of each family, and on dtypes that differ in kind; in a file of such, ``every_function`` is for the rest.
"""

import ctypes
import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("cases")

from cases import CASES, FLOATS, INTEGERS, KINDS, REPRESENTATIVES, STREAMED, set_streamed  # noqa: E402

from cyact import cpu  # noqa: E402

TESTS = Path(__file__).parent
ALL = (*FLOATS, *INTEGERS)
# Invalid, division by zero, overflow, underflow: all that NumPy warns of. Of the last it does so only if told to.
FLAGS, UNDERFLOW = (0x1D, 0x10) if "x86_64_v2" in cpu.levels() else (0x0F, 0x08)


def pytest_configure(config):
    config.addinivalue_line("markers", "mechanics: on one function of each family, and on dtypes of each kind")
    config.addinivalue_line("markers", "every_function: on every function and dtype, in a file of mechanics")


def pytest_generate_tests(metafunc):
    marked = metafunc.definition.get_closest_marker
    mechanics = marked("mechanics") and not marked("every_function")
    cases = list(REPRESENTATIVES.values() if mechanics else CASES.values())
    wanted = set(metafunc.fixturenames)
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0]
        wanted -= set(names.replace(" ", "").split(",") if isinstance(names, str) else names)
    if {"case", "dtype"} <= wanted:
        pairs = [(case, dtype) for case in cases for dtype in case.dtypes if not mechanics or dtype in KINDS]
        metafunc.parametrize("case, dtype", pairs, ids=[f"{case.name}-{dtype}" for case, dtype in pairs])
    elif "case" in wanted:
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])
    if "level" in wanted:
        metafunc.parametrize("level", cpu.levels())


def of_cases(chosen):
    """A test of the functions for which ``chosen`` is true."""
    found = [case for case in CASES.values() if chosen(case)]
    return pytest.mark.parametrize("case", found, ids=[case.name for case in found])


def of_pairs(chosen, dtypes=ALL):
    """A test of these and of each of the dtypes that they take."""
    found = [(case, dtype) for case in CASES.values() if chosen(case) for dtype in dtypes if dtype in case.dtypes]
    return pytest.mark.parametrize("case, dtype", found, ids=[f"{case.name}-{dtype}" for case, dtype in found])


@pytest.fixture(autouse=True, scope="session")
def streamed():
    """From the same size on every machine, however large its cache."""
    set_streamed(STREAMED)


@pytest.fixture
def run_on_level():
    """Runs Python with a forced level, in the directory of the tests: these and the installed package are imported."""

    def run(level, *arguments, **environment):
        environment = {**os.environ, "CYACT_LEVEL": level, **environment}
        return subprocess.run([sys.executable, *arguments], cwd=TESTS, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture
def libm():
    """The C library, to look at the floating-point flags."""
    name = ctypes.util.find_library("m")
    if not sys.platform.startswith("linux") or not name:
        pytest.skip("needs the C library's fenv")
    return ctypes.CDLL(name)
