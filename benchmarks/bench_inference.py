"""Whole-volume inference: the thigh's UNETR against MONAI's own sliding window, the back's nnU-Net against its own.

`inference.unetr`: the shipped small network without its second pass, as MONAI has none; a phantom person whom training
never saw, fused water of 224 x 224 x 331 voxels. MONAI: `sliding_window_inference` with the same patches, overlap and
weights, in eager float32, whose logits of the whole volume are interpolated to its grid and reduced to labels.
`inference.thigh`: the same with the second pass, as the stage runs it. `inference.nnunet`: the shipped network on a
phantom back; nnU-Net's predictor returns to the native grid by resampling all logits.

`inference.thigh_full`: the paper's network (96 x 96 x 96, hidden 768, 12 layers) with random weights on 299 x 299 x 440
voxels of 1.5 x 1.5 x 2 mm, the paper's working grid: a phantom person, longer by her mirror image. It takes the seconds
of one complete thigh volume. `inference.unetr_full` (only by name, it takes minutes): the same against MONAI;
`ours, air left out` lays patches over the body's box only. `inference.unetr_full_float32`: as a processor without
bfloat16 has it. Random labels have no truth and agree with nothing, which is shown and not judged; what the same code
costs in accuracy, `inference.unetr` measures with trained weights.
"""

import contextlib
import io
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.results import Check
from harness.bench.suite import Asked, Method, Prepared, Values, Work, absent, difference, main, no_cuda

SPINE_WEIGHTS = Path(__file__).resolve().parents[1] / "containers/spine_segmentation/weights/weights.safetensors"
SEED = 41
"""A person below the seeds of every training set."""
OVERLAP, NNUNET_OVERLAP = 0.25, 0.5
FULL_SLICES = 440
DICE_LIMIT = 0.002
"""Mean Dice that another arithmetic or another stitching may cost."""
AIM = {"thigh": 0.07, "back": 0.15}
"""What may lack to a mean Dice of 1: the aims that the shipped weights' tests hold, for the whole stage (the thigh's
first pass alone has none)."""

Volume = npt.NDArray[Any]


def thigh(asked: Asked) -> tuple[Volume, Volume, tuple[float, float, float]]:
    """Water (z, y, x), true labels and spacing of a fused phantom volume; kept in the cache."""
    from phantoms.shared.protocol import protocol
    from phantoms.shared.subjects import draw_subject
    from phantoms.thigh.anatomy import fit
    from phantoms.thigh.training_set import fused_geometry, fused_water

    preset = "small" if asked.quick else "full"
    scan = protocol(preset, "standard")
    with asked.making(f"thigh-{preset}") as (place, to_fill):
        if to_fill:
            anatomy = fit(draw_subject(SEED), SEED)
            quiet = {"texture": 0.25, "shading": 0.15, "noise": 1.0, "motion": 0.0, "station_gain": 0.02}
            np.save(to_fill / "water.npy", fused_water(anatomy, scan, np.random.default_rng(SEED), **quiet))
            np.save(to_fill / "truth.npy", anatomy.labels(fused_geometry(scan)))
    spacing = fused_geometry(scan).spacing_mm
    return np.load(place / "water.npy"), np.load(place / "truth.npy"), (spacing[2], spacing[1], spacing[0])


def full_size(asked: Asked) -> tuple[Volume, tuple[float, float, float]]:
    """Water (z, y, x) on the paper's working grid, and its spacing: the volume of `thigh`, mirrored below its end."""
    from containers.thigh_segmentation.config import load_config
    from containers.thigh_segmentation.grid import axes_of, image_to_working

    water, _, spacing = thigh(asked)
    x, y, z = load_config(Path("paper")).preprocessing.spacing_mm
    working = image_to_working(water.astype(np.float32), axes_of(water.shape, spacing, (z, y, x)))
    missing = 0 if asked.quick else max(0, FULL_SLICES - len(working))
    return np.rint(np.concatenate([working[:missing][::-1], working])).astype(np.int16), (z, y, x)


def back(asked: Asked) -> tuple[Volume, Volume, tuple[float, float, float]]:
    """T2 image (z, y, x), true labels and spacing of a phantom back; kept in the cache."""
    from containers.toolkit.images.turn import turn_of
    from phantoms.back import haste
    from phantoms.back.anatomy import fit
    from phantoms.back.subjects import draw_spine_subject
    from phantoms.shared.dixon import stored

    preset = "small" if asked.quick else "full"
    scan = haste.protocol(preset, "standard")
    with asked.making(f"back-{preset}") as (place, to_fill):
        if to_fill:
            anatomy = fit(draw_spine_subject(SEED), SEED)
            image = haste.acquire(
                anatomy, scan.geometry(), scan, np.random.default_rng(SEED), texture=0.04, shading=0.15
            )
            np.save(to_fill / "image.npy", stored(image))
            np.save(to_fill / "truth.npy", anatomy.labels(scan.geometry()))
    turn = turn_of(scan.geometry())
    image, truth = (turn.apply(np.load(place / f"{name}.npy")) for name in ("image", "truth"))
    return np.ascontiguousarray(image), np.ascontiguousarray(truth), turn.spacing_mm


def unetr(asked: Asked, paper: bool) -> Any:
    """The shipped checkpoint, or the paper's network with random weights, on the device."""
    import torch

    from containers.thigh_segmentation.checkpoint import SHIPPED, Checkpoint, load_checkpoint
    from containers.thigh_segmentation.config import load_config
    from containers.thigh_segmentation.model import Unetr

    torch.set_num_threads(asked.threads)
    if not paper:
        return load_checkpoint(SHIPPED).on(asked.device)
    torch.manual_seed(0)
    config = load_config(Path("paper"))
    labels = {n: str(n) for n in range(1, 28)}
    return Checkpoint(config, labels, Unetr(config.network).eval(), None, "random").on(asked.device)


def reduced(asked: Asked) -> bool:
    """Whether the stage computes in bfloat16 here."""
    from containers.toolkit.networks import precision

    return precision.reduced(asked.device, "auto")


def volume_of(asked: Asked, paper: bool) -> tuple[Volume, tuple[float, float, float]]:
    """Water and spacing for the shipped network or for the paper's."""
    if paper:
        return full_size(asked)
    water, _, spacing = thigh(asked)
    return water, spacing


def ours(asked: Asked, paper: bool, second_pass: bool, *, skip_air: bool = False, float32: bool = False) -> Prepared:
    """As the stage does it, with the network made ready once for many volumes. float32: as without bfloat16."""
    from containers.thigh_segmentation.infer import segment_prepared
    from containers.thigh_segmentation.prepare import can_compile, prepare

    checkpoint, (water, spacing) = unetr(asked, paper), volume_of(asked, paper)
    narrow = reduced(asked) and not float32
    network = prepare(checkpoint.unetr, narrow, compiled=asked.device == "cuda" and can_compile())
    settings = {"overlap": OVERLAP, "reduced": narrow, "second_pass": second_pass, "skip_air": skip_air}
    return Prepared(
        lambda: segment_prepared(checkpoint, network, water, spacing, **settings),
        lambda found: {"labels": found.labels},
    )


def by_monai(asked: Asked, paper: bool) -> Prepared:
    """MONAI's sliding window, then the logits of the whole volume on its own grid, then the largest."""
    import torch
    from monai.inferers import sliding_window_inference

    from containers.thigh_segmentation.grid import axes_of, image_to_working, windowed
    from containers.thigh_segmentation.infer import interpolate

    checkpoint, (water, spacing) = unetr(asked, paper), volume_of(asked, paper)
    config = checkpoint.config
    used = len(checkpoint.labels) + 1

    def call() -> Volume:
        axes = axes_of(water.shape, spacing, tuple(reversed(config.preprocessing.spacing_mm)))
        working = windowed(image_to_working(water.astype(np.float32), axes), config.preprocessing.window)
        image = torch.from_numpy(np.ascontiguousarray(working))[None, None].to(asked.device)
        with torch.inference_mode():
            logits = sliding_window_inference(
                image, config.network.patch, 1, checkpoint.unetr, overlap=OVERLAP, mode="gaussian"
            )[0, :used].cpu()
            for n, axis in enumerate(axes):
                if axis.native != axis.working:
                    logits = interpolate(logits, np.clip(axis.to_working(), 0, axis.working - 1), n + 1)
            return np.asarray(logits.argmax(dim=0).to(torch.uint8).numpy())

    return Prepared(call, lambda labels: {"labels": labels})


def nnunet(asked: Asked) -> Any:
    """The shipped network of the back."""
    import torch

    from containers.spine_segmentation.model import SHIPPED, load_model

    torch.set_num_threads(asked.threads)
    return load_model(SHIPPED)


def our_nnunet(asked: Asked) -> Prepared:
    """The stage's `segment`."""
    from containers.spine_segmentation.infer import segment

    model, (image, _, spacing) = nnunet(asked), back(asked)
    settings = {"overlap": NNUNET_OVERLAP, "reduced": reduced(asked), "device": asked.device}
    return Prepared(lambda: segment(model, image, spacing, **settings), lambda labels: {"labels": labels})


def its_own(asked: Asked) -> Prepared:
    """nnU-Net's predictor from image to labels, in float32, as it runs on a processor."""
    from containers.spine_segmentation.infer import predictor_of

    model, (image, _, spacing) = nnunet(asked), back(asked)
    predictor = predictor_of(model, asked.device, NNUNET_OVERLAP, reduced=False)
    predictor.list_of_parameters = [predictor.network.state_dict()]  # one fold; it loads each before it predicts

    def call() -> Volume:
        with contextlib.redirect_stdout(io.StringIO()):
            found = predictor.predict_single_npy_array(
                image.astype(np.float32)[None], {"spacing": list(spacing)}, None, None, False
            )
        return np.asarray(found)

    return Prepared(call, lambda labels: {"labels": labels})


def mean_dice(found: Volume, truth: Volume) -> float:
    """Mean over the labels that the truth has."""
    classes = int(max(found.max(), truth.max())) + 1
    both = truth.reshape(-1).astype(np.int64) * classes + found.reshape(-1)
    table = np.bincount(both, minlength=classes**2).reshape(classes, classes)
    size, claimed = table.sum(1), table.sum(0)
    return float(np.mean([2 * table[c, c] / (size[c] + claimed[c]) for c in range(1, classes) if size[c]]))


def check(
    asked: Asked, body: str, outputs: Mapping[str, Values], *, trained: bool = True, whole_stage: bool = True
) -> Iterator[Check]:
    """Voxels with other labels than ours; with trained weights the mean Dice against the truth, and what peers differ
    in it from ours."""
    own = outputs["ours"]["labels"]
    for peer in list(outputs)[1:]:
        other = float(np.mean(outputs[peer]["labels"] != own))
        yield difference(peer, "voxels with another label", 100 * other, 0.0, None, "%")
    if not trained:
        return
    truth = (thigh if body == "thigh" else back)(asked)[1]
    dice = {name: mean_dice(values["labels"], truth) for name, values in outputs.items()}
    judged = not asked.quick  # few voxels, and coarser than any that the networks know
    aim = AIM[body] if judged and whole_stage else None
    yield difference("truth", "1 - mean Dice", 1 - dice["ours"], 0.0, aim)
    for peer in list(outputs)[1:]:
        yield difference(peer, "mean Dice", dice[peer], dice["ours"], DICE_LIMIT if judged else None)


def rows(asked: Asked) -> list[Work]:
    """The shipped networks; the full size when it is asked for."""
    missing = no_cuda("torch") if asked.device == "cuda" else ""
    size = {"preset": "small" if asked.quick else "full"}
    monai = missing or absent("monai")

    def with_monai(name: str, title: str, network: str, paper: bool, float32: bool = False) -> Work:
        # bfloat16 instructions count at the full size; without them, and for the small network, the aim is lower.
        target = 3.0 if paper and reduced(asked) and not float32 else 1.6
        methods = [
            Method("ours", partial(ours, asked, paper, False, float32=float32), missing),
            Method("MONAI sliding window", partial(by_monai, asked, paper), monai, "monai", target),
        ]
        if paper and not float32:
            methods.append(Method("ours, air left out", partial(ours, asked, True, False, skip_air=True), missing))
        facts = {**size, "network": network, "overlap": OVERLAP}
        judge = partial(check, asked, "thigh", trained=not paper, whole_stage=False)
        return Work(name, title, "volume", methods, judge, facts, participants=1, slow=paper)

    spine = missing or ("" if SPINE_WEIGHTS.is_file() else "no weights are shipped")
    return [
        with_monai("inference.unetr", "thigh volume by the shipped UNETR, first pass", "phantom-small", False),
        Work(
            "inference.thigh", "thigh volume by the shipped network, both passes", "volume",
            [Method("ours", partial(ours, asked, False, True), missing)],
            partial(check, asked, "thigh"), {**size, "network": "phantom-small", "overlap": OVERLAP},
            participants=1,
        ),
        Work(
            "inference.nnunet", "back volume by the shipped nnU-Net", "volume",
            [
                Method("ours", partial(our_nnunet, asked), spine),
                Method("nnU-Net predictor", partial(its_own, asked), spine or absent("nnunetv2"), "nnunetv2"),
            ],
            partial(check, asked, "back"), {**size, "network": "compact", "overlap": NNUNET_OVERLAP},
            participants=1,
        ),
        Work(
            "inference.thigh_full", "thigh volume by the paper's UNETR, random weights", "volume",
            [Method("ours", partial(ours, asked, True, False), missing)],
            partial(check, asked, "thigh", trained=False), {**size, "network": "paper", "overlap": OVERLAP},
            participants=1,
        ),
        with_monai("inference.unetr_full", "thigh volume by the paper's UNETR against MONAI", "paper", True),
        with_monai("inference.unetr_full_float32", "the same in float32, as without bfloat16", "paper", True, True),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(rows))
