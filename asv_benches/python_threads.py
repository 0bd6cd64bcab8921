"""How many calls threads make beside each other, each with arrays of its own, to those of one: for Python without the GIL.

    python asv_benches/python_threads.py [--threads 2] [--size 4096] [--functions relu sigmoid]

As many processes, which share nothing, show what the machine allows.
"""

import argparse
import multiprocessing
import queue
import sys
import threading
import time

import numpy as np

import cyact

PROCESSES = multiprocessing.get_context("spawn")


def work(name, size, calls, start, times):
    """Make the calls, and say when they began and ended."""
    # A cache line between input and output, and a page around both: where the allocator puts small arrays, threads would
    # share lines, and what lies 4 KiB apart waits for each other.
    memory = np.linspace(-9, 9, 2 * size + 2064, dtype="float32")
    x, out = memory[1024:][:size], memory[1040 + size:][:size]
    # A local variable: one of an enclosing function would be behind a lock that all threads take for each call.
    function = getattr(cyact, name)
    start.wait()
    before = time.perf_counter()
    for _ in range(calls):
        function(x, out=out)
    times.put((before, time.perf_counter()))


def rate(name, workers, size, calls, processes=False):
    """Calls a second, of all threads or processes: from the first one's start to the last one's end."""
    start, times = (PROCESSES.Barrier(workers), PROCESSES.Queue()) if processes else (threading.Barrier(workers), queue.Queue())
    make = PROCESSES.Process if processes else threading.Thread
    running = [make(target=work, args=(name, size, calls, start, times)) for _ in range(workers)]
    for worker in running:
        worker.start()
    spans = [times.get() for _ in running]
    for worker in running:
        worker.join()
    return workers * calls / (max(after for _, after in spans) - min(before for before, _ in spans))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--functions", nargs="+", default=["relu", "leaky_relu", "sigmoid", "tanh", "gelu"])
    options = parser.parse_args()
    print(f"Python {sys.version.partition(' (')[0]}, {options.size} elements of float32: calls of {options.threads} to those of one")
    for name in options.functions:
        calls = max(100, int(rate(name, 1, options.size, 100) * 0.02))
        one = threads = processes = 0
        for i in range(options.rounds):
            one = max(one, rate(name, 1, options.size, calls))
            threads = max(threads, rate(name, options.threads, options.size, calls))
            if i % 5 == 0:      # they take long to start
                processes = max(processes, rate(name, options.threads, options.size, 10 * calls, processes=True))
        print(f"{name:12} {1e9 / one:8.0f} ns a call, {threads / one:5.2f} times by threads, {processes / one:5.2f} by processes")


if __name__ == "__main__":
    main()
