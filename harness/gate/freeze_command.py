"""`myorepro baseline freeze` over all gate cases: each is written as soon as it is made."""

from collections.abc import Iterator
from pathlib import Path

from harness.gate.baseline import FOLDER, write_baseline
from harness.gate.command import bench, reference_runner
from harness.gate.freezing import freeze
from harness.gate.spec import load_gate_cases
from harness.progress import Progress


def freeze_all(
    names: list[str], runner: str, cores: int, work: Path, out: Path | None, progress: Progress
) -> Iterator[str]:
    """Freeze the named gate cases, or all; yields a line for each. Raises Fault at the first that is refused."""
    files = load_gate_cases(names)
    with bench(work, cores, progress) as tools:
        stages = list(dict.fromkeys(stage for file in files for stage in file.case.stages()))
        reference = reference_runner(runner, stages, progress, work)
        for file in files:
            baseline = freeze(tools, file, reference)
            path = write_baseline(baseline, out or FOLDER)
            sampled = sum(frozen.widest != "floor" for frozen in baseline.numbers.values())
            yield f"{path.name}: {len(baseline.numbers)} numbers, {sampled} tolerances from sampled spread"
