"""What this machine has: instruction-set levels, processors for this container, a cache. All of it is asked for once."""

from cyact.cpuid import cpuid, saved_states

_EBX, _ECX = 1, 2

# What each level adds to the one before: the bits of XCR0 that the system must have set (vector registers that it
# saves), and the processor's features, each as cpuid leaf, register and bit. From the x86-64 psABI,
# "micro-architecture levels".
_LEVELS = {
    "x86_64_v2": (0x00, {
        "sse3": (1, _ECX, 0), "ssse3": (1, _ECX, 9), "cx16": (1, _ECX, 13), "sse4.1": (1, _ECX, 19),
        "sse4.2": (1, _ECX, 20), "popcnt": (1, _ECX, 23), "lahf": (0x80000001, _ECX, 0),
    }),
    "x86_64_v3": (0x06, {
        "fma": (1, _ECX, 12), "movbe": (1, _ECX, 22), "osxsave": (1, _ECX, 27), "avx": (1, _ECX, 28),
        "f16c": (1, _ECX, 29), "bmi1": (7, _EBX, 3), "avx2": (7, _EBX, 5), "bmi2": (7, _EBX, 8),
        "lzcnt": (0x80000001, _ECX, 5),
    }),
    "x86_64_v4": (0xe6, {
        "avx512f": (7, _EBX, 16), "avx512dq": (7, _EBX, 17), "avx512cd": (7, _EBX, 28), "avx512bw": (7, _EBX, 30),
        "avx512vl": (7, _EBX, 31),
    }),
}
_X86 = cpuid(0)[0] > 0


def _has(leaf: int, register: int, bit: int) -> bool:
    return bool(cpuid(leaf & 0x80000000)[0] >= leaf and cpuid(leaf)[register] >> bit & 1)


def missing(level: str) -> list[str]:
    """Names of what the processor or its system lacks for a level, those of lower levels included."""
    lacking = []
    for name, (states, features) in _LEVELS.items():
        lacking += [feature for feature, place in features.items() if not _has(*place)]
        # Reading them is an illegal instruction where osxsave is missing.
        if states and (not _has(1, _ECX, 27) or saved_states() & states != states):
            lacking.append(f"the operating system's support for the registers of {name}")
        if name == level:
            break
    return lacking


def levels() -> list[str]:
    """Levels that can run here, the lowest first."""
    return [level for level in _LEVELS if not missing(level)] if _X86 else ["generic"]


def choose(forced: str) -> str:
    """The level to use: the highest, or the one that ``CYACT_LEVEL`` asks for.

    Raises
    ------
    ImportError
        If the machine cannot run it, or there is no such level.
    """
    known = list(_LEVELS) if _X86 else ["generic"]
    runnable = levels()
    if forced in runnable or not forced and runnable:
        return forced or runnable[-1]
    wanted = forced or known[0]
    has = f"this machine can run {', '.join(runnable) or 'none'}"
    if wanted not in known:
        raise ImportError(f"CYACT_LEVEL={wanted}: no such level; of {', '.join(known)}, {has}")
    raise ImportError(f"cyact cannot run at level {wanted}: {has}; it lacks {', '.join(missing(wanted))}")


def _read(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().split()
    except OSError:
        return []


def quota() -> int:
    """The processors that a container may use, by its control group: version 2, else version 1; 0 for no limit."""
    limit = _read("/sys/fs/cgroup/cpu.max") or (
        _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    )
    try:
        return max(1, round(int(limit[0]) / int(limit[1]))) if int(limit[0]) > 0 else 0
    except (IndexError, ValueError, ZeroDivisionError):     # "max": no limit
        return 0


def last_cache() -> int:
    """Bytes of the third-level cache; 0 where that is not known."""
    size = "".join(_read("/sys/devices/system/cpu/cpu0/cache/index3/size"))
    return int(size[:-1]) * 1024 if size[-1:] == "K" and size[:-1].isdecimal() else 0
