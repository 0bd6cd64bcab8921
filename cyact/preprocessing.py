"""The rows of the functions that make features, in the table of public functions: see ``functions``."""

from cyact.rows import Argument, Preprocessing

ACTIVATION = Argument("activation", "callable or str, optional", """
One of the package's functions of one array, applied in the same pass: ``cyact.relu``, its name, or
``functools.partial(cyact.leaky_relu, alpha=0.1)`` where it has parameters. The result has the bits of two calls.""",
    None, True)
OUT = """
Where to store the result; of any floating-point dtype, and of any strides. In place, where the dtype is the same:
``out={}``."""
DTYPE = Argument("dtype", "dtype, optional", """
Of the result: float16, bfloat16, float32 or float64.""", None, True)
NAME = Argument("name", "str, optional", """
A label that error messages carry.""", None, True)
ACCURACY = """
At most 0.51 ULP from the exact value, or 2**-40 of the larger term where the two terms cancel. NaN and inf are as in
IEEE arithmetic. The bits of an element depend neither on its place nor on the layout."""

ROWS = [
    Preprocessing(
        "rescale", "Scale and shift, ``activation(features * scale + offset)``, in one pass.",
        arguments=(
            Argument("features", "array_like", """
Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not."""),
            Argument("scale", "float or array_like", """
A real number, or an array that broadcasts against `features`: one for each channel, say. Taken as float64, it never changes
the dtype of the result."""),
            Argument("offset", "float or array_like, default 0.0", """
What is added, likewise.""", 0.0),
            Argument("out", "ndarray or tuple of one ndarray, optional", OUT.format("features"), None),
            ACTIVATION,
            Argument("where", "array_like, optional", """
Where to compute, as for every NumPy ufunc.""", True, True),
            Argument("casting", "str, optional", """
As for every NumPy ufunc: ``"unsafe"`` stores the result into any `out`.""", "same_kind", True),
            Argument("order", "str, optional", """
Of a new result in memory, as for every NumPy ufunc.""", "K", True),
            DTYPE,
            Argument("subok", "bool, optional", """
As for every NumPy ufunc.""", True, True),
            NAME,
        ),
        raises="""
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime), if `scale` or `offset` is no real
    number, if `activation` is no function of the package, if `out` cannot hold the result under `casting`, or for an
    unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written.""",
        see_also="normalize : scale and offset from means and standard deviations.",
        notes=f"""
The formula in real numbers, with `scale` and `offset` as they are in float64, rounded once.{ACCURACY}
""",
        examples="""
>>> image = np.array([[[0, 128, 255]]], dtype="uint8")
>>> cyact.rescale(image, 1 / 255)
array([[[0.       , 0.5019608, 1.       ]]], dtype=float32)
>>> cyact.rescale(image, 2 / 255, -1, activation="relu", dtype="float16")
array([[[0.     , 0.00392, 1.     ]]], dtype=float16)
""",
    ),
    Preprocessing(
        "normalize", "Features of images, ``activation((images / max_value - mean) / std)``, in one pass.",
        arguments=(
            Argument("images", "array_like", """
Of any shape and dtype that `rescale` takes; one image, or many."""),
            Argument("mean", "float or array_like", """
A number, or one for each channel."""),
            Argument("std", "float or array_like", """
A number other than 0, or one for each channel."""),
            Argument("max_value", "float, optional", """
The value that means 1: 255 for images of bytes, where `mean` and `std` are published for values from 0 to 1. By default
1.""", None, True),
            Argument("axis", "int, default -1", """
The axis of the channels.""", -1, True),
            Argument("layout", "{\"CHW\"}, optional", """
Give the channels first, from images that have them last, (..., height, width, channels): the copy is made in the same
pass. An `out` that is a view with transposed axes does the same without it.""", None, True),
            ACTIVATION,
            Argument("out", "ndarray or tuple of one ndarray, optional", OUT.format("images"), None, True),
            DTYPE, NAME,
        ),
        raises="""
TypeError
    As `rescale`.
ValueError
    If a `std` is 0, if `max_value` is not positive, if there are not as many means or deviations as channels, if
    `layout` is unknown or the images have fewer than three axes for it, or if `out` does not fit. Whatever is raised,
    nothing was written.""",
        see_also="rescale : the same with any scale and offset.",
        notes=f"""
The call is ``rescale(images, 1 / (max_value * std), -mean / std)``, with these two computed in float64.{ACCURACY}

`mean` and `std` are given, as by who published a model: they are not computed of the images. Nor does this make unit
norms (``torch.nn.functional.normalize``, ``sklearn.preprocessing.normalize``) or stretch values to a range
(``cv2.normalize``).
""",
        examples="""
>>> images = np.full((8, 224, 224, 3), 200, dtype="uint8")
>>> mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
>>> features = cyact.normalize(images, mean, std, max_value=255, layout="CHW")
>>> features.shape, features.dtype
((8, 3, 224, 224), dtype('float32'))
>>> features[0, :, 0, 0]
array([1.3070469, 1.4656863, 1.6813943], dtype=float32)
""",
    ),
]
