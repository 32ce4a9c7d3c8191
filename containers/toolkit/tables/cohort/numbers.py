"""The name of a metric, `<quantity>.<analysis id>[.<stratum>][.<term>]`, and the same number structured."""

import math
from typing import Any

from containers.contract.stage import Result


def put_number(
    result: Result,
    structured: list[dict[str, Any]],
    analysis: str,
    quantity: str,
    value: float | int | None,
    *,
    stratum: str = "",
    term: str = "",
    note: str = "",
) -> None:
    """Record a number as a metric of `result` and as a line of `structured`.

    None, NaN and infinity are stored as undefined and need a note; a defined one may have one. Raises KeyError for a
    quantity that stage.toml does not declare, ValueError for a missing note or a name put twice: all are faults of
    the stage, not of the input.
    """
    name = ".".join(part for part in (quantity, analysis, stratum, term) if part)
    if name in result.metrics:
        raise ValueError(f"metric {name} is put twice")
    if value is not None and not math.isfinite(value):
        value = None
    if value is None and not note:
        raise ValueError(f"metric {name} is undefined and has no note")
    if value is not None and not isinstance(value, int):
        value = float(value)
    result.metric(name, value, note)
    place = {key: text for key, text in (("stratum", stratum), ("term", term), ("note", note)) if text}
    structured.append({"quantity": quantity, "value": value, **place})
