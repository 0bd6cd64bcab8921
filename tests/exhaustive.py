"""Checks every function of one number, and every gradient, on every float32 there is and on millions of hard float64.

    python tests/exhaustive.py                      all of it: half an hour on two processors
    python tests/exhaustive.py --quick              one float32 in 997, some thousand float64: a minute
    python tests/exhaustive.py --functions silu     one function and its gradient

It prints the largest error of each in ULP, where that is, and how many results break what the function promises: results
that fall where the input rises, are out of range, are not odd, or a NaN that has changed (a signalling one may come out
quiet). What is checked, and the limits, are those of the rows of cases.py. The exit status is 1 if one is broken.

The truth of a float32 result is the formula in float64, whose own error is below REFERENCE_ERROR of accuracy.py: that is
measured on samples, in the last column. Within that of the limit, and for the largest error of all, MPFR decides, as it
does for float64. A gradient is tried for each input with one gradient from above, at random: one in eight is 1.

judge.pyx is compiled first. It finds the largest error of a block of results; only where that is above the largest so far, or
something is not finite, does accuracy.py look at each of the block.

Functions with parameters are tried with their defaults on every float32, with other numbers on one in 61.
"""

import argparse
import functools
import importlib.util
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accuracy import (
    REFERENCE_ERROR,
    Float64,
    changed_nans,
    disorder,
    exact_64,
    gradients,
    hard_operands,
    in_domain,
    larger_terms,
    lopsided,
    outside,
    ulp_errors,
    ulp_errors_64,
    with_gradients,
)
from cases import CASES, LEVEL, bits

import cyact

BLOCK = 1 << 15     # inputs at a time: few enough for the cache, so many that Python counts for little
TASK = 1 << 25      # what a process is given at a time
BITS_OF_INFINITY = 0x7F800000
OTHERS = {"alpha": (0.01, 1.5, 3.0, -0.5), "beta": (0.1, 1.702, 10.0, -1.0), "threshold": (0.0, 1.0, 3.7)}
PROMISES = ("disordered", "out of range", "not odd", "NaN changed")
FLOAT32, FLOAT64 = np.dtype("float32"), np.dtype("float64")


# ---- the compiled part ----

@functools.cache
def built():
    """The folder in which judge.pyx is compiled; it goes when this process ends."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)    # on Windows a module in use cannot be removed
    source = shutil.copy(Path(__file__).with_name("judge.pyx"), folder.name)
    # Fusing a product and a sum would change errors. What every x86-64 has compares no 64-bit integers in vectors, which
    # makes errors take three times as long. Microsoft's compiler doesn't look at CFLAGS.
    flags = "-O3 -ffp-contract=off" + " -march=native" * (platform.machine() == "x86_64")
    command = [sys.executable, "-m", "Cython.Build.Cythonize", "-3", "--inplace", source]
    result = subprocess.run(command, env={**os.environ, "CFLAGS": flags}, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"judge.pyx could not be compiled:\n{result.stdout}{result.stderr}")
    return folder


@functools.cache
def judge():
    """The compiled module. Processes of the pool begin with this one's sys.path, and so find what it has compiled."""
    if not importlib.util.find_spec("judge"):
        sys.path.append(built().name)
    return importlib.import_module("judge")


def largest_error(y, exact):
    """The largest of ulp_errors_64; infinity where that has to be looked at."""
    return judge().largest_error(y.ctypes.data, exact.ctypes.data, len(y))


class Fast(Float64):
    """Faster functions for formulas whose results float32 are compared with."""

    @staticmethod
    def exp(x):
        """Beyond 700, where NumPy's takes four times as long, exp(700): a float32 result is infinite or 1 or 0 with that, too."""
        return np.exp(x.clip(-700, 700))

    @staticmethod
    def where(condition, a, b):
        y = np.empty(condition.shape)
        y[...] = b
        np.copyto(y, a, where=condition)
        return y

    @staticmethod
    def erfc(x):
        """The C library's, as math.erfc, but called from C."""
        y = np.empty_like(x)
        judge().erfc(x.ctypes.data, y.ctypes.data, len(x))
        return y


# ---- what is checked ----

@dataclass(frozen=True)
class Form:
    """A function, with numbers for its parameters."""

    name: str
    parameters: tuple

    @property
    def case(self):
        return CASES[self.name].giving(*self.parameters)

    @property
    def every(self):
        """Whether it is checked on every float32."""
        return self.parameters == CASES[self.name].defaults

    def promises(self):
        """What holds of the results, of that which the row says; some of it depends on the parameters."""
        case = CASES[self.name]
        return {
            "disordered": case.monotone and all(value > 0 for value in self.parameters),
            "out of range": self.parameters == case.tried,
            "not odd": case.odd,
        }


def forms(name):
    case = CASES[name]
    numbers = {case.defaults: None, case.tried: None}
    if len(case.parameters) == 1:
        numbers |= {(value,): None for value in OTHERS[next(iter(case.parameters))]}
    return [Form(name, values) for values in numbers]


class Figures(dict):
    """What was found among so many inputs."""

    def __init__(self):
        super().__init__(inputs=0, error=0.0, at=(), parameters=(), reference=0.0, **dict.fromkeys(PROMISES, 0))

    def add(self, other):
        if other["error"] > self["error"] or not self["at"]:
            self.update(error=other["error"], at=other["at"], parameters=other["parameters"])
        for name in ("inputs", *PROMISES):
            self[name] += other[name]
        self["reference"] = max(self["reference"], other["reference"])

    def worst(self, errors, operands):
        i = int(errors.argmax())
        if errors[i] > self["error"] or not self["at"]:
            self.update(error=float(errors[i]), at=tuple(float(x[i]) for x in operands))

    def promised(self, case, promises, x, y):
        """Whether the results for ascending inputs are what the function promises."""
        if promises["disordered"]:
            self["disordered"] += disorder(y)
        if promises["out of range"] and not (y.min() >= case.span[0] and y.max() <= case.span[1]):
            self["out of range"] += outside(case, y)
        if promises["not odd"]:
            self["not odd"] += lopsided(case, x, y, case)


def ascending(x, *others):
    return (x[::-1], *(other[::-1] for other in others)) if x[0] > x[-1] else (x, *others)


def check_float32(form, start, count, step):
    """Figures of the inputs whose bits are ``start``, ``start + step`` ...: of one sign, so ascending or descending."""
    case, promises, figures = form.case, form.promises(), Figures()
    function = functools.partial(case.function, **case.keywords)
    promises["not odd"] &= start < 1 << 31      # a number and its opposite are compared once
    rng = np.random.default_rng(start)
    above = gradients(4 * BLOCK, FLOAT32, start) if case.arrays > 1 else np.ones(4 * BLOCK, FLOAT32)
    above[::8] = 1
    last = (BITS_OF_INFINITY - 1 - start % (1 << 31)) // step
    for first in range(0, count, BLOCK):
        # One input more, unless it is infinite, so that a block is in order with the next one.
        n = min(BLOCK, count - first)
        pattern = np.arange(start + step * first, start + step * min(first + n, last) + 1, step, dtype="uint32")
        x = pattern.view(FLOAT32)
        if x[0] < case.domain[0] or x[-1] < case.domain[0] or x[0] > case.domain[1] or x[-1] > case.domain[1]:
            if case.nan_outside:
                beyond = x[~((x >= case.domain[0]) & (x <= case.domain[1]))]
                figures["out of range"] += int(np.count_nonzero(~np.isnan(case(beyond))))
            x = in_domain(case, x)
        if not len(x):
            continue
        figures["inputs"] += min(n, len(x))
        offset = rng.integers(3 * BLOCK)
        operands = with_gradients(case, x, above[offset:offset + len(x)])
        y = function(*operands, *case.tried)
        if case.formula:
            compare_64(case, operands, y, figures)
            if first % (64 * BLOCK) == 0:
                sampled = rng.integers(len(x), size=4)
                measure_reference(case, [a[sampled] for a in (*operands, y)], figures)
        else:
            compare_exactly(case, operands, y, figures)
        if case.arrays == 1:
            figures.promised(case, promises, *ascending(x, y))
    return figures


def compare_exactly(case, operands, y, figures):
    wrong = bits(y) != bits(case.reference(*operands, *case.tried))
    if wrong.any() or not figures["at"]:
        figures.worst(np.where(wrong, np.inf, 0), operands)


def errors_64(case, operands, y, exact, largest):
    """Errors by float64. A larger term counts where the error is above the largest yet."""
    errors = ulp_errors_64(y, exact)
    if case.larger_term and len(i := np.flatnonzero(errors > largest)):
        errors[i] = ulp_errors_64(y[i], exact[i], larger_terms(case, [a[i] for a in operands], FLOAT32))
    return errors


def compare_64(case, operands, y, figures):
    """Errors by float64, but by MPFR where that decides; those below the reference's own error are not looked at."""
    exact, largest = exact_64(case, operands, FLOAT32, module=Fast), figures["error"]
    if figures["at"] and largest_error(y, exact) <= max(largest, REFERENCE_ERROR):
        return
    errors, limit = errors_64(case, operands, y, exact, largest), case.limit(FLOAT32)
    worst = errors.argmax()
    if errors[worst] > largest:
        doubtful = np.flatnonzero(errors > limit - REFERENCE_ERROR)[:100]
        decided = doubtful if len(doubtful) else [worst]
        errors[decided] = ulp_errors(case, [a[decided] for a in operands], y[decided], exactly=True)
    figures.worst(errors, operands)


def measure_reference(case, arrays, figures):
    """How far float64 is from MPFR, in errors of these results: operands, then what they give."""
    *operands, y = arrays
    rough = errors_64(case, operands, y, exact_64(case, operands, FLOAT32, module=Fast), -1.0)
    figures["reference"] = max(figures["reference"], float(abs(ulp_errors(case, operands, y, exactly=True) - rough).max()))


def check_nans(form):
    """Every NaN there is: a function of one number gives it back."""
    figures = Figures()
    for sign in (0, 1 << 31):
        x = np.arange(sign + BITS_OF_INFINITY + 1, sign + (1 << 31), dtype="uint32").view(FLOAT32)
        figures["NaN changed"] += changed_nans(x, form.case(x))
        figures["inputs"] += len(x)
    return figures


def check_float64(form, count, seed):
    case, figures = form.case, Figures()
    operands = hard_operands(case, FLOAT64, count, seed)
    if case.arrays == 1:
        operands = (np.sort(operands[0]),)
    y = case(*operands)
    figures["inputs"] = len(y)
    if case.formula:
        figures.worst(ulp_errors(case, operands, y), operands)
    else:
        compare_exactly(case, operands, y, figures)
    if case.arrays == 1:
        figures.promised(case, form.promises(), *operands, y)
    return figures


CHECKS = {"float32": check_float32, "NaN": check_nans, "float64": check_float64}


def check(task):
    row, kind, form, *rest = task
    # glibc gives large arrays back to the system one by one, and the next one's pages are cleared again: twice the time. Once
    # it has freed one of 16 MB it keeps smaller ones.
    np.empty(1 << 21)
    with np.errstate(all="ignore"):
        figures = CHECKS[kind](form, *rest)
    figures["parameters"] = form.parameters
    return row, figures


# ---- who does what ----

def float32_tasks(form, step):
    if not form.every:
        step *= 61
    for sign in (0, 1 << 31):
        for start in range(0, BITS_OF_INFINITY, TASK * step):
            yield "float32", form, sign + start, min(TASK, -(-(BITS_OF_INFINITY - start) // step)), step
    if len(CASES[form.name].inputs) == 1 and form.every:
        yield "NaN", form


def float64_tasks(form, count):
    count = count if form.every else count // 20
    parts = max(1, count // 20_000)
    for seed in range(parts):
        yield "float64", form, count // parts, seed


@dataclass(frozen=True)
class Row:
    """Of the table that is printed: a function with its defaults, or with all other numbers for its parameters."""

    name: str
    parameters: str
    dtype: str
    tasks: list

    @property
    def limit(self):
        case = CASES[self.name]
        return case.limit(np.dtype(self.dtype)) if case.formula else 0.0

    def broken(self, figures):
        """What the figures are beyond."""
        words = [f"the limit {self.limit:g}"] if figures["error"] > self.limit else []
        words += [name for name in PROMISES if figures[name]]
        return words + (["the reference's error"] if figures["reference"] > REFERENCE_ERROR else [])

    def described(self, figures):
        at = ", ".join(f"{x:.17g}" for x in (*figures["at"], *figures["parameters"]))
        reference = f"{figures['reference']:.0e}" if figures["reference"] else ""
        counts = "".join(f"{figures[name]:>14}" for name in PROMISES)
        words = self.broken(figures)
        found = f"{self.name:22}{self.parameters:10}{self.dtype:8}{figures['inputs']:>11}{figures['error']:>9.4f}{self.limit:>7}"
        return f"{found}{counts}{reference:>11}  {at}" + (f"   BROKEN: {', '.join(words)}" if words else "")


HEADING = f"{'':22}{'':10}{'dtype':8}{'inputs':>11}{'max ULP':>9}{'limit':>7}{''.join(f'{name:>14}' for name in PROMISES)}"


def table_rows(names, step, float64):
    for name in names:
        default, *others = forms(name)
        for parameters, group in (("", [default]), ("others", others)):
            if group:
                yield Row(name, parameters, "float32", [task for form in group for task in float32_tasks(form, step)])
                if float64:
                    yield Row(name, parameters, "float64", [task for form in group for task in float64_tasks(form, float64)])


def progress(done, total, started, label):
    if sys.stderr.isatty():
        elapsed = time.monotonic() - started
        left = elapsed / done * (total - done)
        bar = "#" * (40 * done // total)
        print(f"[{bar:40}] {100 * done // total:3} %, {left / 60:5.1f} minutes left: {label:40}\r", end="", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", nargs="+", default=[*CASES], choices=[*CASES], metavar="NAME", help="by default all")
    parser.add_argument("--step", type=int, default=1, metavar="N", help="check one float32 in N, an odd number")
    parser.add_argument("--float64", type=int, default=1_000_000, metavar="N", help="how many float64 inputs; 0 for none")
    parser.add_argument("--quick", action="store_true", help="--step 997 --float64 5000")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file as well, for accuracy_table.py")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.step, arguments.float64 = 997, 5000
    names = [name for name in CASES if {name, name.replace("_grad", "")} & set(arguments.functions)]

    rows = [*table_rows(names, arguments.step, arguments.float64)]
    tasks = [(i, *task) for i, row in enumerate(rows) for task in row.tasks]
    left = [len(row.tasks) for row in rows]
    figures = [Figures() for _ in rows]
    found, failed, started = [], False, time.monotonic()
    judge()
    print(f"cyact {cyact.__version__} ({LEVEL}), NumPy {np.__version__}\n{HEADING}{'reference':>11}  at")
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for done, (i, part) in enumerate(pool.imap(check, tasks), 1):
            row = rows[i]
            figures[i].add(part)
            left[i] -= 1
            progress(done, len(tasks), started, f"{row.name} {row.parameters} {row.dtype}")
            if not left[i]:
                print(row.described(figures[i]), flush=True)
                failed |= bool(row.broken(figures[i]))
                found.append({"function": row.name, "others": bool(row.parameters), "dtype": row.dtype, **figures[i]})
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    inputs, minutes = sum(row["inputs"] for row in found), (time.monotonic() - started) / 60
    print(f"{inputs:.3g} inputs in {minutes:.1f} minutes; {'a promise is broken' if failed else 'every promise holds'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
