"""The machine code of every loop, on every level: vector code of the level's full width.

Loops are found by the table that a level exports, their instructions by following jumps and calls: modules are
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
from cyact.along_axis import ALONG_AXIS

if not shutil.which("objdump") or not sys.platform.startswith("linux") or "x86_64_v2" not in cpu.levels():
    pytest.skip("needs objdump, Linux and x86-64", allow_module_level=True)

REGISTER = {"x86_64_v2": "xmm", "x86_64_v3": "ymm", "x86_64_v4": "zmm"}


# ---- the table of kernels: mirrors cyact/kernels/table.pxd ----

class Loops(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("floats", "doubles", "halves", "bfloat16s", "rounded")]


class Kernel(ctypes.Structure):
    _fields_ = [
        ("function", ctypes.c_char_p),
        ("types", ctypes.c_char * 7),
        ("itemsize", ctypes.c_int * 6),
        *[(name, ctypes.c_int) for name in ("inputs", "parameters", "operands", "row", "row_results")],
        *[(name, ctypes.c_int) for name in ("compute_bound", "stores_past_cache", "in_rows", "raises_flags")],
        ("call", ctypes.c_void_p),
        ("loops", ctypes.POINTER(Loops)),
        *[(name, ctypes.c_void_p) for name in ("compute", "run_pass", "next_pass")],
    ]


class Level(ctypes.Structure):
    _fields_ = [("kernels", ctypes.POINTER(Kernel)), ("count", ctypes.c_ssize_t)]


@cache
def table(level):
    """The path of a level's module, and where its loops are in the file: by function and types or dtype."""
    module = importlib.import_module(f"cyact.kernels.{level}")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    found = Level.from_address(pointer(module.level, b"cyact.kernels.level"))
    with open("/proc/self/maps") as maps:
        base = min(int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith(module.__file__))
    places = {}
    for kernel in found.kernels[:found.count]:
        name = kernel.function.decode()
        if kernel.loops:
            loops = kernel.loops.contents
            own = {field: getattr(loops, field) for field, _ in Loops._fields_ if getattr(loops, field)}
            places.update({(name, field): address - base for field, address in own.items()})
        else:
            places[name, kernel.types.decode()] = (kernel.call or kernel.compute) - base
    return module.__file__, places


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
    """Where a jump or call goes, if that stands in it."""
    _, mnemonic, operands = instruction
    found = re.match(r"([0-9a-f]+)\b", operands) if mnemonic[0] == "j" or mnemonic == "call" else None
    return int(found[1], 16) if found else None


def body(level, start):
    """What a function is made of: every instruction that can be reached from its first, in the same module."""
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
    """Loops: what lies between a backward jump and its target, less the loops inside. A longer way back is to a function."""
    place = {address: i for i, (address, _, _) in enumerate(part)}
    spans = {(place[to], i) for i, instruction in enumerate(part)
             if instruction[1][0] == "j" and (to := target(instruction)) in place and 0 <= i - place[to] < 4096}
    innermost = [None] * len(part)
    for low, high in sorted(spans, key=lambda span: span[0] - span[1]):
        innermost[low:high + 1] = [(low, high)] * (high + 1 - low)
    found = {span: [] for span in spans}
    for instruction, span in zip(part, innermost, strict=True):
        if span:
            found[span].append(instruction)
    return list(found.values())


SCALAR = r"v?(fn?m(add|sub)\d+|add|sub|mul|div|max|min|cmp\w*|u?comi|cvt\w*2)s[sd]"
ARITHMETIC = (
    r"v?(p(max|min|cmp|add|sub|mul|ternlog|and|test|s[lr][al])\w*|"
    r"(add|sub|mul|div|max|min|cmp\w*|and\w*|blend\w*|fn?m(add|sub)\d+)p[sd])"
)
COPY = r"v?mov(dq|ap|up)\w+"


def is_vector(loop, register, arithmetic):
    """Whether there is arithmetic of the kind that is looked for in full-width registers, none of single numbers."""
    wide = [mnemonic for _, mnemonic, operands in loop if register in operands]
    scalar = [mnemonic for _, mnemonic, _ in loop if re.fullmatch(SCALAR, mnemonic)]
    return not scalar and any(re.fullmatch(arithmetic, mnemonic) for mnemonic in wide)


def vector_loops(level, start, arithmetic):
    return [loop for loop in loops(body(level, start)) if is_vector(loop, REGISTER[level], arithmetic)]


# ---- what each loop is made of ----

# The instruction that a loop of one of these functions cannot do without; for others any arithmetic will do.
NEEDED = {
    "relu": r"v?(p(max|min|cmp|subus)\w*|cmp\w*p[sd]|maxp[sd]|minp[sd])",
    "relu_grad": r"v?(p(max|min|cmp|subus|test)\w*|cmp\w*p[sd])",
    "leaky_relu": r"v?mulp[sd]",
    "leaky_relu_grad": r"v?mulp[sd]",
    "sigmoid": r"v?divp[sd]",
    "tanh": r"v?divp[sd]",
    "rescale": r"v?(fn?m(add|sub)\d+|mul)p[sd]",
    **dict.fromkeys(("logit", "logit_grad", "gelu", "gelu_approximate", "gelu_grad", "gelu_grad_approximate"), r"v?divp[sd]"),
    **dict.fromkeys(("softplus_grad", "log_sigmoid_grad"), r"v?divp[sd]"),
}


@pytest.mark.parametrize(("level", "function", "kind"), [
    pytest.param(level, function, kind, id=f"{level}-{function}-{kind}")
    for level in cpu.levels() for function, kind in table(level)[1]
])
def test_hot_loops_are_vector_code(level, function, kind):
    if (function.endswith("_to_integer") or function == "rescale") and kind[0] in "qQ" and level != "x86_64_v4":
        pytest.skip("no vector conversion of 64-bit integers before AVX-512")
    if level == "x86_64_v2" and function not in NEEDED and kind in ("floats", "doubles", "rounded"):
        pytest.skip("multiply-add is emulated there, which makes long formulas scalar")
    if level == "x86_64_v2" and (function, kind) == ("step", "qq"):
        pytest.skip("gcc 16 shifts two numbers of 64 bits one by one")
    # Unsigned integers are copied, or all of them are 1.
    without_arithmetic = kind[0] in "BHIQ" and function in ("relu", "leaky_relu_to_integer", "step")
    pattern = COPY if without_arithmetic else NEEDED.get(function.removesuffix("_to_integer"), ARITHMETIC)
    assert vector_loops(level, table(level)[1][function, kind], pattern)


@pytest.mark.parametrize("level", ["x86_64_v3", "x86_64_v4"])
def test_floats_do_not_go_to_double_and_back(level):
    """One constant that C takes for a double would do it, at half the speed. (x86_64_v2 emulates multiply-add by doubles.)"""
    if level not in cpu.levels():
        pytest.skip(f"this machine cannot run {level}")

    def converts(start):
        return any(re.fullmatch(r"vcvt([ps]s2[ps]d|[ps]d2[ps]s)\w?", mnemonic) for _, mnemonic, _ in body(level, start))

    found = table(level)[1]
    assert converts(found["softmax", "ff"])         # its sums are those of doubles
    assert not [key for key, start in found.items() if key[1] in ("floats", "halves", "bfloat16s", "rounded") and converts(start)]


# Those of eight-bit integers go through a table, held in registers where permutations are wide enough.
@pytest.mark.parametrize(("level", "permutation"), [("x86_64_v4", r"vperm[it]2ps"), ("x86_64_v3", r"vperm(ps|d)")])
def test_tables_are_held_in_registers(level, permutation):
    if level not in cpu.levels():
        pytest.skip(f"this machine cannot run {level}")
    found = [loop for loop in loops(code(level)) if any(re.fullmatch(permutation, line[1]) for line in loop)]
    assert found


def test_conversions_are_vector_code():
    """Every dtype that has no loop of its own is converted block by block: to float or to double, and back."""
    wanted = {"x86_64_v4": ["vcvtph2ps", "vcvtps2ph", "vcvtdq2ps", "vcvtdq2pd", "vcvtqq2pd", "vcvtuqq2pd"],
              "x86_64_v3": ["vcvtph2ps", "vcvtps2ph", "vcvtdq2ps", "vcvtdq2pd"],
              "x86_64_v2": ["cvtdq2ps", "cvtdq2pd"]}
    for level in cpu.levels():
        inside = {mnemonic for loop in loops(code(level)) for _, mnemonic, operands in loop if REGISTER[level] in operands}
        assert set(wanted[level]) <= inside, level


def test_table_is_read_right():
    """The structures above mirror the package's: names, types and addresses make sense."""
    for level in cpu.levels():
        _, found = table(level)
        assert {function.removesuffix("_to_integer") for function, _ in found} == {*CASES, *ALONG_AXIS, "rescale"}
        fields = {name for name, _ in Loops._fields_}
        assert all(kind in fields or re.fullmatch("[bhiqBHIQeEfd]{2,4}", kind) for _, kind in found)
        assert all(address in places(level) for address in found.values())
        assert len(set(found.values())) > len(found) / 2


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


@pytest.mark.parametrize("name", ["activations", "arguments", "cpuid", "dispatch", "threads", "ufuncs"])
def test_everything_else_is_baseline(name):
    """Only kernels may be compiled for more than the processor that every x86-64 is."""
    path = importlib.import_module(f"cyact.{name}").__file__
    command = ["objdump", "--no-show-raw-insn", "-M", "intel", "-d", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "xmm" in text
    assert not re.search(r"\b[yz]mm\d|\bv(add|mul|mov\w*)[ps][sd]\b|\b(pshufb|pmaxsd|roundps|popcnt|fma\w+)\b", text)
