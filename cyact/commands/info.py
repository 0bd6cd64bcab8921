import argparse
import contextlib
import io

import cyact
from cyact.commands import say

HELP = "print the level, build flags, versions and threads in use"
EXAMPLES = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        cyact.show_config()
    say(text.getvalue(), end="")
