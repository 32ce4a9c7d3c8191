"""The cohort table, CSV or Parquet, read by its dictionary."""

import csv
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.cells import Cells
from containers.toolkit.tables.cohort.columns import Cohort, Column, Label, Number
from containers.toolkit.tables.cohort.dictionary import Dictionary, IdColumn, LabelColumn, NumberColumn


def read_cohort(path: Path, dictionary: Dictionary, show_ids: bool = False) -> Cohort:
    """The columns that the dictionary names; the others are in `ignored_columns`. Raises ItemFault.

    Identifiers are checked. `show_ids`: complaints may show them and they become a label, as those of effects; never
    for a table of people.
    """
    table, names = _read(path, list(dictionary.columns))
    columns: dict[str, Column] = {}
    labels: dict[str, Label] = {}
    for name, spec in dictionary.columns.items():
        cells = Cells(name, table.column(name).combine_chunks(), show_ids)
        if isinstance(spec, IdColumn):
            ids = cells.ids()
            if show_ids:
                labels[name] = ids
        elif isinstance(spec, LabelColumn):
            labels[name] = cells.label(spec)
        elif isinstance(spec, NumberColumn):
            columns[name] = Number(cells.numbers(spec), spec.unit)
        else:
            columns[name] = cells.category(spec)
    ignored = tuple(name for name in names if name not in dictionary.columns)
    return Cohort(columns, np.arange(1, table.num_rows + 1), ignored, labels)


def _read(path: Path, wanted: list[str]) -> tuple[pa.Table, list[str]]:
    """The wanted columns only (a cohort's table may have thousands), and the names of all."""
    try:
        if path.suffix.lower() != ".csv":
            with pyarrow.parquet.ParquetFile(path) as file:
                names = file.schema_arrow.names
                _check_names(names, wanted)
                # Without a column wanted, one is read for the number of rows.
                return file.read(columns=wanted or names[:1]), names
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names = next(csv.reader(stream), [])
        if not names:
            raise ItemFault("has no header", where="input table", fix="name the columns in the first line")
        _check_names(names, wanted)
        # Every column as text: what a value means is the dictionary's to say. One thread: errors name the row.
        chosen = wanted or names[:1]
        options = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(chosen, pa.string()), include_columns=chosen)
        reading = pyarrow.csv.ReadOptions(use_threads=False)
        return pyarrow.csv.read_csv(path, read_options=reading, convert_options=options), names
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
        # The library's message may quote a row, that is, a participant: only the place is taken from it.
        place = re.search(r"Row #\d+: Expected \d+ columns, got \d+", str(error))
        said = f" ({place.group()}, the header counted)" if place else ""
        raise ItemFault(f"is not a readable table{said}", where="input table", fix="give Parquet or CSV") from error


def _check_names(names: list[str], wanted: list[str]) -> None:
    for name in wanted:
        if (times := names.count(name)) != 1:
            raise ItemFault(
                f"is in the table {times} times" if times else "is missing from the table",
                where=f"column {name}",
                fix="correct the table, or the name in the dictionary",
            )
