"""The pages that are made: one for each function, the gallery, and the tables that the written pages include."""

import io
import os
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path

import numpy as np

import cyact
from cyact.__main__ import COMMANDS, main
from cyact.commands import FIRST
from cyact.commands import FUNCTIONS as CURVES

from . import pictures
from .mathematics import formulas, latex
from .subjects import GRADIENTS, NAMES, all_forms, arrays, forms, notes, page_of, required, summary
from .tables import PEERS, bold_least, figure, measured, source, table
from .translations import FRAMEWORKS, PAIRS, function_of, pairs

FLOATS = ("float16", "float32", "float64")
INTEGERS = tuple(f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u"))
ASV = Path(__file__).parents[2] / "asv_benches/html"       # what ``asv publish`` has made, if it has
SPECIAL = {"NaN": np.nan, "−∞": -np.inf, "−1": -1.0, "−0.0": -0.0, "0.0": 0.0, "1": 1.0, "∞": np.inf}


def heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def both(image: str, alt: str, *, target: str = "") -> str:
    """An image for either ground; the theme shows one of the two."""
    lines = []
    for style in ("light", "dark"):
        lines += [f".. image:: /pictures/{image}-{style}.svg", f"   :class: only-{style}", f"   :alt: {alt}"]
        lines += [f"   :target: {target}"] if target else []
        lines.append("")
    return "\n".join(lines)


def mathematics(name: str) -> str:
    """The formula, or that of each of its forms."""
    found, count = formulas(summary(name)) + formulas(notes(name)), len(forms(name))
    if not found and name in CURVES:
        raise ValueError(f"neither summary nor notes of {name} have a formula between double backquotes")
    if name not in NAMES:
        count = 1
    return "\n".join(f".. math:: {latex(expression)}\n" for expression in found[:count])


# ---- the parts of a function's page ----

def shown(value: np.generic) -> str:
    return "NaN" if np.isnan(value) else f"{value:.6g}".replace("inf", "∞").replace("-", "−")


def special_values(name: str) -> str:
    """Computed as the page is made, in float32."""
    if name not in CURVES:
        return ""
    x = np.array(list(SPECIAL.values()), "float32")
    rows = [[f"``{name}(x)``", *map(shown, getattr(cyact, name)(x))]]
    if name in GRADIENTS:
        rows.append(["its derivative", *map(shown, pictures.plotting.slope_of(name, x, {}))])
    return heading("Values of note", "-") + "\n" + table(["x", *SPECIAL], rows, classes="numbers")


def result_dtype(name: str, dtype: str) -> str:
    """Of the function for this dtype; a parameter without a default is 1."""
    numbers = [1.0] * (required(name) - arrays(name))
    try:
        return getattr(cyact, name)(*[np.ones(2, dtype)] * arrays(name), *numbers).dtype.name
    except TypeError:
        return "``TypeError``"


def dtypes(name: str) -> str:
    """What each dtype gives, asked of the functions themselves."""
    names = [name, *filter(None, [GRADIENTS.get(name)])]
    row_of = {}
    for dtype in (*FLOATS, *INTEGERS):
        results = tuple(result_dtype(n, dtype) for n in names)
        same = tuple("the same" if result == dtype else result for result in results)
        row_of.setdefault(same, []).append(dtype)
    # bfloat16 is ml_dtypes's, which need not be here; every function treats it as float16.
    rows = [[", ".join([*given, "bfloat16"] if "float16" in given else given), *results] for results, given in row_of.items()]
    return heading("Dtypes", "-") + "\n" + table(["of the input", *(f"``{n}``" for n in names)], rows)


def by_peer(rows: list[tuple[list[str], dict[str, float]]], first: Iterable[str]) -> str:
    """A table with a column for each library that some row has; the least of each row is bold, a copy is no competitor."""
    peers = [peer for peer in PEERS if any(peer in cells for _, cells in rows)]
    lines = []
    for start, cells in rows:
        texts = bold_least({peer: value for peer, value in cells.items() if peer != "copy"})
        texts |= {"copy": figure(cells["copy"])} if "copy" in cells else {}
        lines.append([*start, *(texts.get(peer, "") for peer in peers)])
    return table([*first, *(PEERS[peer] for peer in peers)], lines, classes="numbers")


def error_rows(functions: Iterable[str]) -> list[tuple[list[str], dict[str, float]]]:
    rows = []
    for name in functions:
        for dtype in ("float32", "float64"):
            cells = {
                row["library"]: row["max_ulp"] for row in measured("accuracy")["rows"]
                if (row["function"], row["dtype"]) == (name, dtype)
            }
            rows += [([f"``{name}``", dtype], cells)] if cells else []
    return rows


def error_rows_along_axis(functions: Iterable[str]) -> list[tuple[list[str], dict[str, float]]]:
    """Those of functions along an axis, for each kind of rows."""
    found = {}
    for row in measured("accuracy_along_axis")["rows"]:
        if row["function"] in functions:
            found.setdefault((f"``{row['function']}``", row["dtype"], row["rows"]), {})[row["library"]] = row["max_ulp"]
    return [([*start], cells) for start, cells in found.items()]


def errors(name: str) -> str:
    rows, first = error_rows(all_forms(name)), ["", ""]
    if not rows:
        rows, first = error_rows_along_axis([name]), ["", "", "rows"]
    if not rows:
        return ""
    text = "The largest error found, in units of the last place (ULP) of the exact value; :doc:`more </accuracy>`."
    return f"{heading('Error', '-')}\n{text}\n\n{by_peer(rows, first)}"


def speed_of(form: str, size: int, dtype: str = "float32") -> dict[str, float]:
    """Seconds per call of each library."""
    for row in measured("speed")["rows"]:
        if (row["function"], row["dtype"], row["size"]) == (form, dtype, size):
            return row["seconds"]
    return {}


SPEED_SIZE = 65_536


def speed_picture(form: str, folder: Path) -> dict[str, float]:
    """Draws the bars of a function, and returns nanoseconds per element."""
    nanoseconds = {PEERS[peer]: 1e9 * s / SPEED_SIZE for peer, s in speed_of(form, SPEED_SIZE).items()}
    if nanoseconds:
        pictures.draw_both(folder / f"{form}-speed", lambda: pictures.bars(nanoseconds, "nanoseconds per element", 1))
    return nanoseconds


def speed(name: str, folder: Path) -> str:
    nanoseconds = speed_picture(name, folder)
    if not nanoseconds:
        return ""
    ordered = sorted(nanoseconds.items(), key=lambda item: item[1])
    alt = f"Bars: nanoseconds per element of {name}: " + ", ".join(f"{peer} {figure(value)}" for peer, value in ordered) + "."
    rows = []
    for form in all_forms(name):
        for size in sorted({row["size"] for row in measured("speed")["rows"]}):
            per = 1e9 if size <= 16 else 1e9 / size
            cells = {peer: value * per for peer, value in speed_of(form, size).items()}
            rows += [([f"``{form}``", f"{size:,}"], cells)] if cells else []
    text = f"{SPEED_SIZE:,} elements of float32 into a given array, one thread. :doc:`How it was measured </speed>`."
    below = "Nanoseconds per element; at 16 elements, per call:"
    return "\n".join([
        heading("Speed", "-"), text, "", both(f"{name}-speed", alt), below, "", by_peer(rows, ["", "elements"]),
    ])


def elsewhere(name: str) -> str:
    names = {name, GRADIENTS.get(name)}
    rows = [
        [FRAMEWORKS[framework], f"``{theirs}``", f"``{ours}``"]
        for framework in PAIRS for theirs, ours in pairs(framework) if function_of(ours) in names
    ]
    if not rows:
        return ""
    text = "What gives the same elsewhere, with the defaults that each has (:doc:`all of them </frameworks>`):"
    return f"{heading('Names elsewhere', '-')}\n{text}\n\n{table(['', 'there', 'here'], rows)}"


def function_page(name: str, folder: Path) -> str:
    parts = [f".. _{name}:", "", heading(name, "="), ".. currentmodule:: cyact", "", summary(name), "", mathematics(name)]
    if name in CURVES:
        parts += [both(name, pictures.words(name))]
        facts = [[f"**{fact}**", text] for fact, text in pictures.at_a_glance(name).items()]
        parts += [table(["At a glance", ""], facts, classes="glance")]
    parts += [special_values(name), dtypes(name), errors(name), speed(name, folder), elsewhere(name)]
    parts += [heading("Reference", "-"), f".. autofunction:: cyact.{name}", ""]
    if name in GRADIENTS:
        gradient = GRADIENTS[name]
        parts += [heading("Gradient", "-"), mathematics(gradient), f".. autofunction:: cyact.{gradient}", ""]
    return "\n".join(parts)


# ---- pages of all functions ----

def tiles(names: Iterable[str], pages: str) -> str:
    """A picture for each function, or its name where there is no curve, that leads to its page."""
    parts = []
    for name in names:
        inner = f":doc:`{name} <{pages}{name}>`"
        if name in CURVES:
            inner = both(f"{name}-small", pictures.words(name), target=f"{pages}{name}.html")
        parts += [".. container:: tile", "", indented(inner), ""]
    return "\n".join(parts)


def indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())


def front() -> str:
    """Some of the curves, for the first page."""
    return tiles(("relu", "leaky_relu", "gelu", "silu", "sigmoid", "tanh", "softplus", "mish"), "functions/")


def dtypes_table() -> str:
    """The rule for results, by which functions go by it."""
    columns = {}
    for name in CURVES:
        results = tuple(result_dtype(name, dtype) for dtype in ("float32", "uint8", "int32"))
        columns.setdefault(results, []).append(f":doc:`{name} <functions/{name}>`")
    few, many = sorted(columns.items(), key=lambda item: len(item[1]))
    header = ["of the input", ", ".join(few[1]), "the others"]
    rows = [
        ["float16, float32, float64, bfloat16 (of ml_dtypes)", "the same", "the same"],
        ["int8, int16, uint8, uint16", "the same", many[0][1]],
        ["int32, int64, uint32, uint64", "the same", many[0][2]],
        ["bool, complex, longdouble, object, string, datetime", "``TypeError``", "``TypeError``"],
    ]
    return table(header, rows)


def first() -> str:
    """The curves that "choosing a function" begins with."""
    return grid(both(name, pictures.words(name), target=f"functions/{name}.html") for name in FIRST)


def history(folder: Path) -> str:
    """Pictures of the project's history, and what each point on them is."""
    data, panels = measured("history"), []
    for i, series in enumerate(dict.fromkeys(row["series"] for row in data["rows"])):
        rows = [row for row in data["rows"] if row["series"] == series]
        pictures.draw_both(folder / f"history-{i}", partial(pictures.history, rows))
        ends = {row["function"]: [time for time in row["nanoseconds"] if time is not None] for row in rows}
        alt = f"{series}, at commits from the first to the last that has the function. "
        alt += "; ".join(f"{name} {times[0]:g} at first, {times[-1]:g} at last" for name, times in ends.items())
        panels.append(both(f"history-{i}", alt))
    commits = [[str(i), f"``{commit['commit']}``", commit["subject"].replace("`", "")] for i, commit in enumerate(data["commits"], 1)]
    text = source("history")
    if ASV.exists():
        text += " `asv's own pages <asv/index.html>`__ have each benchmark; they need a server and the network."
    return "\n".join([grid(panels), text, "", table(["", "commit", ""], commits)])


def grid(images: Iterable[str]) -> str:
    """As many beside each other as there is room for."""
    cells = "\n".join(f".. container:: panel\n\n{indented(image)}\n" for image in images)
    return f".. container:: panels\n\n{indented(cells)}\n"


def gallery() -> str:
    index = [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in NAMES)]
    text = (
        "Every function with its derivative (dashed); shaded is where the derivative is below 0.01, and next to nothing is "
        "learned. Each picture leads to the function's page: formula, dtypes, special values, error, speed, names elsewhere."
    )
    inner = indented(tiles(NAMES, ""))
    return "\n".join([heading("Functions", "="), text, "", ".. container:: gallery", "", inner, "", *index, ""])


def choosing_table() -> str:
    rows = []
    for name in CURVES:
        facts = pictures.at_a_glance(name)
        nanoseconds = 1e9 * speed_of(name, SPEED_SIZE).get("cyact", np.nan) / SPEED_SIZE
        rows.append([
            f":doc:`{name} <functions/{name}>`", facts["Values"], facts.get("Steepest slope", "—"),
            facts.get("Saturated", "—").partition(" (")[0], facts.get("Dead", "—").partition(" (")[0],
            facts.get("Mean of the results", "—").partition(" for")[0], "—" if np.isnan(nanoseconds) else figure(nanoseconds, 2),
        ])
    header = ["", "values", "steepest slope", "slope below 0.01", "slope 0", "mean for N(0, 1)", "ns per element"]
    return table(header, rows, classes="numbers")


def speed_table() -> str:
    rows = []
    for name in (form for n in NAMES for form in all_forms(n)):
        cells = {peer: 1e9 * value / SPEED_SIZE for peer, value in speed_of(name, SPEED_SIZE).items()}
        rows += [([f"``{name}``"], cells)] if cells else []
    return by_peer(rows, [""]) + f"\n{source('speed')}\n"


def accuracy_table() -> str:
    rows = error_rows(form for n in NAMES for form in all_forms(n))
    every = "cyact's of float32 are of every float32. " if "--exhaustive" in measured("accuracy")["command"] else ""
    return by_peer(rows, ["", ""]) + f"\n{every}{source('accuracy')}\n" if rows else ""


def accuracy_along_axis_table() -> str:
    rows = error_rows_along_axis(NAMES)
    return by_peer(rows, ["", "", "rows"]) + f"\n{source('accuracy_along_axis')}\n"


def framework_tables() -> str:
    parts = []
    for framework, name in FRAMEWORKS.items():
        rows = [[f"``{theirs}``", f":doc:`{ours} <functions/{page_of(function_of(ours))}>`"] for theirs, ours in pairs(framework)]
        parts += [heading(f"Coming from {name}", "-"), table(["there", "here"], rows)]
    return "\n".join(parts)


def command_line() -> str:
    """Each command's own help."""
    parts = []
    os.environ["COLUMNS"] = "90"    # whatever the terminal that builds the site
    for command in (module.__name__.rpartition(".")[2] for module in COMMANDS):
        text = io.StringIO()
        with redirect_stdout(text), suppress(SystemExit):
            main([command, "--help"])
        parts += [heading(command, "-"), ".. code-block:: text", "", indented(text.getvalue()), ""]
    return "\n".join(parts)


def write(path: Path, text: str) -> None:
    """Only what has changed: Sphinx reads again what is newer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(docs: Path) -> None:
    folder = docs / "pictures"
    folder.mkdir(exist_ok=True)
    pictures.draw_curves(folder)
    for name in NAMES:
        write(docs / f"functions/{name}.rst", function_page(name, folder))
    write(docs / "functions/index.rst", gallery())
    tables = {
        "front": front(), "first": first(), "dtypes": dtypes_table(), "choosing": choosing_table(),
        "frameworks": framework_tables(), "commands": command_line(),
        "accuracy": accuracy_table(), "accuracy_along_axis": accuracy_along_axis_table(), "speed": speed_table(),
        "history": history(folder),
    }
    for name, text in tables.items():
        write(docs / f"tables/{name}.txt", text)
