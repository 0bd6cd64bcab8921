import argparse

import cyact

HELP = "print the configuration: instruction-set level, build flags, versions, threads"
EXAMPLES = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> None:
    cyact.show_config()
