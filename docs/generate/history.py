"""The project's own history: what asv has measured at its commits, as ``data/history.json``.

    cd asv_benches && asv run HASHFILE:commits --bench 'Calls.time_out|Sizes.time_out|Dtypes.time_out'
    python docs/generate/history.py

A commit that does not have a function has no number for it.
"""

import itertools
import json
import math
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs/data/history.json"
ELEMENTS = 2**24

# What is shown: asv's benchmark, its last parameter, what to divide the seconds by.
SERIES = {
    "16 elements, float32: nanoseconds per call": ("calls.Calls.time_out", None, 1000),
    "4,096 elements, float32: nanoseconds per element": ("arrays.Sizes.time_out", "4096", ELEMENTS),
    "65,536 elements, float32: nanoseconds per element": ("arrays.Sizes.time_out", "65536", ELEMENTS),
    "65,536 elements, float64: nanoseconds per element": ("arrays.Dtypes.time_out", "'float64'", 65_536),
    "65,536 elements, float16: nanoseconds per element": ("arrays.Dtypes.time_out", "'float16'", 65_536),
    "65,536 elements, uint8: nanoseconds per element": ("arrays.Dtypes.time_out", "'uint8'", 65_536),
}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def values(results: dict, benchmark: str, last: str | None) -> dict[str, float]:
    """Seconds by function."""
    if benchmark not in results:
        return {}
    numbers, parameters = results[benchmark][:2]
    cells = zip(itertools.product(*parameters), numbers or [], strict=False)
    return {
        cell[0].strip("'"): number for cell, number in cells
        if number is not None and not math.isnan(number) and (last is None or cell[1] == last)
    }


def collect(folder: Path) -> dict:
    files = [json.loads(path.read_text()) for path in folder.glob("*/*-*.json")]
    files.sort(key=lambda file: int(git("rev-list", "--count", file["commit_hash"])))
    commits = [
        {"commit": file["commit_hash"][:7], "subject": git("log", "-1", "--format=%s", file["commit_hash"])} for file in files
    ]
    rows = []
    for title, (benchmark, last, divisor) in SERIES.items():
        by_commit = [values(file["results"], benchmark, last) for file in files]
        for function in dict.fromkeys(itertools.chain.from_iterable(by_commit)):
            times = [found.get(function) for found in by_commit]
            nanoseconds = [None if time is None else float(f"{1e9 * time / divisor:.3g}") for time in times]
            rows.append({"series": title, "function": function, "nanoseconds": nanoseconds})
    machine = files[0]["params"]
    header = f"{machine['cpu']}, {machine['num_cpu']} processors; Python {machine['python']}; asv"
    return {"command": "python docs/generate/history.py", "header": header, "commits": commits, "rows": rows}


def main() -> None:
    data = collect(ROOT / "asv_benches/results")
    lines = {key: ",\n".join(map(json.dumps, data[key])) for key in ("commits", "rows")}
    head = json.dumps({key: data[key] for key in ("command", "header")})[:-1]
    DATA.write_text(f'{head},\n"commits": [\n{lines["commits"]}\n],\n"rows": [\n{lines["rows"]}\n]}}\n')


if __name__ == "__main__":
    main()
