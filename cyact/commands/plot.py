import argparse
import math

from cyact.commands import FUNCTIONS, alpha_keyword, function_name, load_plotting, save

HELP = "draw the curves of the functions and of their derivatives"
EXAMPLES = """\
examples:
  python -m cyact plot --derivative
  python -m cyact plot sigmoid tanh --range -5 5 --output saturation.svg
  python -m cyact plot leaky_relu --alpha 0.01"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "functions", nargs="*", type=function_name, metavar="FUNCTION", help=f"{', '.join(FUNCTIONS)}; by default all"
    )
    parser.add_argument(
        "-o", "--output", default="activations.png", metavar="FILE",
        help="the picture, its format by its suffix: .png, .svg, .pdf and more (default: %(default)s)",
    )
    parser.add_argument(
        "--range", nargs=2, type=float, metavar=("A", "B"),
        help="the ends of the horizontal axis (default: -10 10, and -2 2 for leaky_relu)",
    )
    parser.add_argument("--alpha", type=float, metavar="A", help="the slope of leaky_relu (default: 0.2)")
    parser.add_argument(
        "--derivative", action="store_true", help="draw the derivatives as well, and shade where they all but vanish"
    )


def run(args: argparse.Namespace) -> None:
    if args.range and not (all(map(math.isfinite, args.range)) and args.range[0] < args.range[1]):
        args.usage_error("--range takes two finite numbers, the smaller first")
    alpha = alpha_keyword(args, args.functions or list(FUNCTIONS))
    plotting = load_plotting()
    axes = plotting.plot_all(args.functions or None, limits=args.range, derivative=args.derivative, **alpha)
    save(axes.flat[0].figure, args.output, drawing=True)
    print(f"wrote {args.output}")
