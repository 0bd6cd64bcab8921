"""rescale and normalize: bytes, sound and tables to features, beside NumPy and the libraries that prepare images.

Rows as in ``beside``: ``side_by_side.py --targets images`` compares them, asv has a curve for each. All write into a given
array, but for those whose text says that it is new.
"""

import contextlib
import os
from functools import partial

import numpy as np

import cyact

from .beside import Row
from .common import aligned

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)       # of ImageNet's photographs, as torchvision publishes them
SHAPES = {
    "224 x 224": (224, 224, 3), "512 x 512": (512, 512, 3), "1024 x 1024": (1024, 1024, 3),
    "64 of 224 x 224": (64, 224, 224, 3),
}
IN_CACHE = "224 x 224"
VIEWS = {
    "crop": np.s_[16:-16, 32:-32], "flipped": np.s_[:, ::-1], "upside down": np.s_[::-1], "channels reversed": np.s_[..., ::-1],
    "flipped, channels reversed": np.s_[:, ::-1, ::-1],
}


def drawn(shape, dtype="uint8"):
    random = np.random.default_rng(0)
    some = random.integers(0, 256, 2**16, "uint8") if dtype == "uint8" else random.normal(100, 50, 2**16).astype(dtype)
    return aligned(np.resize(some, shape))


def arrays(shape, dtype="uint8", result="float32", view=np.s_[:]):
    """Images, and arrays for the result with the channels last and first. ``plain`` is a copy of a view."""
    x = drawn(shape, dtype)[view]
    if result == "bfloat16":
        import ml_dtypes
        result = ml_dtypes.bfloat16
    out = aligned(np.zeros(x.shape, result))
    first = aligned(np.zeros((*x.shape[:-3], x.shape[-1], *x.shape[-3:-1]), result))
    return {"x": x, "plain": aligned(x), "out": out, "first": first, "mean": MEAN, "std": STD}


def table(rows):
    x = drawn((rows, 30), "float64")
    random = np.random.default_rng(1)
    x = x if rows > 1 else x[0]
    scale, offset = random.uniform(0.5, 2, (2, 30))
    names = {"x": x, "out": aligned(np.zeros(x.shape, np.float32)), "scale": scale, "offset": offset}
    return names if rows > 1 else {**names, "product": np.empty(30)}


def by_others(shape):
    """What other libraries make features of images by, as far as they are installed."""
    x = drawn(shape)
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    names = {"x": x, "mean": MEAN, "std": STD, "mean32": mean, "std32": std}
    with contextlib.suppress(ImportError):
        import cv2
        cv2.setNumThreads(1)
        values = (np.arange(256, dtype=np.float32)[:, None] / 255 - mean) / std
        names |= {"cv2": cv2, "lut": np.ascontiguousarray(values[None], np.float32), "mean255": [255 * m for m in MEAN]}
    with contextlib.suppress(ImportError):
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")      # or it asks for a newer version, over the network
        from albumentations import Normalize
        names["transform"] = Normalize(MEAN, STD, max_pixel_value=255.0)
    with contextlib.suppress(ImportError):
        import torch
        torch.set_num_threads(1)
        images = torch.from_numpy(x).movedim(-1, -3)
        names |= {"images": images, "torch_mean": torch.tensor(mean)[:, None, None], "torch_std": torch.tensor(std)[:, None, None]}
        names["contiguous"] = torch.contiguous_format
        names["torch_float"] = torch.float32
    return names


OURS = "cyact.normalize(x, mean, std, max_value=255{})"
LAST, FIRST = OURS.format(", out=out"), OURS.format(", layout='CHW', out=first")
RELU_LAST, RELU_FIRST = (text[:-1] + ", activation='relu')" for text in (LAST, FIRST))
COPY, TWO_CALLS = "np.copyto(out, x)", f"cyact.sigmoid({LAST}, out=out)"
NUMPY = "(x / 255 - mean) / std"
NEW_COPY = "x.astype('float32')"
LUT, ALBUMENTATIONS = "cv2.LUT(x, lut)", "transform(image=x)"
BLOB = "cv2.dnn.blobFromImage(x, 1 / (255 * 0.226), mean=mean255)"     # one deviation for all channels
OF_BATCHES = ("cv2.LUT(x.reshape(-1, 224, 3), lut)", ALBUMENTATIONS.replace("image", "images"), BLOB.replace("Image(", "Images("))
TORCH = "images.to(torch_float, memory_format=contiguous).div_(255).sub_(torch_mean).div_(torch_std)"


def rows():
    for size, shape in SHAPES.items():
        limit, given, times = 1.7 if size == IN_CACHE else 1.3, partial(arrays, shape), 20 if size == IN_CACHE else 1
        yield Row(f"{size}, channels last", limit, LAST, COPY, given, times)
        yield Row(f"{size}, channels first", 2.5, FIRST, COPY, given, times)
        yield Row(f"{size}, channels last, relu", limit, RELU_LAST, COPY, given, times)
        yield Row(f"{size}, channels first, relu", 2.5, RELU_FIRST, COPY, given, times)
    sigmoid = LAST[:-1] + ", activation='sigmoid')"
    yield Row(f"{IN_CACHE}, sigmoid", 1.2, sigmoid, TWO_CALLS, partial(arrays, SHAPES[IN_CACHE]), 20)
    for size, shape in SHAPES.items():
        others = (NUMPY, LUT, ALBUMENTATIONS, BLOB, TORCH) if len(shape) == 3 else (NUMPY, *OF_BATCHES, TORCH)
        given, times = partial(by_others, shape), 20 if size == IN_CACHE else 1
        # Memory that is new to the process is slow, whatever is written there. Of the best peer's time for the batch,
        # a mere copy to a new array takes 0.5 to 0.6 (Emerald Rapids), and a byte in each new page 0.53 (Zen 4).
        limit = 0.5 if len(shape) == 3 else 0.9
        yield Row(f"{size}, new, channels last", limit, OURS.format(""), others, given, times)
        yield Row(f"{size}, new, channels first", limit, OURS.format(", layout='CHW'"), others, given, times)
    yield Row(f"{size}, new, against a copy", 1.4, OURS.format(""), NEW_COPY, given, 1)
    for size in (IN_CACHE, "1024 x 1024"):
        for view, index in VIEWS.items():
            given, times = partial(arrays, SHAPES[size], view=index), 20 if size == IN_CACHE else 1
            for order, call in (("last", LAST), ("first", FIRST)):
                # Each row of a view begins anew, in three planes. Where all is in the cache, that takes time. How little it could
                # take is not known: 1.7 is what the slowest view took (1.55), and room for noise.
                limit = 1.7 if size == IN_CACHE and order == "first" else 1.5
                yield Row(f"{size}, {view}, channels {order}", limit, call, call.replace("(x", "(plain"), given, times)
    # One of the two NumPy calls that it takes the place of.
    yield Row("a row of 30 features", 0.9, "cyact.rescale(x, scale, offset, out)", "np.multiply(x, scale, product)", partial(table, 1))
    yield Row("a table of 1,000,000 x 30", 1.2, "cyact.rescale(x, scale, offset, out)", COPY, partial(table, 1_000_000), 1)


ROWS = list(rows())


def names_of(row):
    """What the statements of a row name."""
    return {"cyact": cyact, "np": np, **row.names()}


class Images:
    params = [[row.text for row in ROWS]]
    param_names = ["call"]

    def setup(self, text):
        row = next(row for row in ROWS if row.text == text)
        self.names = names_of(row)
        self.code = compile(f"for _ in range({row.times}): {row.ours}", text, "exec")

    def time_call(self, text):
        exec(self.code, self.names)

    time_call.pretty_name = "Images to features: short calls many times, or one"
