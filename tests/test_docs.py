"""The site's pages: their examples run, their commands are there, their translations hold, their figures are of functions that
there are. That the site is built, and that its links lead somewhere, is tried by ``.ci/run``."""

import doctest
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cyact.along_axis import ALONG_AXIS
from cyact.functions import FUNCTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.rst"))
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n\n((?:   .*\n|\n)+)", flags=re.MULTILINE)
CALLS = re.compile(r"``(?:python -m )?cyact ([a-z]+[^`\n]*)``")

_spec = importlib.util.spec_from_file_location("translations", DOCS / "generate/translations.py")
translations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(translations)


def blocks(language):
    for text in TEXTS.values():
        for name, block in BLOCK.findall(text):
            if name == language:
                yield re.sub("^   ", "", block, flags=re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if ">>>" in TEXTS[page]], ids=lambda page: page.stem)
def test_examples(page):
    result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE, encoding="utf-8")
    assert result.attempted
    assert result.failed == 0


@pytest.mark.parametrize("script", list(blocks("python")), ids=lambda script: script.splitlines()[0])
def test_scripts(tmp_path, script):
    """Those that are no dialogue: smaller, where they are about size."""
    for module in re.findall(r"^(?:import|from) (\w+(?:\.\w+)*)", script, flags=re.MULTILINE):
        pytest.importorskip(module)
    (tmp_path / "example.py").write_text(script.replace("1_000_000", "10_000"))
    subprocess.run([sys.executable, "example.py"], cwd=tmp_path, check=True, timeout=120)


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    lines += [f"cyact {call}" for text in TEXTS.values() for call in CALLS.findall(text)]
    return sorted({line.partition("#")[0].strip() for line in lines if line.startswith("cyact ")})


@pytest.mark.parametrize("command", commands())
def test_commands(tmp_path, command):
    _, name, *options = shlex.split(command)
    if name in ("demo", "plot"):
        pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    options += ["--seconds", "0"] if name == "bench" else []
    np.save(tmp_path / "INPUT.npy", np.zeros((10, 3)))
    subprocess.run([sys.executable, "-m", "cyact", name, *options], cwd=tmp_path, check=True, capture_output=True, timeout=120)


def test_translations():
    """The other frameworks are tried by ``python docs/generate/translations.py``, where they are installed."""
    assert translations.check(["numpy"]) == 0


@pytest.mark.parametrize("path", sorted(DOCS.glob("data/*.json")), ids=lambda path: path.stem)
def test_figures_say_where_they_come_from(path):
    data = json.loads(path.read_text())
    script = next(word for word in data["command"].split() if word.endswith(".py"))
    assert (ROOT / script).is_file()
    assert data["header"]
    options = {f"{row.name}_{row.option.name}" for row in FUNCTIONS.values() if row.option}
    assert {row["function"] for row in data["rows"]} <= {*FUNCTIONS, *ALONG_AXIS} | options
