"""Every example of the README runs, and prints what it says; its commands run, and its pictures are there."""

import doctest
import importlib.metadata
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())      # a command may be broken between two lines
CYACT = re.findall(r"(?:-m |/bin/)cyact ([^`]+)", WORDS)
SIDE_BY_SIDE = re.findall(r"asv_benches/side_by_side.py ([^`]+)", WORDS)


def run(directory, *arguments):
    return subprocess.check_output([sys.executable, *arguments], cwd=directory, text=True, timeout=120)


def test_examples():
    result = doctest.testfile(
        str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE, encoding="utf-8"
    )
    assert result.attempted > 5
    assert result.failed == 0


def test_commands_come_first():
    """One installs and runs the main job, one installs and runs the tests."""
    first, second = re.findall(r"```sh\n(.*?)\n```", TEXT, flags=re.DOTALL)[:2]
    assert first.startswith("python3 -m venv") and "/cyact demo" in first
    assert second.startswith("python3 -m venv") and second.endswith("pytest")


@pytest.mark.parametrize("command", CYACT)
def test_command(tmp_path, command):
    name, *options = shlex.split(command)
    if name in ("demo", "plot"):
        pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    if name == "bench":
        options += ["--seconds", "0"]
    np.save(tmp_path / "INPUT.npy", np.zeros(10))
    (tmp_path / "asv_benches/figures").mkdir(parents=True)
    assert run(tmp_path, "-m", "cyact", name, *options)
    if "-o" in command:
        assert (tmp_path / options[-1]).stat().st_size


@pytest.mark.parametrize("options", SIDE_BY_SIDE)
def test_side_by_side(tmp_path, options):
    if "--plot" in options:
        pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    (tmp_path / "asv_benches/figures").mkdir(parents=True)
    # What is given twice holds as it is given last.
    less = ["--sizes", "16", "64", "--rounds", "1", "--peers", "numpy"]
    table = run(tmp_path, ROOT / "asv_benches/side_by_side.py", *shlex.split(options), *less)
    assert "sigmoid" in table
    if "--plot" in options:
        assert list(tmp_path.glob("asv_benches/figures/*.png"))


def pictures(text):
    return re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)


def test_pictures_are_there_and_small():
    assert len(pictures(TEXT)) == 2
    assert all((ROOT / picture).stat().st_size < 60_000 for picture in pictures(TEXT))


def test_links_lead_somewhere():
    assert all((ROOT / path).is_file() for path in re.findall(r"[^!]\[[^]]+\]\(([^):#]+)", TEXT))


def test_pictures_are_shown_on_pypi():
    """Its copy of the README has nothing beside it."""
    description = importlib.metadata.metadata("cyact")["Description"]
    raw = "https://raw.githubusercontent.com/cyact/cyact/main/"
    assert pictures(description) == [raw + picture for picture in pictures(TEXT)]
    assert "](docs/" not in description
