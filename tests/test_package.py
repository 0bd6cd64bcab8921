"""The package as it is installed: names, docstrings, files."""

import ast
import doctest
import importlib.metadata
import inspect
import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, HAS_OPENMP, INTEGERS, LEVEL, ufuncs

import cyact
from cyact.along_axis import ALONG_AXIS
from cyact.functions import FUNCTIONS, GRADIENTS

PACKAGE = Path(cyact.__file__).parent
PUBLIC = [name for name in cyact.__all__ if callable(getattr(cyact, name))]


# ---- lists of names ----

def test_installed_package_is_tested():
    """Not the source tree, which has no compiled modules but might shadow them."""
    assert Path(__file__).resolve().parents[1] / "cyact" != PACKAGE
    distribution = importlib.metadata.distribution("cyact")
    assert Path(distribution.locate_file("cyact")).resolve() == PACKAGE.resolve()
    assert distribution.version == cyact.__version__


def test_names_agree():
    """Cases, kernels' table, public functions, type stubs: a function that one of them lacks is forgotten somewhere."""
    to_integer = {name for name in ufuncs.functions if name.endswith("_to_integer")}
    options = {f"{name}_{row.option.name}" for name, row in FUNCTIONS.items() if row.option}
    assert set(ufuncs.functions) - to_integer - set(ALONG_AXIS) == set(FUNCTIONS) | options == set(CASES)
    assert [name for name in cyact.__all__ if name in FUNCTIONS] == list(FUNCTIONS)
    assert len(cyact.__all__) == len(set(cyact.__all__))
    assert all(hasattr(cyact, name) for name in cyact.__all__)
    # What stores integers into integers by a kernel of its own turns integers into floats otherwise.
    real = {name for name, case in CASES.items() if any(case.result(d) != d for d in case.dtypes)}
    assert {name.removesuffix("_to_integer") for name in to_integer} <= real


def test_rows_agree_with_cases(case):
    """The table of functions says of each what the tests' row says."""
    row = FUNCTIONS[case.public]
    assert case.keywords in ({}, {row.option.name: True} if row.option else {})
    assert row.inputs == case.inputs
    assert {p.name: p.default for p in row.parameters} == {name: default for name, (default, _) in case.parameters.items()}
    assert row.only_floating == (not set(INTEGERS) & set(case.dtypes))
    assert set(case.function.dtypes) == {dtype.name for dtype in case.dtypes}
    if not row.only_floating:
        assert (row.result == "same") == all(case.result(dtype) == dtype for dtype in case.dtypes)
    assert bool(row.gradient_of) == case.public.endswith("_grad")
    if row.gradient_of:
        assert GRADIENTS[row.gradient_of] == case.public == f"{row.gradient_of}_grad"
        assert row.option == FUNCTIONS[row.gradient_of].option


def stub():
    return ast.parse((PACKAGE / "__init__.pyi").read_text())


def test_stub_agrees():
    """The same names, and the same parameters in the same order: a line for each function, of one of the call shapes."""
    shapes, functions, other = {}, {}, set()
    for node in stub().body:
        if isinstance(node, ast.ClassDef):
            calls = [part.args for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__call__"]
            shapes[node.name] = calls
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            other.add(node.name)
        if isinstance(node, ast.AnnAssign) and node.target.id != "__version__":
            functions[node.target.id] = node.annotation.id
    assert set(functions) == set(FUNCTIONS) | set(ALONG_AXIS)
    assert set(functions) | other == set(cyact.__all__)
    assert {name for name, calls in shapes.items() if calls} == set(functions.values()), "a call shape of no function"
    options = {
        node.name: [part.target.id for part in node.body if isinstance(part, ast.AnnAssign)]
        for node in stub().body if isinstance(node, ast.ClassDef) and node.name in ("_Options", "_AxisOptions")
    }
    for name, shape in functions.items():
        parameters = list(inspect.signature(getattr(cyact, name)).parameters)
        assert shapes[shape]
        keywords = options["_AxisOptions" if name in ALONG_AXIS else "_Options"]
        for arguments in shapes[shape]:
            given = [argument.arg for argument in arguments.args[1:]]
            assert given + [argument.arg for argument in arguments.kwonlyargs] + keywords == parameters, name
            # What has a default here has one there.
            defaults = given[len(given) - len(arguments.defaults):]
            required = [p for p, what in inspect.signature(getattr(cyact, name)).parameters.items() if what.default is what.empty]
            assert not set(defaults) & set(required), name


def test_signatures(case):
    """TensorFlow's names, then NumPy's keywords with NumPy's defaults."""
    parameters = inspect.signature(case.function).parameters
    positional = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == [*case.inputs, *case.parameters, "out"]
    option = FUNCTIONS[case.public].option
    keywords = {option.name: False} if option else {}
    keywords |= {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "name": None}
    given = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert list(given.items()) == list(keywords.items())
    assert parameters["out"].default is None
    assert {name: parameters[name].default for name in case.parameters} == {
        name: default for name, (default, _) in case.parameters.items()
    }


# ---- docstrings ----

SECTIONS = ["Parameters", "Returns", "Raises", "See Also", "Notes", "References", "Examples", "Yields", "Warnings"]


def sections(text):
    """Headings of a numpydoc docstring, each on a line of its own and underlined to its length."""
    lines = inspect.cleandoc(text).splitlines()
    return [line for line, under in itertools.pairwise(lines) if line and under == "-" * len(line)]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    text = inspect.getdoc(getattr(cyact, name))
    assert re.match(r".+\.\n(\n|$)", text), "a summary of one line"
    assert all(len(line) <= 120 for line in text.splitlines())
    found = sections(text)
    # A heading that is not on a line of its own is no heading: "Notes ----- ...".
    assert len(re.findall(r"-{4,}", text)) == len(found), "a heading is broken"
    assert set(found) <= set(SECTIONS)
    assert len(found) == len(set(found))
    if name in FUNCTIONS or name in ALONG_AXIS:
        assert {"Parameters", "Returns", "Raises", "Examples"} <= set(found)
        described = re.split(r"\n-+\n", text)[1]
        for parameter in inspect.signature(getattr(cyact, name)).parameters.values():
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert re.search(rf"^([\w, ]+, )?{parameter.name}(, [\w, ]+)? :", described, re.M), parameter.name
        assert "in place" in text.lower() or "out=" in text or ALONG_AXIS[name].reduces


@pytest.mark.parametrize("name", PUBLIC)
def test_examples(name):
    if name == "set_num_threads" and not HAS_OPENMP:
        pytest.skip("built without OpenMP, a call uses one thread")
    function = getattr(cyact, name)
    finder = doctest.DocTestParser()
    test = finder.get_doctest(inspect.getdoc(function), {}, name, None, 0)
    assert test.examples or name not in FUNCTIONS and name not in ALONG_AXIS
    output = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


def test_examples_of_the_package():
    assert inspect.getdoc(cyact)
    output = []
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(cyact), {}, "cyact", None, 0)
    runner = doctest.DocTestRunner()
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


def test_functions_are_introspectable(case):
    function = case.function
    assert function.__name__ == function.__qualname__ == case.public
    assert sys.modules[function.__module__].__dict__[case.public] is function
    assert case.public in repr(function)


# ---- files ----

def test_installed_files():
    """Compiled modules, stubs and Python: no C or Cython sources, no tests, nothing stray."""
    files = [str(path).replace("\\", "/") for path in importlib.metadata.files("cyact")]
    inside = [path for path in files if path.startswith("cyact/") and "__pycache__" not in path]
    assert inside
    c_api = {"cyact/c_api.pxd", "cyact/include/cyact.h", "cyact/include/cyact_functions.h"}
    assert c_api <= set(inside)
    assert all(path.endswith((".py", ".pyi", ".so", ".pyd", "py.typed")) for path in set(inside) - c_api)
    assert "cyact/py.typed" in inside
    assert "cyact/__init__.pyi" in inside
    # cyact.libs: OpenMP's runtime, in wheels.
    assert all(path.startswith(("cyact/", "cyact-", "cyact.libs/", "../../../bin/", "../../Scripts/")) for path in files)
    on_disk = [path.suffix for path in PACKAGE.rglob("*") if path.is_file() and path.name != "c_api.pxd"]
    assert not {".c", ".pyx", ".pxi", ".pxd", ".o", ".html"} & set(on_disk)


def imported_by(path):
    """Names of what a Python file imports, and may import: ``from a import b`` may mean the module a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_imports_are_spelled_out():
    """Tools that freeze an application follow the imports of Python modules; they cannot look into compiled ones."""
    files = {}
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".so", ".pyd"):
            parts = path.relative_to(PACKAGE.parent).with_name(path.name.partition(".")[0]).parts
            files[".".join(parts).removesuffix(".__init__")] = path
    reached, ahead = set(), ["cyact"]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            if files[name].suffix == ".py":
                ahead += [other for other in imported_by(files[name]) if other in files]
    apart = {"cyact.__main__", "cyact.c_api", "cyact.numba_extension", "cyact.plotting"}
    apart |= {name for name in files if name.startswith("cyact.commands")}
    assert len(files) > 20
    assert set(files) - apart <= reached


def test_metadata():
    metadata = importlib.metadata.metadata("cyact")
    assert metadata["Name"] == "cyact"
    assert metadata["License-Expression"]
    assert any(need.startswith("numpy") for need in metadata.get_all("Requires-Dist"))
    assert [need for need in metadata.get_all("Requires-Dist") if "extra ==" not in need] == ["numpy>=1.26"]


def test_import_brings_nothing_but_numpy(run_on_level):
    """The optional peers and tools are imported where they are used."""
    script = """if True:
        import sys, numpy
        before = set(sys.modules)
        import cyact
        names = {name.split('.')[0] for name in set(sys.modules) - before}
        print(sorted(names - {'numpy'} - set(sys.stdlib_module_names)))
    """
    done = run_on_level("", "-c", script)
    own = ("_cython_", "cython_runtime", "_cyutility")      # what Cython's modules make of themselves
    assert [name for name in ast.literal_eval(done.stdout) if not name.startswith(own)] == ["cyact"], done.stderr


def test_show_config(capsys):
    cyact.show_config()
    text = capsys.readouterr().out
    for fact in (cyact.__version__, LEVEL, np.__version__, *cyact.cpu.levels()):
        assert fact in text
