"""Any expression of printed numbers."""

import re
from typing import Literal

from pydantic import Field, model_validator

from harness.claims.expressions import evaluate
from harness.claims.formula import names, parse
from harness.claims.reading import Terms
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.keys import Ref
from harness.claims.source import Source


class Formula(Relation):
    """claim = an expression of the values: + - * / ** (whole power), sqrt, exp, log, abs, min, max, numbers."""

    kind: Literal["formula"]
    """Names the relation in the ledger."""

    in_words = "`+ - * / **` (whole power) `sqrt exp log abs min max` of the values"
    formula: str = Field(min_length=1, max_length=400)
    """The expression, in the names of `values`."""
    values: dict[str, Ref] = Field(min_length=1)
    """Id of the number that each name of the expression stands for."""

    examples = (
        Example(
            {"a": "2.00", "b": "3.00"},
            {"formula": "sqrt(a ** 2 + b ** 2) / 2", "values": {"a": "a", "b": "b"}},
            "1.80",
            "1.82",
        ),
    )

    @model_validator(mode="after")
    def _names_have_values(self) -> "Formula":
        used = set(names(parse(self.formula)))
        if missing := sorted(used - set(self.values)):
            raise ValueError(f"formula uses {missing[0]!r}, which `values` does not give")
        if idle := sorted(set(self.values) - used):
            raise ValueError(f"`values` gives {idle[0]!r}, which the formula does not use")
        return self

    def compute(self, source: Source) -> Terms:
        def shown(match: re.Match[str]) -> str:
            return source.text(self.values[match[0]]) if match[0] in self.values else match[0]

        text = re.sub(r"[A-Za-z_][A-Za-z0-9_]*", shown, self.formula.replace("-", "−"))
        text = re.sub(r"\s*\*\*\s*", "^", text).replace("*", "×")
        return [(text, evaluate(self.formula, {name: source.interval(key) for name, key in self.values.items()}))]
