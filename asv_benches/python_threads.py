"""How many calls threads make beside each other, each with arrays of its own, to those of one: for Python without the GIL.

    python asv_benches/python_threads.py [--threads 2] [--size 4096] [--functions relu sigmoid]
"""

import argparse
import sys
import threading
import time

import numpy as np

import cyact


def rate(function, threads, size, calls):
    """Calls a second, of all threads: from the first one's start to the last one's end, as they take the time themselves."""
    start, times = threading.Barrier(threads), []

    # The function is an argument: a variable of the enclosing function would be behind a lock that all threads take for each call.
    def work(function):
        # A cache line between input and output, and a page around both: where the allocator puts small arrays, threads would
        # share lines, and what lies 4 KiB apart waits for each other.
        memory = np.linspace(-9, 9, 2 * size + 2064, dtype="float32")
        x, out = memory[1024:][:size], memory[1040 + size:][:size]
        start.wait()
        before = time.perf_counter()
        for _ in range(calls):
            function(x, out=out)
        times.append((before, time.perf_counter()))

    running = [threading.Thread(target=work, args=[function]) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return threads * calls / (max(after for _, after in times) - min(before for before, _ in times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--functions", nargs="+", default=["relu", "leaky_relu", "sigmoid", "tanh", "gelu"])
    options = parser.parse_args()
    print(f"Python {sys.version.partition(' (')[0]}, {options.size} elements of float32")
    for name in options.functions:
        function = getattr(cyact, name)
        calls = max(100, int(rate(function, 1, options.size, 100) * 0.02))
        best = [0, 0]
        for _ in range(options.rounds):
            for i, threads in enumerate((1, options.threads)):
                best[i] = max(best[i], rate(function, threads, options.size, calls))
        print(f"{name:12} {1e9 / best[0]:8.0f} ns a call, {best[1] / best[0]:5.2f} times the calls")


if __name__ == "__main__":
    main()
