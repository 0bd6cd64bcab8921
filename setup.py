"""Builds the kernels once for each instruction-set level, and everything else for the baseline."""

import os
import sys
import sysconfig
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

# No flag here lets the compiler change a result. The first two let it drop errno and floating-point traps, which nothing
# reads; the third keeps it from fusing what the source does not.
FLAGS = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0", "-fvisibility=hidden"]
SMALL = ["-fno-asynchronous-unwind-tables", "-fno-plt", "-ffunction-sections", "-fdata-sections"]
BASELINE = [*FLAGS, *SMALL, "-Os"]
# The direct road alone takes longer where it is made small: a fifth, on a few elements.
DIRECT = [*FLAGS, *SMALL, "-O2"]
# Of -O3 what makes loops faster: vectors at any cost that pays, and blocks that stay in registers, by -fpeel-loops. The
# rest of a loop that vectors do not fill need not be unrolled. Where it is seven elements at most it is scalar: with
# vectors of half the width for it, kernels are a third larger.
VECTORS = ["-O2", "-ftree-vectorize", "-fvect-cost-model", "-fpeel-loops", "--param=max-completely-peel-times=1"]
KERNELS = [*FLAGS, *SMALL, *VECTORS]
SCALAR_REST = ["--param=vect-epilogues-nomask=0"]
LINK = ["-Wl,-s", "-Wl,--gc-sections"] if sys.platform == "linux" else []
if sys.platform == "win32":
    BASELINE = DIRECT = KERNELS = ["/O2", "/fp:precise"]
    SCALAR_REST = []
# For the sanitizers' run of the tests (CONTRIBUTING.md): checks, and the symbols that their reports name.
if os.environ.get("CYACT_SANITIZE"):
    SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    for flags in (BASELINE, DIRECT, KERNELS):
        flags += [*SANITIZERS, "-O1", "-g", "-fno-omit-frame-pointer"]
    LINK = SANITIZERS

# The platform that is built for, not the one that builds.
LEVELS = {"generic": SCALAR_REST}
if sysconfig.get_platform().endswith(("x86_64", "amd64")):
    LEVELS = {
        "x86_64_v2": [*SCALAR_REST, "-march=x86-64-v2"],
        # Short loops are faster where they lie in one line of the instruction cache.
        "x86_64_v3": [*SCALAR_REST, "-march=x86-64-v3", "-falign-loops=64"],
        "x86_64_v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    }
    if sys.platform == "win32":
        LEVELS = {"x86_64_v2": [], "x86_64_v3": ["/arch:AVX2"], "x86_64_v4": ["/arch:AVX512"]}


# A formula that is not inlined into its loop is a call for each element.
INLINE = [("CYTHON_INLINE", "__forceinline" if sys.platform == "win32" else "inline __attribute__((always_inline))")]

# Wheels are compressed as a whole, to less than strings compressed before and what unpacks them.
STRINGS = [("CYTHON_COMPRESS_STRINGS", "0")]
# Cython's short cuts past CPython's functions: code to spare in modules in which no Python code is hot.
SHORT_CUTS = [
    (f"CYTHON_{name}", "0")
    for name in (
        "FAST_THREAD_STATE", "UNPACK_METHODS", "USE_EXC_INFO_STACK", "USE_PYLONG_INTERNALS", "USE_UNICODE_INTERNALS",
        "VECTORCALL",
    )
]

# Only the module that splits loops uses OpenMP; CYACT_OPENMP=0 builds without it.
OPENMP = ["-fopenmp"] if sys.platform == "linux" and os.environ.get("CYACT_OPENMP") != "0" else []


def extension(name, flags, link=(), macros=()):
    return Extension(
        f"cyact.{name}",
        [f"cyact/{name.replace('.', '/')}.pyx"],
        include_dirs=[numpy.get_include(), "cyact/kernels"],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ("CYACT_BUILD_FLAGS", f'"{" ".join(flags)}"'),
            *STRINGS,
            *macros,
        ],
        extra_compile_args=flags,
        extra_link_args=[*LINK, *link],
    )


# PyPI has no pictures of ours: in its copy of the README they are those of the repository.
README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
PICTURES = "https://raw.githubusercontent.com/cyact/cyact/main/asv_benches/figures/"

setup(
    long_description=README.replace("](asv_benches/figures/", f"]({PICTURES}"),
    long_description_content_type="text/markdown",
    ext_modules=cythonize(
        [extension("activations", DIRECT)]
        + [extension("ufuncs", BASELINE, macros=SHORT_CUTS)]
        + [extension("parallel", [*BASELINE, *OPENMP], OPENMP, SHORT_CUTS)]
        + [extension(f"kernels.{level}", [*KERNELS, *flags], macros=INLINE) for level, flags in LEVELS.items()],
        compiler_directives={
            "language_level": "3",
            "cdivision": True,
            # Plain built-in functions: a fifth less code. They keep their signatures.
            "binding": False,
            # Nothing of ours is to be pickled but functions, which are by name.
            "auto_pickle": False,
            "embedsignature": True,
            "embedsignature.format": "clinic",
        },
        build_dir="build",
    )
)
