"""What a dry run prints: for each case its steps, with how many items are cached and how many are to do."""

from harness.run.pipeline import CaseRun


def plan_lines(run: CaseRun) -> list[str]:
    """A line for each input and step of a case that went through with `execute=False`."""
    if run.not_run:
        return [f"{run.case.name}: not run: {run.not_run}"]
    lines = [f"{run.case.name}: {run.case.title}"]
    for name, outcomes in run.outcomes.items():
        step = run.case.steps.get(name)
        entry = run.case.inputs.get(name)
        if entry is not None and entry.from_data:
            lines.append(f"  {name}: {_items(len(outcomes))} from the data folder")
            continue
        if step is not None and (use := step.use()) is not None:
            handle = run.context.handle(use.stage)
            what = f"stage {handle.name} {handle.version} ({handle.digest_kind} {handle.digest[:19]})"
        else:
            what = (step or run.case.inputs[name]).kind_name()
        cached = sum(outcome.cached for outcome in outcomes.values())
        lines.append(f"  {name}: {what}; {_items(len(outcomes))}, {cached} cached, {len(outcomes) - cached} to do")
    return lines


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"
