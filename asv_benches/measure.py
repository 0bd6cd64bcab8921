"""Times calls side by side: on the same arrays, interleaved, the minimum of many rounds."""

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
from benchmarks import common
from benchmarks.common import ARRAYS, FORMS, activated, aligned, drawn
from peers import MODES, OURS, PEERS, Missing, peer

import cyact

SHAPE = (1000, 1000)
REPEATABLE = 1024       # elements: up to here in-place calls are timed many at a time, on data that stay as they are


def dtype_of(name):
    try:
        return common.dtype_of(name)
    except NotImplementedError:
        raise Missing("no ml_dtypes") from None


def offered_functions():
    return [name for name, form in FORMS.items() if hasattr(cyact, form.row.name)]


def offered_dtypes(function):
    return list(getattr(cyact, FORMS[function].row.name).dtypes)


def result_dtype(function, name):
    """Of the function for a dtype; ``Missing`` where cyact does not have it."""
    if name not in offered_dtypes(function):
        raise Missing(f"no {name} in cyact.{function}")
    ones = np.ones(1, dtype_of(name))
    return computed(Call("cyact", function), {"x": ones, "g": ones}).dtype


@dataclass(frozen=True)
class Call:
    peer: str
    function: str
    dtype: str = "float32"
    size: int = 65_536
    mode: str = "out"
    threads: int = 0        # of cyact; 0 leaves the count alone


def computed(call, inputs):
    """cyact's result in a new array."""
    fresh = replace(call, mode="fresh")
    return eval(OURS.statement(fresh, inputs), OURS.names(fresh, inputs))


class Arrays(dict):
    """What the names of a statement stand for in one call, and how to bring back what the call overwrites."""

    def __init__(self, call, result):
        mode, dtype = MODES[call.mode], dtype_of(call.dtype)
        form, in_place = FORMS[call.function], mode.into == "in-place"
        if in_place and result != dtype:
            raise Missing("its result has another dtype")
        gradient = "g" in map(ARRAYS.get, form.row.inputs)
        shape = SHAPE if mode.layout else (call.size,)
        # Call after call such numbers tend to a limit, which takes as long as they do; those of a domain would leave it.
        stays = in_place and not gradient and not form.domain and call.size <= REPEATABLE
        whole = {"x": activated(form, drawn(shape, dtype, 0, form.domain, positive=stays))}
        if gradient:
            whole["g"] = drawn(shape, dtype, 1)
        overwritten = "g" if gradient else "x"
        self.repeatable = not in_place or stays or self.same_again(call, whole, overwritten)
        self.overwritten = whole[overwritten]
        self.original = None if self.repeatable else self.overwritten.copy()
        whole["scratch"] = aligned(np.zeros(shape, result))
        whole["out"] = self.overwritten if in_place else whole["scratch"]
        views = {id(array): array[mode.layout] if mode.layout else array for array in whole.values()}
        super().__init__({name: views[id(array)] for name, array in whole.items()})

    @staticmethod
    def same_again(call, inputs, overwritten):
        """Whether a second call in place leaves what the first one gave."""
        some = {name: array[:1000] for name, array in inputs.items()}
        once = computed(call, some)
        return np.array_equal(once, computed(call, {**some, overwritten: once}))

    def restore(self):
        if self.original is not None:
            np.copyto(self.overwritten, self.original)


class Contender:
    """One side of a comparison, ready to be timed."""

    repeatable = False      # whether one call may follow another with nothing between

    def installed(self, threads):
        return True

    def prepare(self):
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
        expected = computed(self.call, inputs)
        result = eval(self.statement, self.names)
        given = MODES[self.call.mode].into != "fresh" and self.peer.writes(self.call.function)
        result = self.arrays["out"] if given else self.peer.array(result)
        if result.dtype != expected.dtype:
            raise Missing(f"{self.call.peer} gives {result.dtype}")
        tolerance = 0 if expected.dtype.kind in "iu" else 0.02
        close = np.isclose(result[:1000].astype(float), expected.astype(float), tolerance, tolerance, equal_nan=True)
        # At a kink, which numbers of 16 bits do hit, each library has the slope of the side that it prefers.
        if np.mean(close) < 0.99:
            raise Missing(f"{self.call.peer} gives something else: {self.statement}")


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


class Statement(Contender):
    """A statement with names of its own, which are made when they are first needed."""

    repeatable = True
    timer = None

    def __init__(self, statement, make_names, threads=0):
        self.label, self.make_names, self.threads = statement, make_names, threads

    def installed(self, threads):
        """Whether all is there that the statement names."""
        with contextlib.suppress(Missing):
            self.prepare()
            return True
        return False

    def prepare(self):
        if self.threads:
            cyact.set_num_threads(self.threads)
        if self.timer is None:
            self.timer = timeit.Timer(self.label, globals=self.make_names())
            try:
                self.timer.timeit(1)
            except NameError as error:
                raise Missing(f"no {error.name}") from None

    def time(self, number):
        return self.timer.timeit(number) / number


def contend(calls, threads):
    """Contenders for calls, on the same arrays where they can be. A call that a peer does not offer is left out."""
    arrays, contenders = {}, []
    for call in calls:
        if isinstance(call, Contender):
            contenders += [call] * call.installed(threads)
            continue
        function = "relu" if call.function == "positive" else call.function
        result = result_dtype(function, call.dtype)
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
