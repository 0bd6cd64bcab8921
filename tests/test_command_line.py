"""The commands, each run in a directory of its own.

A process takes longer to start than most commands to run. What a command makes of its arguments and of files is therefore
tried by a call of ``main``. A process starts only where the promise is one of a process: streams that are closed or full,
locales, signals, exit codes, what is imported.
"""

import importlib.metadata
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import cyact
from cyact.__main__ import main
from cyact.commands import FIRST, FORMULAS, FUNCTIONS, NUMBERS, OTHER_FORMULAS, SCIPY, bench, demo, element_wise, plot
from cyact.commands.apply import BLOCK
from cyact.functions import ACTIVATIONS
from cyact.functions import FUNCTIONS as ROWS

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and files")
obeys_permissions = pytest.mark.skipif(AS_ROOT or os.name != "posix", reason="permission bits do not bind root")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in the temporary directory, checks its exit code, and returns what it printed as ``out``, ``err``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, code=0):
        try:
            result = main([str(argument) for argument in arguments])
        except SystemExit as done:
            result = done.code
        printed = capsys.readouterr()
        assert result == code, printed.out + printed.err
        if code == 1:
            assert re.fullmatch("cyact .+\n", printed.err)
        assert not leftovers(tmp_path)
        return printed

    return run


@pytest.fixture
def draw(run, monkeypatch):
    """``run`` for the commands that draw: without a display, and the figures are closed."""
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed: pip install cyact[plot]")
    monkeypatch.setattr(demo, "SECONDS", 0)
    pyplot.switch_backend("agg")
    yield run
    pyplot.close("all")


def leftovers(directory):
    return list(directory.glob(".cyact-*"))


def shell(directory, line, **environment):
    """Runs ``python -m cyact LINE`` as a process; the line may redirect its streams."""
    return subprocess.run(
        f"exec {shlex.quote(sys.executable)} -m cyact {line}", shell=True, cwd=directory,
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )


def save(path, array):
    np.save(path, array)
    return array


def sparse(path, dtype, count):
    """A file of zeros that takes no room."""
    with open(path, "wb") as file:
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + count * np.dtype(dtype).itemsize)


# ---- every command ----

def test_formulas_are_those_of_activations():
    assert set(SCIPY) <= set(FORMULAS) <= set(FUNCTIONS) <= set(ACTIVATIONS)
    assert set(FIRST) <= set(FORMULAS)
    for name, formula in FORMULAS.items():
        x = np.linspace(*np.clip(ROWS[name].limits, -5, 5), 101)[1:-1]
        np.testing.assert_allclose(getattr(cyact, name)(x), formula(x), rtol=1e-13, atol=1e-14)


def test_functions_are_those_of_one_element():
    """Blocks of a file and curves know no axis."""
    assert {"relu", "leaky_relu", "sigmoid", "tanh"} <= set(FUNCTIONS)
    assert not any(name.endswith("_grad") for name in FUNCTIONS)
    assert element_wise(cyact.leaky_relu)
    assert not element_wise(lambda logits, axis=-1, out=None: None)
    assert not element_wise(lambda features, scale, offset=0.0, out=None: None)


@pytest.fixture
def bent(monkeypatch):
    """As if there were another function, ``bend``, with parameters of its own: the values that it is called with."""
    calls = []

    def bend(features, alpha=3.0, sharp_beta=1.5, out=None, *, smooth=False, where=True, dtype=None, name=None):
        calls.append((alpha, sharp_beta, smooth))
        return cyact.relu(features, out=out, dtype=dtype)

    monkeypatch.setitem(FUNCTIONS, "bend", bend)
    return calls


@pytest.mark.parametrize("command", ["apply", "plot"])
def test_own_parameters_are_options(run, bent, command):
    text = " ".join(run(command, "--help").out.split())
    assert re.search(r"--alpha A of [^-]*leaky_relu \(default: 0\.2\), [^-]*bend \(default: 3\.0\)", text)
    assert "--sharp-beta S of bend (default: 1.5)" in text
    assert "--smooth, --no-smooth of bend (default: False)" in text
    assert "--where" not in text


@pytest.mark.parametrize("options, values", [
    ((), (3.0, 1.5, False)), (("--sharp-beta", "-2"), (3.0, -2.0, False)), (("--alpha", "0", "--smooth"), (0.0, 1.5, True)),
])
def test_apply_passes_own_parameters(run, tmp_path, bent, options, values):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    assert run("apply", "bend", "x.npy", *options).out.startswith("wrote x.bend.npy")
    assert bent == [values, values]     # the first call asks for the dtype


@pytest.mark.parametrize("arguments", [
    ("apply", "tanh", "x.npy", "--sharp-beta", "1"), ("apply", "leaky_relu", "x.npy", "--sharp-beta", "1"),
    ("apply", "leaky_relu", "x.npy", "--no-smooth"), ("plot", "leaky_relu", "tanh", "--sharp-beta", "1"),
])
def test_parameters_of_another_function_are_refused(run, tmp_path, bent, arguments):
    assert re.search("(has|have) no --(sharp-beta|smooth)\n$", run(*arguments, code=2).err)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("launcher", ["cyact", "python -m cyact"])
@pytest.mark.parametrize("arguments, code", [("apply relu x.npy", 0), ("apply relu missing.npy", 1), ("apply relu", 2)])
def test_exit_code_of_the_process(tmp_path, launcher, arguments, code):
    files = importlib.metadata.files("cyact")
    command = {
        "cyact": [next(str(file.locate()) for file in files if file.name in ("cyact", "cyact.exe"))],
        "python -m cyact": [sys.executable, "-m", "cyact"],
    }[launcher]
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    done = subprocess.run([*command, *arguments.split()], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code == 0)
    assert bool(done.stderr) == (code != 0)


def test_main_leaves_the_process_as_it_is(run):
    """A process of its own is prepared before, by ``entry_point``."""
    def state():
        handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        return handlers, sys.stdin, sys.stdout, sys.stderr, sys.stdout.errors, os.getcwd(), dict(os.environ)

    before = state()
    run("info")
    assert state() == before


def test_version_and_help(run):
    assert run("--version").out == f"cyact {cyact.__version__}\n"
    text = run("--help").out
    for command in ("demo", "plot", "apply", "bench", "info"):
        assert f"\n    {command}" in text
        assert run(command, "--help").out.startswith(f"usage: python -m cyact {command}")


@pytest.mark.parametrize("arguments", [
    (), ("no-such-command",), ("apply",), ("apply", "relu"), ("apply", "no-such", "x.npy"),
    ("apply", "relu", "x.npy", "--alpha", "0.1"), ("apply", "leaky_relu", "x.npy", "--alpha", "steep"),
    ("apply", "rescale", "x.npy"), ("apply", "rescale", "x.npy", "--scale", "1", "--alpha", "1"),
    ("apply", "relu", "x.npy", "--scale", "1"),
    ("apply", "relu", "x.npy", "--dtype", "float23"), ("apply", "relu", "x.npy", "--dtype", "bool"),
    ("apply", "relu", "x.npy", "--dtype", "float32", "--in-place"),
    ("apply", "relu", "x.npy", "-o", "y.npy", "--in-place"),
    ("plot", "no-such"), ("plot", "--range", "1"), ("plot", "--range", "2", "1"), ("plot", "--range", "0", "inf"),
    ("plot", "relu", "tanh", "--alpha", "0.1"),
])
def test_wrong_usage(run, arguments):
    assert "usage: python -m cyact" in run(*arguments, code=2).err


@pytest.mark.parametrize("number", [
    "-1e-3", "-1E+2", "-.5", "-5.", "-.5e1", "-1_000", "-inf", "-Infinity", "-nan", "-2",
])
def test_apply_takes_every_number(run, tmp_path, number):
    x = save(tmp_path / "x.npy", np.arange(-5.0, 5))
    run("apply", "leaky_relu", "--alpha", number, "x.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "x.leaky_relu.npy"), cyact.leaky_relu(x, float(number)))


def test_other_commands_take_every_number(draw):
    draw("plot", "tanh", "--range", "-1e1", "1e1")
    assert "finite numbers" in draw("plot", "tanh", "--range", "-inf", "1", code=2).err
    draw("bench", "--seconds", "-1e-3", "--help")      # read from left to right


def test_numbers_that_are_names(run, tmp_path):
    x = save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "x.npy").rename(tmp_path / "-1e3")
    run("apply", "relu", "-1e3", "-o", "-2e3")
    np.testing.assert_array_equal(np.load(tmp_path / "-2e3"), cyact.relu(x))


def test_import_stays_light(tmp_path):
    code = "import sys, cyact; print([m for m in ('matplotlib', 'argparse', 'cyact.commands') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path) == "[]\n"


def test_info(run):
    assert cyact.__version__ in run("info").out


def test_bench(run, monkeypatch):
    monkeypatch.setattr(bench, "SIZES", (16, 4096))
    rows = run("bench", "--seconds", "0").out.splitlines()[2:]
    assert [tuple(row.split()[:3]) for row in rows] == [
        (name, dtype, n) for name in FIRST for dtype in ("float32", "float64") for n in ("16", "4,096")
    ]
    assert all(row.endswith("x") for row in rows)


def test_bench_draws(draw, monkeypatch, tmp_path):
    """A bar in the terminal for each competitor, and the same as a picture; gelu has no formula of NumPy's."""
    monkeypatch.setattr(bench, "SIZES", (16, 65536))
    text = draw("bench", "gelu", "logit", "tanh_grad", "--seconds", "0", "--plot", "bars.png").out
    table, picture, wrote = text.split("\n\n")
    assert [row.split()[-1] for row in table.splitlines()[2:] if row.startswith("gelu")] == ["-"] * 4
    bars = [re.search(r"(\S+) +[#█]+ ([\d.]+)$", line).groups() for line in picture.splitlines()[1:]]
    assert [name for name, _ in bars][:5] == ["cyact(x)", "out=y", "cyact(x)", "out=y", "NumPy"]
    assert all(float(value) > 0 for _, value in bars)
    assert wrote == "wrote bars.png\n"
    assert (tmp_path / "bars.png").stat().st_size
    assert "suffix" in draw("bench", "--plot", "bars.xyz", code=1).err


def test_bench_takes_every_function(run, monkeypatch):
    monkeypatch.setattr(bench, "SIZES", (16,))
    rows = run("bench", *bench.ROWS, "--seconds", "0").out.splitlines()[2:]
    assert [row.split()[0] for row in rows[::2]] == [*bench.ROWS]
    assert set(cyact.__all__) - set(bench.ROWS) == {"get_num_threads", "num_threads", "set_num_threads", "show_config"}


@pytest.mark.parametrize("name", OTHER_FORMULAS)
def test_other_formulas(name):
    x = np.linspace(-5, 5, 100).reshape(2, 50)
    result = getattr(cyact, name)(x, **NUMBERS.get(name, {}))
    np.testing.assert_allclose(OTHER_FORMULAS[name](x), result, rtol=1e-12)


def test_a_wrong_name_gets_help(run):
    assert "did you mean softplus?" in run("apply", "soft_plus", "x.npy", code=2).err
    assert "choose from relu, " in run("apply", "square", "x.npy", code=2).err


@posix
def test_reader_that_goes_away(tmp_path):
    command = f"{sys.executable} -m cyact bench --seconds 0 | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


UNWRITABLE = {">&-": "Bad file descriptor", "> /dev/full": "No space left on device"}
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")


@posix
@pytest.mark.parametrize("arguments, redirection, unbuffered", [
    ("info", ">&-", ""), ("--version", ">&-", ""),
    *(pytest.param(*case, marks=full) for case in [
        ("info", "> /dev/full", ""), ("info", "> /dev/full", "1"), ("apply --help", "> /dev/full", ""),
        ("bench --seconds 0", "> /dev/full", ""),
    ]),
])
def test_output_that_cannot_be_written(tmp_path, arguments, redirection, unbuffered):
    done = shell(tmp_path, f"{arguments} {redirection}", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert re.fullmatch(f"cyact[a-z ]*: write error: {UNWRITABLE[redirection]}\n", done.stderr)


# What is changed in place is said before, on standard error; what was written is said after, on standard output.
@posix
@pytest.mark.parametrize("redirection, code, options", [
    (">&-", 1, ""), (">&- 2>&-", 1, ""), ("<&- >&- 2>&-", 1, ""), (">&-", 1, "--in-place"), ("2>&-", 0, "--in-place"),
    *(pytest.param(*case, marks=full) for case in [
        ("> /dev/full", 1, ""), ("2> /dev/full", 0, "--in-place"), ("> /dev/full 2>&1", 1, "--in-place"),
    ]),
])
def test_apply_does_its_work_whether_or_not_it_can_tell(tmp_path, redirection, code, options):
    x = save(tmp_path / "x.npy", np.arange(-5.0, 5))
    done = shell(tmp_path, f"apply relu x.npy {options} {redirection}")
    assert done.returncode == code
    assert "Traceback" not in done.stdout + done.stderr
    assert ("write error" in done.stderr) == (code == 1 and "2>" not in redirection)
    result = tmp_path / ("x.npy" if options else "x.relu.npy")
    np.testing.assert_array_equal(np.load(result), cyact.relu(x), strict=True)
    assert not leftovers(tmp_path)


@posix
@pytest.mark.parametrize("arguments, code, redirection", [
    ("apply relu missing.npy", 1, "2>&-"),
    pytest.param("apply relu missing.npy", 1, "2> /dev/full", marks=full),
    pytest.param("apply relu", 2, "2> /dev/full", marks=full),
])
def test_error_that_cannot_be_told(tmp_path, arguments, code, redirection):
    done = shell(tmp_path, f"{arguments} {redirection}")
    assert (done.returncode, done.stdout) == (code, "")


@posix
@pytest.mark.parametrize("command", ["demo", "plot relu"])
def test_pictures_are_drawn_whether_or_not_that_can_be_told(tmp_path, command):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    done = shell(tmp_path, f"{command} -o picture.png >&-", PYTHONUNBUFFERED="1", MPLBACKEND="needs a display")
    assert (done.returncode, done.stderr) == (1, f"cyact {command[:4]}: write error: Bad file descriptor\n")
    assert_is_a_picture(tmp_path / "picture.png")


LOCALES = {
    "UTF-8": {"PYTHONUTF8": "1"},
    "C": {"LC_ALL": "C"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C, old": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


# Runs one command after another, each up to a ";": that names are printed is a matter of the process's locale, not of
# where it starts.
SEVERAL = """
import itertools, sys
from cyact.__main__ import _prepare_streams, main

_prepare_streams()
for between, command in itertools.groupby(sys.argv[1:], lambda argument: argument == ";"):
    if not between:
        try:
            code = main(list(command))
        except SystemExit as done:
            code = done.code
        print("exit code", code, flush=True)
"""


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_names_of_any_bytes(tmp_path, locale):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    commands, codes = [], []
    for name in (b"caf\xe9", "caf\u00e9".encode()):
        try:
            os.link(tmp_path / "x.npy", os.path.join(os.fsencode(tmp_path), name + b".npy"))
        except OSError:
            pytest.skip("this file system has no such names")
        for code, *arguments in [
            (0, "apply", "relu", name + b".npy"),
            (0, "apply", "relu", name + b".npy", "--in-place"),
            (1, "apply", "relu", b"not " + name),
            (1, "apply", "relu", "x.npy", "-o", name + b"/y.npy"),
            (2, name),
            (2, "apply", name, "x.npy"),
            (2, "apply", "relu", "x.npy", "--alpha", name),
            (2, "apply", "relu", "x.npy", "--dtype", name),
            (2, "info", name),
        ]:
            codes.append(code)
            commands += [*arguments, ";"]
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, *commands], cwd=tmp_path, env={**os.environ, **locale}, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    *printed, rest = re.split(rb"exit code (\d)\r?\n", done.stdout)
    assert [int(code) for code in printed[1::2]] == codes
    assert all(b"caf" in text for text in printed[::2])
    assert b"Traceback" not in done.stdout
    assert {b"caf\xe9.relu.npy", "caf\u00e9.relu.npy".encode()} <= set(os.listdir(os.fsencode(tmp_path)))


def test_pictures_with_names_of_any_bytes(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    name = b"caf\xe9.png"
    try:
        open(os.path.join(os.fsencode(tmp_path), name), "wb").close()
    except OSError:
        pytest.skip("this file system has no such names")
    command = [sys.executable, "-m", "cyact", "plot", "relu", "-o", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout.strip()) == (0, b"wrote caf\\udce9.png")
    assert_is_a_picture(os.path.join(os.fsencode(tmp_path), name))


# ---- pictures ----

def assert_is_a_picture(path):
    image = pytest.importorskip("matplotlib.image").imread(path)[..., :3]
    assert min(image.shape[:2]) > 300
    assert len(np.unique((image * 255).astype(int) @ [1, 2**8, 2**16])) > 10


@pytest.fixture
def draw_one(draw, monkeypatch):
    """``draw`` as if there were one function: the time that a picture takes grows with them."""
    monkeypatch.setattr(demo, "FIRST", ["relu"])
    monkeypatch.setattr(plot, "FUNCTIONS", {"relu": FUNCTIONS["relu"]})
    return draw


def test_demo(draw, tmp_path):
    text = draw("demo", "--output", "photo.png").out
    assert all(f"\n{name} " in text for name in FIRST)
    assert_is_a_picture(tmp_path / "photo.png")


@pytest.mark.parametrize("arguments", [("--derivative",), ("sigmoid", "tanh", "--range", "-5", "5")])
def test_plot(draw_one, tmp_path, arguments):
    draw_one("plot", *arguments)
    assert_is_a_picture(tmp_path / "activations.png")


def test_plot_draws_what_was_asked_for(draw, monkeypatch):
    """Nothing is written: most of a picture's time is spent on its pixels, and the curves are known before."""
    pictures = []
    monkeypatch.setattr(plot, "save", lambda figure, path, **options: pictures.append(figure))
    for arguments in [
        (), ("tanh", "relu", "--range", "-3", "2"), ("--derivative",), ("leaky_relu", "--alpha", "-0.5", "--derivative"),
    ]:
        draw("plot", *arguments)
    every, some, derivative, steep = [[ax for ax in figure.axes if ax.lines] for figure in pictures]
    assert [ax.get_title().partition(",")[0] for ax in every] == list(FUNCTIONS)
    assert [(ax.get_title(), ax.get_xlim()) for ax in some] == [("tanh", (-3, 2)), ("relu", (-3, 2))]
    for (ax, *_), drawn in [(every, False), (some, False), (derivative, True), (steep, True)]:
        assert ("derivative" in ax.get_legend_handles_labels()[1]) == drawn
    assert "-0.5" in steep[0].get_title()


@pytest.mark.parametrize("command, output", [
    ("demo", "curve"), ("plot", "curve"), ("plot", "curve."), ("plot", ".curve"),
    ("plot", "v1.2/curve"), ("plot", "curve.PNG"),
])
def test_picture_has_the_name_that_was_asked_for(draw_one, tmp_path, command, output):
    (tmp_path / "v1.2").mkdir()
    assert draw_one(command, "-o", output).out.endswith(f"wrote {output}\n")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written == [tmp_path / output]
    assert written[0].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("output, start", [("curve.svg", b"<?xml"), ("curve.PDF", b"%PDF"), ("curve.svgz", b"\x1f\x8b")])
def test_picture_has_the_format_of_its_suffix(draw, tmp_path, output, start):
    draw("plot", "relu", "-o", output)
    assert (tmp_path / output).read_bytes().startswith(start)


@pytest.mark.parametrize("command, output, message", [
    ("demo", "curve.xyz", "curve.xyz: no picture has the suffix .xyz, choose from"),
    ("plot", "curve.xyz", "curve.xyz: no picture has the suffix .xyz, choose from"),
    ("demo", "missing/curve.png", "missing/curve.png is not written: No such file"),
    ("plot", "missing/curve.png", "missing/curve.png is not written: No such file"),
    ("plot", ".", ". is not written: "),
])
def test_picture_that_cannot_be_written(draw_one, tmp_path, command, output, message):
    done = draw_one(command, "--output", output, code=1)
    assert message in done.err
    assert done.out == ""
    assert not os.listdir(tmp_path)


def test_format_that_needs_another_program(draw, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "curve.pgf is not written" in draw("plot", "relu", "-o", "curve.pgf", code=1).err
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("command", ["demo", "plot"])
def test_without_matplotlib(run, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "cyact.plotting", raising=False)
    monkeypatch.delattr(cyact, "plotting", raising=False)
    assert "pip install cyact[plot]" in run(command, code=1).err


# ---- apply ----

ARRAYS = {
    "float32": np.linspace(-9, 9, 1001, dtype="float32"),
    "float64": np.linspace(-9, 9, 60).reshape(3, 4, 5),
    "float16": np.linspace(-9, 9, 60, dtype="float16"),
    "int8": np.arange(-100, 100, dtype="int8"),
    "uint64": np.arange(9, dtype="uint64"),
    "Fortran order": np.asfortranarray(np.linspace(-9, 9, 60).reshape(3, 20)),
    "byte-swapped": np.linspace(-9, 9, 60).astype(np.dtype("float32").newbyteorder()),
    "empty": np.empty((3, 0, 2), "float32"),
    "0-d": np.array(-1.5),
    "several blocks": np.arange(2 * BLOCK + 3).astype("int8"),
}


# Every kind of file by two functions, the dtype kept and changed; the others by one file.
APPLIED = [(name, kind) for name in FUNCTIONS for kind in ARRAYS if name in ("relu", "sigmoid") or kind == "int8"]


@pytest.mark.parametrize(("name", "kind"), APPLIED)
def test_apply_gives_what_the_function_gives(run, tmp_path, name, kind):
    x = save(tmp_path / "x.npy", ARRAYS[kind])
    done = run("apply", name, "x.npy")
    assert done.err == ""
    expected, result = np.asarray(getattr(cyact, name)(x)), np.load(tmp_path / f"x.{name}.npy")
    np.testing.assert_array_equal(result, expected, strict=True)
    assert result.flags.f_contiguous == x.flags.f_contiguous
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x, strict=True)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_apply_in_place(run, tmp_path, array):
    x = save(tmp_path / "x.npy", array)
    size = (tmp_path / "x.npy").stat().st_size
    assert "changing x.npy in place" in run("apply", "relu", "x.npy", "--in-place").err
    result = np.load(tmp_path / "x.npy")
    np.testing.assert_array_equal(result, cyact.relu(x))
    assert result.dtype == x.dtype
    assert (tmp_path / "x.npy").stat().st_size == size
    assert os.listdir(tmp_path) == ["x.npy"]


def test_apply_alpha_and_dtype(run, tmp_path):
    x = save(tmp_path / "x.npy", np.arange(-5, 5))
    run("apply", "leaky_relu", "x.npy", "-o", "y.npy", "--alpha", "-0.5", "--dtype", "float32")
    np.testing.assert_array_equal(
        np.load(tmp_path / "y.npy"), cyact.leaky_relu(x, -0.5, dtype="float32"), strict=True
    )


@posix
def test_apply_rescale(run, tmp_path):
    x = save(tmp_path / "x.npy", np.arange(24, dtype="uint8").reshape(2, 4, 3))
    run("apply", "rescale", "x.npy", "--scale", "0.5", "--offset", "-1e0", "--activation", "leaky_relu", "--alpha", "0.1")
    want = cyact.rescale(x, 0.5, -1.0, activation=partial(cyact.leaky_relu, alpha=0.1))
    np.testing.assert_array_equal(np.load(tmp_path / "x.rescale.npy"), want, strict=True)
    run("apply", "rescale", "x.npy", "-o", "y.npy", "--scale", "1", "-2", "0.5", "--offset", "3", "--dtype", "float16")
    want = cyact.rescale(x, [1, -2, 0.5], 3, dtype="float16")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), want, strict=True)
    save(tmp_path / "f.npy", np.asfortranarray(x))
    for name in ("x.npy", "f.npy"):
        scales = ["--scale", "1", "2"] if name == "x.npy" else ["--scale", "1", "2", "3"]
        assert "do not fit the last axis" in run("apply", "rescale", name, *scales, code=1).err
    assert "broadcast" in run("apply", "rescale", "x.npy", "--scale", "1", "2", "3", "--offset", "1", "2", code=1).err


def test_apply_replaces_the_output_and_keeps_its_mode_and_link(run, tmp_path):
    x = save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "y.npy").write_text("old")
    (tmp_path / "y.npy").chmod(0o640)
    (tmp_path / "link.npy").symlink_to("y.npy")
    run("apply", "relu", "x.npy", "-o", "link.npy")
    assert (tmp_path / "link.npy").is_symlink()
    assert stat.S_IMODE((tmp_path / "y.npy").stat().st_mode) == 0o640
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cyact.relu(x))


def test_apply_reads_a_read_only_input(run, tmp_path):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "x.npy").chmod(0o444)
    run("apply", "tanh", "x.npy")
    assert (tmp_path / "x.tanh.npy").exists()


def assert_refused(run, directory, message):
    """``x.npy`` is, whether the result is to go to a new file or to take its place, and stays as it is."""
    before = (directory / "x.npy").read_bytes()
    for options in [(), ("--in-place",)]:
        assert message in run("apply", "relu", "x.npy", *options, code=1).err
        assert (directory / "x.npy").read_bytes() == before
        assert os.listdir(directory) == ["x.npy"]


@pytest.mark.parametrize("array, message", [
    (np.ones(3, bool), "bool"),
    (np.array([print, None]), "object"),
    (np.ones(3, "f4,i4"), "f4"),
    (np.ones(3, complex), "complex128"),
    (np.array(["a"]), "U1"),
    (np.array([b""]), "S1"),
    (np.ones(3, "V2"), "V2"),
    (np.ones(3, "V0"), "V0"),
    (np.ones(3, "m8[s]"), "timedelta64"),
    (np.ones(3, [("\u03b1", "f4")]), "f4"),     # format version 3
    (np.ones(3, "M8[s]"), "datetime64"),
], ids=lambda value: "")
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_apply_refuses_other_dtypes(run, tmp_path, array, message):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    assert_refused(run, tmp_path, message)


@pytest.mark.parametrize("name", ["sigmoid", "leaky_relu", "tanh"])
def test_apply_refuses_integers_in_place(run, tmp_path, name):
    x = save(tmp_path / "x.npy", np.arange(-5, 5))
    message = run("apply", name, "x.npy", "--in-place", code=1).err
    assert "Cannot cast" in message
    assert "new file" in message
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)


def header(shape, descr="<f4"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + text.ljust(118).encode()


BROKEN = {
    "empty": b"",
    "text": b"1.0, 2.0\n" * 9,
    "archive": b"PK\x03\x04" + bytes(99),
    "pickle": b"\x80\x04N.",
    "magic alone": b"\x93NUMPY",
    "future version": b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
    "header cut short": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', ",
    "header no dictionary": b"\x93NUMPY\x01\x00\x10\x00((((((((((((((((",
    "header of another kind": b"\x93NUMPY\x01\x00\x10\x00" + b"{'a': 1}".ljust(16),
    "negative shape": header((-2, -2)) + bytes(99),
    "shape of words": header(("a",)) + bytes(99),
    "giant shape": header((2**62, 9)) + bytes(99),
    "giant dimension": header((2**64,)) + bytes(99),
    "giant and empty": header((2**62, 0)) + bytes(99),
    "negative and empty": header((0, -1)) + bytes(99),
    "shape of truth": header((True, 2)) + bytes(99),
    "subarrays": header((3,), "(2,)<f4") + bytes(99),
    "empty subarrays": header((3,), "(0,)<f4") + bytes(99),
    "subarray": header((), "(2,)<f4") + bytes(99),
    "subarrays in place of none": header((0,), "(2,2)<f8") + bytes(99),
    "no dtype": header((3,), "<f3") + bytes(99),
    "version cut short": b"\x93NUMPY\x01",
    "length cut short": b"\x93NUMPY\x02\x00\x76\x00",
    "giant header": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"{",
    "version 3 that is no text": b"\x93NUMPY\x03\x00\x76\x00\x00\x00" + b"\xff" * 118,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_apply_refuses_broken_files(run, tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    assert_refused(run, tmp_path, "x.npy: ")


def test_more_dimensions_than_an_array_has(run, tmp_path):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(1,) * 65}, }}".encode()
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(4))
    assert "dimension" in run("apply", "relu", "x.npy", code=1).err


@pytest.mark.filterwarnings("ignore:Stored array in format")
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("array", ["Fortran order", "byte-swapped"])
def test_apply_reads_every_version(run, tmp_path, version, array):
    x = ARRAYS[array]
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array(file, x, version)
    run("apply", "tanh", "x.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "x.tanh.npy"), cyact.tanh(x))
    run("apply", "tanh", "x.npy", "--in-place")
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), cyact.tanh(x))


def test_apply_refuses_a_truncated_file(run, tmp_path):
    save(tmp_path / "x.npy", np.arange(1000.0))
    os.truncate(tmp_path / "x.npy", 5000)
    assert_refused(run, tmp_path, "truncated")


@pytest.mark.parametrize("arguments, message", [
    (("missing.npy",), "no such file"),
    (("directory",), "not a regular file"),
    (("x.npy", "-o", "x.npy"), "--in-place"),
    (("x.npy", "-o", "directory/../x.npy"), "--in-place"),
    (("x.npy", "-o", "directory"), "not a regular file"),
    (("x.npy", "-o", "missing/y.npy"), "No such file"),
    (("x.npy", "--dtype", "int8"), "int8"),
])
def test_apply_refuses_other_names(run, tmp_path, arguments, message):
    x = save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "directory").mkdir()
    assert message in run("apply", "sigmoid", *arguments, code=1).err
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)
    assert sorted(os.listdir(tmp_path)) == ["directory", "x.npy"]


@posix
def test_apply_replaces_regular_files_alone(run, tmp_path):
    """Pipes stand for devices: if the promise were broken, root would replace a real one for the whole machine."""
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    ends = os.pipe()    # /dev/stdout is often one like this, which has no name of its own
    try:
        for name in ("pipe", "link", f"/dev/fd/{ends[1]}"):
            assert f"{name}: not a regular file" in run("apply", "relu", "x.npy", "-o", name, code=1).err
    finally:
        for end in ends:
            os.close(end)


@obeys_permissions
def test_apply_says_what_is_not_permitted(run, tmp_path):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "y.npy").touch(mode=0o444)
    assert "read-only" in run("apply", "relu", "x.npy", "-o", "y.npy", code=1).err
    (tmp_path / "x.npy").chmod(0o444)
    assert "Permission denied" in run("apply", "relu", "x.npy", "--in-place", code=1).err
    (tmp_path / "x.npy").chmod(0)
    assert "Permission denied" in run("apply", "relu", "x.npy", code=1).err
    (tmp_path / "x.npy").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert "Permission denied" in run("apply", "relu", "x.npy", code=1).err
    finally:
        tmp_path.chmod(0o755)


@posix
def test_apply_when_the_disk_is_full(run, tmp_path):
    """A limit on the size of files fails a write just as a full disk does."""
    import resource

    sparse(tmp_path / "x.npy", "float32", 2**24)
    (tmp_path / "y.npy").write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    try:
        message = run("apply", "relu", "x.npy", "-o", "y.npy", code=1).err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "y.npy is not written: File too large" in message
    assert (tmp_path / "y.npy").read_text() == "old"


def start(directory, *arguments):
    def set_signals():
        # Whatever the tests' own parent ignores: a shell's background job Ctrl-C, nohup SIGHUP.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", "cyact", *arguments], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, preexec_fn=set_signals,
    )


def wait_for_a_block(directory):
    deadline = time.monotonic() + 60
    while not (leftovers(directory) and leftovers(directory)[0].stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)


@posix
@pytest.mark.parametrize("numbers", [
    ["SIGINT"], ["SIGTERM"], ["SIGHUP"], ["SIGXCPU"], ["SIGTERM", "SIGHUP"], ["SIGINT"] * 3,
], ids="-".join)
def test_apply_stopped_half_way(tmp_path, numbers):
    sparse(tmp_path / "x.npy", "float32", 2**31)
    with start(tmp_path, "apply", "relu", "x.npy", "-o", "y.npy") as process:
        wait_for_a_block(tmp_path)
        for number in numbers:
            process.send_signal(getattr(signal, number))
            time.sleep(0.0005)
        _, message = process.communicate(timeout=60)
    if len(numbers) == 1:
        assert process.returncode == 128 + getattr(signal, numbers[0])
    assert process.returncode != 0      # of several, any may be seen first, and the last may come when Python ends
    assert message == ("cyact apply: interrupted\n" if "SIGINT" in numbers else "")
    assert os.listdir(tmp_path) == ["x.npy"]


@posix
def test_second_signal_does_not_break_into_cleaning_up(tmp_path):
    code = """if True:
        import os, signal, cyact.__main__
        signal.signal(signal.SIGHUP, signal.SIG_DFL)        # nohup, if these tests run under it, has it ignored
        cyact.__main__._catch_signals()
        try:
            os.kill(os.getpid(), signal.SIGHUP)
        finally:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                os.kill(os.getpid(), number)
            print("cleaned up")
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGHUP, "cleaned up\n", "")


@posix
def test_apply_goes_on_where_signals_are_ignored(tmp_path):
    """As nohup ignores SIGHUP, and a shell the Ctrl-C of what runs in the background."""
    code = """if True:
        import os, signal, sys, cyact.__main__
        from cyact.commands import FUNCTIONS

        ignored = signal.SIGINT, signal.SIGTERM, signal.SIGHUP

        def relu(features, out=None):
            for number in ignored:
                os.kill(os.getpid(), number)
            return cyact.relu(features, out=out)

        FUNCTIONS["relu"] = relu
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(cyact.__main__.entry_point())
    """
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    done = subprocess.run([sys.executable, "-c", code, "apply", "relu", "x.npy"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["x.npy", "x.relu.npy"]


@posix
def test_apply_in_place_stopped_half_way(tmp_path):
    sparse(tmp_path / "x.npy", "float32", 2**31)
    with start(tmp_path, "apply", "sigmoid", "x.npy", "--in-place") as process:
        assert "in place" in process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "half changed" in message
    assert message.endswith("cyact apply: interrupted\n")
    done, _, rest = [int(word) for word in message.replace(":", " ").split() if word.isdigit()]
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert (x[:done] == 0.5).all()
    assert not x[rest : rest + BLOCK].any()


@posix
@pytest.mark.parametrize("tqdm", [True, False], ids=["tqdm", "plain"])
def test_apply_shows_progress_on_a_terminal(run, tmp_path, monkeypatch, tqdm):
    import fcntl
    import struct
    import termios

    if tqdm:
        pytest.importorskip("tqdm", reason="tqdm is not installed")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    save(tmp_path / "x.npy", np.zeros(3 * BLOCK, "int8"))
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.set_blocking(ours, False)
    try:
        with open(theirs, "w") as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            run("apply", "relu", "x.npy")
            assert "0%" in os.read(ours, 4096).decode()
    finally:
        os.close(ours)
