"""The functions that the site is about: what is public and takes arrays, by what its docstring and signature say of it.

So a function has its page whichever of the package's tables it stands in.
"""

import inspect
import re

import cyact
from cyact.functions import FUNCTIONS

# What is public and computes nothing of arrays: the guides tell of it.
SERVICES = {"get_num_threads", "num_threads", "set_num_threads", "show_config"}
PUBLIC = [name for name in cyact.__all__ if callable(getattr(cyact, name)) and name not in SERVICES]
GRADIENTS = {name.removesuffix("_grad"): name for name in PUBLIC if name.endswith("_grad")}
NAMES = [name for name in PUBLIC if name not in GRADIENTS.values()]     # each has a page


def page_of(name: str) -> str:
    """The page that tells of a function: a gradient has its function's."""
    return name.removesuffix("_grad")


def summary(name: str) -> str:
    """The docstring's first paragraph."""
    return inspect.getdoc(getattr(cyact, name)).partition("\n\n")[0]


def notes(name: str) -> str:
    """What the docstring has under "Notes"."""
    found = re.search(r"^Notes\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", inspect.getdoc(getattr(cyact, name)), re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def required(name: str) -> int:
    """How many arguments have no default."""
    return sum(p.default is p.empty for p in inspect.signature(getattr(cyact, name)).parameters.values())


def arrays(name: str) -> int:
    """How many arrays it takes: a gradient two, another one; what else has no default is a number."""
    return required(name) if name in GRADIENTS.values() else 1


def forms(name: str) -> list[str]:
    """The names by which it is measured: with an option, it is another function."""
    option = FUNCTIONS[name].option if name in FUNCTIONS else None
    return [name, *([f"{name}_{option.name}"] if option else [])]


def all_forms(name: str) -> list[str]:
    """Those of a function and of its gradient."""
    return [form for n in (name, GRADIENTS.get(name)) if n for form in forms(n)]
