"""Subjects of the HASTE phantom, and the population of nako_cbp's Table 1 they are drawn from.

Table 1 gives BMI, lean muscle mass (LMM) and InterMAT with and without chronic back pain, and the share of men. What it
does not give is assumed, and said below: body height (from ukb_thigh's Table 1), how LMM differs between the sexes, how
LMM and InterMAT go together, and what differs between the two muscles.
"""

import math
from typing import Any

import numpy as np
from pydantic import Field

from containers.contract.request import Strict
from phantoms.shared.subjects import TABLE_1, Sex

BMI_KG_PER_M2 = {True: (27.1, 4.9), False: (26.3, 4.6)}
"""Mean and SD with and without chronic back pain (nako_cbp Table 1), as the three below."""
LMM_CM3_PER_BMI = {True: (25.32, 6.6), False: (26.98, 6.62)}
INTERMAT_PERCENT = {True: (7.3, 2.8), False: (6.44, 2.32)}
MALE_SHARE = {True: 3004 / 6003, False: 12321 / 21515}
PAIN_SHARE = 6003 / 27518

LMM_MALE_MINUS_FEMALE = 7.0
"""An assumption of the phantom. The SD within a sex follows, so that the group's mean and SD stay Table 1's."""
LMM_INTERMAT_CORRELATION = -0.3
"""An assumption: between the normal scores within group and sex."""
LIMITS = {"bmi": (17.5, 42.0), "lmm": (9.0, 48.0), "intermat_percent": (1.5, 20.0), "lean_cm3": (270.0, 1350.0)}
"""Persons beyond these are drawn again: they would not fit the field of view, or the space next to the spine."""


class SpineSubject(Strict):
    """One person."""

    sex: Sex
    """Sex of the person."""
    chronic_back_pain: bool = False
    """Whether the person has chronic back pain, which decides the population that is drawn from."""
    height_m: float = Field(ge=1.4, le=2.05)
    """Body height in m."""
    weight_kg: float = Field(ge=35, le=180)
    """Body weight in kg."""
    lmm_cm3_per_bmi: float = Field(ge=8, le=50)
    """Lean volume of the four labelled muscles in cm3 over the BMI in kg/m2."""
    intermat_percent: float = Field(ge=0.5, le=25)
    """Share of InterMAT in the volume of all four muscles, in %."""
    multifidus_share: float = Field(default=26.0, ge=18, le=34)
    """Part of the multifidus in the volume of all four muscles, in %."""
    multifidus_fat_ratio: float = Field(default=1.6, ge=0.5, le=3)
    """InterMAT share of the multifidus over that of the erector spinae."""
    asymmetry_percent: float = Field(default=0.0, ge=-15, le=15)
    """(Left - Right) over the larger side by volume, signed, in %."""
    rotation_deg: float = Field(default=0.0, ge=-10, le=10)
    """Turn of the body about z in degrees; positive turns +x towards +y."""
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Shift of the body along x, y and z (LPS), in mm."""
    muscle_t2_ms: float = Field(default=35.0, ge=25, le=45)
    """T2 of the labelled muscles in ms."""

    @property
    def bmi(self) -> float:
        return self.weight_kg / self.height_m**2

    @property
    def lean_cm3(self) -> float:
        return self.lmm_cm3_per_bmi * self.bmi


def draw_spine_subject(
    seed: int, sex: Sex | None = None, chronic_back_pain: bool | None = None, **overrides: Any
) -> SpineSubject:
    """Draw a person; `overrides` replace single fields of the draw. Raises pydantic's ValidationError for wrong ones.

    BMI, LMM and height are normal, InterMAT is log-normal (Table 2's quartiles are skewed that way).
    """
    rng = np.random.default_rng([seed, 21])
    pain = bool(rng.random() < PAIN_SHARE) if chronic_back_pain is None else chronic_back_pain
    man = bool(rng.random() < MALE_SHARE[pain])
    chosen: Sex = sex if sex is not None else ("male" if man else "female")
    share = MALE_SHARE[pain]
    mean, sd = LMM_CM3_PER_BMI[pain]
    lmm_mean = mean + LMM_MALE_MINUS_FEMALE * (1 - share if chosen == "male" else -share)
    lmm_sd = math.sqrt(sd**2 - share * (1 - share) * LMM_MALE_MINUS_FEMALE**2)
    fat_mean, fat_sd = INTERMAT_PERCENT[pain]
    log_sd = math.sqrt(math.log1p((fat_sd / fat_mean) ** 2))
    height_mean, height_sd = TABLE_1[chosen]["height_m"]
    while True:
        a, b, c, d = (float(n) for n in rng.standard_normal(4))
        bmi = BMI_KG_PER_M2[pain][0] + BMI_KG_PER_M2[pain][1] * a
        lmm = lmm_mean + lmm_sd * b
        fat_score = LMM_INTERMAT_CORRELATION * b + math.sqrt(1 - LMM_INTERMAT_CORRELATION**2) * c
        fat = fat_mean * math.exp(log_sd * fat_score - log_sd**2 / 2)
        drawn = {"bmi": bmi, "lmm": lmm, "intermat_percent": fat, "lean_cm3": lmm * bmi}
        if abs(d) < 2.2 and all(LIMITS[name][0] <= value <= LIMITS[name][1] for name, value in drawn.items()):
            break
    height = round(height_mean + height_sd * d, 4)
    return SpineSubject.model_validate(
        {
            "sex": chosen,
            "chronic_back_pain": pain,
            "height_m": height,
            "weight_kg": round(bmi * height**2, 2),
            "lmm_cm3_per_bmi": round(lmm, 3),
            "intermat_percent": round(fat, 3),
            "multifidus_share": round(float(np.clip(26 + 2 * rng.standard_normal(), 21, 31)), 3),
            "multifidus_fat_ratio": round(float(np.clip(1.6 * math.exp(0.2 * rng.standard_normal()), 0.9, 2.6)), 3),
            "asymmetry_percent": round(float(np.clip(3 * rng.standard_normal(), -8, 8)), 3),
            "rotation_deg": round(float(np.clip(rng.standard_normal(), -2.5, 2.5)), 3),
            "shift_mm": (*(round(float(np.clip(3 * rng.standard_normal(), -8, 8)), 3) for _ in range(2)), 0.0),
            "muscle_t2_ms": round(float(rng.uniform(32, 40)), 2),
        }
        | overrides
    )
