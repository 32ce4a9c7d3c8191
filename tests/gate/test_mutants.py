"""The catalogue of seeded faults: it fits the sources, covers every stage, and only a moved number counts as caught."""

from collections import Counter

import pytest

from containers.contract.errors import RequestFault
from harness.gate.baseline import load_baseline
from harness.gate.mutants import Mutant, load_mutants, mutated
from harness.gate.proof import of_mutant
from harness.gate.proof_result import Caught
from harness.gate.result import CaseResult, Outcome, Row
from harness.gate.spec import case_files, load_gate_case
from harness.gate.variations import HARMLESS, SAMPLED, sampled_seeds
from harness.runners import images

MUTANTS = load_mutants()
CASES = {name: load_gate_case(path).case for name, path in case_files().items()}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_fits_the_source_and_still_is_a_program(mutant: Mutant) -> None:
    text = mutated(mutant)
    assert mutant.old not in text or mutant.new in text
    if mutant.file.endswith(".py"):
        compile(text, mutant.file, "exec")


def test_the_catalogue_covers_every_stage_and_every_case() -> None:
    assert len(MUTANTS) >= 40
    # A variant of a stage in its folder (mrsegmentator) needs weights that are not here.
    stages = {name for name, folder in images.stage_folders().items() if folder.parent.name == "containers"}
    counts = Counter(mutant.stage for mutant in MUTANTS)
    assert set(counts) == stages
    assert min(counts.values()) >= 3
    assert {mutant.case for mutant in MUTANTS} == set(CASES)


def test_each_mutant_names_a_case_that_runs_its_stage() -> None:
    for mutant in MUTANTS:
        assert mutant.stage in CASES[mutant.case].stages(), mutant.id


def test_a_text_that_is_gone_or_there_twice_is_refused() -> None:
    some = MUTANTS[0].model_copy(update={"old": "no such text anywhere"})
    with pytest.raises(RequestFault, match="occurs 0 times"):
        mutated(some)
    with pytest.raises(RequestFault, match=r"occurs \d+ times"):
        mutated(some.model_copy(update={"old": "e"}))


def result(*outcomes: tuple[Outcome, float | None], case: str = "fusion") -> CaseResult:
    rows = [
        Row(case=case, step="s", item="i", metric=f"m{n}", unit="1", frozen=1.0, value=1.0, tolerance=1.0,
            tolerances=moved, outcome=outcome)
        for n, (outcome, moved) in enumerate(outcomes)
    ]  # fmt: skip
    return CaseResult(case=case, title="", stages={}, compared=len(rows), rows=rows)


def test_only_a_number_that_moved_in_its_case_counts_as_caught() -> None:
    mutant = MUTANTS[0].model_copy(update={"case": "fusion"})
    same, moved, failed = (Outcome.SAME, 0.5), (Outcome.MOVED, -7.0), (Outcome.FAILED, None)
    assert of_mutant(mutant, [result(same)]).caught == Caught.MISSED
    assert of_mutant(mutant, [result(same, failed)]).caught == Caught.CRASHED
    assert of_mutant(mutant, [result(same, moved, case="thigh")]).caught == Caught.ELSEWHERE
    found = of_mutant(mutant, [result(moved, case="thigh"), result(same, moved, (Outcome.MOVED, 3.0))])
    assert found.caught == Caught.CAUGHT
    assert found.moved == 3
    assert found.strongest[0].case == "fusion"
    assert found.strongest[0].tolerances == -7.0


def test_harmless_variations_are_fifty_and_none_is_one_that_tolerances_come_from() -> None:
    assert len(HARMLESS) >= 50
    names = [variation.name for variation in HARMLESS]
    assert len(set(names)) == len(names)
    sampled = {variation.name for variation in (*SAMPLED, *sampled_seeds(9))}
    assert not sampled & set(names)
    for variation in HARMLESS:
        assert any(variation.concerns(case) for case in CASES.values()), variation.name


@pytest.mark.parametrize("name", CASES)
def test_every_gate_case_has_a_baseline_of_its_present_form(name: str) -> None:
    baseline = load_baseline(name)
    assert baseline.made.case_sha256 == load_gate_case(case_files()[name]).sha256
    assert set(baseline.made.stages) == set(CASES[name].stages())
    for key, frozen in baseline.numbers.items():
        step, _, metric = key.split("/", 2)
        assert CASES[name].compares(step, metric), key
        if frozen.value is not None:
            floor = CASES[name].floor_of(step, metric, frozen.value)
            assert floor is not None
            assert frozen.tolerance is not None
            assert frozen.tolerance >= floor
