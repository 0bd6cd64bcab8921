"""Builds the kernels once for each instruction-set level, and everything else for the baseline."""

import os
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

MSVC = sys.platform == "win32"
# No flag here lets the compiler change a result. The two after -O2 let it drop errno and floating-point traps, which
# nothing reads; the third keeps it from fusing what the source does not. Nothing here throws C++ exceptions, so that
# the tables for them would only make a wheel larger.
FLAGS = ["-O2", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0", "-fvisibility=hidden",
         "-fno-asynchronous-unwind-tables"]
# For modules without loops over elements, whose time no user can feel: a wheel is to stay below 1.5 MB.
SMALL = ["-Os"]
# Of -O3 what makes loops faster: vectors, and blocks of one vector that stay in a register (-fpeel-loops). Not -O3
# itself: it makes scalar code of leaky_relu_grad's loop, which then takes several times as long. Loops over two lanes
# are not to be unrolled before they can become a vector (the last flag): x86_64_v2 has such vectors of double.
VECTORS = ["-ftree-vectorize", "-fvect-cost-model", "-fpeel-loops", "--param=max-completely-peel-times=1"]
# What clang has to be kept from, by the options of its LLVM.
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "")
FOUND = COMPILER and shutil.which(COMPILER[0])      # an sdist is made without one
CLANG = FOUND and b"clang" in subprocess.run([*COMPILER, "--version"], stdout=subprocess.PIPE).stdout
if CLANG:
    # Where one of two results is chosen, it would compute each one, and load what it is made of, only in those lanes that
    # take it. The comparison then comes first, and all of the arithmetic waits for it: softplus took a fifth longer.
    VECTORS += ["-mllvm", "-instcombine-code-sinking=0"]
# get_platform() answers for the platform that is built for, platform.machine() for the one that builds.
LEVELS = {"generic": []}
if sysconfig.get_platform().endswith(("x86_64", "amd64")):
    LEVELS = {
        "x86_64_v2": ["-march=x86-64-v2"],
        # Short loops are faster where they lie in one line of the instruction cache.
        "x86_64_v3": ["-march=x86-64-v3", "-falign-loops=64"],
        "x86_64_v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    }
    if CLANG:
        # These processors find an order of instructions by themselves. clang's is made for one of 2011, and delays stores:
        # softplus took a fifth longer once more. And where a loop's constants are more than there are registers for, it
        # is to load one from memory. It moved all of them on by one register in each turn: celu_grad took 1.4 times as long.
        VECTORS += ["-mllvm", "-enable-misched=0", "-mllvm", "-grow-region-complexity-budget=1"]
        # Callers align the stack to 16 bytes, and clang goes no further: where its arrays lay differed from process to process,
        # and with bad luck every vector of one lay in two cache lines. On Zen 3 selu_grad of float16 took up to three times as
        # long then. Within the stack they still lie anywhere; those that matter have CYACT_AT_LINE (simd.h).
        VECTORS += ["-mstack-alignment=64", "-mstackrealign"]
if MSVC:
    FLAGS, VECTORS, SMALL = ["/O2", "/fp:precise"], [], ["/O1"]
    LEVELS = {level: {"x86_64_v3": ["/arch:AVX2"], "x86_64_v4": ["/arch:AVX512"]}.get(level, []) for level in LEVELS}
LINK = ["-Wl,-s"] if sys.platform == "linux" else []
# For the sanitizers' runs of the tests (CONTRIBUTING.md): checks, and the symbols that their reports name.
if os.environ.get("CYACT_SANITIZE"):
    LINK = [f"-fsanitize={os.environ['CYACT_SANITIZE']}", "-fno-sanitize-recover=undefined"]
    FLAGS += [*LINK, "-O1", "-g", "-fno-omit-frame-pointer"]
OPENMP = ["-fopenmp"] if sys.platform == "linux" and os.environ.get("CYACT_OPENMP") != "0" else []      # 0: without
# A formula that is not inlined into its loop is a call for each element.
INLINE = "__forceinline" if MSVC else "inline __attribute__((always_inline))"


def extension(name, flags=(), link=(), **macros):
    return Extension(
        f"cyact.{name}", [f"cyact/{name.replace('.', '/')}.pyx"],
        include_dirs=[numpy.get_include(), "cyact/kernels", "cyact/include"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), *macros.items()],
        extra_compile_args=[*FLAGS, *flags], extra_link_args=[*LINK, *link],
    )


def kernels(level):
    flags = [*VECTORS, *LEVELS[level]]
    return extension(f"kernels.{level}", flags, CYTHON_INLINE=INLINE, CYACT_BUILD_FLAGS=f'"{" ".join(FLAGS + flags)}"')


runpy.run_path(str(Path(__file__).with_name("c_api_files.py")))["write"]()
PLAIN = ["activations", "arguments", "c_api", "planned", "rescaling", "rescaling_layouts"]
RARE = ["axis_calls", "cpuid", "rescaling_ufunc", "ufuncs"]
# PyPI has neither pictures nor pages of ours: in its copy of the README they are those of the repository.
README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
PICTURES = "https://raw.githubusercontent.com/cyact/cyact/main/asv_benches/figures/"
setup(
    long_description=README.replace("](asv_benches/figures/", f"]({PICTURES}").replace("](docs/", "](https://github.com/cyact/cyact/blob/main/docs/"),
    long_description_content_type="text/markdown",
    options={"build_ext": {"parallel": os.cpu_count()}},
    ext_modules=cythonize(
        [
            *map(extension, PLAIN), *(extension(name, SMALL) for name in RARE), *map(kernels, LEVELS),
            extension("dispatch", OPENMP, OPENMP), extension("threads", [*OPENMP, *SMALL], OPENMP),
        ],
        compiler_directives={"language_level": "3", "cdivision": True, "auto_pickle": False, "freethreading_compatible": True},
        build_dir="build",
    )
)
