"""Curves of the activation functions and of their derivatives, drawn with matplotlib."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import cyact
from cyact.functions import ACTIVATIONS, FUNCTIONS, GRADIENTS

try:
    from matplotlib import pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import FixedLocator
except ImportError as error:
    raise ImportError(f"cyact.plotting needs matplotlib, try: pip install cyact[plot] ({error})") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot", "plot_all", "poster"]

COLORS = dict(zip(ACTIVATIONS, itertools.cycle(["#c8324b", "#d97706", "#158c9c", "#8b63c4"])))

def _ink(strength: float) -> tuple[Any, float]:
    """The style's colour of text, on a light or a dark ground, so strong."""
    return plt.rcParams["text.color"], strength


_VANISHED = 0.01    # a derivative as small as this passes next to nothing back


def _own(name: str, parameters: dict[str, float]) -> dict[str, float]:
    """Those of the parameters that a function has, with its defaults for the others."""
    return {key: parameters.get(key, default) for key, default in FUNCTIONS[name].defaults.items()}


def curve_of(name: str, x: np.ndarray, parameters: dict[str, float]) -> Any:
    return getattr(cyact, name)(x, **_own(name, parameters))


def slope_of(name: str, x: np.ndarray, parameters: dict[str, float]) -> Any:
    """By the function's gradient, from its input or from its output; None where there is no gradient."""
    if name not in GRADIENTS:
        return None
    ones, y = np.ones_like(x), curve_of(name, x, parameters)
    given = {"gradients": ones, "dy": ones, "features": x, "outputs": y, "y": y}
    gradient = FUNCTIONS[GRADIENTS[name]]
    inputs = {key: given[key] for key in gradient.inputs}
    return getattr(cyact, gradient.name)(**inputs, **_own(gradient.name, parameters))


def plot(
    function: str | Callable[..., Any],
    ax: Axes | None = None,
    *,
    limits: tuple[float, float] | None = None,
    derivative: bool = False,
    **parameters: float,
) -> Axes:
    """Draw the curve of an activation function.

    Parameters
    ----------
    function : str or callable
        A function of this package, such as ``cyact.relu``, or its name.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the current axes, as pyplot has them.
    limits : (float, float), optional
        The ends of the horizontal axis. By default those that suit the function, -10 and 10 for most.
    derivative : bool, default False
        Draw the derivative as well, where there is a gradient function, and shade where it is below 0.01: where a unit
        is saturated or dead and learns nothing.
    **parameters : float
        Those that the function has, such as the slope ``alpha`` of ``leaky_relu``; others are not used.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn on.

    Examples
    --------
    >>> import cyact.plotting
    >>> ax = cyact.plotting.plot("tanh", limits=(-4, 4), derivative=True)
    >>> ax.figure.savefig("tanh.png")
    """
    name = function if isinstance(function, str) else getattr(function, "__name__", repr(function))
    if name not in ACTIVATIONS:
        raise ValueError(f"no curve for {name!r}; there are {', '.join(ACTIVATIONS)}")
    low, high = limits or FUNCTIONS[name].limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"limits must be two finite numbers, the smaller first, not {low} and {high}")
    x = np.linspace(low, high, 1001)
    if low < 0 < high:
        # The bend of relu exactly at 0, and the step of its derivative upright.
        x = np.sort(np.append(x, (0.0, np.nextafter(0.0, 1.0))))
    ax = plt.gca() if ax is None else ax
    color = COLORS[name]
    frame(ax, low, high)
    y = curve_of(name, x, parameters)
    ax.plot(x, y, color=color, linewidth=2.4, label=f"{name}(x)", zorder=3)
    slope = slope_of(name, x, parameters) if derivative else None
    if slope is not None:
        ax.plot(x, slope, color=_ink(0.75), linewidth=1.5, linestyle=(0, (4, 2)), label="derivative", zorder=4)
        vanished = np.abs(slope) < _VANISHED
        if vanished.any():
            ax.fill_between(
                x, 0, 1, where=vanished, transform=ax.get_xaxis_transform(), color=_ink(0.08), linewidth=0,
                label=f"derivative below {_VANISHED}", zorder=0,
            )
        legend = ax.legend(loc="upper left", fontsize="small")
        legend.get_frame().set(alpha=None, edgecolor=_ink(0.15))
    if slope is not None and slope.max() > 20 * np.ptp(y[np.isfinite(y)]):
        # A derivative without bounds would flatten the curve.
        top = 1.1 * np.abs(y[np.isfinite(y)]).max()
        ax.set_ylim(-top, top)
    own = [f"{key} = {value if isinstance(value, bool) else format(value, 'g')}" for key, value in _own(name, parameters).items()]
    ax.set_title(", ".join([name, *own]), color=color, fontweight="bold")
    return ax


def plot_all(
    functions: Iterable[str | Callable[..., Any]] | None = None,
    *,
    limits: tuple[float, float] | None = None,
    derivative: bool = False,
    **parameters: float,
) -> np.ndarray:
    """Draw several activation functions side by side in a new figure.

    Parameters
    ----------
    functions : iterable of str or callable, optional
        Functions of this package or their names; by default all.
    limits, derivative, **parameters
        As `plot` takes them; ``limits`` hold for every curve.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        A grid of two columns (of one for a single function), with as many rows as it takes.

    Examples
    --------
    >>> import cyact.plotting
    >>> axes = cyact.plotting.plot_all(derivative=True)
    >>> axes[0, 0].figure.savefig("activations.png")
    """
    functions = list(ACTIVATIONS if functions is None else functions)
    if not functions:
        raise ValueError("no function to draw")
    columns = min(2, len(functions))
    rows = math.ceil(len(functions) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5.4 * columns, 3.8 * rows), squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    for function, ax in zip(functions, axes.flat, strict=False):
        plot(function, ax, limits=limits, derivative=derivative, **parameters)
    for ax in axes.flat[len(functions):]:
        ax.axis("off")
    return axes


def bars(values: Mapping[str, float], ax: Axes, *, unit: str, digits: int = 3) -> Axes:
    """Horizontal bars, the shortest on top, each with its number at its end; this package's in colour."""
    ordered = sorted(values.items(), key=lambda item: item[1])
    names, lengths = [name for name, _ in ordered], [value for _, value in ordered]
    colors = [COLORS["relu"] if name.startswith("cyact") else _ink(0.35) for name in names]
    ax.barh(names, lengths, color=colors, height=0.7)
    ax.invert_yaxis()
    for place, (name, value) in enumerate(ordered):
        text = f" {value:,.{digits}g}" if value < 1000 else f" {value:,.0f}"
        ax.text(value, place, text, va="center", color=_ink(0.9), fontweight="bold" if name.startswith("cyact") else "normal")
    ax.set_xlim(0, 1.15 * max(lengths))
    ax.set_xlabel(unit, color=_ink(0.7), fontsize="small")
    ax.set_xticks([])
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    ax.spines["left"].set_color(_ink(0.3))
    ax.tick_params(length=0, labelcolor=_ink(0.9))
    return ax


# The grounds of a poster: paper, ink and colours from the left to the right of a spectrum.
THEMES = {
    "light": ("#fbf8f1", "#23262d", ("#b3243f", "#cf5a1a", "#a8860a", "#1f8a5b", "#16779c", "#4a52b5", "#8b3a8f")),
    "dark": ("#11141b", "#e9e6df", ("#ff5f73", "#ff9248", "#f2cc4d", "#52d09a", "#45bfe6", "#8d93ff", "#d67cdb")),
}

# Written as in a book; a function that is not here is shown without.
FORMULAS = {
    "relu": r"$\max(x,\,0)$",
    "leaky_relu": r"$\max(x,\,\alpha x)$",
    "sigmoid": r"$1\,/\,(1+e^{-x})$",
    "tanh": r"$(e^{x}-e^{-x})\,/\,(e^{x}+e^{-x})$",
    "softsign": r"$x\,/\,(1+|x|)$",
    "elu": r"$x$  or  $\alpha\,(e^{x}-1)$",
    "silu": r"$x\,/\,(1+e^{-\beta x})$",
    "selu": r"$\lambda x$  or  $\lambda\alpha\,(e^{x}-1)$",
    "celu": r"$x$  or  $\alpha\,(e^{x/\alpha}-1)$",
    "gaussian": r"$e^{-x^2}$",
    "mish": r"$x\,\tanh(\log(1+e^{x}))$",
    "relu6": r"$\min(\max(x,\,0),\,6)$",
    "hard_tanh": r"$\min(\max(x,\,-1),\,1)$",
    "step": r"$0$  or  $1$",
    "hard_sigmoid": r"$\mathrm{relu6}(x+3)\,/\,6$",
    "hard_silu": r"$x\;\mathrm{relu6}(x+3)\,/\,6$",
    "hard_shrink": r"$x$  where  $|x|>t$",
    "soft_shrink": r"$\mathrm{sign}(x)\,\max(|x|-t,\,0)$",
    "softplus": r"$\log(1+e^{x})$",
    "log_sigmoid": r"$-\log(1+e^{-x})$",
    "logit": r"$\log(x\,/\,(1-x))$",
    "gelu": r"$x\,\Phi(x)$",
}


def poster(theme: str = "light", functions: Iterable[str] | None = None) -> Figure:
    """Draw all curves with their derivatives as one picture, to hang on a wall.

    Parameters
    ----------
    theme : {"light", "dark"}
        Dark ink on light paper, or light ink on dark.
    functions : iterable of str, optional
        Names of functions of this package; by default all that have a curve.

    Returns
    -------
    matplotlib.figure.Figure
        Portrait, four panels wide. Every panel has the same scale but those of functions that need another.

    Examples
    --------
    >>> import cyact.plotting
    >>> cyact.plotting.poster("dark").savefig("poster.png")
    """
    if theme not in THEMES:
        raise ValueError(f"no theme {theme!r}; there are {', '.join(THEMES)}")
    names = [*filter(_has_curve, ACTIVATIONS)] if functions is None else list(functions)
    paper, ink, spectrum = THEMES[theme]
    columns, taken = 4, 2                   # the title takes two panels
    rows = math.ceil((len(names) + taken) / columns)
    colors = LinearSegmentedColormap.from_list("spectrum", spectrum)(np.linspace(0, 1, max(2, len(names))))
    figure = plt.figure(figsize=(13, 0.9 + 3 * rows), facecolor=paper)
    grid = figure.add_gridspec(rows, columns, left=0.05, right=0.955, bottom=0.035, top=0.96, wspace=0.18, hspace=0.38)
    _title(figure.add_subplot(grid[0, :taken]), len(names), ink, colors)
    for i, (name, color) in enumerate(zip(names, colors), taken):
        _panel(figure.add_subplot(grid[divmod(i, columns)]), name, color, ink, paper)
    return figure


def _has_curve(name: str) -> bool:
    """Whether it maps numbers one by one, without a parameter that must be given."""
    try:
        return bool(np.shape(curve_of(name, np.zeros(1), {})) == (1,))
    except TypeError:
        return False


def _title(ax: Axes, count: int, ink: str, colors: np.ndarray) -> None:
    ax.axis("off")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.text(0, 1.18, "Activation\nfunctions", color=ink, fontsize=40, fontweight="bold", va="top", linespacing=0.98)
    text = f"{count} of them, each with its derivative,\nas cyact computes them"
    ax.text(0, 0.36, text, color=ink, fontsize=14, va="top", alpha=0.75)
    for i, color in enumerate(colors):
        start, end = i / len(colors), (i + 0.8) / len(colors)
        ax.plot([start, end], [0, 0], color=color, linewidth=4, solid_capstyle="butt", clip_on=False)


def _panel(ax: Axes, name: str, color: Any, ink: str, paper: str) -> None:
    """A curve, heavy; its derivative, fine above a tint; no more of axes than it takes to read them."""
    low, high = FUNCTIONS[name].limits
    standard = low < 0 and name != "relu6"
    low, high = (-4.0, 4.0) if standard else (low, high)
    x = np.linspace(low, high, 2001)
    if low < 0:
        x = np.sort(np.append(x, np.nextafter(0.0, (-1.0, 1.0))))
    y, slope = curve_of(name, x, {}), slope_of(name, x, {})
    ax.set_facecolor(paper)
    ax.axhline(0, color=ink, alpha=0.35, linewidth=0.8)
    ax.axvline(0, color=ink, alpha=0.35, linewidth=0.8)
    if slope is not None:
        ax.fill_between(x, 0, slope, color=color, alpha=0.16, linewidth=0)
        ax.plot(x, slope, color=color, alpha=0.75, linewidth=1.1)
    ax.plot(x, y, color=color, linewidth=3, solid_capstyle="round", solid_joinstyle="round")
    ax.set_xlim(low, high)
    # A panel is about as wide as it is high, so the same span both ways shows a slope of one as one.
    ax.set_ylim((-2.4, 4.2) if standard else (-1.2, 7.0) if low < 0 else (-6.0, 6.0))
    ax.xaxis.set_major_locator(FixedLocator([-3, 3] if standard else [-6, 6] if low < 0 else [0, 0.5, 1]))
    ax.yaxis.set_major_locator(FixedLocator([-1, 1, 3] if standard else [6] if low < 0 else [-4, 4]))
    ax.tick_params(length=0, labelsize=7.5, labelcolor=(ink, 0.55), pad=2)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.text(0, 1.16, name.replace("_", " "), transform=ax.transAxes, color=color, fontsize=17, fontweight="bold", va="center")
    ax.text(0, 1.055, FORMULAS.get(name, ""), transform=ax.transAxes, color=ink, fontsize=10, alpha=0.8, va="center")


def frame(ax: Axes, low: float, high: float) -> None:
    """The quiet background of every curve: a grid, and the two axes through zero."""
    ax.axhline(0, color=_ink(0.4), linewidth=0.8, zorder=1)
    if low < 0 < high:
        ax.axvline(0, color=_ink(0.4), linewidth=0.8, zorder=1)
    ax.set_xlim(low, high)
    ax.locator_params(axis="x", nbins=10, steps=[1, 2, 5, 10])     # whole numbers on -10 to 10
    ax.grid(color=_ink(0.08), linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(_ink(0.3))
    ax.tick_params(color=_ink(0.3), labelcolor=_ink(0.7), labelsize="small")
