"""Curves of the activation functions and of their derivatives, drawn with matplotlib."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

import cyact
from cyact.functions import ACTIVATIONS

try:
    from matplotlib import pyplot as plt
except ImportError as error:
    raise ImportError(f"cyact.plotting needs matplotlib, try: pip install cyact[plot] ({error})") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot", "plot_all"]

_FUNCTIONS = list(ACTIVATIONS)
COLORS = dict(zip(_FUNCTIONS, itertools.cycle(["#c8324b", "#d97706", "#0f7b8a", "#6a4c93"])))

_LIMITS = {"leaky_relu": (-2.0, 2.0)}   # narrow, for the small slope to be seen

_VANISHED = 0.01    # a derivative as small as this passes next to nothing back


def _sloped(name: str) -> bool:
    return "alpha" in inspect.signature(getattr(cyact, name)).parameters


def _curve(name: str, x: np.ndarray, alpha: float) -> Any:
    return getattr(cyact, name)(x, **{"alpha": alpha} if _sloped(name) else {})


def _derivative(name: str, x: np.ndarray, alpha: float) -> Any:
    """By the function's gradient, from its input or from its output; None where there is no gradient."""
    gradient = getattr(cyact, f"{name}_grad", None)
    if gradient is None:
        return None
    ones = np.ones_like(x)
    given = {"gradients": ones, "features": x, "alpha": alpha, "y": _curve(name, x, alpha), "dy": ones}
    return gradient(**{key: given[key] for key in inspect.signature(gradient).parameters if key in given})


def plot(
    function: str | Callable[..., Any],
    ax: Axes | None = None,
    *,
    limits: tuple[float, float] | None = None,
    alpha: float = 0.2,
    derivative: bool = False,
) -> Axes:
    """Draw the curve of an activation function.

    Parameters
    ----------
    function : str or callable
        A function of this package, such as ``cyact.relu``, or its name.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default the current axes, as pyplot has them.
    limits : (float, float), optional
        The ends of the horizontal axis. By default -2 and 2 for ``leaky_relu``, -10 and 10 for the others.
    alpha : float, default 0.2
        The slope of ``leaky_relu`` for negative values. The other functions have none.
    derivative : bool, default False
        Draw the derivative as well, where there is a gradient function, and shade where it is below 0.01: where a unit
        is saturated or dead and learns nothing.

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
    if name not in _FUNCTIONS:
        raise ValueError(f"no curve for {name!r}; there are {', '.join(_FUNCTIONS)}")
    low, high = limits or _LIMITS.get(name, (-10.0, 10.0))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"limits must be two finite numbers, the smaller first, not {low} and {high}")
    x = np.linspace(low, high, 1001)
    if low < 0 < high:
        # The bend of relu exactly at 0, and the step of its derivative upright.
        x = np.sort(np.append(x, (0.0, np.nextafter(0.0, 1.0))))
    ax = plt.gca() if ax is None else ax
    color = COLORS[name]
    frame(ax, low, high)
    ax.plot(x, _curve(name, x, alpha), color=color, linewidth=2.4, label=f"{name}(x)", zorder=3)
    slope = _derivative(name, x, alpha) if derivative else None
    if slope is not None:
        ax.plot(x, slope, color="0.25", linewidth=1.5, linestyle=(0, (4, 2)), label="derivative", zorder=4)
        vanished = np.abs(slope) < _VANISHED
        if vanished.any():
            ax.fill_between(
                x, 0, 1, where=vanished, transform=ax.get_xaxis_transform(), color="0.5", alpha=0.14, linewidth=0,
                label=f"derivative below {_VANISHED}", zorder=0,
            )
        ax.legend(loc="upper left", fontsize="small", framealpha=1, edgecolor="0.85")
    ax.set_title(f"{name}, alpha = {alpha:g}" if _sloped(name) else name, color=color, fontweight="bold")
    return ax


def plot_all(
    functions: Iterable[str | Callable[..., Any]] | None = None,
    *,
    limits: tuple[float, float] | None = None,
    alpha: float = 0.2,
    derivative: bool = False,
) -> np.ndarray:
    """Draw several activation functions side by side in a new figure.

    Parameters
    ----------
    functions : iterable of str or callable, optional
        Functions of this package or their names; by default all.
    limits, alpha, derivative
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
    functions = list(_FUNCTIONS if functions is None else functions)
    if not functions:
        raise ValueError("no function to draw")
    columns = min(2, len(functions))
    rows = math.ceil(len(functions) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5.4 * columns, 3.8 * rows), squeeze=False)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    for function, ax in zip(functions, axes.flat, strict=False):
        plot(function, ax, limits=limits, alpha=alpha, derivative=derivative)
    for ax in axes.flat[len(functions):]:
        ax.axis("off")
    return axes


def frame(ax: Axes, low: float, high: float) -> None:
    """The quiet background of every curve: a grid, and the two axes through zero."""
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    if low < 0 < high:
        ax.axvline(0, color="0.6", linewidth=0.8, zorder=1)
    ax.set_xlim(low, high)
    ax.locator_params(axis="x", nbins=10, steps=[1, 2, 5, 10])     # whole numbers on -10 to 10
    ax.grid(color="0.92", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color("0.7")
    ax.tick_params(color="0.7", labelcolor="0.3", labelsize="small")
