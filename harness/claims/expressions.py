"""Formulas over intervals. An operand that stands more than once is cut into parts, since interval arithmetic
takes each of its places for another number: the hull over the parts holds the range, and is tighter."""

import ast
from collections import Counter
from fractions import Fraction

from harness.claims.formula import names, parse, whole_power
from harness.claims.interval import Interval, subdivided

_PARTS = 16
_MOST_CUT = 2
"""Operands that are cut: parts ** operands evaluations."""


def evaluate(formula: str, values: dict[str, Interval]) -> Interval:
    """Range of a formula. Raises ValueError or ZeroDivisionError where it has no value inside the intervals."""
    tree = parse(formula)
    uses = Counter(names(tree))
    often = [n for n, count in uses.most_common() if count > 1 and values[n].low < values[n].high][:_MOST_CUT]
    if not often:
        return _value(tree, values)
    parts = _PARTS if len(often) > 1 else _PARTS**2
    cut = [values[name] for name in often]
    return subdivided(lambda *part: _value(tree, values | dict(zip(often, part, strict=True))), cut, parts)


def _value(node: ast.expr, values: dict[str, Interval]) -> Interval:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=number):
            return Interval.point(Fraction(str(number)))
        case ast.UnaryOp(op=op, operand=operand):
            inner = _value(operand, values)
            return inner.scaled(-1) if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _value(left, values).power(whole_power(right))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, values), _value(right, values)
            return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else _product(op, a, b)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, [_value(argument, values) for argument in arguments])
    raise ValueError(f"{ast.unparse(node)!r} is not allowed in a formula")


def _product(op: ast.operator, a: Interval, b: Interval) -> Interval:
    return a * b if isinstance(op, ast.Mult) else a / b


def _call(name: str, given: list[Interval]) -> Interval:
    if name == "min":
        return Interval(min(v.low for v in given), min(v.high for v in given))
    if name == "max":
        return Interval(max(v.low for v in given), max(v.high for v in given))
    value = given[0]
    return {"sqrt": value.root, "exp": value.exp, "log": value.log, "abs": value.absolute}[name]()
