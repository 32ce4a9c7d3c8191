"""Cells of one column, checked by the dictionary: numbers, positions of levels, texts.

Invariants: nothing is guessed. Text is taken as it stands, only an empty cell is missing by itself; a value that the
dictionary does not allow is an error that names the column and the first rows (from 1, without the header).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray
from containers.toolkit.tables.cohort.columns import Category, Label
from containers.toolkit.tables.cohort.dictionary import CategoryColumn, LabelColumn, NumberColumn, text_of
from containers.toolkit.tables.cohort.rows import SHOWN_ROWS, rows_text


@dataclass(frozen=True)
class Cells:
    """The values of a column as the table holds them. Every method raises ItemFault for what is not allowed."""

    name: str
    """Name of the column."""
    values: pa.Array
    """Its values, of any Arrow type."""
    show_ids: bool = False
    """Whether a complaint may show identifiers: those of effects, never those of people."""

    def ids(self) -> Label:
        """Identifiers, each there once."""
        text = self._text()
        missing = _bools(pc.is_null(text))
        if missing.any():
            raise self._fault("has no identifier", missing, "every row needs one")
        ids = text.to_numpy(zero_copy_only=False).astype(str)
        unique, first, codes, counts = np.unique(ids, return_index=True, return_inverse=True, return_counts=True)
        if (counts > 1).any():
            again = np.ones(len(ids), dtype=bool)
            again[first] = False
            said = "repeats an identifier"
            if self.show_ids:
                code = codes[np.flatnonzero(again)[0]]
                again &= codes == code
                said += f" ({unique[code]})"
            raise self._fault(said, again, "each may be there once: remove the duplicates")
        return Label(_objects(text))

    def label(self, spec: LabelColumn) -> Label:
        """Texts, None where missing."""
        return Label(_objects(_without(self._text(), [text_of(code) for code in spec.missing])))

    def category(self, spec: CategoryColumn) -> Category:
        """Positions of the levels."""
        text = self._text()
        codes = pc.fill_null(pc.index_in(text, pa.array(spec.levels, pa.string())), -1).to_numpy(zero_copy_only=False)
        missing = _bools(pc.is_null(_without(text, [text_of(code) for code in spec.missing])))
        unknown = (codes < 0) & ~missing
        if unknown.any():
            found = sorted(set(text.filter(pa.array(unknown)).to_pylist()))
            first = text[int(np.flatnonzero(unknown)[0])].as_py()
            said = f"unknown level {first!r}"
            if len(found) > SHOWN_ROWS and not self.show_ids:
                # So many are not levels: the column may hold identifiers.
                said = f"{len(found)} unknown levels"
            raise self._fault(
                said,
                unknown,
                f"levels are {', '.join(spec.levels)}; add it to levels or to missing",
            )
        return Category(np.where(missing, -1, codes).astype(np.int64), spec.levels)

    def numbers(self, spec: NumberColumn) -> FloatArray:
        """(n,) float64 within the range, NaN where missing."""
        numbers = self._parsed(spec)
        null = _bools(pc.is_null(numbers))
        result = np.array(numbers.fill_null(0.0).to_numpy(zero_copy_only=False), dtype=np.float64)
        null |= np.isin(result, [float(code) for code in spec.missing if not isinstance(code, str)])
        infinite = ~np.isfinite(result) & ~null
        if infinite.any():
            raise self._fault("is not finite", infinite, "leave missing values empty (null)")
        outside = np.zeros(len(result), dtype=bool)
        if spec.minimum is not None:
            outside |= result < spec.minimum
        if spec.maximum is not None:
            outside |= result > spec.maximum
        outside &= ~null
        if outside.any():
            low, high = ("-" if end is None else f"{end:g}" for end in (spec.minimum, spec.maximum))
            said = f"{result[outside][0]:g} is outside {low} to {high} {spec.unit}"
            declared = f" (declared: {spec.unit})" if spec.unit else ""
            raise self._fault(said.rstrip(), outside, f"check the unit{declared}, or add the value to missing")
        result[null] = np.nan
        return result

    def _parsed(self, spec: NumberColumn) -> pa.Array:
        """As float64, null where missing; text is parsed, and a missing code may be text."""
        values = _decoded(self.values)
        if _is_text(values.type):
            text = _without(self._text(), [code for code in spec.missing if isinstance(code, str)])
            try:
                return text.cast(pa.float64())
            except pa.ArrowException:
                wrong = np.array([value is not None and not _is_number(value) for value in text.to_pylist()])
                fix = "write numbers with a point, and missing codes in the dictionary"
                raise self._fault("is not a number", wrong, fix) from None
        if pa.types.is_temporal(values.type) or pa.types.is_boolean(values.type) or pa.types.is_nested(values.type):
            raise self._wrong_type("store numbers")
        try:
            return values.cast(pa.float64())
        except pa.ArrowException as error:
            raise self._wrong_type("store numbers") from error

    def _text(self) -> pa.Array:
        """Of any type as text, null where it is missing; whole floats without a point."""
        values = _decoded(self.values)
        if _is_text(values.type):
            return _without(values.cast(pa.string()), [""])
        if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type) or pa.types.is_null(values.type):
            return values.cast(pa.string())
        if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
            floats = values.cast(pa.float64()).to_pylist()
            return pa.array([None if value is None else text_of(value) for value in floats], pa.string())
        raise self._wrong_type("store numbers or text")

    def _place(self) -> str:
        return f"column {self.name}"

    def _wrong_type(self, fix: str) -> ItemFault:
        return ItemFault(f"holds values of type {self.values.type}", where=self._place(), fix=fix)

    def _fault(self, what: str, wrong: BoolArray, fix: str) -> ItemFault:
        rows = rows_text(wrong)
        return ItemFault(f"{what} in {rows}", where=self._place(), fix=fix)


def _decoded(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _without(text: pa.Array, codes: list[str]) -> pa.Array:
    """Null where the text is one of `codes`."""
    return pc.if_else(pc.is_in(text, pa.array(codes, pa.string())), pa.scalar(None, pa.string()), text)


def _is_number(text: str) -> bool:
    try:
        pa.array([text]).cast(pa.float64())
    except pa.ArrowException:
        return False
    return True


def _objects(text: pa.Array) -> npt.NDArray[Any]:
    return np.array([*text.to_pylist(), None], dtype=object)[:-1]


def _bools(mask: pa.Array) -> BoolArray:
    return np.array(mask.to_numpy(zero_copy_only=False), dtype=bool)
