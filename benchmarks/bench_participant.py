"""A whole participant: zip of Dixon stations to fused volumes, labels and composition, by three stages in turn.

Each stage is started again, as `myorepro reproduce` starts it, under the runner that is asked for (`--runner docker`:
in its image). Memory is the peak of the largest stage. No other package goes the whole way, so that there is no peer;
the truth is the phantom's.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, difference, main, no_cuda

STAGES = ("fusion", "thigh_segmentation", "composition")
LARGEST_ERROR = 0.08
"""Of the volume of the thigh's muscles: the shipped weights' model card states a mean Dice of 0.965 on phantoms."""
MUSCLES = ("vastus_lateralis", "vastus_medialis", "vastus_intermedius", "rectus_femoris", "semimembranosus",
           "semitendinosus", "biceps_femoris", "adductor_magnus", "gracilis", "sartorius")  # fmt: skip


def participant(asked: Asked) -> tuple[Path, dict[str, Any]]:
    """The zip of a phantom participant whom training never saw, and what is known of it; kept in the cache."""
    import phantoms

    preset = "small" if asked.quick else "full"
    with asked.making(f"participant-{preset}") as (place, to_fill):
        if to_fill:
            phantoms.make("ukb_participant", {"preset": preset, "seed": 1, "truth_step_mm": 5.0}, to_fill)
    return next(place.glob("*.zip")), json.loads((place / "phantom.json").read_text(encoding="utf-8"))


def run_stage(asked: Asked, stage: str, inputs: dict[str, Path], facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run one stage on one item; returns its record with `place`, the item's folder. Raises EnvironmentFault."""
    from containers.contract.errors import EnvironmentFault
    from harness.runners.base import Call, Limits
    from harness.runners.choose import for_stage

    runner = for_stage(asked.runner, stage)
    handle = runner.identify(stage)
    output = folder / stage
    output.mkdir()
    seen = {name: runner.inside(path, f"one/{name}") for name, path in inputs.items()}
    device: Any = asked.device if stage != "composition" else "cpu"
    sent = {
        "contract": "1.0", "stage": handle.name, "output": runner.output_inside(output),
        "items": [{"id": "one", "inputs": seen, "facts": facts}],
        "resources": {"threads": asked.threads, "device": device},
    }  # fmt: skip
    mounts = {seen[name]: path for name, path in inputs.items()}
    end = runner.execute(handle, Call(json.dumps(sent), mounts, output, Limits(threads=asked.threads, device=device)))
    if end.status or end.stopped:
        raise EnvironmentFault(end.reason(), where=stage, fix=f"run `myorepro stage check {stage}`")
    record: dict[str, Any] = json.loads((output / "one" / "record.json").read_text(encoding="utf-8"))
    if record["status"] != "ok":
        raise EnvironmentFault(record["error"]["what"], where=stage, fix=record["error"]["fix"])
    return record | {"place": output / "one"}


def ours(asked: Asked) -> Prepared:
    """The three stages; each call in a new folder."""
    path, known = participant(asked)
    base = tempfile.TemporaryDirectory(prefix="myorepro-participant-")
    peaks = dict.fromkeys(STAGES, 0)

    def call() -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(dir=base.name))
        fused = run_stage(asked, "fusion", {"dicom": path}, {}, folder)
        water, fat = (fused["place"] / fused["outputs"][name]["path"] for name in ("water", "fat"))
        found = run_stage(asked, "thigh_segmentation", {"volume": water}, {}, folder)
        labels = found["place"] / found["outputs"]["labels"]["path"]
        inputs = {"labels": labels, "water": water, "fat": fat}
        record = run_stage(asked, "composition", inputs, known["facts"], folder)
        for stage in STAGES:
            timing = json.loads((folder / stage / "one" / "timing.json").read_text(encoding="utf-8"))
            peaks[stage] = timing["peak_memory_bytes"]
        shutil.rmtree(folder)
        return record

    def values(record: dict[str, Any]) -> Values:
        volumes = [record["metrics"].get(f"volume_cm3.{name}", {}).get("value") or 0.0 for name in MUSCLES]
        return {"volumes": np.array(volumes)}

    return Prepared(call, values, peak_bytes=lambda: max(peaks.values()), close=base.cleanup)


def check(asked: Asked, outputs: Mapping[str, Values]) -> Iterator[Check]:
    """Volume of the thigh's muscles against the phantom's own."""
    truth = participant(asked)[1]["truth"]
    right = sum(truth[f"volume_cm3.{name}"] for name in MUSCLES)
    found = float(outputs["ours"]["volumes"].sum())
    limit = None if asked.quick else LARGEST_ERROR
    yield difference("truth", "muscle volume", found / right, 1.0, limit, "of it")


def rows(asked: Asked) -> list[Work]:
    """One row."""
    missing = no_cuda("torch") if asked.device == "cuda" else ""
    facts = {"preset": "small" if asked.quick else "full", "runner": asked.runner, "stages": len(STAGES)}
    methods = [Method("ours", partial(ours, asked), missing)]
    title = "zip to composition, each stage started again"
    return [
        Work("participant.zip", title, "participant", methods, partial(check, asked), facts, participants=1),
    ]


if __name__ == "__main__":
    sys.exit(main(rows))
