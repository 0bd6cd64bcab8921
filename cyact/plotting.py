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
except ImportError as error:
    raise ImportError(f"cyact.plotting needs matplotlib, try: pip install cyact[plot] ({error})") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot", "plot_all"]

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
