"""Syntax of the relation kind `formula`: which expressions are allowed. Nothing is computed here."""

import ast
import math
from typing import TypeGuard

FUNCTIONS = ("sqrt", "exp", "log", "abs", "min", "max")
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_LARGEST_POWER = 1000
"""Of all powers multiplied, as far as exact numbers stay short."""
_ALLOWED = "use + - * / ** with a whole power, " + ", ".join(f"{name}()" for name in FUNCTIONS)


def parse(formula: str) -> ast.expr:
    """The expression as a tree of numbers, names, operators and the known functions. Raises ValueError."""
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, MemoryError, RecursionError, ValueError) as error:
        raise ValueError(f"formula {formula!r} is not an expression; {_ALLOWED}") from error
    _check(tree, formula)
    if math.prod(abs(whole_power(n.right)) or 1 for n in ast.walk(tree) if _is_power(n)) > _LARGEST_POWER:
        raise ValueError(f"powers in formula {formula!r} multiply to more than {_LARGEST_POWER}")
    return tree


def _is_power(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def names(tree: ast.expr) -> list[str]:
    """Names of the values that an expression uses, each as often as it stands there."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]


def whole_power(node: ast.expr) -> int:
    """The exponent of `**`. Raises ValueError unless it is a whole number of at most two digits."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value < 100:
        return sign * node.value
    raise ValueError(f"power {ast.unparse(node)} is not a whole number below 100; use exp(x * log(y)) for others")


def _check(node: ast.expr, formula: str) -> None:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
            _check(left, formula)
            if isinstance(op, ast.Pow):
                whole_power(right)
            else:
                _check(right, formula)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, formula)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS and arguments:
            if len(arguments) > 1 and name not in ("min", "max"):
                raise ValueError(f"{name}() in formula {formula!r} takes one value")
            for argument in arguments:
                _check(argument, formula)
        case ast.Name(id=name) if name not in FUNCTIONS:
            return
        case ast.Constant(value=value) if type(value) in (int, float):
            return
        case _:
            raise ValueError(f"{ast.unparse(node)!r} in formula {formula!r} is not allowed; {_ALLOWED}")
