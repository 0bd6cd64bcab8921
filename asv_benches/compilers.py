"""Builds of cyact by several compilers, timed in turns: time per element of each, and how it compares with the first.

    python asv_benches/compilers.py gcc clang-19               every function, dtype and level, 4,096 and 65,536 elements
    python asv_benches/compilers.py gcc clang-19 --levels x86_64_v4 --dtypes float16 float32 --functions tanh elu
    python asv_benches/compilers.py before/ after/             builds that there are: pip install --no-deps --target before .

A compiler's name makes a build of this checkout; a folder is one that there is. Each build runs in a process of its own, on
one pinned core. A table lists the functions, the slowest beside the first build last; --all lists those that are as fast too.
"""

import argparse
import functools
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1.15        # of the first build's time: from here on a row is listed
# Beside the functions of elements: those of rows, of 64 elements or across 64 rows, and rescale.
OTHERS = {
    "softmax": ("cyact.softmax(x.reshape(-1, 64), out=out.reshape(-1, 64))", ["float16", "float32", "float64"]),
    "softmax across": ("cyact.softmax(x.reshape(64, -1), axis=0, out=out.reshape(64, -1))", ["float32", "float64"]),
    "softmax long": ("cyact.softmax(x, out=out)", ["float32", "float64"]),
    "log_softmax": ("cyact.log_softmax(x.reshape(-1, 64), out=out.reshape(-1, 64))", ["float32", "float64"]),
    "logsumexp": ("cyact.logsumexp(x)", ["float32", "float64"]),
    "rescale": ("cyact.rescale(x, 0.25, -1.0, out=out)", ["uint8", "int16", "int32", "float16", "float32", "float64"]),
}


def serve():
    """Answers each line of input, a call as JSON, with its time in seconds: the minimum of some milliseconds."""
    from benchmarks.common import aligned, drawn, dtype_of
    from measure import Call, Statement, contend, minima, offered_dtypes, offered_functions

    import cyact

    def names(dtype, size):
        x = drawn((size,), dtype_of(dtype), 0)
        result = "float64" if dtype in ("int32", "float64") else "float16" if dtype == "float16" else "float32"
        return {"cyact": cyact, "x": x, "out": aligned(x.astype(result))}

    offered = {function: offered_dtypes(function) for function in offered_functions()}
    offered.update({name: dtypes for name, (_, dtypes) in OTHERS.items()})
    print(json.dumps(offered), flush=True)
    latest, contenders = None, []
    for line in sys.stdin:
        function, dtype, size, seconds = json.loads(line)
        if (function, dtype, size) != latest:
            other = OTHERS.get(function)
            call = Statement(other[0], functools.partial(names, dtype, size)) if other else Call("cyact", function, dtype, size)
            contenders = contend([call], 1)
            latest = function, dtype, size
        print(json.dumps(minima(contenders, seconds, least=3)[0]), flush=True)


class Build:
    """A process that times calls of one build."""

    def __init__(self, folder, level, core):
        environment = {**os.environ, "PYTHONPATH": str(folder), "CYACT_LEVEL": level, "CYACT_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, {core})
        self.offered = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"a build ended with {self.process.wait()}")
        return json.loads(line)

    def time(self, *call):
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def build(compiler, folder):
    """Installs this checkout into a folder, built by a compiler."""
    with tempfile.TemporaryDirectory() as copy:
        # Of its own, since setuptools would take what another compiler has left in build/.
        command = f"git ls-files -z | xargs -0 cp --parents -t {copy}"
        subprocess.run(command, shell=True, cwd=ROOT, check=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), copy],
            env={**os.environ, "CC": compiler, "LDSHARED": f"{compiler} -shared"}, check=True,
        )
    return folder


def compare(folders, level, given):
    """Rows (function, dtype, size, seconds of each build)."""
    builds = [Build(folder, level, max(os.sched_getaffinity(0))) for folder in folders]
    best = {
        (function, dtype, size): [math.inf] * len(builds)
        for function, dtypes in builds[0].offered.items() for dtype, size in itertools.product(dtypes, given.sizes)
        if (not given.functions or function in given.functions) and (not given.dtypes or dtype in given.dtypes)
    }
    # One moment of noise makes a build look slow: where they differ they are timed again, later and with other arrays.
    for _round in range(given.rounds):
        for row, seconds in best.items():
            if max(seconds) <= LIMIT * min(seconds) < math.inf:
                continue
            for _turn, (i, one) in itertools.product(range(given.turns), enumerate(builds)):
                seconds[i] = min(seconds[i], one.time(*row, given.seconds / given.turns))
    for one in builds:
        one.end()
    return [(*row, seconds) for row, seconds in best.items()]


def report(level, names, rows, everything):
    print(f"\n{level}: ns per element of {names[0]}, and the time of {', '.join(names[1:])} beside it")
    for function, dtype, size, best in sorted(rows, key=lambda row: max(row[3]) / row[3][0]):
        ratios = [seconds / best[0] for seconds in best[1:]]
        if everything or max(ratios) > LIMIT:
            print(f"{function:22} {dtype:8} {size:>8,} {best[0] / size * 1e9:8.3f}", *(f"{ratio:6.2f}" for ratio in ratios))
    for i, name in enumerate(names[1:], 1):
        ratios = [best[i] / best[0] for *_, best in rows]
        print(f"{name}: {len(ratios)} rows, geometric mean {statistics.geometric_mean(ratios):.3f}, "
              f"{min(ratios):.2f} to {max(ratios):.2f}, {sum(ratio > LIMIT for ratio in ratios)} above {LIMIT}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("builds", nargs="+", help="compilers, or folders of builds")
    add("--levels", nargs="+", help="default: all that this machine can run, but not the oldest")
    add("--functions", nargs="+")
    add("--dtypes", nargs="+")
    add("--sizes", nargs="+", type=int, default=[4096, 65_536])
    add("--seconds", type=float, default=0.01, help="for one row and build (default 0.01)")
    add("--turns", type=int, default=3, help="in so many turns (default 3)")
    add("--rounds", type=int, default=4, help="later ones over what differs so far (default 4)")
    add("--all", action="store_true", help="list every row")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folders = [name if Path(name).is_dir() else build(name, Path(work) / str(i)) for i, name in enumerate(given.builds)]
        folders = [Path(folder).resolve() for folder in folders]
        for level in given.levels or ["x86_64_v3", "x86_64_v4"]:
            report(level, given.builds, compare(folders, level, given), given.all)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["--serve"] else main()
