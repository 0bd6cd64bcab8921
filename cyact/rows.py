"""What a row of the table of public functions consists of."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple


class Parameter(NamedTuple):
    """A number that a function takes besides its arrays, or an array that broadcasts against them."""

    name: str
    default: float
    text: str


class Option(NamedTuple):
    """A truth value, by keyword alone, False by default. Where it is true another kernel, of both names, computes it."""

    name: str
    text: str


class Argument(NamedTuple):
    """An argument of a function that is no activation, with its whole description."""

    name: str
    kind: str               # as numpydoc has it: "float or array_like"
    text: str
    default: Any = inspect.Parameter.empty
    by_keyword: bool = False            # alone


class Preprocessing(NamedTuple):
    """A row of a function that makes features."""

    name: str
    summary: str
    notes: str
    examples: str
    arguments: tuple[Argument, ...]
    raises: str
    see_also: str = ""


class Function(NamedTuple):
    """One row."""

    name: str
    summary: str                        # the docstring's first line
    notes: str                          # formula, error, special values, source
    examples: str
    result: str                         # "same", the input's dtype; "real", integers give float32 or float64
    inputs: tuple[str, ...] = ("features",)
    parameters: tuple[Parameter, ...] = ()
    option: Option | None = None
    gradient_of: str = ""
    only_floating: bool = False         # whether integers are refused
    see_also: str = ""
    limits: tuple[float, float] = (-10.0, 10.0)         # between which its curve is drawn
    along_axis: bool = False            # whether a result depends on a whole row, along an axis that is given
    reduces: bool = False               # whether a row has one result

    @property
    def defaults(self) -> dict[str, float]:
        """What it takes besides its arrays, by keyword."""
        return {p.name: p.default for p in self.parameters} | ({self.option.name: False} if self.option else {})

    @property
    def from_output(self) -> bool:
        """Whether a gradient is computed from what the activation gave, not from what it was given."""
        return bool({"y", "outputs"} & set(self.inputs))


ALPHA = Parameter("alpha", 0.2, "The slope below zero")
THRESHOLD = Parameter("threshold", 0.5, "The magnitude up to which the result is 0")
APPROXIMATE = Option("approximate", "Whether to compute the formula with tanh in place of the exact one: other values, faster")
