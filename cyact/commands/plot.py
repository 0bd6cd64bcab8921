import argparse
import math

from cyact.commands import (
    FUNCTIONS,
    add_parameters,
    function_name,
    parameter_keywords,
    picture_format,
    save,
    say,
)

HELP = "draw the curves of the functions and of their derivatives"
EXAMPLES = """\
examples:
  python -m cyact plot --derivative
  python -m cyact plot sigmoid tanh --range -5 5 --output saturation.svg
  python -m cyact plot leaky_relu --alpha 0.01
  python -m cyact plot --poster dark --output poster.png"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "functions", nargs="*", type=function_name, metavar="FUNCTION", help=f"{', '.join(FUNCTIONS)}; by default all"
    )
    parser.add_argument(
        "-o", "--output", default="activations.png", metavar="FILE",
        help="the picture, its format by its suffix: .png, .svg, .pdf and more, without one PNG (default: %(default)s)",
    )
    parser.add_argument(
        "--range", nargs=2, type=float, metavar=("A", "B"),
        help="the ends of the horizontal axis (default: -10 10, or closer where it takes that to see the curve)",
    )
    parser.add_argument(
        "--derivative", action="store_true", help="draw the derivatives as well, and shade where they all but vanish"
    )
    parser.add_argument(
        "--poster", choices=("light", "dark"), help="draw them all as one picture, to hang on a wall, on paper of this kind"
    )
    add_parameters(parser)


def run(args: argparse.Namespace) -> None:
    if args.range and not (all(map(math.isfinite, args.range)) and args.range[0] < args.range[1]):
        args.usage_error("--range takes two finite numbers, the smaller first")
    names = args.functions or list(FUNCTIONS)
    parameters = parameter_keywords(args, names)
    from cyact import plotting  # only here: it takes a while, and needs matplotlib

    picture_format(args.output)     # an unknown one is refused before the work
    if args.poster:
        save(plotting.poster(args.poster, names), args.output, drawing=True)
        say(f"wrote {args.output}")
        return
    axes = plotting.plot_all(names, limits=args.range, derivative=args.derivative, **parameters)
    save(axes.flat[0].figure, args.output, drawing=True)
    say(f"wrote {args.output}")
