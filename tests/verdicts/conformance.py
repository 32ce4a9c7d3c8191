"""What every kind of relation must do: checks of one class, each of which raises AssertionError where it does not hold.

Nothing here names a kind, so that an addition is held to all of it by being there. A kind brings its own examples.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from containers.contract.errors import RequestFault
from harness.claims import judge_ledger
from harness.claims.interval import Interval
from harness.claims.ledger import Claim, Ledger, Number
from harness.claims.relations.base import Example, Relation
from harness.claims.relations.registry import kinds, validated
from harness.claims.rounding import printed_interval
from harness.claims.source import Source
from harness.run.results import ClaimResult, Verdict
from tests.verdicts.example import BASE

Check = Callable[[type[Relation]], None]
TOLERANCE = 1e-9
"""Of a number: functions in double precision are widened by less."""


def kind_of(made: type[Relation]) -> str:
    return next(kind for kind, known in kinds().items() if known is made)


def relation_of(made: type[Relation], example: Example) -> Relation:
    return validated({"kind": kind_of(made), **example.fields})


def ledger_of(
    made: type[Relation], example: Example, printed: str, numbers: Mapping[str, Number] | None = None
) -> Ledger:
    """The claim `claim` with its operands; `numbers` take the place of operands of their ids."""
    entries = [
        (numbers or {}).get(key) or Number(**BASE | {"unit": example.unit}, id=key, printed=text, exact=text.isdigit())
        for key, text in example.numbers.items()
    ]
    claims = [("claim", printed, {"kind": kind_of(made), **example.fields}, example.unit)]
    claims += [(key, text, relation, "1") for key, (text, relation) in example.claims.items()]
    return Ledger(
        schema_version="1.0",
        paper="p",
        reference="r",
        numbers=entries,
        claims=[
            Claim.model_validate(
                {**BASE, "unit": unit, "id": key, "quantity": "q", "route": "recompute", "printed": text, "relation": r}
            )
            for key, text, r, unit in claims
        ],
    )


def verdict_of(made: type[Relation], example: Example, printed: str) -> ClaimResult:
    return judge_ledger(ledger_of(made, example, printed), [])[0]


def wrong_of(made: type[Relation], example: Example) -> ClaimResult | None:
    """The verdict on what the example says is contradicted; None where nothing can contradict it."""
    if example.changed:
        return verdict_of(made, replace(example, numbers={**example.numbers, **example.changed}), example.right)
    return verdict_of(made, example, example.wrong) if example.wrong else None


def _values(made: type[Relation], example: Example, numbers: Mapping[str, Number] | None = None) -> list[Interval]:
    source = Source(ledger_of(made, example, example.right, numbers))
    return [value for _, value in relation_of(made, example).compute(source)]


def has_examples(made: type[Relation]) -> None:
    assert made.examples, "give at least one example"


def right_numbers_stand(made: type[Relation]) -> None:
    """A kind that only bounds is consistent at most; any other reproduces a number that is printed roughly enough."""
    for example in made.examples:
        found = verdict_of(made, example, example.right)
        assert found.verdict in (Verdict.REPRODUCED, Verdict.CONSISTENT), found.reason
        bound = relation_of(made, example).is_bound()
        assert found.bound == bound
        assert not bound or found.verdict == Verdict.CONSISTENT
        assert found.formula and found.computed and found.stands_for and found.arithmetic and not found.finding


def wrong_numbers_do_not(made: type[Relation]) -> None:
    for example in made.examples:
        found = wrong_of(made, example)
        if found is None:
            assert relation_of(made, example).is_bound() and made.statement, "give `wrong` or `changed`"
            continue
        assert found.verdict == Verdict.CONTRADICTED, found.reason
        assert found.formula and found.computed and found.finding == "p/1"
        assert found.bound == relation_of(made, example).is_bound()


def readings_have_names_of_their_own(made: type[Relation]) -> None:
    """Names are not given twice, and each has its formula: a report shows them by name."""
    for example in made.examples:
        found = wrong_of(made, example)
        readings = found.readings if found else []
        names = [reading.name for reading in readings]
        assert len(names) == len(set(names)), names
        assert all(reading.name and reading.formula and reading.computed for reading in readings)


def a_verdict_is_the_same_twice(made: type[Relation]) -> None:
    for example in made.examples:
        assert wrong_of(made, example) == wrong_of(made, example)


def operands_are_those_given(made: type[Relation]) -> None:
    for example in made.examples:
        relation = relation_of(made, example)
        given = {*example.numbers, *example.claims}
        assert set(relation.operands()) <= given
        assert set(relation.supports()) <= set(relation.operands())
        assert bool(relation.operands()) == bool(given)


def a_relation_survives_json(made: type[Relation]) -> None:
    for example in made.examples:
        relation = relation_of(made, example)
        claim = ledger_of(made, example, example.right).claims[0]
        assert validated(relation.model_dump(mode="json")) == relation == claim.relation
        assert Claim.model_validate_json(claim.model_dump_json()) == claim


def _narrowed(example: Example) -> Iterator[dict[str, Number]]:
    """Every operand as one value inside its rounding, exactly: all of them at one end, in the middle, and mixed."""
    operands = {k: Number(**BASE, id=k, printed=v, exact=v.isdigit()) for k, v in example.numbers.items()}
    single = {k: printed_interval(n.parsed()[0]) for k, n in operands.items() if len(n.parsed()) == 1}
    for pattern in ((0, 0), (1, 1), (2, 2), (0, 2), (2, 0)):
        chosen = {}
        for n, (key, interval) in enumerate(single.items()):
            value = (interval.low, interval.middle, interval.high)[pattern[n % 2]]
            text = f"{float(value):.12f}".rstrip("0").rstrip(".")
            chosen[key] = Number(**BASE | {"unit": example.unit}, id=key, printed=text, exact=True)
        yield chosen


def narrower_numbers_stay_inside(made: type[Relation]) -> None:
    """What numbers inside the printed roundings give lies in what the printed numbers give."""
    for example in made.examples:
        wide = _values(made, example)
        for numbers in _narrowed(example):
            for value, around in zip(_values(made, example, numbers), wide, strict=True):
                slack = TOLERANCE * max(1.0, abs(float(around.low)), abs(float(around.high)))
                assert float(value.low) >= float(around.low) - slack, numbers
                assert float(value.high) <= float(around.high) + slack, numbers


def probabilities_are_such(made: type[Relation]) -> None:
    for example in made.examples if made.probability else ():
        assert all(value.low >= 0 and value.high <= 1 + TOLERANCE for value in _values(made, example))


def _fault(made: type[Relation], example: Example, printed: Mapping[str, str]) -> str:
    try:
        verdict_of(made, replace(example, numbers={**example.numbers, **printed}), example.right)
    except RequestFault as fault:
        return str(fault)
    return ""


def exchanged_limits_are_impossible(made: type[Relation]) -> None:
    """A slip of the ledger in limits is a fault, and the relation with exchanged limits exchanges back."""
    for example in made.examples:
        relation = relation_of(made, example)
        limits = list(relation.limits())
        other = relation.exchanged()
        assert bool(limits) == (other is not None)
        if other is None:
            continue
        assert other != relation and other.exchanged() == relation
        turned = {
            k: v for _, low, high in limits for k, v in ((low, example.numbers[high]), (high, example.numbers[low]))
        }
        assert "impossible limits" in _fault(made, example, turned)


def numbers_below_zero_are_impossible(made: type[Relation]) -> None:
    for example in made.examples:
        for key in relation_of(made, example).not_negative():
            assert "impossible number" in _fault(made, example, {key: "-5"})


def wrong_fields_are_refused(made: type[Relation]) -> None:
    """A field that the kind does not have, and each field that it needs left out."""
    for example in made.examples:
        fields = {"kind": kind_of(made), **example.fields}
        needed = [name for name, info in made.model_fields.items() if info.is_required() and name != "kind"]
        broken = [{**fields, "colour": "red"}, *({k: v for k, v in fields.items() if k != name} for name in needed)]
        for entry in broken:
            try:
                validated(entry)
            except ValueError:
                continue
            raise AssertionError(f"accepted {entry}")


def it_says_what_it_is(made: type[Relation]) -> None:
    """The class has a description of its own, words for the table, and every field its sentence, which schemas show."""
    assert made.in_words
    assert (made.__doc__ or "").strip() and made.__doc__ != Relation.__doc__
    assert all(info.description for info in made.model_fields.values())


CHECKS: tuple[Check, ...] = (
    has_examples,
    right_numbers_stand,
    wrong_numbers_do_not,
    readings_have_names_of_their_own,
    a_verdict_is_the_same_twice,
    operands_are_those_given,
    a_relation_survives_json,
    narrower_numbers_stay_inside,
    probabilities_are_such,
    exchanged_limits_are_impossible,
    numbers_below_zero_are_impossible,
    wrong_fields_are_refused,
    it_says_what_it_is,
)
