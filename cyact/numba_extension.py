"""cyact's functions inside numba's ``@njit``: of numbers, and of contiguous arrays of one shape.

numba calls ``register``, an entry point of the package, when it first compiles: who does not use numba does not import this. For
each row of the table of functions, numba is given a function of the same arguments that calls the C API, by name rather than by
address, so that compiled code may be cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload
from numba.np.numpy_support import as_dtype, from_dtype

import cyact
from cyact import c_api
from cyact.functions import ROWS
from cyact.rows import Function

# The end of a C function's name, by the type of its inputs.
_SUFFIXES = {from_dtype(np.dtype(code + size)): code + bits for code in "iu" for size, bits in zip("1248", ("8", "16", "32", "64"))}
_SUFFIXES |= {types.float32: "f32", types.float64: "f64"}

# What numba compiles for a call. The names of the arguments are the function's own, since they may be keywords.
_OF_NUMBERS = """
def of_numbers({arguments}):
    inputs, parameters = ({numbers},), ({parameters})
    if {option}:
        return alternative(inputs, parameters)
    return call(inputs, parameters)
"""
_OF_ARRAYS = """
def of_arrays({arguments}):
    result = {result}
    for array in ({inputs},):
        if array.shape != result.shape:
            raise ValueError("{name}: arrays of different shapes")
    if {option}:
        failed = alternative({addresses}, result.ctypes, result.size, {parameters})
    else:
        failed = call({addresses}, result.ctypes, result.size, {parameters})
    if failed:
        raise ValueError("{name}: an array is not aligned, or out overlaps an input without being the same array")
    return result
"""
_CHOOSE = """
def choose({arguments}):
    return implementation(row, [{inputs}], [{parameters}], out)
"""


def _by_the_stack(symbol: str, result: types.Type) -> Any:
    """Call a C function of arrays for one element each: numbers in, a number out."""

    def call(typing: Any, inputs: Any, parameters: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arrays = [cgutils.alloca_once_value(builder, value) for value in cgutils.unpack_tuple(builder, values[0])]
            out = cgutils.alloca_once(builder, context.get_value_type(result))
            one = ir.Constant(context.get_value_type(types.intp), 1)
            arguments = [*arrays, out, one, *cgutils.unpack_tuple(builder, values[1])]
            kind = ir.FunctionType(ir.IntType(32), [argument.type for argument in arguments])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), arguments)
            return builder.load(out)

        return result(inputs, parameters), generate

    return intrinsic(call)


def _of_pointers(symbol: str, arrays: int, parameters: int) -> types.ExternalFunction:
    arguments = [types.voidptr] * arrays + [types.intp] + [types.float64] * parameters
    return types.ExternalFunction(symbol, types.int32(*arguments))


def _define(source: str, row: Function, names: dict[str, Any], result: str = "") -> Any:
    """The one function of a source text, filled in for a row; ``names`` are those that it knows besides."""
    parameters = [parameter.name for parameter in row.parameters]
    arguments = [*row.inputs, *(f"{parameter.name}={parameter.default!r}" for parameter in row.parameters), "out=None"]
    arguments += [f"{row.option.name}=False"] if row.option else []
    text = source.format(
        name=row.name,
        arguments=", ".join([*arguments, "name=None"]),
        inputs=", ".join(row.inputs),
        numbers=", ".join(f"kind({name})" for name in row.inputs),
        addresses=", ".join(f"{name}.ctypes" for name in row.inputs),
        parameters="".join(f"float64({name}), " for name in parameters) if source is not _CHOOSE else ", ".join(parameters),
        option=row.option.name if row.option else "False",
        result=result,
    )
    exec(text, names)
    return names[text.split("(")[0].split()[-1]]


def _implementation(row: Function, inputs: Sequence[Any], parameters: Sequence[Any], out: Any) -> Any:
    """What computes a call, for the types of its arguments; a parameter that is not given is its default."""
    if not all(isinstance(getattr(p, "value", p), (float, types.Integer, types.Float)) for p in parameters):
        raise TypingError(f"{row.name}: in compiled code a parameter is a number")
    numbers = all(isinstance(x, types.Number) for x in inputs)
    arrays = [*inputs, *([] if _absent(out) else [out])]
    if not numbers and not all(isinstance(x, types.Array) and x.layout == arrays[0].layout and x.layout in "CF" for x in arrays):
        raise TypingError(f"{row.name}: compiled code takes numbers, or contiguous arrays (np.ascontiguousarray makes one)")
    elements = [x if numbers else x.dtype for x in inputs]
    kind = from_dtype(np.result_type(*map(as_dtype, elements))) if numbers else elements[0]
    suffix = _SUFFIXES.get(kind, "")
    if f"{row.name}_{suffix}" not in c_api.addresses or any(x != kind for x in elements) and not numbers:
        raise TypingError(f"{row.name}: {', '.join(map(str, elements))} is not supported in compiled code")
    result = kind if row.result == "same" or isinstance(kind, types.Float) else types.float32 if kind.bitwidth <= 16 else types.float64
    symbols = [f"cyact_{row.name}_{suffix}", f"cyact_{row.name}_{row.option.name if row.option else suffix}_{suffix}"]
    known = {"kind": kind, "float64": types.float64, "np": np, "dtype": as_dtype(result)}
    if numbers:
        if not _absent(out):
            raise TypingError(f"{row.name}: out is for arrays")
        known["call"], known["alternative"] = (_by_the_stack(symbol, result) for symbol in symbols)
        return _define(_OF_NUMBERS, row, known)
    if not _absent(out) and (out.dtype != result or out.ndim != inputs[0].ndim or not out.mutable):
        raise TypingError(f"{row.name}: out must be a writable array of {result}, of as many dimensions as {row.inputs[0]}")
    known["call"], known["alternative"] = (_of_pointers(symbol, len(inputs) + 1, len(parameters)) for symbol in symbols)
    return _define(_OF_ARRAYS, row, known, f"np.empty_like({row.inputs[0]}, dtype)" if _absent(out) else "out")


def _absent(x: Any) -> bool:
    return x is None or isinstance(x, (types.NoneType, types.Omitted))


def register() -> None:
    for name, address in c_api.addresses.items():
        llvmlite.binding.add_symbol(f"cyact_{name}", address)
    for row in ROWS:
        overload(getattr(cyact, row.name))(_define(_CHOOSE, row, {"row": row, "implementation": _implementation}))
