"""The command line: ``python -m cyact COMMAND``."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import cyact
from cyact.commands import CommandError, apply, bench, demo, info, plot


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the result is the exit code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    # A polite kill cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    parser = argparse.ArgumentParser(
        prog="python -m cyact", description="Activation functions for NumPy arrays: fast, exact, in place.",
        epilog="python -m cyact COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=f"cyact {cyact.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for module in (demo, plot, apply, bench, info):
        command = commands.add_parser(
            module.__name__.rpartition(".")[2], help=module.HELP, description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
            epilog=module.EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, usage_error=command.error)
    args = parser.parse_args(arguments)

    def fail(message: str, code: int = 1) -> int:
        print(f"cyact {args.command}: {' '.join(message.splitlines())}", file=sys.stderr)
        return code

    try:
        args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output has gone (``| head``); nothing more may be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return fail(": ".join(filter(None, (error.filename, error.strerror))) or str(error))
    except (CommandError, ImportError) as error:
        return fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
