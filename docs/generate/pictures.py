"""The pictures of the pages, each for a light and a dark ground, and what they show in words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

matplotlib.use("agg")

from cyact import plotting  # noqa: E402
from cyact.commands import FUNCTIONS, save  # noqa: E402
from cyact.functions import FUNCTIONS as ROWS  # noqa: E402

STYLES = {
    "light": {"text.color": "#20262e", "axes.facecolor": "#ffffff"},
    "dark": {"text.color": "#e4e8ee", "axes.facecolor": "#14181e"},
}
COMMON = {"svg.hashsalt": "cyact", "font.size": 11, "axes.titlesize": 12}
FLAT = 0.01         # the slope below which the curves are shaded


def draw_both(path: Path, draw: Callable[[], plotting.plt.Figure]) -> None:
    """Writes PATH-light.svg and PATH-dark.svg; ``draw`` draws by the style that is set."""
    for style, settings in STYLES.items():
        ink = settings["text.color"]
        inks = dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"), ink)
        with plotting.plt.rc_context({**COMMON, **settings, **inks}):
            figure = draw()
            figure.savefig(f"{path}-{style}.svg", transparent=True, metadata={"Date": None})
            plotting.plt.close(figure)


def curve(name: str, *, small: bool = False) -> plotting.plt.Figure:
    """The curve of a function with its derivative; small, without a legend, for the gallery."""
    figure, axes = plotting.plt.subplots(figsize=(3.6, 2.7) if small else (7.2, 4.2), layout="constrained")
    plotting.plot(name, axes, derivative=True)
    if small:
        if axes.get_legend():
            axes.get_legend().remove()
        axes.set_title(name)
    return figure


# ---- what a curve shows, in numbers ----

class Shape:
    """A function of one number by what its curve shows, computed by the function itself."""

    def __init__(self, name: str) -> None:
        low, high = ROWS[name].limits
        wide = (low, high) if low == 0 else (-40.0, 40.0)
        self.x = np.linspace(*wide, 80_001)
        self.y = plotting.curve_of(name, self.x, {})
        self.slope = plotting.slope_of(name, self.x, {})
        self.ends = plotting.curve_of(name, np.array([-np.inf, np.inf] if low else wide), {})

    @property
    def values(self) -> tuple[float, float]:
        ends = np.append(self.y, self.ends)
        return float(ends.min()), float(ends.max())

    @property
    def monotone(self) -> bool:
        return bool(np.all(np.diff(self.y) >= 0))

    @property
    def steepest(self) -> str:
        """The largest slope, and where it is, unless that is a whole piece of the curve."""
        size = np.abs(self.slope)
        if not np.isfinite(size.max()):
            return "∞, at the ends"
        places = np.flatnonzero(size >= size.max() * (1 - 1e-9))
        where = "" if len(places) > 2 else f", at {number(self.x[places[0]])}"
        return f"{number(self.slope[places[0]])}{where}"

    @property
    def normal_mean(self) -> float:
        """The mean of the results for inputs that are normally distributed: away from 0, the next layer is shifted."""
        weights = np.exp(-self.x**2 / 2)
        return float(np.sum(self.y * weights) / np.sum(weights))

    def flat(self, below: float) -> list[tuple[float, float]]:
        """The intervals on which the slope is at most so large; an end where the curve is cut off is infinite."""
        inside = np.abs(self.slope) <= below
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        step = self.x[1] - self.x[0]
        intervals = [(self.x[a], self.x[b - 1]) for a, b in edges.reshape(-1, 2) if (b - a) * step > 0.05]
        return [(-np.inf if a == self.x[0] else float(a), np.inf if b == self.x[-1] else float(b)) for a, b in intervals]


def number(value: float) -> str:
    text = f"{round(value, 6):.3g}".replace("inf", "∞").replace("-", "−")
    return "0" if text == "−0" else text


def interval_text(intervals: list[tuple[float, float]]) -> str:
    parts = []
    for low, high in intervals:
        if low == -np.inf:
            parts.append(f"below {number(high)}")
        elif high == np.inf:
            parts.append(f"above {number(low)}")
        else:
            parts.append(f"from {number(low)} to {number(high)}")
    return " and ".join(parts) or "nowhere"


def at_a_glance(name: str) -> dict[str, str]:
    """The facts that the curve shows."""
    shape = Shape(name)
    low, high = shape.values
    facts = {"Values": f"{number(low)} to {number(high)}{'' if shape.monotone else '; not monotone'}"}
    if shape.slope is not None:
        facts["Steepest slope"] = shape.steepest
        facts["Saturated"] = f"{interval_text(shape.flat(FLAT))} (slope below {FLAT})"
        # Not where the slope is 0 by rounding alone, far out.
        dead = [(low, high) for low, high in shape.flat(0.0) if low < 10 and high > -10]
        facts["Dead"] = f"{interval_text(dead)} (slope exactly 0)"
    if ROWS[name].limits[0] != 0:
        facts["Mean of the results"] = f"{number(shape.normal_mean)} for normally distributed inputs"
    return facts


def words(name: str) -> str:
    """The alternative text of a curve."""
    low, high = ROWS[name].limits
    facts = at_a_glance(name)
    text = f"Curve of {name} from {number(low)} to {number(high)}: values {facts['Values']}."
    if "Saturated" in facts:
        text += f" Dashed, its derivative: steepest {facts['Steepest slope']}; shaded where it is below 0.01: "
        text += f"{interval_text(Shape(name).flat(FLAT))}."
    return text


# ---- what was measured ----

def bars(seconds: dict[str, float], unit: str, scale: float) -> plotting.plt.Figure:
    figure, axes = plotting.plt.subplots(figsize=(7.2, 0.5 + 0.34 * len(seconds)), layout="constrained")
    plotting.bars({name: value * scale for name, value in seconds.items()}, axes, unit=unit)
    return figure


def history(rows: list[dict]) -> plotting.plt.Figure:
    """The lines of one series: nanoseconds at each commit, for each function."""
    figure, ax = plotting.plt.subplots(figsize=(5.4, 3.6), layout="constrained")
    for row, color in zip(rows, plotting.plt.get_cmap("tab10").colors):
        points = [(i, value) for i, value in enumerate(row["nanoseconds"], 1) if value is not None]
        ax.plot(*zip(*points), color=color, marker="o", markersize=3, linewidth=1.4, label=row["function"])
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0.8 * ax.dataLim.y0, 1.25 * ax.dataLim.y1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.15)
    ax.tick_params(labelsize="small", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(rows[0]["series"], fontsize="medium")
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize="small")
    return figure


def draw_curves(folder: Path) -> None:
    for name in FUNCTIONS:
        draw_both(folder / name, partial(curve, name))
        draw_both(folder / f"{name}-small", partial(curve, name, small=True))
    for style in STYLES:
        save(plotting.poster(style), f"{folder}/poster-{style}.png", drawing=True)
        plotting.plt.close("all")
