"""What this build is, and what it found on this machine."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def patient_openmp() -> Iterator[None]:
    """Load OpenMP's library within this block, and its idle threads will sleep instead of spinning for milliseconds.

    They would take the processor from whatever else runs, and be late for the next call: on a machine with another busy
    process, that takes many times as long as with one thread. Only the library reads the variable, when it is loaded.
    """
    ours = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
    if ours:
        os.environ["GOMP_SPINCOUNT"] = "1000"
    try:
        yield
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]


def show_config() -> None:
    """Print the instruction-set level, threads, build flags and versions: what a bug report needs.

    Examples
    --------
    >>> import cyact
    >>> cyact.show_config()  # doctest: +ELLIPSIS
    cyact ...
    """
    import platform

    import numpy

    import cyact
    import cyact.cpu as cpu
    import cyact.dispatch as dispatch
    import cyact.threads as threads

    openmp = "OpenMP" if threads.has_openmp else "built without OpenMP"
    print(f"cyact        {cyact.__version__}")
    print(f"level        {dispatch.level_name} (this machine can run {', '.join(cpu.levels())}; CYACT_LEVEL forces one)")
    if dispatch.emulates_fma:
        print("             fused multiply-add is emulated: slower, and now and then another last bit")
    print(f"threads      {threads.get_num_threads()} ({openmp})")
    print(f"build flags  {dispatch.build_flags}")
    print(f"compiler     {dispatch.compiler}")
    print(f"Python       {platform.python_version()}, NumPy {numpy.__version__}, {platform.platform()}")
