"""Kernels: one module for each instruction-set level, of which one is loaded."""

from typing import Any


def load(level: str) -> Any:
    """The module of a level.

    Each is spelled out, for tools that follow imports, such as those that freeze an application.
    """
    if level == "x86_64_v4":
        import cyact.kernels.x86_64_v4 as module
    elif level == "x86_64_v3":
        import cyact.kernels.x86_64_v3 as module
    elif level == "x86_64_v2":
        import cyact.kernels.x86_64_v2 as module
    else:
        import cyact.kernels.generic as module
    return module
