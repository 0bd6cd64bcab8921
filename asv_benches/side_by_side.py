"""cyact beside the other libraries that are installed: the same arrays, interleaved, the minimum of many rounds.

    python asv_benches/side_by_side.py                                 a table of every function, dtype and size
    python asv_benches/side_by_side.py --dtypes float32 --markdown     the same for float32, to paste into a page
    python asv_benches/side_by_side.py --call-overhead                 what one call costs, whatever the array
    python asv_benches/side_by_side.py --plot speed.png                time per element against size
    python asv_benches/side_by_side.py --targets                       what the project has set out to reach, and does

Only ratios within one row mean something on a machine that does other work as well. Every peer is optional.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import itertools
import json
import math
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import replace

PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count()))


def pin(processors):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)


def limit_threads():
    """What --threads asks for, in place before any peer is imported.

    Most peers read the environment then; JAX reads nothing but the number of processors it may use.
    """
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_known_args()[0].threads
    for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA", "CYACT"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["JAX_PLATFORMS"] = "cpu"
    pin(PROCESSORS[-threads:])


if __name__ == "__main__":
    limit_threads()

import cyact.dispatch  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.common import LARGE  # noqa: E402
from measure import Call, contend, minima, offered_dtypes, offered_functions  # noqa: E402
from peers import MODES, PEERS, Missing, installed, peer  # noqa: E402
from targets import GROUPS, targets  # noqa: E402

import cyact  # noqa: E402
from cyact.commands import save  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--functions", nargs="+", choices=offered_functions(), metavar="FUNCTION", help="default: all of the package")
    add("--dtypes", nargs="+", help="default: all of the package; for a plot float32")
    add("--sizes", nargs="+", type=int, help="elements; default 16, 4096, 65536 and 2^24; for a plot every power of 4")
    add("--modes", nargs="+", choices=MODES, default=["out"], metavar="MODE",
        help="; ".join(f"{name}: {mode.text}" for name, mode in MODES.items()))
    add("--peers", nargs="+", choices=list(PEERS), help="default: all that are installed")
    add("--threads", type=int, default=1, help="for cyact and every peer (default 1, on one pinned core)")
    add("--seconds", type=float, default=1.0, help="for one row of the table (default 1)")
    add("--rounds", type=int, help="instead of --seconds")
    add("--call-overhead", action="store_true", help="16 float32 elements in every mode that makes a difference")
    add("--targets", nargs="*", choices=GROUPS, metavar="GROUP", help=f"all, or some of {', '.join(GROUPS)}")
    add("--markdown", action="store_true", help="print the table as Markdown")
    add("--json", metavar="FILE", help="write the numbers too")
    add("--plot", metavar="FILE", help="draw time per element against size: the first dtype and mode")
    given = parser.parse_args()
    if given.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib")
    return given


# ---- targets ----

@contextlib.contextmanager
def busy_processor():
    code = f"import os; os.sched_setaffinity(0, [{PROCESSORS[-1]}])\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def missing_peers(target, threads):
    """Raises ``Missing`` where none of the peers to compare with is installed."""
    names = {call.peer for call in target.theirs if isinstance(call, Call)} & set(PEERS)
    if names and not list(installed(names, threads)):
        raise Missing(f"no {' or '.join(sorted(names))} installed")


def judged(target):
    """A line: PASS or MISS, the ratio, its limit, what it is, and both times."""
    missing_peers(target, options.threads)
    contenders = contend([target.ours, *target.theirs], options.threads)
    if len(contenders) == 1:
        raise Missing("no peer offers it")
    with busy_processor() if target.busy else contextlib.nullcontext():
        # Peers that are far behind in the first rounds would only take the time of the others.
        ours, *theirs = minima(contenders, 0, rounds=2)
        near = [other for other, once in zip(contenders[1:], theirs) if once < 2 * min(theirs)]
        ours, *theirs = minima([contenders[0], *near], options.seconds, options.rounds, least=15)
    best = min(theirs)
    ratio = ours / best
    if target.per_element:
        ratio *= near[theirs.index(best)].call.size / target.ours.size
    ratio = round(ratio, 2)
    verdict = "PASS" if ratio <= target.limit else "MISS"
    rival = near[theirs.index(best)].label
    times = f"{1e6 * ours:.4g} us; {rival} {1e6 * best:.4g} us"
    return f"{verdict} {ratio:6.2f} {target.limit:5.2f}  {target.text} ({times})"


def judge(groups):
    for group in groups:
        if group == "threads" and options.threads == 1:
            # Peers take their number of threads when they are imported: another process.
            pin(PROCESSORS)
            command = [sys.executable, __file__, "--targets", "threads", "--threads", "2"]
            subprocess.run([*command, "--seconds", str(options.seconds)], check=False)
            pin(PROCESSORS[-options.threads:])
            continue
        print(f"\n{group}, {threads_text()}: ratio, limit", flush=True)
        for target in targets():
            if target.group == group:
                try:
                    line = judged(target)
                except Missing as error:
                    line = f"SKIP                {target.text}: {error}"
                print(line, flush=True)


# ---- the table ----

def rows(names):
    """Calls, and for each the seconds that those take who make it."""
    few = options.call_overhead or options.plot
    modes = ["in-place", "out", "fresh", "ufunc", "general"] if options.call_overhead else options.modes
    sizes = options.sizes or [16, 4096, 65_536, LARGE]
    if options.call_overhead:
        sizes = [16]
    elif options.plot and not options.sizes:
        sizes = [4**power for power in range(2, 13)]
    for function in options.functions or offered_functions():
        for dtype in options.dtypes or (["float32"] if few else offered_dtypes(function)):
            for mode in modes:
                for size in [500_000] if MODES[mode].layout else sizes:
                    call = Call("cyact", function, dtype, size, mode)
                    with contextlib.suppress(Missing):
                        contenders = contend([replace(call, peer=name) for name in names], options.threads)
                        seconds = minima(contenders, options.seconds, options.rounds)
                        yield call, {contender.label: best for contender, best in zip(contenders, seconds)}


def star(name, function, mode):
    """Marks a peer that gives a fresh array where the mode asks for another."""
    if name not in PEERS or MODES[mode].into == "fresh" or peer(name, options.threads).writes(function):
        return ""
    return "*"


def cells(call, seconds, names):
    """The texts of a row: nanoseconds per element, at 16 elements per call; and cyact's ratios."""
    unit = 1e9 if call.size <= 16 else 1e9 / call.size
    peers = {name: value for name, value in seconds.items() if name not in ("cyact", "copy")}
    best = min(peers, key=peers.get, default=None)
    texts = [call.function, call.dtype, f"{call.size:,}", call.mode]
    for name in names:
        texts.append(f"{seconds[name] * unit:.3g}{star(name, call.function, call.mode)}" if name in seconds else "")
    ours = seconds["cyact"]
    return [*texts, f"{ours / peers[best]:.2f} {best}" if best else "", f"{ours / seconds['copy']:.2f}"]


def table():
    names = ["cyact", *installed(options.peers or PEERS, options.threads), "copy"]
    titles = ["function", "dtype", "size", "mode", *names, "to the best", "to copy"]
    widths = [max(map(len, offered_functions())), 8, 10, 8, *(max(8, len(name)) for name in names), 17, 7]
    records = []

    def line(texts):
        if options.markdown:
            return f"| {' | '.join(texts)} |"
        return "  ".join(text.ljust(w) if i < 4 else text.rjust(w) for i, (text, w) in enumerate(zip(texts, widths)))

    print(line(titles))
    if options.markdown:
        print(line(["---"] * 4 + ["---:"] * (len(titles) - 4)))
    for call, seconds in rows(names):
        print(line(cells(call, seconds, names)), flush=True)
        records.append({
            "function": call.function, "dtype": call.dtype, "size": call.size, "mode": call.mode, "seconds": seconds
        })
    print("\nNanoseconds per element; per call at 16 elements. * cannot write into a given array: gives a fresh one.")
    return records


# ---- the picture ----

COLOURS = {
    "cyact": "#c8102e", "copy": "#222222", "numpy": "#2166ac", "scipy": "#7b5ea7", "numexpr": "#8c6d31",
    "torch": "#e07b00", "tensorflow": "#c2539d", "onnxruntime": "#4d8f3c", "jax": "#1b9e9e", "numba": "#888888",
}
NAMES = {"numpy": "NumPy", "scipy": "SciPy", "tensorflow": "TensorFlow", "onnxruntime": "ONNX Runtime", "jax": "JAX"}


def apart(positions, gap):
    """The positions moved as little as it takes to be a gap apart, in their order."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for _ in range(200):
        for low, high in itertools.pairwise(order):
            overlap = gap - (moved[high] - moved[low])
            if overlap > 1e-9:
                moved[low] -= overlap / 2
                moved[high] += overlap / 2
    return moved


def plot(records, path):
    """Time per element against size: a panel for each function, the lines labelled at their ends."""
    from matplotlib.figure import Figure

    dtype, mode = records[0]["dtype"], records[0]["mode"]
    panels = {}
    for record in records:
        if (record["dtype"], record["mode"]) == (dtype, mode):
            for name, seconds in record["seconds"].items():
                lines = panels.setdefault(record["function"], {})
                lines.setdefault(name, []).append((record["size"], 1e9 * seconds / record["size"]))
    columns = min(2, len(panels))
    count = -(-len(panels) // columns)
    figure = Figure(figsize=(5.4 * columns, 3.6 * count + 0.6))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    axes = figure.subplots(count, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(panels):]:
        axis.set_visible(False)
    for axis, (function, lines) in zip(axes, panels.items()):
        for name, points in lines.items():
            ours = name == "cyact"
            axis.plot(
                *zip(*points), color=COLOURS[name], linewidth=2.8 if ours else 1.3, zorder=3 if ours else 2,
                linestyle=(0, (4, 2)) if name == "copy" else "-", solid_capstyle="round",
            )
        axis.set_title(function, loc="left", fontweight="bold")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        sizes = sorted({x for points in lines.values() for x, _ in points})
        axis.set_xlim(sizes[0] / 1.5, sizes[-1] * 1.5)
        ticks = [size for size in sizes if size.bit_length() % 4 == 1] or sizes
        axis.set_xticks(ticks, [f"{size:,}" for size in ticks])
        axis.yaxis.set_major_formatter(lambda y, _: f"{y:,g}")
        axis.tick_params(labelsize=7.5)
        axis.minorticks_off()
        axis.grid(color="0.9", linewidth=0.7)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    # Labels a line apart, in an axis whose limits are those of all panels.
    low, high = map(math.log10, axes[0].get_ylim())
    for axis, (function, lines) in zip(axes, panels.items()):
        ends = {name: points[-1][1] for name, points in lines.items()}
        heights = apart([(math.log10(y) - low) / (high - low) for y in ends.values()], 0.05)
        for (name, y), height in zip(ends.items(), heights):
            axis.annotate(
                NAMES.get(name, name) + star(name, function, mode), (lines[name][-1][0], y), xytext=(1.05, height),
                textcoords="axes fraction", color=COLOURS[name], va="center", annotation_clip=False,
                fontsize=8.5, fontweight="bold" if name == "cyact" else "normal",
                arrowprops={
                    "arrowstyle": "-", "color": COLOURS[name], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 1,
                    "relpos": (0, 0.5),
                },
            )
    figure.supxlabel(
        "elements. copy: np.copyto of the same array; *: cannot write into a given array, gives a new one",
        fontsize=9, color="0.3",
    )
    figure.supylabel("nanoseconds per element", fontsize=9, color="0.3")
    figure.suptitle(f"{dtype}, {MODES[mode].text}, {threads_text()}; lower is better ({processor()})", fontsize=11)
    save(figure, path, drawing=True)


# ---- all of it ----

def threads_text():
    return "one thread" if options.threads == 1 else f"{options.threads} threads"


def processor():
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def machine():
    versions = [f"cyact {cyact.__version__} ({cyact.dispatch.level_name})", f"Python {platform.python_version()}"]
    for name in [*PEERS, "ml_dtypes"]:
        for distribution in (name, f"{name}-cpu"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                versions.append(f"{name} {importlib.metadata.version(distribution)}")
                break
    return f"{processor()}, {len(PROCESSORS)} processors; {', '.join(versions)}"


def header():
    return f"{machine()}; {threads_text()}"


def write_json(records, path):
    """The numbers, three digits of each, with the command, machine and versions that they come from; a line for each row."""
    for record in records:
        record["seconds"] = {name: float(f"{value:.3g}") for name, value in record["seconds"].items()}
    command = shlex.join(["python", "asv_benches/side_by_side.py", *sys.argv[1:]])
    rows = ",\n".join(map(json.dumps, records))
    with open(path, "w") as file:
        file.write(f'{{"command": {json.dumps(command)},\n"header": {json.dumps(header())},\n"rows": [\n{rows}\n]}}\n')


def main():
    print(header())
    if options.targets is not None:
        judge(options.targets or GROUPS)
        return
    records = table()
    if options.json:
        write_json(records, options.json)
    if options.plot:
        plot(records, options.plot)


if __name__ == "__main__":
    options = arguments()
    np.seterr(all="ignore")     # the formulas overflow on the way to the right result
    cyact.set_num_threads(options.threads)
    main()
