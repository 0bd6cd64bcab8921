r"""Formulas as mathematics: LaTeX made of the Python expressions in docstrings, MathML made of the LaTeX.

The table of functions has each formula once, as an expression between double backquotes. MathML is drawn by the browser
itself: a page needs no script and no network for it.
"""

import ast
import re

from docutils.utils.math.latex2mathml import tex2mathml

# The names of arrays, as mathematics writes them; another name stands as it is.
NAMES = {
    "features": "x", "logits": "x", "images": "x", "gradients": "g", "outputs": "y", "alpha": r"\alpha", "beta": r"\beta",
    "threshold": "t", "pi": r"\pi", "dy": "g",
}
ARRAYS = {"features", "logits", "images", "x", "y"}
FUNCTIONS = {"exp", "log", "tanh", "sinh", "cosh", "max", "min"}        # that LaTeX has
COMPARISONS = {ast.Lt: "<", ast.Gt: ">", ast.LtE: r"\le", ast.GtE: r"\ge", ast.Eq: "="}
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)      # how strongly the parts of an expression hold together


def latex(expression: str) -> str:
    """The LaTeX of a Python expression."""
    return _tex(ast.parse(expression.strip(), mode="eval").body)[0]


def formulas(text: str) -> list[str]:
    """The expressions between double backquotes that compute something of an array."""
    found = []
    for literal in re.findall("``(.*?)``", " ".join(text.split())):
        try:
            tree = ast.parse(literal, mode="eval").body
        except SyntaxError:
            continue
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if isinstance(tree, ast.BinOp | ast.Call | ast.UnaryOp) and names & ARRAYS:
            found.append(literal)
    return found


def mathml(tex: str, block: bool) -> str:
    return tex2mathml(tex, as_block=block)


def _in(node: ast.AST, strength: int) -> str:
    """A part's LaTeX, in parentheses where it holds together less strongly than what it stands in."""
    tex, own = _tex(node)
    return tex if own >= strength else rf"\left({tex}\right)"


def _tex(node: ast.AST) -> tuple[str, int]:
    if isinstance(node, ast.Constant):
        return f"{node.value:g}" if isinstance(node.value, float) and len(str(node.value)) < 9 else str(node.value), ATOM
    if isinstance(node, ast.Name):
        name = NAMES.get(node.id, node.id)
        return name if len(name) == 1 or name.startswith("\\") else rf"\mathrm{{{name}}}", ATOM
    if isinstance(node, ast.UnaryOp):
        return f"-{_in(node.operand, PRODUCT)}", SIGN
    if isinstance(node, ast.BinOp):
        return _operation(node)
    if isinstance(node, ast.Compare):
        operators = [COMPARISONS[type(operator)] for operator in node.ops]
        parts = [_in(part, SUM) for part in [node.left, *node.comparators]]
        return parts[0] + "".join(f" {operator} {part}" for operator, part in zip(operators, parts[1:])), SUM
    if isinstance(node, ast.Call):
        return _call(node)
    raise ValueError(f"no mathematics for {ast.unparse(node)}")


def _operation(node: ast.BinOp) -> tuple[str, int]:
    left, right = node.left, node.right
    match node.op:
        case ast.Add():
            return f"{_in(left, SUM)} + {_in(right, SUM)}", SUM
        case ast.Sub():
            return f"{_in(left, SUM)} - {_in(right, PRODUCT)}", SUM
        case ast.Div():
            return rf"\frac{{{_in(left, SUM)}}}{{{_in(right, SUM)}}}", PRODUCT
        case ast.Pow():
            return f"{_in(left, ATOM)}^{{{_in(right, SUM)}}}", POWER
        case ast.Mult():
            if ast.dump(left) == ast.dump(right):
                return f"{_in(left, ATOM)}^2", POWER
            # Numbers side by side would be read as one.
            dot = r" \cdot " if isinstance(right, ast.Constant) else r"\,"
            return f"{_in(left, PRODUCT)}{dot}{_in(right, PRODUCT)}", PRODUCT
        case ast.BitAnd():
            return rf"{_in(left, SUM)} \text{{ and }} {_in(right, SUM)}", SUM
        case ast.BitOr():
            return rf"{_in(left, SUM)} \text{{ or }} {_in(right, SUM)}", SUM
    raise ValueError(f"no mathematics for {ast.unparse(node)}")


def _call(node: ast.Call) -> tuple[str, int]:
    name, arguments = ast.unparse(node.func), node.args
    whole = [_in(argument, SUM) for argument in arguments]
    match name:
        case "where":
            condition, a, b = whole
            return rf"\begin{{cases}} {a} & {condition} \\ {b} & \text{{otherwise}} \end{{cases}}", ATOM
        case "exp":
            return f"e^{{{_exponent(arguments[0])}}}", POWER
        case "expm1":
            return f"e^{{{_exponent(arguments[0])}}} - 1", SUM
        case "log1p":
            return rf"\log\left(1 + {whole[0]}\right)", ATOM
        case "abs":
            return rf"\left|{whole[0]}\right|", ATOM
        case "sqrt":
            return rf"\sqrt{{{whole[0]}}}", ATOM
        case "sum":
            return rf"\sum {_in(arguments[0], PRODUCT)}", PRODUCT
    symbol = {"sigmoid": r"\sigma"}.get(name) or (rf"\{name}" if name in FUNCTIONS else rf"\operatorname{{{name}}}")
    return rf"{symbol}\left({', '.join(whole)}\right)", ATOM


def _exponent(node: ast.AST) -> str:
    """On one line: a fraction up there would be too small to read."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return f"{_in(node.left, PRODUCT)} / {_in(node.right, POWER)}"
    return _in(node, SUM)
