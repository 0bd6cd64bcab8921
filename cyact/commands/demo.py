import argparse
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

import cyact
from cyact.commands import FIRST, FORMULAS, FUNCTIONS, fastest, picture_format, save, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELP = "run the functions over a photograph, and draw the result"
EXAMPLES = "The photograph comes with matplotlib, which this needs: pip install cyact[plot]"

SECONDS = 0.5   # for each function


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", default="cyact-demo.png", metavar="FILE",
        help="the picture, its format by its suffix, without one PNG (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> None:
    from cyact import plotting  # only here: it takes a while, and needs matplotlib

    picture_format(args.output)     # an unknown one is refused before the work
    from matplotlib import cbook, image

    photo = image.imread(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    features = photo.astype(np.float32) / 255
    features -= features.mean(axis=(0, 1))
    features /= features.std(axis=(0, 1))
    height, width, channels = photo.shape
    # The picture comes first: it is there even where the table cannot be printed.
    results = {name: FUNCTIONS[name](features) for name in FIRST}
    save(_figure(plotting, photo, features, results), args.output)
    say(
        f"Photograph: grace_hopper.jpg, {height} x {width} pixels, {channels} channels, {photo.dtype}\n"
        f"Features:   {features.dtype}, scaled to [0, 1], then mean 0 and standard deviation 1 per channel: "
        f"{features.min():.2f} to {features.max():.2f}\n"
        f"Each function in place, out=features, on up to {cyact.get_num_threads()} threads; NumPy's plain\n"
        "formula in turns with it, the shortest of many rounds\n"
    )
    say(f"{'function':<12}{'result':<18}{'cyact, us':>10}{'NumPy, us':>11}{'ratio':>9}{'differ by':>12}")
    for name in FIRST:
        function, formula, y = FUNCTIONS[name], FORMULAS[name], features.copy()
        best = fastest(
            {"cyact": partial(function, y, out=y), "NumPy": partial(formula, features)},
            seconds=SECONDS, prepare=partial(np.copyto, y, features),
        )
        result = results[name]
        values = f"{result.min():.2f} to {result.max():.2f}"
        difference = np.abs(result - formula(features)).max()
        say(
            f"{name:<12}{values:<18}{best['cyact'] * 1e6:10,.0f}{best['NumPy'] * 1e6:11,.0f}"
            f"{best['NumPy'] / best['cyact']:8.1f}x{difference:12.1e}"
        )
    say(f"\nwrote {args.output}")


def _figure(
    plotting: ModuleType, photo: np.ndarray, features: np.ndarray, results: dict[str, np.ndarray]
) -> "Figure":
    """The photograph and what each function makes of it, above the values that go in and the curve they go through."""
    figure: Figure
    figure, axes = plotting.plt.subplots(2, 1 + len(results), figsize=(15, 7.2), height_ratios=(1.6, 1))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    figure.suptitle("A photograph through each activation function", fontsize=17, color="0.2")
    figure.supxlabel(
        "Below each picture the curve its values went through; in grey, how the values that went in are distributed. "
        "Every picture is scaled to its own range.",
        fontsize=10, color="0.4",
    )
    axes[0, 0].imshow(photo)
    axes[0, 0].set_title("photograph", color="0.3", fontweight="bold")
    for ax, (name, y) in zip(axes[0, 1:], results.items(), strict=True):
        ax.imshow((y - y.min()) / (y.max() - y.min()))
        ax.set_title(name, color=plotting.COLORS[name], fontweight="bold")
        ax.text(
            0.97, 0.03, f"{y.min():.2f} to {y.max():.2f}", transform=ax.transAxes, ha="right", color="white",
            fontsize="small",
        )
    low, high = float(features.min()), float(features.max())
    counts, edges = np.histogram(features, bins=80)
    plotting.frame(axes[1, 0], low, high)
    axes[1, 0].stairs(counts, edges, fill=True, color="0.7", zorder=2)
    axes[1, 0].set(xticks=range(-1, 3), yticks=[])
    axes[1, 0].spines["left"].set_visible(False)
    for ax, name in zip(axes[1, 1:], results, strict=True):
        plotting.plot(name, ax, limits=(low, high))
        ax.stairs(2 * counts / counts.max() - 1.2, edges, baseline=-1.2, fill=True, color="0.9", zorder=0)
        ax.set(title="", ylim=(-1.2, 2.8), xticks=range(-1, 3), yticks=range(-1, 3))
    for ax in axes[0]:
        ax.axis("off")
    return figure
