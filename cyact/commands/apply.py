import argparse
import contextlib
import math
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import cyact
from cyact.along_axis import ALONG_AXIS
from cyact.commands import FUNCTIONS, CommandError, add_parameters, function_name, note, parameter_keywords, say

HELP = "apply a function to the array in a .npy file, however large"
EXAMPLES = """\
The output appears under its name only when it is complete. With --in-place the
file itself is changed, block by block, and a run that is interrupted leaves it
half changed; it keeps its dtype.

examples:
  python -m cyact apply relu features.npy       (writes features.relu.npy)
  python -m cyact apply sigmoid logits.npy -o probabilities.npy
  python -m cyact apply leaky_relu features.npy --alpha 0.01 --in-place
  python -m cyact apply softmax logits.npy --axis -1
  python -m cyact apply tanh counts.npy --dtype float32
  python -m cyact apply rescale images.npy --scale 0.00392157 --activation relu"""

BLOCK = 2**22   # elements: some ten megabytes

ROW_FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    name: getattr(cyact, name) for name, row in ALONG_AXIS.items() if not row.gradient_of
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "function", type=_function_name, metavar="FUNCTION", help=", ".join((*FUNCTIONS, *ROW_FUNCTIONS, "rescale"))
    )
    parser.add_argument("input", type=Path, metavar="INPUT.npy", help="any shape, order and byte order")
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "-o", "--output", type=Path, metavar="OUTPUT.npy", help="replaced if it exists (default: INPUT.FUNCTION.npy)"
    )
    target.add_argument("--in-place", action="store_true", help="write the results over the input")
    parser.add_argument(
        "--dtype", type=_dtype, metavar="D",
        help="of the result, such as float32 (default: what the function gives for the input's)",
    )
    parser.add_argument(
        "--axis", type=int, metavar="N",
        help=f"of {' and '.join(ROW_FUNCTIONS)} (default: -1); along the first axis, the whole array is read at once",
    )
    group = parser.add_argument_group("of rescale", "activation(x * scale + offset)")
    each = "a number, or one for each element of the last axis"
    group.add_argument("--scale", type=float, nargs="+", metavar="S", help=each)
    group.add_argument("--offset", type=float, nargs="+", metavar="O", help=f"{each} (default: 0)")
    group.add_argument(
        "--activation", type=function_name, metavar="FUNCTION", help="computed in the same pass, with its own parameters"
    )
    add_parameters(parser)


def _function_name(text: str) -> str:
    return text if text in ROW_FUNCTIONS or text == "rescale" else function_name(text)


def _dtype(text: str) -> np.dtype:
    try:
        dtype = np.dtype(text)
        if dtype.kind in "iuf":     # no other can be a result that a .npy file holds: bfloat16 cannot
            return dtype
    except (TypeError, ValueError, SyntaxError):
        pass
    raise argparse.ArgumentTypeError(f"no dtype {text!r} here, try float32 or float64")


def run(args: argparse.Namespace) -> None:
    along_axis, rescales = args.function in ROW_FUNCTIONS, args.function == "rescale"
    function: Callable[..., np.ndarray]
    if rescales:
        function, keywords = cyact.rescale, _of_rescale(args)
    elif along_axis:
        function, keywords = ROW_FUNCTIONS[args.function], {}
    else:
        function, keywords = FUNCTIONS[args.function], parameter_keywords(args, [args.function])
    if not rescales and not args.scale is args.offset is args.activation is None:
        args.usage_error(f"{args.function} has no --scale, --offset or --activation: these are of rescale")
    if args.axis is not None and not along_axis:
        args.usage_error(f"{args.function} has no --axis")
    reduces = along_axis and ALONG_AXIS[args.function].reduces
    if reduces and args.in_place:
        args.usage_error(f"{args.function} has one result for a row, which cannot be written over it")
    if args.dtype is not None:
        if args.in_place:
            args.usage_error("--dtype cannot be given with --in-place: the file keeps its dtype")
        keywords["dtype"] = args.dtype

    shape, fortran_order, dtype, offset = _read_header(args.input)
    channels = max(len(keywords["scale"]), len(keywords["offset"])) if rescales else 1
    if channels > 1 and (fortran_order or not shape or shape[-1] != channels):
        order = ", in Fortran order" if fortran_order else ""
        raise CommandError(f"{args.input}: {channels} numbers do not fit the last axis of the shape {shape}{order}")
    # An empty call tells what the function makes of the dtype, or refuses it, before anything is written.
    empty = np.empty((0, channels), dtype)
    try:
        result = function(empty, out=empty if args.in_place else None, **keywords).dtype
    except (TypeError, ValueError) as error:
        wanted = f", --dtype is {args.dtype}" if args.dtype is not None else ""
        remedy = "; without --in-place the result goes to a new file" if args.in_place else ""
        raise CommandError(f"{args.input} holds {dtype}{wanted}: {error}{remedy}") from error

    with open(args.input, "rb") as source:
        source.seek(offset)
        count = math.prod(shape)
        call: Callable[..., np.ndarray] = partial(function, **keywords)
        block, per_result, result_shape = BLOCK, 1, shape
        if along_axis:
            axis, length, inner = _row(args.input, shape, fortran_order, -1 if args.axis is None else args.axis)
            if reduces:
                if not length:
                    raise CommandError(f"{args.input} has the shape {shape}: axis {axis} has no elements")
                per_result, result_shape = length, shape[:axis] + shape[axis + 1:]
            call = _by_rows(partial(call, axis=1, **{"keepdims": True} if reduces else {}), length, inner)
            block = max(1, BLOCK // max(1, length * inner)) * length * inner
        elif channels > 1:
            call = _by_rows(call, 1, channels)
            block = BLOCK // channels * channels or channels
        x = np.empty(min(count, block), dtype)
        y = x if result == dtype and not reduces else np.empty(x.size // per_result, result)
        if args.in_place:
            target, done = args.input, "changed"
            with open(target, "r+b") as file:
                note(f"cyact apply: changing {target} in place")
                file.seek(offset)
                _apply(call, source, x, file, y, per_result, count, block)
        else:
            target, done = args.output or args.input.with_suffix(f".{args.function}.npy"), "wrote"
            with _replacing(target, args.input) as file:
                header = {
                    "descr": np.lib.format.dtype_to_descr(result), "fortran_order": fortran_order, "shape": result_shape
                }
                np.lib.format.write_array_header_1_0(file, header)
                _apply(call, source, x, file, y, per_result, count, block)
    say(f"{done} {target}: {result}, shape {result_shape}")


def _of_rescale(args: argparse.Namespace) -> dict[str, Any]:
    """Its keyword arguments."""
    if args.scale is None:
        args.usage_error("rescale needs --scale")
    activation = args.activation
    parameters = parameter_keywords(args, [activation] if activation else [])
    if parameters:
        activation = partial(FUNCTIONS[activation], **parameters)
    return {"scale": args.scale, "offset": args.offset or [0.0], "activation": activation}


def _row(path: Path, shape: tuple[int, ...], fortran_order: bool, axis: int) -> tuple[int, int, int]:
    """An axis counted from the first, how many elements a row along it has, and how far apart these lie in the file."""
    if not -len(shape) <= axis < len(shape):
        raise CommandError(f"{path} has {len(shape)} dimensions: there is no axis {axis}")
    axis %= len(shape)
    return axis, shape[axis], math.prod(shape[:axis] if fortran_order else shape[axis + 1:])


def _by_rows(function: Callable[..., np.ndarray], length: int, inner: int) -> Callable[..., np.ndarray]:
    """The function of a flat block of whole rows, whose elements lie ``inner`` apart."""

    def call(x: np.ndarray, out: np.ndarray) -> np.ndarray:
        rows = x.reshape(-1, length, inner)
        return function(rows, out=out.reshape(len(rows), -1, inner))

    return call


def _read_header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, dtype and the offset of the data, which are known to be there in full."""
    if not path.is_file():
        raise CommandError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    # Version 3 differs from 2 by the encoding of fields' names, and what has fields is refused whatever their names.
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,
    }
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            if version not in readers:
                raise ValueError(f"format version {version} is not known")
            shape, fortran_order, dtype = readers[version](file)
            # An array of such a dtype gets the dtype's own dimensions besides, and so another shape than is said here.
            if dtype.subdtype is not None:
                raise ValueError(f"dtype {dtype} has a shape of its own")
            np.broadcast_to(np.empty((), dtype), shape)     # takes no memory, and refuses what is no array's shape
        except Exception as error:      # a broken header is parsed as Python, and may raise anything
            raise CommandError(f"{path}: not a .npy file that can be read: {error}") from error
        offset = file.tell()
        promised = math.prod(shape) * dtype.itemsize
        present = os.fstat(file.fileno()).st_size - offset
    if present < promised and not dtype.hasobject:
        raise CommandError(f"{path}: truncated: {present} bytes of data, and its header promises {promised}")
    return shape, fortran_order, dtype, offset


def _apply(
    function: Callable[..., object], source: BufferedReader, x: np.ndarray, target: BinaryIO, y: np.ndarray,
    per_result: int, count: int, block: int,
) -> None:
    """Reads into ``x``, computes into ``y``, which may be ``x``, and writes, block by block.

    ``per_result`` elements of ``x`` make one of ``y``.

    Not through memory mappings: where the disk is full or fails, or another program cuts the file short, a read or a
    write raises an exception, but a mapping kills the process, and the temporary file would stay.
    """
    start = 0
    try:
        for start in _progress(range(0, count, max(1, block)), block * x.itemsize):
            n = min(block, count - start)
            if source.readinto(x[:n].data) < x[:n].nbytes:
                raise CommandError(f"{source.name} has become shorter meanwhile")
            results = y[:n // per_result]
            function(x[:n], out=results)
            target.write(results.data)
            target.flush()
    except BaseException:
        if target.name == source.name:
            note(
                f"cyact apply: {target.name} is half changed: the first {start} of its {count} elements are, "
                f"from {min(start + block, count)} on none is"
            )
        raise


def _progress(starts: range, scale: int) -> Iterable[int]:
    """The same numbers, with a bar on stderr where that is a terminal."""
    try:
        from tqdm import tqdm
    except ImportError:
        return _plain_progress(starts) if sys.stderr.isatty() else starts
    bar: Iterable[int] = tqdm(starts, unit="B", unit_scale=scale, disable=None, leave=False)
    return bar


def _plain_progress(starts: range) -> Iterator[int]:
    for done, start in enumerate(starts):
        note(f"\r{done / len(starts):4.0%}", end="")
        yield start
    note("\r    \r", end="")


@contextlib.contextmanager
def _replacing(path: Path, source: Path) -> Iterator[BinaryIO]:
    """A new file that takes the name of ``path`` if all goes well, and vanishes if not."""
    if path.exists():
        if path.samefile(source):
            raise CommandError(f"{path} is the input; --in-place changes it")
        if not path.is_file():
            raise CommandError(f"{path}: not a regular file")
        if not os.access(path, os.W_OK):
            raise CommandError(f"{path}: read-only")
    target = Path(os.path.realpath(path))   # a link stays, and what it points to is replaced
    temporary = target.with_name(f".cyact-{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(f"{path} is not written: {error.strerror}") from error
        raise
