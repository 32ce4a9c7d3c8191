"""The example table that the kinds' examples name: 240 people drawn from known effects."""

import numpy as np

ROWS = 240
NUMBERS = ("age_years", "bmi", "bmi_again")
COLUMNS = {
    "eid": {"type": "id"},
    "age_years": {"type": "number", "unit": "years"},
    "bmi": {"type": "number", "unit": "kg/m2"},
    "bmi_again": {"type": "number", "unit": "kg/m2"},
    "sex": {"type": "category", "levels": ["female", "male"]},
    "site": {"type": "category", "levels": ["a", "b", "c", "d"]},
    "age_group": {"type": "category", "levels": ["under_55", "55_to_64", "65_and_over"]},
    "pain": {"type": "category", "levels": ["no", "yes"]},
}


def table() -> dict[str, list[object]]:
    """The columns; `bmi_again` is a second measurement of `bmi`, `pain` depends on age, bmi and site."""
    rng = np.random.default_rng(20)
    age, site = rng.uniform(45, 75, ROWS), rng.integers(0, 4, ROWS)
    bmi = 22 + 0.05 * age + rng.normal(0, 3, ROWS)
    logit = -6 + 0.05 * age + 0.1 * bmi + 0.8 * (site - 1.5)
    pain = rng.uniform(size=ROWS) < 1 / (1 + np.exp(-logit))
    groups = np.digitize(age, [55, 65])
    return {
        "eid": [f"p{row}" for row in range(ROWS)],
        "age_years": age.tolist(),
        "bmi": bmi.tolist(),
        "bmi_again": (bmi + rng.normal(0.2, 0.5, ROWS)).tolist(),
        "sex": [["female", "male"][row % 2] for row in range(ROWS)],
        "site": ["abcd"[code] for code in site],
        "age_group": [COLUMNS["age_group"]["levels"][code] for code in groups],
        "pain": [["no", "yes"][int(one)] for one in pain],
    }
