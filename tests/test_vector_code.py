"""The machine code of every kernel, on every level: its contiguous loops have to be vector code of the level's full width.

Kernels are found by the table that a level exports, where their code ends by the unwind information, which stripped modules
keep. ``objdump`` disassembles; a loop is what lies between a backward jump and its target.
"""

import ctypes
import importlib
import re
import shutil
import subprocess
import sys
from functools import cache

import pytest
from cases import CASES

from cyact import cpu

if not shutil.which("objdump") or not sys.platform.startswith("linux") or "x86_64_v2" not in cpu.levels():
    pytest.skip("needs objdump, Linux and x86-64", allow_module_level=True)

REGISTER = {"x86_64_v2": "xmm", "x86_64_v3": "ymm", "x86_64_v4": "zmm"}
WIDTH = {"b": 1, "h": 2, "i": 4, "q": 8, "e": 2, "E": 2, "f": 4, "d": 8}


# ---- the table of kernels: mirrors cyact/kernels/table.pxd ----

class Kernel(ctypes.Structure):
    _fields_ = [
        ("function", ctypes.c_char_p),
        ("types", ctypes.c_char * 5),
        ("operands", ctypes.c_int),
        ("itemsize", ctypes.c_int * 4),
        ("sloped", ctypes.c_int),
        ("heavy", ctypes.c_int),
        ("call", ctypes.c_void_p),
    ]


class Level(ctypes.Structure):
    _fields_ = [("kernels", ctypes.POINTER(Kernel)), ("count", ctypes.c_ssize_t)]


@cache
def table(level):
    """The path of a level's module, and the addresses of its kernels in the file, by function and types."""
    module = importlib.import_module(f"cyact.kernels.{level}")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    found = Level.from_address(pointer(module.level, b"cyact.kernels.level"))
    with open("/proc/self/maps") as maps:
        base = min(int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith(module.__file__))
    kernels = {(k.function.decode(), k.types.decode()): k.call - base for k in found.kernels[:found.count]}
    return module.__file__, kernels


# ---- machine code ----

@cache
def code(level):
    """All instructions of a module as (address, mnemonic, operands), and where each function begins and ends."""
    path, _ = table(level)
    command = ["objdump", "--no-show-raw-insn", "-M", "intel", "-d", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s+([0-9a-f]+):\s+(\S+)[ \t]*(.*)$", text, re.M)
    frames = subprocess.run(["objdump", "--dwarf=frames", path], capture_output=True, text=True, check=True).stdout
    functions = {int(low, 16): int(high, 16) for low, high in re.findall(r"pc=([0-9a-f]+)\.\.([0-9a-f]+)", frames)}
    return [(int(address, 16), mnemonic, operands) for address, mnemonic, operands in lines], functions


def target(instruction):
    """Where a jump or call goes, if that stands in it."""
    _, mnemonic, operands = instruction
    found = re.match(r"([0-9a-f]+)\b", operands) if mnemonic[0] == "j" or mnemonic == "call" else None
    return int(found[1], 16) if found else None


def body(level, start, seen=None):
    """The functions that a kernel is made of, one list of instructions each: itself, and what it calls in the same module."""
    seen = set() if seen is None else seen
    instructions, functions = code(level)
    if start in seen or start not in functions:
        return []
    seen.add(start)
    own = [instruction for instruction in instructions if start <= instruction[0] < functions[start]]
    calls = [target(instruction) for instruction in own if instruction[1] in ("call", "jmp")]
    return [own, *(part for address in calls if address in functions for part in body(level, address, seen))]


def loops(part):
    """Innermost loops: what lies between a backward jump and its target, and contains no other such."""
    places = {address: i for i, (address, _, _) in enumerate(part)}
    spans = {(places[to], i) for i, instruction in enumerate(part)
             if instruction[1][0] == "j" and (to := target(instruction)) in places and places[to] <= i}
    inner = [span for span in spans if not any(o != span and span[0] <= o[0] and o[1] <= span[1] for o in spans)]
    return [part[low:high + 1] for low, high in inner]


def vector_loops(level, start, arithmetic):
    """Loops whose arithmetic is all vector instructions of the level's full width, of the kind that is looked for."""
    register = REGISTER[level]
    found = []
    for part in body(level, start):
        for loop in loops(part):
            scalar = [m for _, m, _ in loop if re.fullmatch(r"v?(fn?m(add|sub)\d+|add|sub|mul|div|max|min|cvt\w*2)s[sd]", m)]
            wide = [m for _, m, operands in loop if register in operands]
            if not scalar and any(re.fullmatch(arithmetic, m) for m in wide):
                found.append(loop)
    return found


# ---- what each kernel is made of ----

INTEGER = {
    # Signed: the maximum, or what stands for it where there is no such instruction. 16-bit floats are compared as integers.
    "relu": r"v?p(max|cmp|and|andn|blend|sub|min|unpck)\w*|v?blendvpd",
    "relu_grad": r"v?p(max|cmp|and|andn|blend|sub|min)\w*|v?mov(dq|ap|up)\w+|v?blendvpd",
}
COPY = r"v?mov(dq|ap|up)\w+"
# Eight-bit integers have 256 results: a table, held in registers where permutations are wide enough, else in memory.
TABLE = {"x86_64_v4": {"b": r"vperm[it]2ps", "B": r"vperm[it]2ps"}, "x86_64_v3": {"B": r"vpermps"}}


def arithmetic(function, types):
    """The instructions of which a vector loop of a kernel has to have one, as a pattern of mnemonics."""
    kind = "pd" if set(types) & set("iIqQd") else "ps"
    name = function.removeprefix("truncated_")
    unsigned = types[0] in "BHIQ"
    if name in ("relu", "relu_grad") and types[0] in "fd":
        return rf"v?(cmp\w*|max|min|andn?|blendm|blendv){kind}|v?mov[au]{kind}"
    if name in ("relu", "relu_grad"):
        return COPY if unsigned and name == "relu" else INTEGER[name]
    if name == "leaky_relu" and unsigned:
        return COPY if function != name else rf"v?cvt\w+{kind}|v?(add|sub|fmadd\d+){kind}"
    if name in ("sigmoid", "tanh"):
        return rf"v?div{kind}"
    return rf"v?mul{kind}"


def expected_loops(function, types):
    """How many contiguous loops there are at least: out of place and in place, for one slope and for an array of them."""
    if arithmetic(function, types) == COPY:
        return 1                        # in place, unsigned integers stay as they are
    if types[0] in "eE" or (types[0] not in "fd" and function.endswith(("sigmoid", "tanh"))):
        return 1                        # by blocks of floats or doubles, wherever they came from
    if function == "truncated_leaky_relu":
        return 3                        # with an array of slopes there is one loop for both
    return (1 + (types[0] == types[-1])) * (1 + ("leaky" in function))


@pytest.mark.parametrize(("level", "function", "types"), [
    pytest.param(level, function, types, id=f"{level}-{function}-{types}")
    for level in cpu.levels() for function, types in table(level)[1]
])
def test_hot_loops_are_vector_code(level, function, types):
    start = table(level)[1][function, types]
    pattern = arithmetic(function, types)
    if types in ("bf", "Bf") and function in ("sigmoid", "tanh"):
        pattern = TABLE.get(level, {}).get(types[0])
        if pattern is None:
            pytest.skip("a table in memory")
    found = vector_loops(level, start, pattern)
    assert len(found) >= expected_loops(function, types), f"{len(found)} vector loops"


def test_table_is_read_right():
    """The structure above mirrors the package's: names, types and addresses make sense."""
    for level in cpu.levels():
        _path, kernels = table(level)
        assert {function.removeprefix("truncated_") for function, _ in kernels} == set(CASES)
        assert all(re.fullmatch("[bhiqBHIQeEfd]{2,4}", types) for _, types in kernels)
        functions = code(level)[1]
        assert all(address in functions for address in kernels.values())
        assert len(set(kernels.values())) > len(kernels) / 2


def test_a_scalar_loop_would_be_found():
    """The check can fail: baseline modules have no vectors wider than xmm, and v2's loops are none of v3's."""
    _path, kernels = table("x86_64_v2")
    REGISTER["wrong"] = "ymm"
    instructions, _ = code("x86_64_v2")
    assert not any("ymm" in operands or "zmm" in operands for _, _, operands in instructions)
    found = vector_loops("x86_64_v2", kernels["sigmoid", "ff"], "vdivps")
    assert not found


def test_modules_keep_to_their_level():
    """No instruction of a higher level, anywhere in a module: not in its initialisation either."""
    allowed = {"x86_64_v2": r"xmm", "x86_64_v3": r"[xy]mm", "x86_64_v4": r"[xyz]mm"}
    for level in cpu.levels():
        registers = {r for _, _, operands in code(level)[0] for r in re.findall(r"\b([xyz]mm)\d", operands)}
        assert all(re.fullmatch(allowed[level], register) for register in registers)
        assert REGISTER[level] in registers


@pytest.mark.parametrize("name", ["activations", "ufuncs", "parallel", "cpu"])
def test_everything_else_is_baseline(name):
    """Only kernels may be compiled for more than the processor that every x86-64 is."""
    path = importlib.import_module(f"cyact.{name}").__file__
    text = subprocess.run(["objdump", "--no-show-raw-insn", "-M", "intel", "-d", path], capture_output=True, text=True).stdout
    assert "xmm" in text
    assert not re.search(r"\b[yz]mm\d|\bv(add|mul|mov\w*)[ps][sd]\b|\b(pshufb|pmaxsd|roundps|popcnt|fma\w+)\b", text)
