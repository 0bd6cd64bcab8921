import argparse
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

import cyact
from cyact.commands import FIRST, FORMULAS, FUNCTIONS, fastest, picture_format, save, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELP = "make features of photographs, with each function on the way, and draw the result"
EXAMPLES = "The photograph comes with matplotlib, which this needs: pip install cyact[plot]"

Way = Callable[[np.ndarray, np.ndarray], Any]   # of a photograph, and an array for its features, which is returned

SECONDS = 0.2   # for each line of the table
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)       # of ImageNet's photographs, as torchvision publishes them


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
    features = cyact.normalize(photo, MEAN, STD, max_value=255)
    # The picture comes first: it is there even where the table cannot be printed.
    save(_figure(plotting, photo, features, {name: FUNCTIONS[name](features) for name in FIRST}), args.output)
    say(
        "Photograph: grace_hopper.jpg; a crop of it, all of it, and each pixel four times\n"
        "Features:   (photo / 255 - mean) / std by channel, bytes to float32, alone and with a function in the same pass\n"
        f"Each way in turns with the others, into an array that is there, the shortest of many rounds, in microseconds;\n"
        f"cyact on up to {cyact.get_num_threads()} threads\n"
    )
    others = _other_ways()
    labels = ["cyact", *others]
    say(f"{'':<14}" + "".join(f"{label:>16}" for label in labels) + f"{'NumPy / cyact':>16}{'differ by':>12}")
    face = np.ascontiguousarray(photo[40:264, 150:374])
    for pixels in (face, photo, photo.repeat(2, axis=0).repeat(2, axis=1)):
        _table(pixels, labels, others)
    _table(photo.astype(np.float32), labels, {"NumPy": others["NumPy"]}, in_place=True)
    if "blobFromImage*" in others:
        say("\n* of OpenCV: one deviation for all channels, which it puts first, in a new array")
    say(f"\nwrote {args.output}")


def _other_ways() -> dict[str, Way]:
    """How the same features are made elsewhere, as far as that is installed."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

    def by_numpy(photo: np.ndarray, out: np.ndarray) -> Any:
        np.divide(photo, np.float32(255), out=out)
        np.subtract(out, mean, out=out)
        return np.divide(out, std, out=out)

    ways: dict[str, Way] = {"NumPy": by_numpy}
    with suppress(ImportError):
        import cv2

        factor = (*(1 / (255 * s) for s in STD), 1)

        def by_opencv(photo: np.ndarray, out: np.ndarray) -> Any:
            cv2.subtract(photo, (*(255 * m for m in MEAN), 0), dst=out, dtype=cv2.CV_32F)
            return cv2.multiply(out, factor, dst=out)

        ways["OpenCV"] = by_opencv
        if hasattr(cv2, "dnn"):     # some builds leave it out
            deviation, middle = 1 / (255 * sum(STD) / len(STD)), [255 * m for m in MEAN]
            ways["blobFromImage*"] = lambda photo, out: cv2.dnn.blobFromImage(photo, deviation, mean=middle)
    with suppress(ImportError):
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")      # or it asks for a newer version, over the network
        from albumentations import Normalize

        transform = Normalize(MEAN, STD, max_pixel_value=255.0)
        ways["albumentations"] = lambda photo, out: transform(image=photo)["image"]
    return ways


def _in_two_steps(way: Way, formula: Callable[[Any], Any], photo: np.ndarray, out: np.ndarray) -> Any:
    return formula(way(photo, out))


def _table(photo: np.ndarray, labels: list[str], others: dict[str, Way], *, in_place: bool = False) -> None:
    """A line for the features alone, and one for each function."""
    say(" x ".join(map(str, photo.shape)) + (", float32, in place" if in_place else ""))
    x, out = photo.copy(), np.empty(photo.shape, np.float32)
    target = x if in_place else out
    for name in (None, *FIRST):
        formula = FORMULAS[name] if name else np.asarray
        own = partial(cyact.normalize, x, MEAN, STD, max_value=255, activation=name, out=target)
        calls: dict[str, Callable[[], Any]] = {"cyact": own}
        calls |= {label: partial(_in_two_steps, way, formula, x, target) for label, way in others.items()}
        best = fastest(calls, seconds=SECONDS, prepare=partial(np.copyto, x, photo))
        np.copyto(x, photo)
        want = calls["NumPy"]().copy()
        np.copyto(x, photo)
        difference = np.abs(own() - want).max()
        times = "".join(f"{best[label] * 1e6:16,.0f}" if label in best else f"{'':16}" for label in labels)
        say(f"{name or 'features':<14}{times}{best['NumPy'] / best['cyact']:15.1f}x{difference:12.1e}")


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
