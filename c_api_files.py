"""Writes what compiled callers see of each function: ``include/cyact_functions.h`` and ``c_api.pxd``, when the package is built.

A line for each function and dtype, from the table of functions. ``cyact/c_api.pyx`` holds them against the kernels' own
table when it is imported.
"""

import sys
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).with_name("cyact")
INTEGERS = {"i8": "int8_t", "u8": "uint8_t", "i16": "int16_t", "u16": "uint16_t"}
INTEGERS |= {"i32": "int32_t", "u32": "uint32_t", "i64": "int64_t", "u64": "uint64_t"}
FLOATS = {"f16": "uint16_t", "bf16": "uint16_t", "f32": "float", "f64": "double"}


def rows():
    """The table of functions, without the compiled modules, which importing the package would load."""
    package = ModuleType("cyact")
    package.__path__ = [str(PACKAGE)]
    sys.modules["cyact"] = package
    from cyact.functions import ROWS

    for name in [name for name in sys.modules if name.split(".")[0] == "cyact"]:
        del sys.modules[name]
    return ROWS


def functions():
    """Of each function: its name in C, the declaration of its arguments, the names of its arrays and of its parameters."""
    for row in rows():
        names = [row.name, *([f"{row.name}_{row.option.name}"] if row.option else [])]
        parameters = [parameter.name for parameter in row.parameters]
        for name in names:
            for suffix, x in (FLOATS if row.only_floating else INTEGERS | FLOATS).items():
                out = x
                if row.result == "real" and suffix in INTEGERS:
                    out = "float" if suffix in ("i8", "u8", "i16", "u16") else "double"
                arguments = [f"const {x} *{array}" for array in row.inputs] + [f"{out} *out", "Py_ssize_t n"]
                arguments += [f"double {parameter}" for parameter in parameters]
                yield f"{name}_{suffix}", ", ".join(arguments), ", ".join([*row.inputs, "out"]), ", ".join(parameters or "0")


def write():
    header = ["/* Written by c_api_files.py: CYACT_FUNCTION(name, (arguments), (arrays), (parameters or 0)). */"]
    declarations = [
        '"""For Cython: the functions of ``cyact.h``. Written by c_api_files.py."""\n',
        "from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t\n",
        'cdef extern from "cyact.h":',
        "    int import_cyact() except -1\n",
        'cdef extern from "cyact.h" nogil:',
    ]
    for name, arguments, arrays, parameters in functions():
        header.append(f"CYACT_FUNCTION({name}, ({arguments}), ({arrays}), ({parameters}))")
        declarations.append(f"    int cyact_{name}(\n        {arguments})")
    for path, lines in (("include/cyact_functions.h", header), ("c_api.pxd", declarations)):
        text = "\n".join(lines) + "\n"
        # The same text leaves the file's time, so that nothing is compiled again.
        if not (PACKAGE / path).exists() or (PACKAGE / path).read_text() != text:
            (PACKAGE / path).write_text(text)
