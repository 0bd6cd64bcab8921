"""Docstrings, in numpydoc's form, and signatures: made of a row of the table of functions.

Words that several functions share stand here, once. Docstrings are made when they are asked for.
"""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect import Signature

    from cyact.rows import Function, Preprocessing

ARRAYS = {
    "features, any": """
Of any shape; float16, float32, float64, bfloat16, or an integer of 8 to 64 bits, signed or not.""",
    "gradients": """
The gradient of the loss with respect to the output; floating-point{or_integer}.""",
    "features": """
The input of the activation, of a shape and dtype that go with `gradients` as in NumPy.""",
    "outputs": """
The output of the activation, not its input; of a shape and dtype that go with `gradients` as in NumPy.""",
    "y": """
The output of the activation, not its input; floating-point.""",
    "dy": """
The gradient of the loss with respect to `y`, of a shape and dtype that go with it as in NumPy.""",
}
ARRAYS["logits"] = ARRAYS["features, any"]

AXIS = """
The axis of a row; a tuple of axes, which a row then has all of; None for all axes."""

KEEPDIMS = """
Whether the axes of a row stay, as axes of one element; by keyword alone."""

REDUCED_OUT = """
Where to store the result, of its shape."""

AXIS_OPTIONS = """
casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry."""

REDUCED = """
A number for each row, of the dtype of `logits`, but float32 for integers of 8 and 16 bits, float64 for wider ones; a
NumPy scalar if there is one row; `out` if given."""

PARAMETER = """
{text}: any real number, or an array that broadcasts against `features` (one for each channel, say). A Python number
takes the dtype of the computation; an array promotes as in NumPy."""

OPTION = """
{text}: True or False, by keyword alone."""

OUT = """
Where to store the result, of the shape that the inputs broadcast to. In place: {in_place}{restriction}."""

OPTIONS = """
where, casting, order, dtype, subok : optional
    As for every NumPy ufunc. ``dtype`` is the result's; ``casting="unsafe"`` stores it into any `out`.
name : str, optional
    A label that error messages carry."""

RETURNS = {
    "same": """
Of the shape of `features` and of its dtype; a NumPy scalar if `features` is 0-d; `out` if given.""",
    "real": """
Of the shape of `features` and of its dtype, but float32 for integers of 8 and 16 bits, float64 for wider ones; a NumPy
scalar if `features` is 0-d; `out` if given.""",
    "gradient": """
The gradient with respect to the input, of the inputs' common shape and dtype; `out` if given.""",
}

FEATURES = """
Of a floating-point dtype: `dtype`, or that of a floating-point `out`, or that of the input, for integers float32 (8 and 16
bits) or float64 (wider ones); a NumPy scalar for 0-d input; `out` if given."""

RAISES = """
TypeError
    If a dtype is not supported (bool, complex, longdouble, object, string, datetime{integers}), if `out` cannot hold the
    result under `casting`, {parameters}or for an unknown keyword.
ValueError
    If `out` is read-only, or shapes do not broadcast. Whatever is raised, nothing was written."""

INTEGER_OUT = """
Integers in place, or any integer `out`, need ``casting="unsafe"``: the value is then stored truncated toward zero."""

SOURCE = """
Constants, fits and errors stand above the formula in ``cyact/kernels``. Multiply-add is emulated where the processor
lacks it (x86_64_v2): slower, and now and then another last bit."""


def _indented(text: str) -> str:
    return fill(" ".join(text.split()), 100, initial_indent="    ", subsequent_indent="    ")


def _section(title: str, *parts: str) -> str:
    body = "\n".join(part.strip("\n") for part in parts if part)
    return f"{title}\n{'-' * len(title)}\n{body}\n" if body else ""


def _array(row: Function, name: str) -> str:
    key = "features, any" if name == "features" and not row.gradient_of else name
    return f"{name} : array_like\n" + _indented(ARRAYS[key].format(or_integer="" if row.only_floating else " or integer"))


def _out(row: Function) -> str:
    if row.reduces:
        return "out : ndarray or tuple of one ndarray, optional\n" + _indented(REDUCED_OUT)
    in_place = "``out=`` either input" if len(row.inputs) == 2 else f"``out={row.inputs[0]}``"
    restriction = ", for floating-point dtypes" if row.result == "real" else ""
    text = OUT.format(in_place=in_place, restriction=restriction)
    return "out : ndarray or tuple of one ndarray, optional\n" + _indented(text)


def _see_also(row: Function) -> str:
    from cyact import along_axis, functions

    gradients = functions.GRADIENTS | along_axis.GRADIENTS
    gradient = f"{gradients[row.name]} : its gradient." if row.name in gradients else ""
    of = f"{row.gradient_of} : the function that it is the gradient of." if row.gradient_of else ""
    return "\n".join(filter(None, [row.see_also, gradient, of]))


def preprocessing_docstring(row: Preprocessing) -> str:
    """The docstring of a function that makes features."""
    arguments = [f"{a.name} : {a.kind}\n{_indented(a.text)}" for a in row.arguments]
    return "\n".join(filter(None, [
        f"{row.summary}\n",
        _section("Parameters", *arguments),
        _section("Returns", "ndarray or scalar\n" + _indented(FEATURES)),
        _section("Raises", row.raises),
        _section("See Also", row.see_also),
        _section("Notes", row.notes),
        _section("Examples", ">>> import numpy as np, cyact", row.examples),
    ]))


def preprocessing_signature(row: Preprocessing) -> Signature:
    """Its signature."""
    from inspect import Parameter, Signature

    kinds = {False: Parameter.POSITIONAL_OR_KEYWORD, True: Parameter.KEYWORD_ONLY}
    return Signature([Parameter(a.name, kinds[a.by_keyword], default=a.default) for a in row.arguments])


def docstring(row: Function) -> str:
    """The docstring of a function."""
    parameters = [
        f"{p.name} : float or array_like, default {p.default}\n{_indented(PARAMETER.format(text=p.text))}"
        for p in row.parameters
    ]
    option = [f"{row.option.name} : bool, default False\n{_indented(OPTION.format(text=row.option.text))}"] if row.option else []
    names = "".join(f"if `{p.name}` is no real number, " for p in row.parameters)
    names += f"if `{row.option.name}` is no bool, " if row.option else ""
    raises = RAISES.format(integers=", integer" if row.only_floating else "", parameters=names)
    returns = REDUCED if row.reduces else RETURNS["gradient" if row.gradient_of else row.result]
    returns = returns.replace("features", row.inputs[0])
    axis = ["axis : int, tuple of int or None, default -1\n" + _indented(AXIS)] if row.along_axis else []
    if row.reduces:
        option = ["keepdims : bool, default False\n" + _indented(KEEPDIMS)]
    return "\n".join(filter(None, [
        f"{row.summary}\n",
        _section(
            "Parameters", *(_array(row, name) for name in row.inputs), *parameters, *axis, _out(row), *option,
            AXIS_OPTIONS if row.along_axis else OPTIONS,
        ),
        _section("Returns", "ndarray or scalar\n" + _indented(returns)),
        _section("Raises", raises),
        _section("See Also", _see_also(row)),
        _section("Notes", row.notes, INTEGER_OUT if row.result == "real" else "", SOURCE if "ULP" in row.notes else ""),
        _section("Examples", ">>> import numpy as np, cyact", row.examples),
    ]))


def signature(row: Function) -> Signature:
    """The signature of a function: TensorFlow's names, then the keywords of every NumPy ufunc, and a label."""
    from inspect import Parameter, Signature

    given = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in row.inputs]
    given += [Parameter(p.name, Parameter.POSITIONAL_OR_KEYWORD, default=p.default) for p in row.parameters]
    if row.along_axis:
        given.append(Parameter("axis", Parameter.POSITIONAL_OR_KEYWORD, default=-1))
    given.append(Parameter("out", Parameter.POSITIONAL_OR_KEYWORD, default=None))
    option = {row.option.name: False} if row.option else {"keepdims": False} if row.reduces else {}
    where = {} if row.along_axis else {"where": True}
    options = {**option, **where, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "name": None}
    given += [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in options.items()]
    return Signature(given)
