"""Curves: their values are the package's own, their axes what the caller asked for."""

import numpy as np
import pytest
from cases import CASES

import cyact
from cyact.commands import FUNCTIONS
from cyact.functions import FUNCTIONS as ROWS
from cyact.functions import GRADIENTS

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
plotting = pytest.importorskip("cyact.plotting")


@pytest.fixture(autouse=True)
def _no_display():
    plotting.plt.switch_backend("agg")
    yield
    plotting.plt.close("all")


def _curves(ax):
    return {line.get_label(): line.get_data() for line in ax.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_curve_and_derivative(name):
    ax = plotting.plot(name, derivative=True)
    curves = _curves(ax)
    x, y = curves[f"{name}(x)"]
    np.testing.assert_array_equal(y, getattr(cyact, name)(x))
    assert ax.get_xlim() == ROWS[name].limits
    if name not in GRADIENTS:
        assert "derivative" not in curves
        return
    x, slope = curves["derivative"]
    case = CASES[name]
    kinks = case.kinks(*case.defaults) if callable(case.kinks) else case.kinks
    low, high = ROWS[name].limits
    smooth = np.all([abs(x - kink) > 0.1 for kink in (0.0, *kinks)], axis=0) & (x > low + 0.02) & (x < high - 0.02)
    step = 1e-6
    function = getattr(cyact, name)
    np.testing.assert_allclose(
        slope[smooth], (function(x + step) - function(x - step))[smooth] / (2 * step), atol=1e-8
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_flat_parts_are_shaded(name):
    ax = plotting.plot(name, derivative=True)
    slope = _curves(ax).get("derivative", (None, [1.0]))[1]
    assert len(ax.collections) == np.any(np.abs(slope) < 0.01)
    assert not plotting.plot(name, plotting.plt.figure().gca()).collections


def test_function_given_itself_and_options():
    _, ax = plotting.plt.subplots()
    assert plotting.plot(cyact.leaky_relu, ax, limits=(-3, 1), alpha=0.5) is ax
    x, y = _curves(ax)["leaky_relu(x)"]
    np.testing.assert_array_equal(y, cyact.leaky_relu(x, 0.5))
    assert ax.get_xlim() == (-3, 1)
    assert "0.5" in ax.get_title()
    ax = plotting.plot("gelu", plotting.plt.figure().gca(), derivative=True, approximate=True)
    x, y = _curves(ax)["gelu(x)"]
    np.testing.assert_array_equal(y, cyact.gelu(x, approximate=True))
    assert ax.get_title() == "gelu, approximate = True"


@pytest.mark.parametrize("functions, shape", [
    (None, ((len(FUNCTIONS) + 1) // 2, 2)), (["tanh"], (1, 1)), (["relu", cyact.tanh], (1, 2)),
    (["relu", "tanh", "sigmoid"], (2, 2)),
])
def test_grid(functions, shape):
    axes = plotting.plot_all(functions, limits=(-1, 1), derivative=True)
    assert axes.shape == shape
    titles = [ax.get_title().partition(",")[0] for ax in axes.flat if ax.get_title()]
    assert titles == [getattr(f, "__name__", f) for f in functions or FUNCTIONS]


@pytest.mark.parametrize("function, limits", [
    ("relu_grad", None), ("cube", None), (np.maximum, None), ("relu", (1, 1)), ("relu", (2, 1)), ("relu", (0, np.inf)),
    ("relu", (np.nan, 1)),
])
def test_refused(function, limits):
    with pytest.raises(ValueError, match=r"no curve|limits"):
        plotting.plot(function, limits=limits)


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no function"):
        plotting.plot_all([])


@pytest.mark.parametrize("theme", plotting.THEMES)
def test_poster(theme):
    """A panel for each function, with the values of its curve, beside the title."""
    title, *panels = plotting.poster(theme).axes
    assert f"{len(FUNCTIONS)} of them" in title.texts[1].get_text()
    assert [ax.texts[0].get_text() for ax in panels] == [name.replace("_", " ") for name in FUNCTIONS]
    for name, ax in zip(FUNCTIONS, panels):
        x, y = ax.lines[-1].get_data()
        np.testing.assert_array_equal(y, getattr(cyact, name)(x))
        assert len(ax.collections) == (name in GRADIENTS)


def test_poster_of_some():
    assert len(plotting.poster("dark", ["relu", "tanh"]).axes) == 3
    with pytest.raises(ValueError, match="theme 'blue'"):
        plotting.poster("blue")
