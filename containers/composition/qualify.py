"""Doubts to numbers: each metric that a doubt concerns gets its line in `qualified_by`.

What a metric is of follows from its name: a structure, a level, a group, or all muscles.
"""

from collections.abc import Iterable

from containers.composition.structures import BOTH_SIDES, COMPOSITES
from containers.contract.stage import Result
from containers.toolkit.images.doubts import Doubt
from containers.toolkit.images.labels import ANTERIOR, AUTOCHTHONOUS, BONES, HAMSTRINGS, POSTERIOR, QUADRICEPS
from containers.toolkit.images.names.spelling import parted
from containers.toolkit.images.names.table import listed

AREAS = ("csa_mean_cm2", "csa_middle_cm2")
FUNCTIONAL_AREAS = ("fcsa_mean_cm2", "fcsa_middle_cm2", "fcsa_over_csa_mean", "fcsa_over_csa_middle")
VOLUMES = frozenset(
    {
        "volume_cm3",
        "volume_left_cm3",
        "volume_right_cm3",
        "lean_volume_cm3",
        "tmv_cm3",
        "tvi_cm3_per_m2",
        "tvi_cm3_per_cm2",
        "pa_ratio_hamstrings_quadriceps",
        "pa_ratio_compartments",
        "asymmetry_percent",
        "autochthon_asymmetry_percent",
        "lmm_cm3_per_bmi",
        "lmm_whole_cm3_per_bmi",
        "lmm_cm3_per_kg_over_m",
        "lmm_cm3_per_kg_m",
        "lmm_whole_cm3_per_fat_free_muscle_bmi",
        *AREAS,
        *FUNCTIONAL_AREAS,
    }
)
"""Metrics and families that are made of volumes."""
SIGNALS = frozenset(
    {
        "lean_volume_cm3",
        "intermat_percent",
        "intermat_percent_by_rule",
        "intermat_percent_uncorrected",
        "pdff_percent",
        "goutallier_like_grade",
        *FUNCTIONAL_AREAS,
        "adipose_signal",
        "mixture_weight",
        "mixture_mean",
        "mixture_sd",
        "lmm_cm3_per_bmi",
        "lmm_cm3_per_kg_over_m",
        "lmm_cm3_per_kg_m",
        "lmm_whole_cm3_per_fat_free_muscle_bmi",
    }
)
"""Metrics and families that are read from images."""
OF_STRUCTURE = frozenset(
    {"volume_cm3", "lean_volume_cm3", "intermat_percent", "pdff_percent", "goutallier_like_grade"}
    | {*AREAS, *FUNCTIONAL_AREAS}
)
"""Families by structure."""
MEMBERS: dict[str, tuple[str, ...]] = {
    "quadriceps": QUADRICEPS,
    "hamstrings": HAMSTRINGS,
    "quadriceps_femoris": QUADRICEPS,
    "thigh_posterior_compartment": HAMSTRINGS,
    **AUTOCHTHONOUS,
    **BOTH_SIDES,
    **COMPOSITES,
    "pa_ratio_hamstrings_quadriceps": (*HAMSTRINGS, *QUADRICEPS),
    "pa_ratio_compartments": (*ANTERIOR, *POSTERIOR),
}
"""What groups and unions are made of."""


def qualify(result: Result, doubts: Iterable[Doubt]) -> None:
    """Put the doubts into the metrics that they concern, each with the structures by which it does."""
    every = list(dict.fromkeys(doubts))
    for name, metric in result.metrics.items():
        if metric.value is None:
            continue
        lines = list(metric.qualified_by)
        for doubt in every:
            concerned = concerned_by(doubt, name)
            if concerned is not None:
                lines.append(doubt.text + (f": {listed(concerned)}" if concerned else ""))
        if lines:
            result.metrics[name] = metric.model_copy(update={"qualified_by": lines})


def concerned_by(doubt: Doubt, metric: str) -> list[str] | None:
    """The structures by which a doubt concerns a metric, none where it is of all; None where it does not."""
    family, _, suffix = metric.partition(".")
    kinds = {"volume": VOLUMES, "signal": SIGNALS, "all": VOLUMES | SIGNALS}[doubt.of]
    if family not in kinds:
        return None
    if not doubt.structures:
        return []
    # A structure, a structure at a level, or a level of all: `multifidus_left`, `multifidus_left.level_L3`, `level_L3`.
    part = suffix.split(".level_")[0]
    one = part if family in OF_STRUCTURE and not part.startswith(("level_", "all")) else ""
    if family in ("volume_left_cm3", "volume_right_cm3", "asymmetry_percent") and suffix != "total":
        one = suffix
    if family.startswith("pa_ratio"):
        one = family
    if not one:
        # Totals are of muscles.
        found = [name for name in doubt.structures if parted(name)[0] not in (*BONES, "hip_bone")]
    else:
        whole = {one, *MEMBERS.get(one, ())}
        whole |= {part for name in list(whole) for part in MEMBERS.get(name, ())}
        plain = {parted(name)[0] for name in whole}
        found = [n for n in doubt.structures if n in whole or parted(n)[0] in whole or n in plain]
    return found or None
