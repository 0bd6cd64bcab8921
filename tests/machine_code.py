"""Machine code as objdump disassembles it, of x86-64 and of aarch64: what a function is made of, its loops, vector code.

A module is stripped: its functions are known by their addresses. An object, which is not linked yet, has their names.
"""

import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """What instructions look like; patterns are of whole mnemonics, but for ``wide`` and ``single``, which are of operands."""

    objdump: tuple[str, ...]
    jump: str
    call: str
    end: str                    # nothing follows
    wide: str                   # a register that is full of elements
    single: str                 # what the first operand of arithmetic on single numbers begins with
    scalar: str                 # arithmetic on single floating-point numbers
    arithmetic: str             # on vectors
    copy: str
    divide: str
    multiply: str
    compare: str                # a comparison or what takes the smaller or larger
    fused: str                  # multiply-add, or a product


def x86_64(register):
    fused = r"fn?m(add|sub)\d+"
    return Architecture(
        objdump=("objdump", "-M", "intel"),
        jump=r"j\w+", call="call", end="ret|jmp|hlt|ud2", wide=register, single="",
        scalar=rf"v?({fused}|add|sub|mul|div|max|min|cmp\w*|u?comi|cvt\w*2)s[sd]",
        arithmetic=r"v?(p(max|min|cmp|add|sub|mul|ternlog|and|test|s[lr][al])\w*|"
                   rf"(add|sub|mul|div|max|min|cmp\w*|and\w*|blend\w*|{fused})p[sd])",
        copy=r"v?mov(dq|ap|up)\w+", divide=r"v?divp[sd]", multiply=r"v?mulp[sd]",
        compare=r"v?(p(max|min|cmp|subus|test)\w*|cmp\w*p[sd]|maxp[sd]|minp[sd])", fused=rf"v?({fused}|mul)p[sd]",
    )


AARCH64 = Architecture(
    objdump=("aarch64-linux-gnu-objdump",),
    jump=r"b|b\..*|cbn?z|tbn?z", call="bl", end="ret|b|br|udf|brk", wide=r"\bv\d+\.(16b|8h|4s|2d)|\bq\d+", single=r"[hsd]\d",
    scalar=r"f(n?m(add|sub)|add|sub|n?mul|div|abs|neg|max\w*|min\w*|cmpe?|ccmpe?|csel|cvt\w*)|[su]cvtf",
    arithmetic=r"f(add|sub|mul|div|abs|neg|max\w*|min\w*|cm\w+|ml[as]|cvt\w*)|[su]?(add|sub|max|min|shl|shr|cvtf)|"
               r"mul|ml[as]|cm\w+|and|bic|bsl|bi[tf]|orr|eor|mvn|not|neg",
    copy=r"(ld|st)(r|p|ur)", divide="fdiv", multiply="fmul", compare=r"f?cm\w+|[fsu](max|min)\w*|uqsub|[su]shr|mvn|bic",
    fused=r"fml[as]|fmul",
)


class Code:
    """Instructions as objdump prints them, in order: (address, mnemonic, operands); and the addresses of functions by name."""

    def __init__(self, text, architecture):
        self.architecture, self.instructions, self.names = architecture, [], {}
        line = re.compile(r"^(?:([0-9a-f]+) <(.*)>:|\s+([0-9a-f]+):\s+(R_\S+)?(?:(\S+)[ \t]*(.*))?)$", re.M)
        for start, name, address, relocation, mnemonic, operands in line.findall(text):
            if name:
                self.names[name] = int(start, 16)
            elif relocation:            # the linker will say where it goes
                self.instructions[-1] = (*self.instructions[-1][:2], "")
            else:
                self.instructions.append((int(address, 16), mnemonic, operands))
        self.places = {address: i for i, (address, _, _) in enumerate(self.instructions)}

    def target(self, instruction, kinds):
        """Where a jump or call goes, if that stands in it."""
        _, mnemonic, operands = instruction
        found = re.search(r"\b([0-9a-f]+) <|^([0-9a-f]+)$", operands) if re.fullmatch(kinds, mnemonic) else None
        return int(found[1] or found[2], 16) if found else None

    def body(self, start):
        """What a function is made of: every instruction that can be reached from its first, in the same file."""
        kinds = f"{self.architecture.jump}|{self.architecture.call}"
        reached, ahead = set(), [self.places[start]]
        while ahead:
            i = ahead.pop()
            while i not in reached:
                reached.add(i)
                if (to := self.target(self.instructions[i], kinds)) in self.places:
                    ahead.append(self.places[to])
                if re.fullmatch(self.architecture.end, self.instructions[i][1]):
                    break
                i += 1
        return [self.instructions[i] for i in sorted(reached)]

    def loops(self, part):
        """Loops: what lies between a backward jump and its target, less the loops inside. A longer way back is to a function."""
        place = {address: i for i, (address, _, _) in enumerate(part)}
        targets = [self.target(instruction, self.architecture.jump) for instruction in part]
        spans = {(place[to], i) for i, to in enumerate(targets) if to in place and 0 <= i - place[to] < 4096}
        innermost = [None] * len(part)
        for low, high in sorted(spans, key=lambda span: span[0] - span[1]):
            innermost[low:high + 1] = [(low, high)] * (high + 1 - low)
        found = {span: [] for span in spans}
        for instruction, span in zip(part, innermost, strict=True):
            if span:
                found[span].append(instruction)
        return list(found.values())

    def repeated(self, part):
        """Those instructions that come again by jumps: of loops alone, whatever the compiler has put in between."""
        place = {address: i for i, (address, _, _) in enumerate(part)}
        ways = [[] for _ in part]
        for i, instruction in enumerate(part):
            if (to := self.target(instruction, self.architecture.jump)) in place:
                ways[i].append(place[to])
            if not re.fullmatch(self.architecture.end, instruction[1]) and i + 1 < len(part):
                ways[i].append(i + 1)
        found = [group for group in strongly_connected(ways) if len(group) > 1 or group[0] in ways[group[0]]]
        return [part[i] for i in sorted(sum(found, []))]

    def is_scalar(self, instruction):
        _, mnemonic, operands = instruction
        return bool(re.fullmatch(self.architecture.scalar, mnemonic) and re.match(self.architecture.single, operands))

    def is_vector(self, loop, arithmetic):
        """Whether there is arithmetic of the kind that is looked for in full-width registers, none of single numbers."""
        wide = [mnemonic for _, mnemonic, operands in loop if re.search(self.architecture.wide, operands)]
        return not any(map(self.is_scalar, loop)) and any(re.fullmatch(arithmetic, mnemonic) for mnemonic in wide)


def strongly_connected(ways):
    """Groups of numbers from each of which one gets to every other, by Tarjan's algorithm."""
    number, lowest, open_, stack, groups = {}, {}, set(), [], []
    for root in range(len(ways)):
        work = [] if root in number else [(root, iter(ways[root]))]
        if work:
            number[root] = lowest[root] = len(number)
            stack.append(root)
            open_.add(root)
        while work:
            node, rest = work[-1]
            for to in rest:
                if to not in number:
                    number[to] = lowest[to] = len(number)
                    stack.append(to)
                    open_.add(to)
                    work.append((to, iter(ways[to])))
                    break
                if to in open_:
                    lowest[node] = min(lowest[node], number[to])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == number[node]:
                    group = [stack.pop()]
                    while group[-1] != node:
                        group.append(stack.pop())
                    open_.difference_update(group)
                    groups.append(group)
    return groups


def read(path, architecture):
    """The code of a module or an object; only of its main section, since addresses of an object begin anew in each."""
    command = [*architecture.objdump, "--no-show-raw-insn", "-d", "-r", "-j", ".text", str(path)]
    return Code(subprocess.run(command, capture_output=True, text=True, check=True).stdout, architecture)
