"""The command line: ``python -m cyact COMMAND``."""

from __future__ import annotations

import argparse
import io
import math
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

import cyact
from cyact.commands import CommandError, apply, bench, demo, info, note, plot, say

COMMANDS = (demo, plot, apply, bench, info)


class Parser(argparse.ArgumentParser):
    def _parse_optional(self, arg_string: str) -> Any:
        """argparse's own idea of a negative number, which is no option, has neither an exponent nor inf."""
        try:
            float(arg_string)
        except ValueError:
            return super()._parse_optional(arg_string)
        return None

    def _print_message(self, message: str, file: Any = None) -> None:
        """argparse's own does not tell of help that could not be written."""
        (say if file is sys.stdout else note)(message, end="")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m cyact", description="Activation functions for NumPy arrays: fast, exact, in place.",
        epilog="python -m cyact COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=f"cyact {cyact.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for module in COMMANDS:
        command = commands.add_parser(
            module.__name__.rpartition(".")[2], help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.", epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, usage_error=command.error)
    return parser


def _prepare_streams() -> None:
    """Makes standard input, output and error such that everything else may take them for granted."""
    # A closed one (``>&-``) leaves its number to the next file that is opened: what a library prints would land in a
    # user's array. As in gnulib's stdopen, whatever takes its place fails to be written, as a closed output should.
    if sys.stdin is None:
        sys.stdin = open(os.devnull)
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")
    # The name of a file may be any bytes, and is printed whatever the encoding.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _catch_signals() -> None:
    """A polite kill, a terminal that closes and a limit of processor time clean up like Ctrl-C."""
    last = -math.inf

    def stop(number: int, frame: FrameType | None) -> None:
        # Two at once are common (a closing terminal's SIGHUP and its shell's, SIGTERM and SIGHUP by systemd, an
        # impatient Ctrl-C): the second must not break into the cleaning up after the first.
        nonlocal last
        if time.monotonic() - last < 1:
            return
        last = time.monotonic()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU"):
        number = getattr(signal, name, None)    # Windows has the first two alone
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:   # nohup ignores SIGHUP
            signal.signal(number, stop)


def main(arguments: list[str]) -> int:
    """Runs a command; the result is the exit code: 0, 1 for a failure, 130 for Ctrl-C.

    Help raises SystemExit of 0, and wrong usage of 2, as argparse does. What holds for the whole process is left to
    `entry_point`: a caller, such as a test, keeps its own streams, signal handlers and environment.
    """
    name = "cyact"

    def fail(message: str, code: int = 1) -> int:
        note(f"{name}: {' '.join(message.splitlines())}")
        return code

    try:
        args = _parser().parse_args(arguments)
        name += f" {args.command}"
        args.run(args)
    except KeyboardInterrupt:
        return fail("interrupted", 130)
    except BrokenPipeError:
        return 1    # the reader of our output has gone (``| head``)
    except OSError as error:
        return fail(": ".join(filter(None, (error.filename, error.strerror))) or str(error))
    except (CommandError, ImportError) as error:
        return fail(str(error))
    return 0


def entry_point() -> int:
    """The process that ``cyact`` and ``python -m cyact`` start; it belongs to the command alone.

    Signals but Ctrl-C that end it raise SystemExit of 128 and their number, as a shell would say.
    """
    _prepare_streams()
    _catch_signals()
    os.environ["MPLBACKEND"] = "agg"    # pictures go to files: matplotlib is to need no display
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(entry_point())
