import argparse

import cyact

HELP = "print the level, build flags, versions and threads in use"
EXAMPLES = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    cyact.show_config()
