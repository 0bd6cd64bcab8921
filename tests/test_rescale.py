"""``rescale`` and ``normalize``: values against exact rational arithmetic; layouts, activations and errors."""

import inspect
import math
import pickle
import re
import subprocess
import sys
import warnings
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases import FLOATS, FORMATS, INTEGERS, assert_same_bits, every, largest, real, set_streamed

import cyact
from cyact.functions import PREPROCESSING

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)       # ImageNet's, of values from 0 to 1
CONSTANTS = [
    (1 / 255, 0.0), *((1 / (255 * std), -mean / std) for mean, std in zip(MEAN, STD, strict=True)), (-3.7, 1e3),
    (1e-45, 0.0), (1e30, -1e32), (2.0**-30, 1.0), (-0.1, 12.8), (1e200, 1.0), (0.0, 1 / 3),
]
of_dtypes = pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS], ids=str)
of_results = pytest.mark.parametrize("result", FLOATS, ids=str)


def inputs(dtype):
    """Every value of a byte; of wider dtypes some, the ends among them."""
    rng = np.random.default_rng(0)
    if dtype.itemsize == 1:
        return every(dtype)
    if dtype in FLOATS:
        with np.errstate(over="ignore"):
            return np.concatenate([rng.normal(size=100), [0.0, 1e-42, 3e4], 10.0 ** rng.uniform(-30, 30, 100)]).astype(dtype)
    limits = np.iinfo(dtype)
    small = np.arange(100, dtype=dtype)
    ends = np.array([limits.min, limits.max], dtype)
    return np.concatenate([rng.integers(limits.min, limits.max, 100, dtype, True), small, ends])


def assert_rounded_once(x, scale, offset, y):
    """At most 0.51 ULP from the exact value, or 2^-40 of the larger term."""
    digits, smallest = FORMATS[y.dtype.name]
    top = Fraction(float(largest(y.dtype)))
    scale, offset = Fraction(scale), Fraction(offset)
    for value, got in zip(x.tolist(), y.astype("float64").tolist(), strict=True):
        if not math.isfinite(value):
            continue
        term = Fraction(value) * scale
        exact = term + offset
        if math.isinf(got):
            # As rounding to nearest has it: from half an ULP above the largest number.
            assert abs(exact) > top and (exact > 0) == (got > 0), (value, got)
            continue
        exponent = smallest
        if exact:
            exponent = max(smallest, abs(exact).numerator.bit_length() - abs(exact).denominator.bit_length())
            exponent -= exponent > smallest and abs(exact) < Fraction(2) ** exponent
        allowed = max(Fraction(51, 100) * Fraction(2) ** (exponent - digits), max(abs(term), abs(offset)) / 2**40)
        assert abs(Fraction(got) - exact) <= allowed, (value, got, float(exact))


# ---- values ----

@of_results
@of_dtypes
def test_rounded_once(dtype, result):
    x = inputs(dtype)
    for scale, offset in CONSTANTS:
        y = cyact.rescale(x, scale, offset, dtype=result)
        assert y.dtype == result
        assert_rounded_once(x, scale, offset, y)


@of_results
@of_dtypes
def test_both_paths_have_the_same_bits(dtype, result):
    """A call for the fast path and one for the ufunc; constants as numbers, and one for each element."""
    x = inputs(dtype)
    scale, offset = (np.resize(c, x.shape) for c in zip(*CONSTANTS, strict=True))
    mask = np.ones(x.shape, bool)
    want = cyact.rescale(x, scale, offset, dtype=result)
    assert_same_bits(cyact.rescale(x, scale, offset, dtype=result, where=mask), want)
    assert_same_bits(cyact.rescale(x, scale, offset, np.empty(x.shape, result)), want)
    for s, o in CONSTANTS[:4]:
        y = cyact.rescale(x, s, o, dtype=result)
        assert_same_bits(cyact.rescale(x, s, o, dtype=result, where=mask), y)
        assert_same_bits(cyact.rescale(x, np.full(x.shape, s), np.full(x.shape, o), dtype=result), y)
        at = [i for i in range(x.size) if (scale[i], offset[i]) == (s, o)]
        assert_same_bits(want[at], y[at])


@of_dtypes
def test_result_dtype(dtype):
    """By the rule; constants never promote."""
    x = np.ones(5, dtype)
    for scale in (2.0, 2, (2.0,) * 5, np.full(5, 2.0), np.float64(2), np.full(5, 2, "int64"), np.full(5, 2, "float32")):
        assert cyact.rescale(x, scale).dtype == cyact.rescale(x, scale, where=np.ones(5, bool)).dtype == real(dtype)
    assert isinstance(cyact.rescale(x[0], 2.0), real(dtype).type)


def test_special_values():
    x = np.array([np.nan, np.inf, -np.inf, -0.0], "float32")
    np.testing.assert_array_equal(cyact.rescale(x, -2.0, 1.0), [np.nan, -np.inf, np.inf, 1.0])
    assert np.isnan(cyact.rescale(np.uint8(1), np.nan)) and np.isnan(cyact.rescale(np.uint8(1), 1.0, np.nan))
    assert cyact.rescale(np.uint8(1), np.inf) == np.inf


def test_published_examples():
    """torchvision's ToTensor and Normalize, and albumentations' Normalize, within their own rounding."""
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    theirs = ((image.astype("float32") / np.float32(255)) - np.float32(MEAN)) / np.float32(STD)
    ours = cyact.normalize(image, MEAN, STD, max_value=255)
    np.testing.assert_allclose(ours, theirs, atol=4e-7)
    np.testing.assert_array_equal(cyact.normalize(image, MEAN, STD, max_value=255, layout="CHW"), np.moveaxis(ours, -1, 0))
    mean, factor = np.float32(MEAN) * np.float32(255), np.reciprocal(np.float32(STD) * np.float32(255))
    np.testing.assert_allclose(ours, (image.astype("float32") - mean) * factor, atol=4e-7)


def test_examples_of_their_own_tests():
    """What albumentations' and torchvision's tests of Normalize expect; the former in float32, within 1 ULP."""
    image = np.full((10, 10, 3), 127, "uint8")
    expected = (np.ones(image.shape, "float32") * 127 / 255 - 50) / 3
    np.testing.assert_array_max_ulp(cyact.normalize(image, 50, 3, max_value=255), expected, 1)
    image = np.full((10, 10, 3), 0.4, "float32")
    np.testing.assert_array_max_ulp(cyact.normalize(image, 50, 3, max_value=1.0), (image - 50) / 3, 1)
    for channels in (1, 3):
        image = np.random.default_rng(channels).random((channels, 10, 10), "float32")
        mean, std = image.mean(axis=(1, 2)), image.std(axis=(1, 2))
        normal = cyact.normalize(image, mean, std, axis=0)
        np.testing.assert_allclose(normal.mean(axis=(1, 2)), 0, atol=1e-6)
        np.testing.assert_allclose(normal.std(axis=(1, 2)), 1, atol=1e-6)
    assert cyact.normalize(image, mean, std, axis=0, out=image) is image
    assert_same_bits(image, normal)


# ---- layouts ----

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 37, 41, 3), dtype=np.uint8)
LAYOUTS = {
    "whole": np.s_[:], "crop": np.s_[:, 5:30, 7:40], "flip": np.s_[:, :, ::-1], "upside down": np.s_[:, ::-1],
    "channel order": np.s_[..., ::-1], "every second": np.s_[:, ::2, ::3], "one": np.s_[1, 2, 3], "none": np.s_[:0],
}
SHAPES = [(3,), (1, 1, 3), (41, 1), (37, 1, 1), (3, 1, 1, 1), (41, 3), (3, 37, 41, 3)]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, dtype):
    images = IMAGES.astype(dtype)
    scale, offset = 1 / (255 * np.array(STD)), -np.array(MEAN) / STD
    x = images[LAYOUTS[layout]]
    want = np.stack([cyact.rescale(np.array(x[..., c]), scale[c], offset[c]) for c in range(3)], -1)
    assert_same_bits(cyact.rescale(x, scale, offset), want)
    for axes in ([*range(x.ndim)], [*range(x.ndim)][::-1], [*range(x.ndim)][-1:] + [*range(x.ndim)][:-1]):
        out = np.empty([x.shape[a] for a in axes], want.dtype).transpose(np.argsort(axes))
        assert cyact.rescale(x, scale, offset, out=out) is out
        assert_same_bits(out, want)
    if x.ndim > 2:
        first = cyact.normalize(x, MEAN, STD, max_value=255, layout="CHW")
        assert first.flags.c_contiguous
        assert_same_bits(first, np.moveaxis(cyact.normalize(x, MEAN, STD, max_value=255), -1, -3))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_constants_broadcast(shape):
    rng = np.random.default_rng(2)
    scale, offset = rng.normal(size=shape), rng.normal(size=3)
    every_scale, every_offset = (np.ascontiguousarray(np.broadcast_to(c, IMAGES.shape)) for c in (scale, offset))
    want = cyact.rescale(IMAGES.ravel(), every_scale.ravel(), every_offset.ravel()).reshape(IMAGES.shape)
    assert_same_bits(cyact.rescale(IMAGES, scale, offset), want)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5, 7, 30, 48, 63, 64, 65, 200])
def test_periods(period):
    """One constant for each column, for rows of any length and any number of rows."""
    rng = np.random.default_rng(period)
    scale, offset = rng.normal(size=(2, period))
    for rows in (1, 2, 5, 40, 900):
        x = rng.normal(size=(rows, period))
        for a in (x, (10 * x).astype("int8"), x.astype("float16")):
            want = np.stack([cyact.rescale(np.ascontiguousarray(a[:, c]), scale[c], offset[c]) for c in range(period)], 1)
            assert_same_bits(cyact.rescale(a, scale, offset), want)


def test_threads():
    x = np.random.default_rng(3).integers(0, 256, (700, 800, 3), dtype=np.uint8)
    with cyact.num_threads(1):
        want = cyact.normalize(x, MEAN, STD, max_value=255, activation="sigmoid")
    with cyact.num_threads(3):
        assert_same_bits(cyact.normalize(x, MEAN, STD, max_value=255, activation="sigmoid"), want)
        for view in (np.s_[:, ::-1], np.s_[::-1, ::-1], np.s_[..., ::-1], np.s_[5:-5, 7:-7], np.s_[:3]):
            y = cyact.normalize(x[view], MEAN, STD, max_value=255, out=np.empty(x[view].shape, "float32"))
            with cyact.num_threads(1):
                assert_same_bits(y, cyact.normalize(x[view].copy(), MEAN, STD, max_value=255))
        out = np.empty((3, 700, 800), "float32")
        cyact.normalize(x, MEAN, STD, max_value=255, activation="sigmoid", layout="CHW", out=out)
        assert_same_bits(out, np.moveaxis(want, -1, 0).copy())


def by_channel(x, scale, offset, result="float32"):
    """Each channel by itself, from a contiguous copy."""
    channels = [cyact.rescale(np.array(x[..., c]), scale[c], offset[c], dtype=result) for c in range(x.shape[-1])]
    return np.stack(channels, -1)


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "float32", "float64"])
@pytest.mark.parametrize("width", [1, 2, 5, 6, 7, 8, 9, 16, 17, 65, 400])
def test_flips_and_channel_orders(width, dtype, step):
    """Pixels of 1 to 64 bytes, forwards and backwards, with channels in either order; to channels first too."""
    rng = np.random.default_rng(width)
    for channels in (1, 2, 3, 4, 5, 8):
        x = rng.integers(0, 100, (3, width, channels)).astype(dtype)
        scale, offset = rng.normal(size=(2, channels))
        flipped = x[:, ::-1, ::step], x[::-1, :, ::step], x[::-1, ::-1, ::step], x[:, ::-1][:, 1:, ::step]
        for a in (*flipped, x[:, 1:, ::step], x.transpose(1, 0, 2)[..., ::step], x[0, ::-1, ::step]):
            for result in ("float16", "float32", "float64"):
                want = by_channel(a, scale, offset, result)
                assert_same_bits(cyact.rescale(a, scale, offset, np.empty(a.shape, result)), want)
                first = np.empty((channels, *a.shape[:-1]), result)
                cyact.rescale(a, scale, offset, np.moveaxis(first, 0, -1))
                assert_same_bits(first, np.moveaxis(want, -1, 0).copy())
            activated = cyact.rescale(a, scale, offset, activation="tanh", dtype="float32")
            assert_same_bits(activated.copy(), cyact.tanh(by_channel(a, scale, offset)))
            one = cyact.rescale(np.array(a), 0.1, -3.0)
            assert_same_bits(cyact.rescale(a, 0.1, -3.0, np.empty(a.shape, one.dtype)), one)


@pytest.mark.parametrize("step", [-3, -2, -1, 1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_steps_of_input_and_output(dtype, step):
    """Along each axis, in either direction, of all arrays."""
    rng = np.random.default_rng(7)
    x, scale, offset = rng.integers(0, 100, (9, 30, 9)).astype(dtype), *rng.normal(size=(2, 9))
    for view in (np.s_[..., ::step], np.s_[:, ::step], np.s_[::step], np.s_[:, ::-1, ::step]):
        a = x[view]
        s, o = scale[:a.shape[-1]], offset[:a.shape[-1]]
        want = by_channel(a, s, o)
        room = np.zeros((9, 30, 9), "float32")
        for out in (np.empty(a.shape, "float32"), np.moveaxis(np.empty((a.shape[-1], *a.shape[:-1]), "float32"), 0, -1), room[view]):
            for activation in (None, "relu"):
                cyact.rescale(a, s, o, out, activation=activation)
                assert_same_bits(out.copy(), want if activation is None else cyact.relu(want))
                cyact.rescale(a, 0.1, -3.0, out, activation=activation)
                one = cyact.rescale(a.copy(), 0.1, -3.0, dtype="float32")
                assert_same_bits(out.copy(), one if activation is None else cyact.relu(one))


def test_flips_of_constants_that_cannot_be_split():
    x = IMAGES[..., ::-1][:, :, ::-1]
    scale, offset = np.array([1e200, 1.0, 1e-300]), np.array([0.0, 1e-320, 3.0])
    assert_same_bits(cyact.rescale(x, scale, offset, np.empty(x.shape, "float32")), by_channel(x, scale, offset))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
@pytest.mark.parametrize("step", [-3, -2, -1, 1, 2])
def test_channels_apart(step, dtype):
    """Channels of input and output that lie beside each other, or with others between, in either order."""
    rng = np.random.default_rng(7)
    for channels in (3, 40):
        scale, offset = rng.normal(size=(2, channels))
        x = rng.integers(0, 100, (4, 5, 3 * channels)).astype(dtype)[..., ::step][..., :channels]
        want = np.stack([cyact.rescale(np.array(x[..., c]), scale[c], offset[c]) for c in range(channels)], -1)
        for out_step in (-2, -1, 1, 2):
            room = np.zeros((4, 5, 2 * channels + 2), want.dtype)
            out = room[..., ::out_step][..., :channels]
            for given in (scale, 2.0):
                cyact.rescale(x, given, offset, out)
                assert_same_bits(np.array(out), want if given is scale else cyact.rescale(x.copy(), 2.0, offset))
            out[:] = 0
            assert not room.any()


def test_bits_do_not_depend_on_other_channels():
    """What one channel needs double for leaves the others as they are; so does one that is left out."""
    x = np.stack([np.arange(256, dtype="uint8")] * 3, axis=-1)
    rng = np.random.default_rng(8)
    for scale, offset in zip(rng.normal(size=1000), rng.normal(size=1000) * 100, strict=True):
        want = cyact.rescale(x[:, 0].copy(), scale, offset)
        for others in (1e200, 0.0):
            y = cyact.rescale(x, (scale, others, -others), (offset, 0.0, 0.0))
            assert_same_bits(y[:, 0], want)
            np.testing.assert_array_equal(y[1:, 1], np.inf if others else 0.0)


@pytest.mark.parametrize(("period", "dtype"), [(3, "uint8"), (3, "float64"), (7, "uint8"), (30, "uint8")])
def test_past_the_cache(period, dtype):
    """Wherever the output begins, and whatever a cache line has of pixels."""
    rng = np.random.default_rng(period)
    x = rng.integers(0, 256, (131075, period)).astype(dtype)        # fewer are not worth it
    scale, offset = rng.normal(size=(2, period))
    for result in ("float16", "float32"):
        want = cyact.rescale(x, scale, offset, dtype=result)        # a new array is not written past it
        room = np.zeros(x.size + 40, result)
        before = set_streamed(0)
        try:
            for start in (0, 1, 5, 17):
                out = room[start:start + x.size].reshape(x.shape)
                assert_same_bits(cyact.rescale(x, scale, offset, out), want)
                assert not room[start + x.size:].any()
                out[:] = 0
        finally:
            set_streamed(before)


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
def test_guard_pages():
    """Neither read nor written past either end: each array ends, or begins, at a page that nobody may touch."""
    done = subprocess.run([sys.executable, "-c", GUARDED], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


GUARDED = """if True:
    import numpy as np, cyact
    from test_guard_pages import Guarded
    rooms = Guarded(20000), Guarded(80000)
    constants = np.linspace(0.1, 1.1, 4), np.linspace(-1, 1, 4)
    for dtype in map(np.dtype, ("uint8", "int16", "float32")):
        for width in (1, 2, 3, 5, 6, 7, 15, 16, 17, 31, 64, 65, 130):
            for channels in (1, 2, 3, 4):
                scale, offset = (c[:channels] for c in constants)
                n = 2 * width * channels
                for at_end in (False, True):
                    x = rooms[0].line(dtype, n, at_end)
                    x[:] = np.arange(n) % 100
                    x = x.reshape(2, width, channels)
                    for a in (x, x[:, ::-1], x[..., ::-1], x[:, ::-1, ::-1], x[::-1]):
                        print(dtype, width, channels, at_end, a.strides, flush=True)
                        out = rooms[1].line(np.dtype("float32"), n, at_end)
                        cyact.rescale(a, scale, offset, out.reshape(x.shape), activation="relu")
                        cyact.rescale(a, scale, offset, out.reshape(x.shape))
                        cyact.rescale(a, scale, offset, np.moveaxis(out.reshape(channels, 2, width), 0, -1))
                        out = rooms[1].line(np.dtype("float16"), n, at_end)
                        cyact.rescale(a, scale, offset, out.reshape(x.shape))
"""


def test_input_and_output_in_place_and_overlapping():
    x = np.random.default_rng(4).normal(size=(50, 40))
    want = cyact.rescale(x, 2.0, 1.0, activation="tanh")
    a = x.copy()
    assert cyact.rescale(a, 2.0, 1.0, out=a, activation="tanh") is a
    assert_same_bits(a, want)
    a = np.append(x.ravel(), 0.0)
    cyact.rescale(a[:-1], 2.0, 1.0, out=a[1:], activation="tanh")
    assert_same_bits(a[1:], want.ravel())
    a = x.copy()
    want = cyact.rescale(x, x[3].copy())
    assert_same_bits(cyact.rescale(a, a[3], out=a), want)


# ---- activations ----

ACTIVATIONS = [
    "relu", cyact.sigmoid, partial(cyact.leaky_relu, alpha=0.3), partial(cyact.gelu, approximate=True), cyact.mish,
]


@of_results
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activation_has_the_bits_of_two_calls(activation, result):
    function = getattr(cyact, activation) if isinstance(activation, str) else activation
    for x in (IMAGES, IMAGES[:, ::2, ::-1], IMAGES[0, 0, 0], IMAGES[:, :, :0]):
        want = function(cyact.rescale(x, 0.02, -2.5, dtype=result))
        assert_same_bits(cyact.rescale(x, 0.02, -2.5, dtype=result, activation=activation), want)
        out = np.empty(x.shape, want.dtype)
        cyact.rescale(x, (0.02,) * 3, -2.5, out, dtype=result, activation=activation)
        assert_same_bits(out, want)
    assert cyact.rescale(np.uint8(3), 1.0, -4.0, activation="relu") == 0


def test_activation_with_a_slope_for_each_channel():
    prelu = partial(cyact.leaky_relu, alpha=np.array([0.1, 0.2, 0.3], "float32"))
    want = prelu(cyact.rescale(IMAGES, 0.02, -2.5))
    assert_same_bits(cyact.rescale(IMAGES, 0.02, -2.5, activation=prelu), want)


def test_integers_out():
    x = np.array([-3.7, 250.2])
    out = cyact.rescale(x, 1.0, out=np.zeros(2, "int16"), casting="unsafe", activation="relu")
    assert out.tolist() == [0, 250]


# ---- what is no plain array ----

def test_dask():
    array = pytest.importorskip("dask.array")
    x = array.from_array(IMAGES, chunks=(2, 20, 41, 3))
    for keywords in ({}, {"layout": "CHW"}, {"activation": "relu"}, {"layout": "CHW", "activation": "relu"}):
        y = cyact.normalize(x, MEAN, STD, max_value=255, **keywords)
        assert isinstance(y, array.Array)
        assert_same_bits(y.compute(), cyact.normalize(IMAGES, MEAN, STD, max_value=255, **keywords))
    assert_same_bits(cyact.rescale(IMAGES, array.from_array(np.array(STD))).compute(), cyact.rescale(IMAGES, STD))


def test_masked_arrays():
    mask = np.zeros(IMAGES.shape, bool)
    mask[:, 3] = True
    x = np.ma.array(IMAGES, mask=mask)
    for keywords in ({}, {"activation": "relu"}):
        y = cyact.normalize(x, MEAN, STD, **keywords)
        np.testing.assert_array_equal(y.mask, mask)
        assert_same_bits(y.data[~mask], cyact.normalize(IMAGES, MEAN, STD, **keywords)[~mask])
    y = cyact.rescale(IMAGES, np.ma.array([1, 2, 3], mask=[False, True, False]))
    assert y.mask[..., 1].all() and not y.mask[..., ::2].any()


def test_pandas_and_xarray():
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    want = cyact.normalize(frame.to_numpy(), (1.0, 2.0), (3.0, 4.0), activation="tanh")
    assert_same_bits(cyact.normalize(frame, (1.0, 2.0), (3.0, 4.0), activation="tanh").to_numpy(), want)
    x = xarray.DataArray(IMAGES[0], dims=("height", "width", "channel"))
    y = cyact.normalize(x, MEAN, STD)
    assert y.dims == x.dims
    assert_same_bits(y.to_numpy(), cyact.normalize(IMAGES[0], MEAN, STD))


def test_numbers_of_other_types():
    x = np.arange(6, dtype="uint8")
    for scale in (2**70, Fraction(1, 255), np.float32(0.1), np.int8(3), np.array(0.1)):
        assert_same_bits(cyact.rescale(x, scale, scale), cyact.rescale(x, float(scale), float(scale)))
    for scale in (True, np.True_, None, "1", [True, "1"], [None]):
        with pytest.raises(TypeError, match="scale"):
            cyact.rescale(x, scale)
    with pytest.raises(OverflowError, match="rescale"):
        cyact.rescale(x, 10**400)
    assert_same_bits(cyact.rescale(x, (2, 0.5, np.float64(1), 1, 1, 1)), cyact.rescale(x, np.array([2, 0.5, 1, 1, 1, 1])))


def test_arrays_that_numpy_has_to_prepare():
    """Misaligned, of another byte order, read-only, of a subclass, in a file."""
    x = np.random.default_rng(6).normal(size=(5, 7, 3)).astype("float32")
    want = cyact.normalize(x, MEAN, STD, activation="silu")
    room = np.zeros(x.nbytes + 1, "uint8")
    misaligned = room[1:].view("float32").reshape(x.shape)
    misaligned[...] = x
    read_only = np.frombuffer(x.tobytes(), "float32").reshape(x.shape)
    for a in (misaligned, x.astype(">f4"), read_only, x.view(type("Own", (np.ndarray,), {}))):
        assert_same_bits(cyact.normalize(a, MEAN, STD, activation="silu").view(np.ndarray), want)
    for out in (np.empty(x.shape, ">f4"), np.zeros(x.nbytes + 1, "uint8")[1:].view("float32").reshape(x.shape)):
        assert cyact.normalize(x, MEAN, STD, activation="silu", out=out) is out
        assert_same_bits(out.astype("float32"), want)
    with pytest.raises(ValueError, match="read-only"):
        cyact.normalize(x, MEAN, STD, out=read_only)
    assert_same_bits(read_only, x)


def test_no_call_depends_on_those_before():
    """The dtype of ``out`` decides, though NumPy has met the same operands without it."""
    x = np.full(3, 0.02435302734375, "float16")
    want = cyact.rescale(x, 1 / 255, 1 / 255, np.empty(3, "float32"))
    for swapped, stored in ((">f2", "f4"), ("<f2", ">f4"), (">f2", ">f4")):
        cyact.rescale(x.astype(swapped), 1 / 255, 1 / 255, where=np.ones(3, bool), out=None)
        out = cyact.rescale(x.astype(swapped), 1 / 255, 1 / 255, np.empty(3, stored))
        assert_same_bits(out.astype("f4"), want)


# ---- errors ----

@pytest.mark.parametrize("error, says, keywords", [
    (TypeError, "scale", {"scale": "2"}), (TypeError, "scale", {"scale": None}), (TypeError, "scale", {"scale": 1j}),
    (TypeError, "scale", {"scale": True}), (TypeError, "offset", {"offset": ["a"]}),
    (ValueError, "broadcast", {"scale": np.ones(7)}), (TypeError, "activation", {"activation": "no"}),
    (TypeError, "activation", {"activation": np.tanh}), (TypeError, "activation", {"activation": cyact.relu_grad}),
    (TypeError, "beta", {"activation": partial(cyact.relu, beta=1)}), (TypeError, "axis", {"axis": 1}),
    (TypeError, "approximate must be a bool", {"activation": partial(cyact.gelu, approximate=2)}),
    (TypeError, "alpha must be", {"activation": partial(cyact.leaky_relu, alpha=None)}),
    (ValueError, "broadcast", {"activation": partial(cyact.leaky_relu, alpha=np.ones(5))}),
    (TypeError, "cast", {"out": np.ones((4, 6), "int32")}), (ValueError, "broadcast", {"out": np.ones((4, 5))}),
    (TypeError, "subok", {"subok": np.array([True, False])}), (TypeError, "subok", {"subok": 1}),
    (TypeError, "int8", {"dtype": "int8"}), (TypeError, "bool", {"features": np.ones((4, 6), bool)}),
], ids=str)
def test_errors(error, says, keywords):
    given = {"features": np.ones((4, 6), "uint8"), "scale": 2.0, "out": np.full((4, 6), 5.0), "name": "layer 7"} | keywords
    before = given["out"].copy()
    with pytest.raises(error, match="rescale") as caught:
        cyact.rescale(**given)
    assert re.search(says, str(caught.value)) and "layer 7" in str(caught.value)
    np.testing.assert_array_equal(given["out"], before)


def test_means_of_zero():
    """Each call has the zero that it is given, whatever earlier ones were given."""
    x = np.array([-0.0, 0.0], "float32")
    for mean in (0.0, -0.0, 0.0):
        assert_same_bits(cyact.normalize(x, mean, 1.0), x - np.float32(mean))
        assert_same_bits(cyact.normalize(x, (mean,), (1.0,)), x - np.float32(mean))


def test_constants_that_change():
    """What is worked out once is found again by what was given, not by which object it was."""
    x = np.random.default_rng(5).random((4, 3), "float32")

    def assert_right(mean, std):
        with np.errstate(all="ignore"):
            scale, offset = 1 / np.asarray(std, "float64"), -np.asarray(mean, "float64") / np.asarray(std, "float64")
        assert_same_bits(cyact.normalize(x, mean, std), cyact.rescale(x, scale, offset))

    for dtype in ("float64", "float32", "float16", "int64"):
        mean, std = np.array([1, 2, 3], dtype), np.array([4, 5, 6], dtype)
        for value in (1, 2, 3):
            mean[1] = std[2] = value
            assert_right(mean, std)
            assert_right(mean.tolist(), tuple(std))
            assert_right(mean[::-1], std[2])
            assert_right(mean[1], np.array(std[2]))
            assert_right(mean[1:2], std[:1])
    for i in range(200):        # more than are kept
        assert_right((i, 0.5, 1.5), 2.0)
    assert_right((np.float32(0.1), 0.0, 1.0), 1.0)
    assert_right((0.1, 0.0, 1.0), 1.0)
    assert_right((np.float64(0.1), 0, 1), 1)
    for integer in (2**30, 2**30 + 1, 2**53 + 1, 2**62, -(2**63)):
        assert_right((integer, 0, 1), integer)
    for mean in ([0, None, 0], (0, "1", 0), True, None):
        cyact.normalize(x, (0, 1, 0), 1)
        cyact.normalize(x, 1, 1)
        with pytest.raises(TypeError, match="mean"):
            cyact.normalize(x, mean, 1)
    # The same numbers along another axis.
    y = np.ascontiguousarray(np.broadcast_to(x[:3, :1], (3, 3)))
    for axis in (-1, 0, -2, 1):
        want = cyact.rescale(y, 1.0, -np.array([1.0, 2.0, 3.0]).reshape((3, 1) if axis in (0, -2) else 3))
        assert_same_bits(cyact.normalize(y, (1.0, 2.0, 3.0), 1.0, axis=axis), want)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 30, 5000])
def test_one_row(n, dtype):
    """A constant for each element, as numbers for one and arrays for the other too."""
    rng = np.random.default_rng(n)
    x, scale, offset = rng.integers(0, 100, n).astype(dtype), *rng.normal(size=(2, n))
    for result in ("float16", "float32", "float64"):
        want = np.array([cyact.rescale(x[i], scale[i], offset[i], dtype=result) for i in range(n)])
        assert_same_bits(cyact.rescale(x, scale, offset, dtype=result), want)
        assert_same_bits(cyact.rescale(x[None], scale, offset, np.empty((1, n), result))[0], want)
        assert_same_bits(cyact.rescale(x[::-1], scale[::-1], offset[::-1], dtype=result)[::-1].copy(), want)
        assert_same_bits(cyact.rescale(x, np.repeat(scale, 2)[::2], offset, dtype=result), want)
        assert_same_bits(cyact.rescale(x, tuple(scale), list(offset), dtype=result), want)


@pytest.mark.parametrize("says, keywords", [
    ("std is 0", {"std": (1.0, 0.0, 1.0)}), ("mean has", {"mean": (0.0, 0.0)}), ("std has", {"std": np.ones((1, 3))}),
    ("layout", {"layout": "WHC"}), ("axis", {"axis": 5}), ("layout", {"layout": "CHW", "axis": 0}),
    ("max_value", {"max_value": 0}), ("layout", {"layout": "CHW", "images": np.ones((2, 3))}),
    ("broadcast", {"out": np.ones((4, 6, 2))}), ("layout", {"layout": np.array(["CHW", "HWC"])}),
    ("broadcast", {"layout": "CHW", "out": np.ones(IMAGES[0].shape, "float32")}),
], ids=str)
def test_errors_of_normalize(says, keywords):
    given = {"images": IMAGES[0], "mean": MEAN, "std": STD, "name": "layer 7"} | keywords
    with pytest.raises(ValueError, match=says) as caught:
        cyact.normalize(**given)
    assert "normalize" in str(caught.value) and "layer 7" in str(caught.value)


def test_axis_that_is_no_integer():
    for axis in (True, 1.0, None, "C"):
        with pytest.raises(TypeError, match="axis must be an integer"):
            cyact.normalize(IMAGES, MEAN, STD, axis=axis)


def test_known_constants_stay_as_they_are():
    """Others get to see them, and cannot write to them."""
    class Writes:
        shape = (2, 3)

        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            for constant in inputs[1:]:
                with pytest.raises(ValueError, match="read-only"):
                    constant[...] = 7
            return np.zeros(3)

    want = cyact.normalize(IMAGES, MEAN, STD)
    cyact.normalize(Writes(), MEAN, STD)
    assert_same_bits(cyact.normalize(IMAGES, MEAN, STD), want)


def test_mask_with_an_activation():
    x, mask, out = np.arange(4.0), np.array([True, False, True, False]), np.full(4, 9.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cyact.rescale(x, -1.0, 1.0, out=out, where=mask, activation="relu")
    np.testing.assert_array_equal(out, [1, 9, 0, 9])


def test_axis():
    first = np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))
    want = np.moveaxis(cyact.normalize(IMAGES, MEAN, STD), -1, 1).copy()
    for axis in (1, -3):
        assert_same_bits(cyact.normalize(first, MEAN, STD, axis=axis), want)
    assert_same_bits(cyact.normalize(IMAGES, 0.5, [0.25]), cyact.rescale(IMAGES, 4.0, -2.0))


# ---- the functions themselves ----

@pytest.mark.parametrize("name", PREPROCESSING)
def test_function(name):
    function, row = getattr(cyact, name), PREPROCESSING[name]
    assert function.__name__ == name and function.__module__ == "cyact"
    assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(function).parameters) == [argument.name for argument in row.arguments]
    with pytest.raises(TypeError, match=name):
        function()


def test_ufunc():
    assert pickle.loads(pickle.dumps(cyact.rescale.ufunc)) is cyact.rescale.ufunc
