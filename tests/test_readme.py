"""Every example of the README runs, and prints what it says."""

import doctest
import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_examples():
    result = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 10
    assert result.failed == 0


def test_commands_come_first():
    """One installs and runs the main job, one installs and runs the tests."""
    first, second = re.findall(r"```sh\n(.*?)\n```", README.read_text(), flags=re.DOTALL)[:2]
    assert first.startswith("python3 -m venv") and "/cyact demo" in first
    assert second.startswith("python3 -m venv") and second.endswith("pytest")
