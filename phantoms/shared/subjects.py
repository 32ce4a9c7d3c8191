"""Subjects: what a phantom person is, and the population of ukb_thigh's Table 1 they are drawn from."""

import math
from typing import Literal

import numpy as np
from pydantic import Field

from containers.contract.request import Strict
from containers.toolkit.images.labels import MUSCLES

Sex = Literal["female", "male"]

TABLE_1: dict[str, dict[str, tuple[float, float]]] = {
    "male": {
        "height_m": (1.760, 0.067),
        "weight_kg": (83.7, 13.4),
        "tmv_cm3": (11166.4, 1689.8),
        "pa_ratio": (0.45, 0.05),
    },
    "female": {
        "height_m": (1.627, 0.063),
        "weight_kg": (69.0, 13.1),
        "tmv_cm3": (7586.2, 1076.1),
        "pa_ratio": (0.44, 0.06),
    },
}
"""Mean and SD by sex (ukb_thigh Table 1: height, weight, TMV, P/A ratio)."""

CORRELATIONS: dict[str, tuple[float, float, float]] = {"male": (0.44, 0.40, 0.6), "female": (0.28, 0.33, 0.6)}
"""Height-weight, height-TMV, weight-TMV. The first two follow from Table 1's SDs of BMI and TVI by the delta method;
the paper does not give the third, which is an assumption. P/A is taken as independent, which is one too."""

DRAW_LIMIT_SD = 2.2
"""Draws further from the mean are taken again, so that every person fits the field of view."""


class Subject(Strict):
    """One person."""

    sex: Sex
    """Sex of the person."""
    height_m: float = Field(ge=1.4, le=2.05)
    """Body height in m."""
    weight_kg: float = Field(ge=35, le=180)
    """Body weight in kg."""
    tmv_cm3: float = Field(ge=3000, le=18000)
    """Total thigh muscle volume of both legs in cm3."""
    pa_ratio: float = Field(ge=0.25, le=0.75)
    """Volume of the posterior over that of the anterior muscles."""
    asymmetry_percent: float = Field(default=0.0, ge=-15, le=15)
    """Muscle volume of the legs, (Left - Right) over the larger side, signed, in %."""
    pdff_percent: dict[str, float] = Field(default_factory=dict)
    """Fat fraction (PDFF) of single muscles by name, in %; those not named keep the anatomy's."""
    rotation_deg: float = Field(default=0.0, ge=-10, le=10)
    """Turn of the body about z in degrees; positive turns +x towards +y."""
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Shift of the body along x, y and z (LPS), in mm."""
    abduction_deg: float = Field(default=0.0, ge=-2, le=6)
    """Abduction of both legs in degrees."""


def draw_subject(seed: int, sex: Sex | None = None) -> Subject:
    """Draw a person by sex from Table 1's normal distributions, with fat infiltration, asymmetry and pose.

    Fat infiltration: one level per person, 3.5 to 14 %, higher with BMI, times a factor per muscle (log-SD 0.25): an
    assumption of the phantom. Asymmetry: normal with SD 4.6 %, so that the median of its size is the paper's 3.1 %.
    """
    rng = np.random.default_rng([seed, 1])
    chosen: Sex = sex if sex is not None else ("female" if rng.random() < 19084 / 37004 else "male")
    mean_sd = TABLE_1[chosen]
    hw, ht, wt = CORRELATIONS[chosen]
    factor = np.linalg.cholesky(np.array([[1, hw, ht, 0], [hw, 1, wt, 0], [ht, wt, 1, 0], [0, 0, 0, 1]], dtype=float))
    while True:
        normal = factor @ rng.standard_normal(4)
        if np.abs(normal).max() < DRAW_LIMIT_SD:
            break
    height, weight, tmv, ratio = (m + s * float(n) for (m, s), n in zip(mean_sd.values(), normal, strict=True))
    bmi = weight / height**2
    level = float(np.clip(6.5 * math.exp(0.05 * (bmi - 26.5) + 0.2 * rng.standard_normal()), 3.5, 14.0))
    pdff = {
        name: round(float(np.clip(level * math.exp(0.25 * rng.standard_normal()), 2.5, 30.0)), 3) for name in MUSCLES
    }
    return Subject(
        sex=chosen,
        height_m=round(height, 4),
        weight_kg=round(weight, 2),
        tmv_cm3=round(tmv, 1),
        pa_ratio=round(ratio, 4),
        asymmetry_percent=round(float(np.clip(4.6 * rng.standard_normal(), -9, 9)), 3),
        pdff_percent=pdff,
        rotation_deg=round(float(np.clip(rng.standard_normal(), -2.5, 2.5)), 3),
        shift_mm=(
            round(float(np.clip(3 * rng.standard_normal(), -8, 8)), 3),
            round(float(np.clip(3 * rng.standard_normal(), -8, 8)), 3),
            0.0,
        ),
        abduction_deg=round(float(rng.uniform(0, 2.0)), 3),
    )
