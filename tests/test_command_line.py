"""The commands, run as a person runs them: ``python -m cyact ...`` in a directory of its own."""

import os
import re
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

import cyact
from cyact import activations
from cyact.commands import FORMULAS, FUNCTIONS
from cyact.commands.apply import BLOCK

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and files")
obeys_permissions = pytest.mark.skipif(AS_ROOT or os.name != "posix", reason="permission bits do not bind root")


@pytest.fixture
def run(tmp_path):
    """Runs a command in the temporary directory, checks its exit code, and returns what it printed."""

    def run(*arguments, code=0, **options):
        command = [sys.executable, "-m", "cyact", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, **options)
        assert done.returncode == code, done.stdout + done.stderr
        if code == 1:
            assert re.fullmatch("cyact .+\n", done.stderr)
        assert not leftovers(tmp_path)
        return done

    return run


def leftovers(directory):
    return list(directory.glob(".cyact-*"))


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
    assert set(FORMULAS) <= set(FUNCTIONS) == {name for name in activations.__all__ if not name.endswith("_grad")}
    x = np.linspace(-5, 5, 101)
    for name, formula in FORMULAS.items():
        np.testing.assert_allclose(getattr(cyact, name)(x), formula(x), rtol=1e-14)


def test_version_and_help(run):
    assert run("--version").stdout == f"cyact {cyact.__version__}\n"
    text = run("--help").stdout
    for command in ("demo", "plot", "apply", "bench", "info"):
        assert f"\n    {command}" in text
        assert run(command, "--help").stdout.startswith(f"usage: python -m cyact {command}")


@pytest.mark.parametrize("arguments", [
    (), ("no-such-command",), ("apply",), ("apply", "relu"), ("apply", "gelu", "x.npy"),
    ("apply", "relu", "x.npy", "--alpha", "0.1"), ("apply", "leaky_relu", "x.npy", "--alpha", "steep"),
    ("apply", "relu", "x.npy", "--dtype", "float23"), ("apply", "relu", "x.npy", "--dtype", "bool"),
    ("apply", "relu", "x.npy", "--dtype", "float32", "--in-place"),
    ("apply", "relu", "x.npy", "-o", "y.npy", "--in-place"),
    ("plot", "gelu"), ("plot", "--range", "1"), ("plot", "--range", "2", "1"), ("plot", "--range", "0", "inf"),
    ("plot", "relu", "tanh", "--alpha", "0.1"),
])
def test_wrong_usage(run, arguments):
    assert "usage: python -m cyact" in run(*arguments, code=2).stderr


def test_import_stays_light(tmp_path):
    code = "import sys, cyact; print([m for m in ('matplotlib', 'argparse', 'cyact.commands') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path) == "[]\n"


def test_info(run):
    assert cyact.__version__ in run("info").stdout


def test_bench(run):
    rows = run("bench", "--seconds", "0").stdout.splitlines()[2:]
    assert [tuple(row.split()[:3]) for row in rows] == [
        (name, dtype, n)
        for name in FORMULAS
        for dtype in ("float32", "float64")
        for n in ("16", "4,096", "65,536", "4,194,304")
    ]
    assert all(row.endswith("x") for row in rows)


@posix
def test_reader_that_goes_away(tmp_path):
    command = f"{sys.executable} -m cyact bench --seconds 0 | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


# ---- pictures ----

def assert_is_a_picture(path):
    image = pytest.importorskip("matplotlib.image").imread(path)[..., :3]
    assert min(image.shape[:2]) > 300
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10


def test_demo(run, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    text = run("demo", "--output", "photo.png").stdout
    assert all(f"\n{name} " in text for name in FORMULAS)
    assert_is_a_picture(tmp_path / "photo.png")


@pytest.mark.parametrize("arguments", [
    (), ("--derivative",), ("sigmoid", "tanh", "--range", "-5", "5"), ("leaky_relu", "--alpha", "-0.5", "--derivative"),
])
def test_plot(run, tmp_path, arguments):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    run("plot", *arguments)
    assert_is_a_picture(tmp_path / "activations.png")


@pytest.mark.parametrize("output, message", [("curve.xyz", "xyz"), ("missing/curve.png", "No such file")])
def test_plot_that_cannot_be_written(run, output, message):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install cyact[plot]")
    assert message in run("plot", "--output", output, code=1).stderr


@pytest.mark.parametrize("command", ["demo", "plot"])
def test_without_matplotlib(tmp_path, command):
    code = f"import sys; sys.modules['matplotlib'] = None; import cyact.__main__ as m; sys.exit(m.main(['{command}']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install cyact[plot]" in done.stderr
    assert done.stderr.count("\n") == 1


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
    assert done.stderr == ""
    expected, result = np.asarray(getattr(cyact, name)(x)), np.load(tmp_path / f"x.{name}.npy")
    np.testing.assert_array_equal(result, expected, strict=True)
    assert result.flags.f_contiguous == x.flags.f_contiguous
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x, strict=True)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_apply_in_place(run, tmp_path, array):
    x = save(tmp_path / "x.npy", array)
    size = (tmp_path / "x.npy").stat().st_size
    assert "changing x.npy in place" in run("apply", "relu", "x.npy", "--in-place").stderr
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


@pytest.mark.parametrize("array, message", [
    (np.ones(3, bool), "bool"),
    (np.array([print, None]), "object"),
    (np.ones(3, "f4,i4"), "f4"),
    (np.ones(3, complex), "complex128"),
    (np.array(["a"]), "U1"),
    (np.ones(3, "M8[s]"), "datetime64"),
], ids=lambda value: "")
@pytest.mark.parametrize("options", [(), ("--in-place",)], ids=["new", "in place"])
def test_apply_refuses_other_dtypes(run, tmp_path, array, message, options):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    before = (tmp_path / "x.npy").read_bytes()
    assert message in run("apply", "relu", "x.npy", *options, code=1).stderr
    assert (tmp_path / "x.npy").read_bytes() == before
    assert os.listdir(tmp_path) == ["x.npy"]


@pytest.mark.parametrize("name", ["sigmoid", "leaky_relu", "tanh"])
def test_apply_refuses_integers_in_place(run, tmp_path, name):
    x = save(tmp_path / "x.npy", np.arange(-5, 5))
    message = run("apply", name, "x.npy", "--in-place", code=1).stderr
    assert "Cannot cast" in message
    assert "new file" in message
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)


def header(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
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
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("options", [(), ("--in-place",)], ids=["new", "in place"])
def test_apply_refuses_broken_files(run, tmp_path, content, options):
    (tmp_path / "x.npy").write_bytes(content)
    assert "x.npy: " in run("apply", "relu", "x.npy", *options, code=1).stderr
    assert (tmp_path / "x.npy").read_bytes() == content
    assert os.listdir(tmp_path) == ["x.npy"]


@pytest.mark.parametrize("options", [(), ("--in-place",)], ids=["new", "in place"])
def test_apply_refuses_a_truncated_file(run, tmp_path, options):
    save(tmp_path / "x.npy", np.arange(1000.0))
    os.truncate(tmp_path / "x.npy", 5000)
    assert "truncated" in run("apply", "relu", "x.npy", *options, code=1).stderr
    assert (tmp_path / "x.npy").stat().st_size == 5000
    assert os.listdir(tmp_path) == ["x.npy"]


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
    assert message in run("apply", "sigmoid", *arguments, code=1).stderr
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)
    assert sorted(os.listdir(tmp_path)) == ["directory", "x.npy"]


@posix
def test_apply_does_not_replace_devices(run, tmp_path):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "pipe").symlink_to("/dev/null")
    assert "not a regular file" in run("apply", "relu", "x.npy", "-o", "pipe", code=1).stderr


@obeys_permissions
def test_apply_says_what_is_not_permitted(run, tmp_path):
    save(tmp_path / "x.npy", np.arange(-5.0, 5))
    (tmp_path / "y.npy").touch(mode=0o444)
    assert "read-only" in run("apply", "relu", "x.npy", "-o", "y.npy", code=1).stderr
    (tmp_path / "x.npy").chmod(0o444)
    assert "Permission denied" in run("apply", "relu", "x.npy", "--in-place", code=1).stderr
    (tmp_path / "x.npy").chmod(0)
    assert "Permission denied" in run("apply", "relu", "x.npy", code=1).stderr
    (tmp_path / "x.npy").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert "Permission denied" in run("apply", "relu", "x.npy", code=1).stderr
    finally:
        tmp_path.chmod(0o755)


@posix
def test_apply_when_the_disk_is_full(run, tmp_path):
    """A limit on the size of files fails a write just as a full disk does."""
    import resource

    sparse(tmp_path / "x.npy", "float32", 2**24)
    (tmp_path / "y.npy").write_text("old")
    limit = (2**20, 2**20)
    message = run(
        "apply", "relu", "x.npy", "-o", "y.npy", code=1,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    ).stderr
    assert "y.npy is not written: File too large" in message
    assert (tmp_path / "y.npy").read_text() == "old"


def start(directory, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "cyact", *arguments], cwd=directory, stderr=subprocess.PIPE, text=True,
        # A shell's background job ignores Ctrl-C, and its children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@posix
@pytest.mark.parametrize("number, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_apply_stopped_half_way(tmp_path, number, code):
    sparse(tmp_path / "x.npy", "float32", 2**31)
    with start(tmp_path, "apply", "relu", "x.npy", "-o", "y.npy") as process:
        deadline = time.monotonic() + 60
        while not (leftovers(tmp_path) and leftovers(tmp_path)[0].stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(getattr(signal, number))
        _, message = process.communicate(timeout=60)
    assert process.returncode == code
    assert message == ("cyact apply: interrupted\n" if number == "SIGINT" else "")
    assert os.listdir(tmp_path) == ["x.npy"]


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
def test_apply_shows_progress_on_a_terminal(tmp_path, tqdm):
    import fcntl
    import struct
    import termios

    if tqdm:
        pytest.importorskip("tqdm", reason="tqdm is not installed")
    save(tmp_path / "x.npy", np.zeros(3 * BLOCK, "int8"))
    hide = "" if tqdm else "sys.modules['tqdm'] = None; "
    code = f"import sys; {hide}import cyact.__main__ as m; sys.exit(m.main(['apply', 'relu', 'x.npy']))"
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.set_blocking(ours, False)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    try:
        assert "0%" in os.read(ours, 4096).decode()
    finally:
        os.close(ours)
        os.close(theirs)
