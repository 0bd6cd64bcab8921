"""Times calls side by side: on the same arrays, interleaved, the minimum of many rounds.

Run as a program it times one call of cyact on demand, for a parent that has another instruction-set level.
"""

import contextlib
import itertools
import math
import os
import subprocess
import sys
import time
import timeit
from dataclasses import dataclass, replace

import numpy as np
from benchmarks.common import aligned
from peers import MODES, OURS, PEERS, Missing, peer

import cyact
import cyact.cpu

SHAPE = (1000, 1000)
REPEATABLE = 1024       # elements: up to here in-place calls are timed many at a time, on data that stay as they are
LARGE = 2**24


def dtype_of(name):
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError:
            raise Missing("no ml_dtypes") from None
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def result_dtype(function, name):
    """Of the function for a dtype; ``Missing`` where cyact does not have it."""
    if not hasattr(cyact, function):
        raise Missing(f"no cyact.{function} yet")
    ones = np.ones(1, dtype_of(name))
    with contextlib.suppress(TypeError):
        dtype = getattr(cyact, function)(*[ones] * (2 if function.endswith("_grad") else 1)).dtype
        # Without loops of its own for it, NumPy computes bfloat16 in float32.
        if name != "bfloat16" or dtype == ones.dtype:
            return dtype
    raise Missing(f"no {name} in cyact.{function} yet")


def offered_functions():
    return [name for name in cyact.ufuncs.functions if hasattr(cyact, name)]


def offered_dtypes(function):
    names = dict.fromkeys(np.dtype(types[0]).name for types in cyact.ufuncs.functions[function].ufunc.types)
    with contextlib.suppress(Missing):
        result_dtype(function, "bfloat16")
        names["bfloat16"] = None
    return list(names)


@dataclass(frozen=True)
class Call:
    peer: str
    function: str
    dtype: str = "float32"
    size: int = 65_536
    mode: str = "out"
    threads: int = 0        # of cyact; 0 leaves the count alone
    level: str = ""         # of cyact, in another process


def values(shape, dtype, seed, positive=False):
    random = np.random.default_rng(seed)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return aligned(random.integers(0 if positive else info.min, info.max, shape, dtype, endpoint=True))
    normal = random.standard_normal(shape, np.float32) * 3
    return aligned((abs(normal) if positive else normal).astype(dtype))


class Arrays(dict):
    """What the names of a statement stand for in one call, and how to bring back what the call overwrites."""

    def __init__(self, call, result):
        mode, dtype = MODES[call.mode], dtype_of(call.dtype)
        in_place, gradient = mode.into == "in-place", call.function.endswith("_grad")
        if in_place and result != dtype:
            raise Missing("its result has another dtype")
        shape = SHAPE if mode.layout else (call.size,)
        same_again = call.function in ("relu", "relu_grad")
        stays = in_place and not same_again and not gradient and call.size <= REPEATABLE
        self.repeatable = not in_place or same_again or stays
        whole = {"x": values(shape, dtype, 0, positive=stays)}
        if gradient:
            whole["g"] = values(shape, dtype, 1)
        overwritten = whole["g" if gradient else "x"]
        whole["scratch"] = aligned(np.zeros(shape, result))
        whole["out"] = overwritten if in_place else whole["scratch"]
        self.overwritten, self.original = overwritten, None if self.repeatable else overwritten.copy()
        views = {id(array): array[mode.layout] if mode.layout else array for array in whole.values()}
        super().__init__({name: views[id(array)] for name, array in whole.items()})

    def restore(self):
        if self.original is not None:
            np.copyto(self.overwritten, self.original)


class Contender:
    """One side of a comparison, ready to be timed."""

    repeatable = False      # whether one call may follow another with nothing between

    def prepare(self):
        pass

    def close(self):
        pass

    def time(self, number):
        """Seconds per call, of a number of calls."""
        raise NotImplementedError


class Here(Contender):
    """A call in this process."""

    def __init__(self, call, arrays, threads):
        self.call, self.arrays, self.label = call, arrays, call.peer
        self.peer = peer(call.peer, threads)
        if call.peer in PEERS and call.function not in self.peer.statements:
            raise Missing(f"{call.peer} has no {call.function}")
        self.names = self.peer.names(call, arrays)
        self.statement = self.peer.statement(call, arrays)
        self.timer = timeit.Timer(self.statement, globals=self.names)
        self.repeatable = arrays.repeatable

    def prepare(self):
        if self.call.threads:
            cyact.set_num_threads(self.call.threads)
        self.arrays.restore()

    def time(self, number):
        return self.timer.timeit(number) / number

    def check(self):
        """Compares the result with cyact's: a row of numbers for different things would be worse than none."""
        self.prepare()
        inputs = {name: self.arrays[name][:1000].copy() for name in ("x", "g") if name in self.arrays}
        fresh = replace(self.call, mode="fresh")
        expected = eval(OURS.statement(fresh, inputs), OURS.names(fresh, inputs))
        result = eval(self.statement, self.names)
        given = MODES[self.call.mode].into != "fresh" and self.peer.writes
        result = self.arrays["out"] if given else self.peer.array(result)
        if result.dtype != expected.dtype:
            raise Missing(f"{self.call.peer} gives {result.dtype}")
        tolerance = 0 if expected.dtype.kind in "iu" else 0.02
        np.testing.assert_allclose(
            result[:1000].astype(float), expected.astype(float), rtol=tolerance, atol=tolerance, err_msg=self.statement
        )


class Elsewhere(Contender):
    """A call of cyact at another level, in a process of its own."""

    repeatable = True

    def __init__(self, call):
        if call.level not in cyact.cpu.levels():
            raise Missing(f"this machine cannot run {call.level}")
        self.label = call.level
        self.process = subprocess.Popen(
            [sys.executable, __file__, call.function, call.dtype, str(call.size), call.mode],
            env={**os.environ, "CYACT_LEVEL": call.level}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def time(self, number):
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.communicate()


def serve(function, dtype, size, mode):
    call = Call("cyact", function, dtype, int(size), mode)
    contender = Here(call, Arrays(call, result_dtype(function, dtype)), threads=1)
    for line in sys.stdin:
        print(contender.time(int(line)), flush=True)


class Import(Contender):
    """What importing cyact takes where NumPy is imported already."""

    code = "import numpy, time; start = time.perf_counter(); import cyact; print(time.perf_counter() - start)"

    def time(self, number):
        # Elsewhere than in the checkout, whose folder cyact would be the one imported.
        folder = os.path.dirname(os.path.abspath(__file__))
        run = subprocess.run([sys.executable, "-c", self.code], capture_output=True, text=True, check=True, cwd=folder)
        return float(run.stdout)


class Fixed(Contender):
    """A time to compare with."""

    label = "the unit,"

    def __init__(self, seconds):
        self.seconds = seconds

    def time(self, number):
        return self.seconds


def contend(calls, threads):
    """Contenders for calls, on the same arrays where they can be. A call that a peer does not offer is left out."""
    arrays, contenders = {}, []
    for call in calls:
        if isinstance(call, Contender):
            contenders.append(call)
            continue
        function = "relu" if call.function == "positive" else call.function
        result = result_dtype(function, call.dtype)
        if call.level:
            contenders.append(Elsewhere(call))
            continue
        key = replace(call, peer="", function=function, threads=0), result
        if key not in arrays:
            arrays[key] = Arrays(key[0], result)
        if call.peer in ("cyact", "copy") or call.function == "positive":
            contenders.append(Here(call, arrays[key], threads))
            continue
        # Whatever a peer raises for a dtype or a layout that it does not take.
        with contextlib.suppress(Exception):
            contender = Here(call, arrays[key], threads)
            contender.check()
            contenders.append(contender)
    return contenders


def minima(contenders, seconds, rounds=None, least=5):
    """Seconds per call of each: the minimum over rounds in which each is timed once, at least some of them."""
    numbers = []
    for contender in contenders:
        once = math.inf
        for _ in range(2):
            contender.prepare()
            once = min(once, contender.time(1))
        numbers.append(max(1, min(10_000, int(100e-6 / once))) if contender.repeatable else 1)
    best = [math.inf] * len(contenders)
    stop = time.perf_counter() + seconds
    for turn in itertools.count():
        if turn == rounds or rounds is None and turn >= least and time.perf_counter() > stop:
            return best
        for i in range(len(contenders)):
            i = (i + turn) % len(contenders)
            contenders[i].prepare()
            best[i] = min(best[i], contenders[i].time(numbers[i]))


if __name__ == "__main__":
    serve(*sys.argv[1:])
