"""One item of the agreement stage: each pair of inputs that is given is compared, the others are left out.

`agreement.json` holds all results of the item; the tables hold the same per class and per column.
"""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from containers.agreement.class_surface import ClassSurface, class_surfaces, surface_tolerances
from containers.agreement.classes import Named, read_named, sides_as_one
from containers.agreement.columns import ColumnAgreement, column_agreement
from containers.agreement.difference import compare
from containers.agreement.join import join
from containers.agreement.overlap import ClassAgreement, class_agreement, joint_histogram, mean
from containers.contract.errors import ItemFault
from containers.contract.files import write_json
from containers.contract.request import Item
from containers.contract.stage import Job, Result
from containers.toolkit.images.check import check_body
from containers.toolkit.images.crop import on_common_grid
from containers.toolkit.images.reading import read_volume
from containers.toolkit.images.volume import Volume
from containers.toolkit.tables.table import read_table, write_table

SCHEMA_VERSION = "1.0"

PAIRS = (("labels", "truth"), ("volume", "reference"), ("measured", "expected"))

MEASURES = ("dice", "iou", "precision", "recall")


def check_parameters(job: Job) -> None:
    """Raise RequestFault for parameters that the contract cannot check: `surface_tolerances_mm`."""
    surface_tolerances(job)


def process(item: Item, job: Job, state: None, result: Result) -> None:
    """Compare the given pairs of one item. Raises ItemFault for half a pair, no pair, or inputs that do not fit."""
    given = [pair for pair in PAIRS if any(name in item.inputs for name in pair)]
    for pair in given:
        lacking = [name for name in pair if name not in item.inputs]
        if lacking:
            raise ItemFault("is missing", where=f"input {lacking[0]}", fix=f"give {pair[0]} and {pair[1]} together")
    if not given:
        pairs = ", or ".join(" and ".join(pair) for pair in PAIRS)
        raise ItemFault("nothing to compare", where="inputs", fix=f"give {pairs}")
    answer: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    if PAIRS[0] in given:
        answer["classes"] = _compare_labels(item, job, result)
    if PAIRS[1] in given:
        answer["volume"] = _compare_volumes(item, job, result)
    if PAIRS[2] in given:
        answer["table"] = _compare_tables(item, job, result)
    write_json(result.file("agreement", "agreement.json"), answer)


def _check_grids(item: Item, pair: tuple[str, str], first: Volume, second: Volume) -> None:
    if not first.geometry.same_as(second.geometry):
        sizes = " and ".join("x".join(map(str, volume.geometry.size)) for volume in (first, second))
        why = f"sizes {sizes}" if first.geometry.size != second.geometry.size else ""
        raise ItemFault(
            f"are not on the same grid ({why or first.geometry.difference(second.geometry)})",
            where=" and ".join(item.inputs[name].name for name in pair),
            fix="resample one onto the other's grid first",
        )


def _on_one_grid(mine: Named, theirs: Named, result: Result) -> tuple[Named, Named]:
    """Both maps on the grid that holds them, where one says that it was cropped to its segments."""
    if mine.volume.geometry.same_as(theirs.volume.geometry):
        return mine, theirs
    pair = on_common_grid(mine.volume, theirs.volume)
    if pair is None:
        return mine, theirs
    size = " x ".join(map(str, pair[0].geometry.size))
    result.warn(f"a map was cropped to its segments: both are compared on {size} voxels, background outside of it")
    return replace(mine, volume=pair[0]), replace(theirs, volume=pair[1])


def _compare_labels(item: Item, job: Job, result: Result) -> list[dict[str, Any]]:
    match, ignore = job.parameters["match"], job.parameters["ignore"]
    with result.step("read_labels"):
        mine, theirs = (read_named(item, name, match, ignore, result) for name in PAIRS[0])
    mine, theirs = _on_one_grid(mine, theirs, result)
    truth = theirs.volume
    _check_grids(item, PAIRS[0], mine.volume, truth)
    check_body(truth.geometry, theirs.where, small=True)
    merged = sides_as_one(mine, theirs) if match == "table" else frozenset()
    if merged:
        result.warn(f"left and right are taken as one, as in one of the maps: {', '.join(sorted(merged))}")
    (labels, label_values), (true_labels, true_values) = (named.numbered(merged) for named in (mine, theirs))
    if not true_values and not label_values:
        raise ItemFault("declare no class", where="labels and truth", fix="give segmentations with named segments")
    left_out = mine.left_out() | theirs.left_out()
    ignored = int(left_out.sum())
    if ignored:
        result.warn(f"{ignored} voxels are labelled to be ignored and are left out of every comparison")
        labels, true_labels = (np.where(left_out, np.uint8(0), data) for data in (labels, true_labels))
    result.metric("voxels_ignored", ignored)
    with result.step("joint_histogram"):
        joint = joint_histogram(labels, true_labels)
    classes = class_agreement(joint, label_values, true_values)
    voxel_cm3 = truth.geometry.voxel_cm3
    rows = [_class_row(one, voxel_cm3) for one in classes]
    for one, row in zip(classes, rows, strict=True):
        for measure in (*MEASURES, "volume_error_cm3", "volume_error_percent"):
            result.metric(f"{measure}.{one.name}", row[measure], "" if row[measure] is not None else one.state)
    _class_means(classes, voxel_cm3, result)
    tolerances = surface_tolerances(job)
    if tolerances:
        with result.step("surfaces"):
            values = {one.name: (label_values.get(one.name, 0), true_values.get(one.name, 0)) for one in classes}
            measured = class_surfaces(labels, true_labels, truth.geometry, classes, values, tolerances)
        _surface_metrics(classes, measured, tolerances, result)
        rows = [{**row, **_surface_row(measured[row["name"]])} for row in rows]
    unmatched = sorted(set(label_values) ^ set(true_values))
    result.details["classes_declared_in_one_map"] = unmatched
    if unmatched:
        result.warn(f"declared in one map only: {', '.join(unmatched)}")
    write_table(result.file("classes", "classes.parquet"), {key: [row[key] for row in rows] for key in rows[0]})
    return rows


def _class_row(one: ClassAgreement, voxel_cm3: float) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        **{measure: getattr(one, measure) for measure in MEASURES},
        "volume_cm3": one.predicted * voxel_cm3,
        "true_volume_cm3": one.true * voxel_cm3,
        "volume_error_cm3": (one.predicted - one.true) * voxel_cm3 if one.predicted or one.true else None,
        "volume_error_percent": one.volume_error_percent,
    }


def _class_means(classes: list[ClassAgreement], voxel_cm3: float, result: Result) -> None:
    present = [one for one in classes if one.true]
    false = [one for one in classes if one.state == "false positive"]
    for measure in MEASURES:
        value = mean(getattr(one, measure) for one in present)
        result.metric(f"mean_{measure}", value, "" if value is not None else "no class has a voxel in the truth")
    value = mean(one.dice for one in classes)
    result.metric("mean_dice_with_false_positives", value, "" if value is not None else "no class has a voxel")
    errors = mean(abs(one.volume_error_percent) for one in present if one.volume_error_percent is not None)
    result.metric(
        "mean_absolute_volume_error_percent", errors, "" if errors is not None else "no class has a voxel in the truth"
    )
    result.metric("classes_averaged", len(present))
    for metric, state in (
        ("classes_missed", "missed"),
        ("classes_false_positive", "false positive"),
        ("classes_absent_from_both", "absent from both"),
    ):
        names = [one.name for one in classes if one.state == state]
        result.metric(metric, len(names))
        result.details[metric] = names
    result.metric("false_positive_volume_cm3", sum(one.predicted for one in false) * voxel_cm3)


def _surface_row(one: ClassSurface) -> dict[str, Any]:
    dice = {f"surface_dice_{tolerance:g}mm": value for tolerance, value in one.dice.items()}
    return {"hausdorff_95_mm": one.hausdorff_95_mm, **dice}


def _surface_metrics(
    classes: list[ClassAgreement], measured: dict[str, ClassSurface], tolerances: list[float], result: Result
) -> None:
    """Measures per class, and their means: Hausdorff 95 over classes in both, surface Dice over those in the truth."""
    for one in classes:
        surface = measured[one.name]
        reason = "" if surface.hausdorff_95_mm is not None else one.state
        result.metric(f"hausdorff_95_mm.{one.name}", surface.hausdorff_95_mm, reason)
        for tolerance, value in surface.dice.items():
            name = f"surface_dice.{tolerance:g}mm.{one.name}"
            result.metric(name, value, "" if value is not None else one.state)
    value = mean(measured[one.name].hausdorff_95_mm for one in classes)
    result.metric("mean_hausdorff_95_mm", value, "" if value is not None else "no class has a voxel in both")
    for tolerance in tolerances:
        value = mean(measured[one.name].dice[tolerance] for one in classes if one.true)
        reason = "" if value is not None else "no class has a voxel in the truth"
        result.metric(f"mean_surface_dice.{tolerance:g}mm", value, reason)


def _compare_volumes(item: Item, job: Job, result: Result) -> dict[str, Any]:
    with result.step("read_volumes"):
        volume, reference = (read_volume(item.inputs[name], result.warn, finite=True) for name in PAIRS[1])
    _check_grids(item, PAIRS[1], volume, reference)
    tolerances = job.parameters["tolerance"], job.parameters["relative_tolerance"]
    with result.step("difference"):
        difference = compare(volume.data, reference.data, *tolerances)
    result.metric("voxels_compared", difference.voxels)
    result.metric("difference_bias", difference.bias)
    result.metric("difference_rms", difference.rms)
    result.metric("difference_max_abs", difference.max_abs)
    result.metric(
        "correlation", difference.correlation, "" if difference.correlation is not None else "a volume is constant"
    )
    result.metric("fraction_within_tolerance", difference.within_tolerance)
    return asdict(difference)


def _compare_tables(item: Item, job: Job, result: Result) -> dict[str, Any]:
    paths = [item.inputs[name] for name in PAIRS[2]]
    joined = join(
        read_table(paths[0]), read_table(paths[1]), job.parameters["id_columns"], (paths[0].name, paths[1].name)
    )
    columns = [column_agreement(name, *values) for name, values in joined.pairs.items()]
    for one in columns:
        _column_metrics(one, result)
    unmatched = {
        "rows_only_measured": ["/".join(map(str, key)) for key in joined.only_measured],
        "rows_only_expected": ["/".join(map(str, key)) for key in joined.only_expected],
        "columns_unmatched": joined.unmatched_columns,
    }
    result.metric("rows_compared", joined.rows)
    for metric, names in unmatched.items():
        result.metric(metric, len(names))
        if names:
            result.warn(f"{metric.replace('_', ' ')}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}")
    rows = [_column_row(one) for one in columns]
    write_table(result.file("limits", "limits.parquet"), {key: [row[key] for row in rows] for key in rows[0]})
    return {"columns": rows, "rows_compared": joined.rows, **unmatched}


def _column_metrics(one: ColumnAgreement, result: Result) -> None:
    result.metric(f"pairs.{one.name}", one.n)
    result.metric(f"pairs_undefined.{one.name}", one.undefined)
    result.metric(f"bias.{one.name}", one.bias, "" if one.n else "no pair is defined on both sides")
    row = _column_row(one)
    for family, key in (
        ("sd", "sd"),
        ("limit_lower", "lower"),
        ("limit_upper", "upper"),
        ("bias_ci_lower", "bias_ci_lower"),
        ("bias_ci_upper", "bias_ci_upper"),
    ):
        result.metric(f"{family}.{one.name}", row[key], "" if row[key] is not None else "needs two pairs or more")


def _column_row(one: ColumnAgreement) -> dict[str, Any]:
    limits, none = one.limits, (None, None)
    row = {
        "column": one.name,
        "n": one.n,
        "undefined": one.undefined,
        "bias": one.bias,
        "sd": limits.sd if limits else None,
        "lower": limits.low if limits else None,
        "upper": limits.high if limits else None,
    }
    row["bias_ci_lower"], row["bias_ci_upper"] = limits.mean_interval if limits else none
    row["lower_ci_lower"], row["lower_ci_upper"] = limits.low_interval if limits else none
    row["upper_ci_lower"], row["upper_ci_upper"] = limits.high_interval if limits else none
    return row
