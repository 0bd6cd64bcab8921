"""The kernels as other compilers make them: objects of this checkout, not linked, with the names of functions in them.

    python tests/objects.py                 which compilers there are here
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
X86_64 = ("x86_64_v2", "x86_64_v3", "x86_64_v4")
AARCH64 = ("generic",)

# Prints what the level's extension would be compiled with, and has its C written. setup.py knows the flags, by CC.
DESCRIBE = """
import json, sys
import setuptools
from distutils import core      # setuptools's own
(kernels,) = [e for e in core.run_setup("setup.py", stop_after="init").ext_modules if e.name == "cyact.kernels." + sys.argv[1]]
macros = [f"-D{name}={value}" for name, value in kernels.define_macros]
includes = [f"-I{folder}" for folder in kernels.include_dirs]
print(json.dumps([*kernels.extra_compile_args, *macros, *includes, *kernels.sources]))
"""


@cache
def compilers():
    """Those that are installed, each once, by name: the command, and the levels that it compiles."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    paths = [path for folder in folders if os.access(folder, os.R_OK) for path in sorted(folder.glob("*"))]
    cross = shutil.which("aarch64-linux-gnu-gcc") is not None       # clang takes headers from the same packages
    found, seen = {}, set()
    for path in paths:
        match = re.fullmatch(r"(aarch64-linux-gnu-)?(gcc|clang)(-\d+)?", path.name)
        if not match or path.resolve() in seen or not os.access(path, os.X_OK):
            continue
        seen.add(path.resolve())
        if match[1]:
            found[path.name] = ([str(path)], AARCH64)
            continue
        found[path.name] = ([str(path)], X86_64)
        if match[2] == "clang" and cross:
            found[f"{path.name} --target=aarch64-linux-gnu"] = ([str(path), "--target=aarch64-linux-gnu"], AARCH64)
    return found


def compiled(name, level, folder):
    """The path of a level's object by a compiler. It is an error where clang leaves a loop alone that the source tells it to vectorise."""
    command, levels = compilers()[name]
    target = {"_PYTHON_HOST_PLATFORM": "linux-aarch64"} if levels == AARCH64 else {}
    described = subprocess.run(
        [sys.executable, "-c", DESCRIBE, level], cwd=ROOT, env={**os.environ, "CC": command[0], **target}, capture_output=True, text=True,
        check=True,
    )
    arguments = json.loads(described.stdout.splitlines()[-1])
    path = folder / f"{name} {level}.o"
    strict = ["-Wno-everything", "-Werror=pass-failed"] if "clang" in name else ["-w"]
    python = ["-I" + sysconfig.get_paths()[kind] for kind in ("include", "platinclude")]
    subprocess.run([*command, "-c", "-fPIC", *strict, *arguments, *python, "-o", str(path)], cwd=ROOT, check=True)
    return path


if __name__ == "__main__":
    for name, (_, levels) in compilers().items():
        print(name, *levels)
