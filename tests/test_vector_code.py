"""The machine code of every loop, on every level: vector code of the level's full width.

The installed modules are read, whose loops are found by the table that a level exports. With CYACT_SLOW_TESTS=1 the kernels are
also compiled by every compiler that is installed, for aarch64 too, some half a minute each, and their loops found by name, those
of softmax and its like too:

    CYACT_SLOW_TESTS=1 pytest tests/test_vector_code.py -k "compiler and clang and v4"
"""

import ctypes
import importlib
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache

import objects
import pytest
from cases import CASES
from machine_code import AARCH64, Code, read, x86_64

from cyact import cpu
from cyact.along_axis import ALONG_AXIS

if not shutil.which("objdump") or not sys.platform.startswith("linux") or "x86_64_v2" not in cpu.levels():
    pytest.skip("needs objdump, Linux and x86-64", allow_module_level=True)

ARCHITECTURES = {
    "x86_64_v2": x86_64("xmm"), "x86_64_v3": x86_64("ymm"), "x86_64_v4": x86_64("zmm"), "generic": AARCH64,
}


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


@cache
def code(level):
    return read(table(level)[0], ARCHITECTURES[level])


def all_loops(level):
    return code(level).loops(code(level).instructions)


# ---- what each loop is made of ----

# The kind of instruction that a loop of one of these functions cannot do without; for others any arithmetic will do.
NEEDED = {
    **dict.fromkeys(("relu", "relu_grad"), "compare"),
    **dict.fromkeys(("leaky_relu", "leaky_relu_grad"), "multiply"),
    "rescale": "fused",
    **dict.fromkeys(("sigmoid", "tanh", "logit", "logit_grad", "softplus_grad", "log_sigmoid_grad"), "divide"),
    **dict.fromkeys(("gelu", "gelu_approximate", "gelu_grad", "gelu_grad_approximate"), "divide"),
}
REAL = ("floats", "doubles", "halves", "bfloat16s", "rounded")


def check(code, level, function, kind, start):
    """What is wrong with a loop, or why it is not looked at, or nothing; a kind is a field of Loops or a kernel's dtypes."""
    if (function.endswith("_to_integer") or function == "rescale") and kind[0] in "qQ" and level in ("x86_64_v2", "x86_64_v3"):
        return "skip: no vector conversion of 64-bit integers before AVX-512"
    if level == "x86_64_v2" and function not in NEEDED and kind in REAL:
        return "skip: multiply-add is emulated there, which makes long formulas scalar"
    if level == "x86_64_v2" and function == "step" and kind[0] == "q":
        return "skip: gcc 16 shifts two numbers of 64 bits one by one"
    # Unsigned integers are copied, or all of them are 1.
    without_arithmetic = kind[0] in "BHIQ" and function in ("relu", "leaky_relu_to_integer", "step")
    if without_arithmetic and level == "generic":
        return "skip: a copy by whatever registers"
    needed = "copy" if without_arithmetic else NEEDED.get(function.removesuffix("_to_integer"), "arithmetic")
    part = code.body(start)
    if not any(code.is_vector(loop, getattr(code.architecture, needed)) for loop in code.loops(part)):
        return "no vector code"
    # What is left over of an array is a vector too, but for integers that are converted one by one.
    if kind in REAL and level != "x86_64_v2" and (scalar := list(filter(code.is_scalar, code.repeated(part)))):
        return f"scalar code: {scalar}"
    return None


@pytest.mark.parametrize(("level", "function", "kind"), [
    pytest.param(level, function, kind, id=f"{level}-{function}-{kind}")
    for level in cpu.levels() for function, kind in table(level)[1]
])
def test_hot_loops_are_vector_code(level, function, kind):
    found = check(code(level), level, function, kind, table(level)[1][function, kind])
    if found and found.startswith("skip"):
        pytest.skip(found)
    assert found is None


# ---- by other compilers ----

# The members of fused types in dtypes.pxd, in their order, by how many a function was compiled for.
NUMBERS = "bhiqBHIQeEfd"
MEMBERS = {"loop": {2: ["floats", "doubles"], 4: ["halves", "bfloat16s", "floats", "doubles"]}, "rounded": {1: ["rounded"]},
           "kernel": {4: "eEfd", 12: NUMBERS}}


def named_loops(code, level):
    """(function, kind, address) of each loop, from names such as __pyx_fuse_1__pyx_f_5cyact_7kernels_9x86_64_v4_tanh_loop."""
    pattern = rf"(?:__pyx_fuse_(\d+))?__pyx_f_5cyact_7kernels_\d+{level}_(\w+?)_(loop|rounded|kernel|to_\w+|in_parts)"
    found = [(match, start) for name, start in code.names.items() if (match := re.fullmatch(pattern, name))]
    counts = Counter(match.group(2, 3) for match, _ in found)
    for match, start in found:
        function, ending = match[2], match[3]
        members = MEMBERS.get(ending, {}).get(counts[function, ending], NUMBERS)
        if function == "rescale" and ending != "to_16_bit":
            yield function, members[int(match[1])], start
        elif ending == "to_integer_kernel":
            yield f"{function}_to_integer", members[int(match[1])], start
        elif ending in MEMBERS and function != "converting":
            yield function, members[int(match[1] or 0)], start


# Functions of rows.pxi, what their loops cannot do without, and what of single numbers may be in loops nevertheless: of what a
# vector has found of each row, the largest is found one by one.
ROWS = {"find_largest": ("compare", r"v?(max|min|u?comi|cmp\w*)s[sd]|fcmp\w*|fcsel|fmax\w*|fmin\w*"), "add_terms": ("fused", ""),
        "finish_tile": ("fused", "")}


def check_rows(code, level):
    """(function, what is wrong) of the loops over rows of floats and of doubles."""
    pattern = rf"__pyx_fuse_[01]__pyx_f_\w*{level}_({'|'.join(ROWS)})"
    found = [(match[1], start) for name, start in code.names.items() if (match := re.fullmatch(pattern, name))]
    if sorted(function for function, _ in found) != sorted(2 * [*ROWS]):
        yield "functions", found
    starts = sorted(code.names.values())
    for function, start in found:
        needed, allowed = ROWS[function]
        # Not ``body``: clang chooses between the loops by a table of addresses, which no jump names.
        end = next((address for address in starts if address > start), math.inf)
        part = [instruction for instruction in code.instructions if start <= instruction[0] < end]
        if not any(code.is_vector(loop, getattr(code.architecture, needed)) for loop in code.loops(part)):
            yield function, "no vector code"
        scalar = [line for line in code.repeated(part) if code.is_scalar(line) and not re.fullmatch(allowed, line[1])]
        if scalar:
            yield function, scalar


@pytest.mark.skipif(os.environ.get("CYACT_SLOW_TESTS") != "1", reason="CYACT_SLOW_TESTS=1 runs it")
@pytest.mark.parametrize(("compiler", "level"), [
    pytest.param(name, level, id=f"compiler-{name.replace(' --target=', '-')}-{level}")
    for name, (_, levels) in objects.compilers().items() for level in levels
])
def test_loops_by_other_compilers(compiler, level, tmp_path):
    path = objects.compiled(compiler, level, tmp_path)
    code = read(path, ARCHITECTURES[level])
    results = [(function, kind, check(code, level, function, kind, start)) for function, kind, start in named_loops(code, level)]
    wanted = {*CASES, "rescale", "shrink_grad"} - {"hard_shrink_grad", "soft_shrink_grad"}       # one loop for both
    assert {function.removesuffix("_to_integer") for function, _, _ in results} == wanted
    assert [result for result in results if result[2] and not result[2].startswith("skip")] == []
    if level != "x86_64_v2":        # multiply-add is emulated there
        assert list(check_rows(code, level)) == []
    undefined = subprocess.run(["nm", "--undefined-only", path], capture_output=True, text=True, check=True).stdout
    assert "memcpy" in undefined
    assert not re.search(r"\bfmaf?$", undefined, re.M)


@pytest.mark.parametrize("level", ["x86_64_v3", "x86_64_v4"])
def test_floats_do_not_go_to_double_and_back(level):
    """One constant that C takes for a double would do it, at half the speed. (x86_64_v2 emulates multiply-add by doubles.)"""
    if level not in cpu.levels():
        pytest.skip(f"this machine cannot run {level}")

    def converts(start):
        return any(re.fullmatch(r"vcvt([ps]s2[ps]d|[ps]d2[ps]s)\w?", mnemonic) for _, mnemonic, _ in code(level).body(start))

    found = table(level)[1]
    assert converts(found["softmax", "ff"])         # its sums are those of doubles
    assert not [key for key, start in found.items() if key[1] in REAL and key[1] != "doubles" and converts(start)]


# Those of eight-bit integers go through a table, held in registers where permutations are wide enough.
@pytest.mark.parametrize(("level", "permutation"), [("x86_64_v4", r"vperm[it]2ps"), ("x86_64_v3", r"vperm(ps|d)")])
def test_tables_are_held_in_registers(level, permutation):
    if level not in cpu.levels():
        pytest.skip(f"this machine cannot run {level}")
    found = [loop for loop in all_loops(level) if any(re.fullmatch(permutation, line[1]) for line in loop)]
    assert found


def test_conversions_are_vector_code():
    """Every dtype that has no loop of its own is converted block by block: to float or to double, and back."""
    wanted = {"x86_64_v4": ["vcvtph2ps", "vcvtps2ph", "vcvtdq2ps", "vcvtdq2pd", "vcvtqq2pd", "vcvtuqq2pd"],
              "x86_64_v3": ["vcvtph2ps", "vcvtps2ph", "vcvtdq2ps", "vcvtdq2pd"],
              "x86_64_v2": ["cvtdq2ps", "cvtdq2pd"]}
    for level in cpu.levels():
        wide = ARCHITECTURES[level].wide
        inside = {mnemonic for loop in all_loops(level) for _, mnemonic, operands in loop if wide in operands}
        assert set(wanted[level]) <= inside, level


def test_table_is_read_right():
    """The structures above mirror the package's: names, types and addresses make sense."""
    for level in cpu.levels():
        _, found = table(level)
        assert {function.removesuffix("_to_integer") for function, _ in found} == {*CASES, *ALONG_AXIS, "rescale"}
        fields = {name for name, _ in Loops._fields_}
        assert all(kind in fields or re.fullmatch("[bhiqBHIQeEfd]{2,4}", kind) for _, kind in found)
        assert all(address in code(level).places for address in found.values())
        assert len(set(found.values())) > len(found) / 2


X86_64_LOOP = """
0000000000000000 <f>:
   0:	test   rdi,rdi
   8:	je     40 <f+0x40>
  10:	vmovups ymm0,YMMWORD PTR [rax]
  18:	vmulps ymm0,ymm0,ymm1
  20:	vdivps ymm0,ymm0,ymm2
  28:	{between}
  30:	jne    10 <f+0x10>
  38:	ret
  40:	vmulss xmm0,xmm0,xmm1
  48:	ret
"""
AARCH64_LOOP = """
0000000000000000 <f>:
   0:	cbz    x2, 40 <f+0x40>
  10:	ldr    q0, [x0], #16
  20:	fdiv   v0.4s, v0.4s, v2.4s
  28:	{between}
  30:	b.ne   10 <f+0x10>  // b.any
  38:	ret
  40:	fmul   s0, s0, s1
  48:	ret
"""


@pytest.mark.parametrize(("text", "architecture", "inside", "scalar", "other"), [
    (X86_64_LOOP, x86_64("ymm"), "add    rax,0x20", "vmulss xmm0,xmm0,xmm1", "vdivpd"),
    (X86_64_LOOP, x86_64("ymm"), "add    rax,0x20", "vfmadd231sd xmm0,xmm0,xmm1", "vmulpd"),
    (X86_64_LOOP, x86_64("ymm"), "add    rax,0x20", "vcvtsi2ss xmm0,xmm0,eax", "vmulpd"),
    (AARCH64_LOOP, AARCH64, "add    x0, x0, #0x10", "fdiv   s3, s4, s5", "fmul"),
    (AARCH64_LOOP, AARCH64, "add    x0, x0, #0x10", "scvtf  s3, w4", "fmul"),
    (AARCH64_LOOP, AARCH64, "add    x0, x0, #0x10", "fcmpe  d3, #0.0", "fmul"),
])
def test_a_scalar_loop_would_be_found(text, architecture, inside, scalar, other):
    """The checks can fail."""
    good = Code(text.format(between=inside), architecture)
    part = good.body(good.names["f"])
    (loop,) = good.loops(part)
    assert (loop[0][0], loop[-1][0]) == (0x10, 0x30)
    assert good.repeated(part) == loop
    assert good.is_vector(loop, architecture.divide)
    assert not good.is_vector(loop, other)
    assert not any(map(good.is_scalar, loop))
    assert any(map(good.is_scalar, part))       # of what comes once
    narrow = Code(text.format(between=inside).replace("ymm", "xmm").replace(".4s", ".2s"), architecture)
    assert not narrow.is_vector(*narrow.loops(narrow.body(0)), architecture.divide)
    bad = Code(text.format(between=scalar), architecture)
    assert not bad.is_vector(*bad.loops(bad.body(0)), architecture.divide)
    assert any(map(bad.is_scalar, bad.repeated(bad.body(0))))


def test_modules_keep_to_their_level():
    """No instruction of a higher level, anywhere in a module: not in its initialisation either."""
    allowed = {"x86_64_v2": r"xmm", "x86_64_v3": r"[xy]mm", "x86_64_v4": r"[xyz]mm"}
    for level in cpu.levels():
        registers = {r for _, _, operands in code(level).instructions for r in re.findall(r"\b([xyz]mm)\d", operands)}
        assert all(re.fullmatch(allowed[level], register) for register in registers)
        assert ARCHITECTURES[level].wide in registers


@pytest.mark.parametrize("name", ["activations", "arguments", "cpuid", "dispatch", "threads", "ufuncs"])
def test_everything_else_is_baseline(name):
    """Only kernels may be compiled for more than the processor that every x86-64 is."""
    path = importlib.import_module(f"cyact.{name}").__file__
    command = ["objdump", "--no-show-raw-insn", "-M", "intel", "-d", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "\tret" in text       # it is machine code that was read
    assert not re.search(r"\b[yz]mm\d|\bv(add|mul|mov\w*)[ps][sd]\b|\b(pshufb|pmaxsd|roundps|popcnt|fma\w+)\b", text)
