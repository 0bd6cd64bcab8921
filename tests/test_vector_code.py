"""The machine code of every kernel, on every level: its contiguous loops are vector code of the level's full width.

Kernels are found by the table that a level exports, their instructions by following jumps and calls: modules are
stripped. ``objdump`` disassembles; a loop is what lies between a backward jump and its target.
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


# ---- the table of kernels: mirrors cyact/kernels/table.pxd ----

class Kernel(ctypes.Structure):
    _fields_ = [
        ("function", ctypes.c_char_p),
        ("types", ctypes.c_char * 5),
        ("operands", ctypes.c_int),
        ("itemsize", ctypes.c_int * 4),
        ("sloped", ctypes.c_int),
        ("heavy", ctypes.c_int),
        ("streams", ctypes.c_int),
        ("quiet", ctypes.c_int),
        ("call", ctypes.c_void_p),
        ("chosen", ctypes.c_void_p),
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
    """All instructions of a module, in order: (address, mnemonic, operands)."""
    command = ["objdump", "--no-show-raw-insn", "-M", "intel", "-d", table(level)[0]]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s+([0-9a-f]+):\s+(\S+)[ \t]*(.*)$", text, re.M)
    return [(int(address, 16), mnemonic, operands) for address, mnemonic, operands in lines]


@cache
def places(level):
    return {address: i for i, (address, _, _) in enumerate(code(level))}


def target(instruction):
    """Where a jump or call goes, if that stands in it; what an address is taken of, as of a loop that is passed on."""
    _, mnemonic, operands = instruction
    goes = mnemonic[0] == "j" or mnemonic == "call"
    found = re.match(r"([0-9a-f]+)\b", operands) if goes else re.search(r"# ([0-9a-f]+)\b", operands)
    return int(found[1], 16) if found else None


def body(level, start):
    """What a kernel is made of: every instruction that can be reached from its first, in the same module."""
    instructions, place = code(level), places(level)
    reached, ahead = set(), [place[start]]
    while ahead:
        i = ahead.pop()
        while i not in reached:
            reached.add(i)
            if (to := target(instructions[i])) in place:
                ahead.append(place[to])
            if instructions[i][1] in ("ret", "jmp", "hlt", "ud2"):
                break
            i += 1
    return [instructions[i] for i in sorted(reached)]


def loops(part):
    """Innermost loops: what lies between a backward jump and its target, and contains no other such."""
    place = {address: i for i, (address, _, _) in enumerate(part)}
    spans = {(place[to], i) for i, instruction in enumerate(part)
             if instruction[1][0] == "j" and (to := target(instruction)) in place and place[to] <= i}
    inner = [span for span in spans if not any(o != span and span[0] <= o[0] and o[1] <= span[1] for o in spans)]
    return [part[low:high + 1] for low, high in inner]


SCALAR = r"v?(fn?m(add|sub)\d+|add|sub|mul|div|max|min|cmp\w*|u?comi|cvt\w*2)s[sd]"


def is_vector(loop, register, arithmetic):
    """Whether there is arithmetic of the kind that is looked for in full-width registers, none of single numbers."""
    wide = [mnemonic for _, mnemonic, operands in loop if register in operands]
    scalar = [mnemonic for _, mnemonic, _ in loop if re.fullmatch(SCALAR, mnemonic)]
    return not scalar and any(re.fullmatch(arithmetic, mnemonic) for mnemonic in wide)


def vector_loops(level, start, arithmetic):
    return [loop for loop in loops(body(level, start)) if is_vector(loop, REGISTER[level], arithmetic)]


# ---- what each kernel is made of ----

# For other functions any arithmetic will do.
NAMED = ("relu", "leaky_relu", "sigmoid", "tanh", "relu_grad", "leaky_relu_grad", "sigmoid_grad", "tanh_grad")
INTEGER = {
    # Signed: the maximum, or what stands for it where there is no such instruction. 16-bit floats are judged by bits.
    "relu": r"v?p(max|min|cmp|subus)\w*",
    "relu_grad": r"v?p(max|min|cmp|subus)\w*",
}
COPY = r"v?mov(dq|ap|up)\w+"
ANY = r"v?(p(max|min|cmp|add|sub|mul)\w*|(add|sub|mul|div|max|min|cmp\w*|fn?m(add|sub)\d+)p[sd])"
# Eight-bit integers have 256 results: a table, held in registers where permutations are wide enough, else in memory.
TABLE = {"x86_64_v4": {"b": r"vperm[it]2ps", "B": r"vperm[it]2ps"}, "x86_64_v3": {"B": r"vpermps"}}


def arithmetic(function, types):
    """The instructions of which a vector loop of a kernel has to have one, as a pattern of mnemonics."""
    kind = "pd" if set(types) & set("iIqQd") else "ps"
    name = function.removeprefix("truncated_")
    if name not in NAMED:
        return ANY
    unsigned = types[0] in "BHIQ"
    if name in ("relu", "relu_grad") and types[0] in "fd":
        return rf"v?(cmp\w*|max|min){kind}"
    if name in ("relu", "relu_grad"):
        return COPY if unsigned and name == "relu" else INTEGER[name]
    if name == "leaky_relu" and unsigned:
        return COPY if function != name else rf"v?cvt\w+{kind}|v?(add|sub|fmadd\d+){kind}"
    if name in ("sigmoid", "tanh"):
        return rf"v?div{kind}"
    return rf"v?mul{kind}"


def is_real_function(function):
    """Whether it is computed as float or double alone, by blocks or tables from other dtypes."""
    case = CASES[function.removeprefix("truncated_")]
    return case.formula is not None and case.arrays == 1


def expected_loops(function, types):
    """How many contiguous loops there are at least: for one slope and for an array of them."""
    if types[0] in "eE" or arithmetic(function, types) == COPY:
        return 1
    if function == "truncated_leaky_relu":
        return 3                        # in place has one of its own for one slope
    return 1 + bool(CASES[function.removeprefix("truncated_")].parameters)


@pytest.mark.parametrize(("level", "function", "types"), [
    pytest.param(level, function, types, id=f"{level}-{function}-{types}")
    for level in cpu.levels() for function, types in table(level)[1]
])
def test_hot_loops_are_vector_code(level, function, types):
    if types[0] in "qQ" and "leaky" in function and level in ("x86_64_v2", "x86_64_v3") and "relu_grad" not in function:
        pytest.skip("no vector conversion of 64-bit integers before AVX-512")
    start = table(level)[1][function, types]
    pattern = arithmetic(function, types)
    if types in ("bf", "Bf") and is_real_function(function):
        pattern = TABLE.get(level, {}).get(types[0])
        if pattern is None:
            pytest.skip("a table in memory")
    found = vector_loops(level, start, pattern)
    assert len(found) >= expected_loops(function, types), f"{len(found)} vector loops"


def test_table_is_read_right():
    """The structure above mirrors the package's: names, types and addresses make sense."""
    for level in cpu.levels():
        _, kernels = table(level)
        assert {function.removeprefix("truncated_") for function, _ in kernels} == set(CASES)
        assert all(re.fullmatch("[bhiqBHIQeEfd]{2,4}", types) for _, types in kernels)
        assert all(address in places(level) for address in kernels.values())
        assert len(set(kernels.values())) > len(kernels) / 2


def test_a_scalar_loop_would_be_found():
    """The checks can fail."""
    head, tail = (0x10, "vmovups", "ymm0,YMMWORD PTR [rax]"), (0x30, "jne", "10 <f+0x10>")
    inside = [(0x18, "vmulps", "ymm0,ymm0,ymm1"), (0x20, "vdivps", "ymm0,ymm0,ymm2"), (0x28, "add", "rax,0x20")]
    outside = [(0x38, "vmulss", "xmm0,xmm0,xmm1"), (0x40, "jne", "8 <f+0x8>"), (0x48, "ret", "")]
    (loop,) = loops([head, *inside, tail, *outside])
    assert loop == [head, *inside, tail]
    assert is_vector(loop, "ymm", "vdivps")
    assert not is_vector(loop, "zmm", "vdivps")
    assert not is_vector(loop, "ymm", "vdivpd")
    assert not is_vector([*loop, (0x2c, "vmulss", "xmm0,xmm0,xmm1")], "ymm", "vdivps")
    assert not is_vector([*loop, (0x2c, "vfmadd231sd", "xmm0,xmm0,xmm1")], "ymm", "vdivps")
    assert not is_vector([*loop, (0x2c, "vcvtsi2ss", "xmm0,xmm0,eax")], "ymm", "vdivps")


def test_modules_keep_to_their_level():
    """No instruction of a higher level, anywhere in a module: not in its initialisation either."""
    allowed = {"x86_64_v2": r"xmm", "x86_64_v3": r"[xy]mm", "x86_64_v4": r"[xyz]mm"}
    for level in cpu.levels():
        registers = {r for _, _, operands in code(level) for r in re.findall(r"\b([xyz]mm)\d", operands)}
        assert all(re.fullmatch(allowed[level], register) for register in registers)
        assert REGISTER[level] in registers


@pytest.mark.parametrize("name", ["activations", "ufuncs", "parallel"])
def test_everything_else_is_baseline(name):
    """Only kernels may be compiled for more than the processor that every x86-64 is."""
    path = importlib.import_module(f"cyact.{name}").__file__
    command = ["objdump", "--no-show-raw-insn", "-M", "intel", "-d", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "xmm" in text
    assert not re.search(r"\b[yz]mm\d|\bv(add|mul|mov\w*)[ps][sd]\b|\b(pshufb|pmaxsd|roundps|popcnt|fma\w+)\b", text)
