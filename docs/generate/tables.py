"""Tables in reStructuredText, and the figures that were measured: ``data/*.json``, each made by the command in it."""

import json
from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
PEERS = {
    "cyact": "cyact", "numpy": "NumPy", "scipy": "SciPy", "torch": "torch", "tensorflow": "TensorFlow", "jax": "JAX",
    "onnxruntime": "ONNX Runtime", "numexpr": "numexpr", "numba": "numba", "copy": "np.copyto",
}


def table(header: Iterable[str], rows: Iterable[Iterable[str]], *, classes: str = "") -> str:
    """A list-table: its cells may be anything."""
    lines = [".. list-table::", "   :header-rows: 1", *([f"   :class: {classes}"] if classes else []), ""]
    for row in [list(header), *rows]:
        lines += [f"   {'*' if first else ' '} - {cell}".rstrip() for first, cell in zip([True] + [False] * 99, row)]
    return "\n".join(lines) + "\n"


def measured(name: str) -> dict:
    """What a command has measured: its rows, the command, machine and versions."""
    path = DATA / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"rows": [], "command": "", "header": ""}


def source(name: str) -> str:
    """By what command, on what machine, with which versions."""
    data = measured(name)
    return f"By ``{data['command']}``: {data['header']}."


def figure(value: float, digits: int = 3) -> str:
    """A number for a table: three digits; from a million on its magnitude."""
    if value == float("inf"):
        return "∞"
    if value >= 1e6:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.{digits}g}" if value < 1000 else f"{value:,.0f}"


def bold_least(cells: dict[str, float]) -> dict[str, str]:
    """The cells' texts, the least one in bold."""
    least = min(cells.values(), default=None)
    return {name: f"**{figure(value)}**" if value == least else figure(value) for name, value in cells.items()}
