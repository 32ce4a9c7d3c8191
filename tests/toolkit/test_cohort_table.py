"""Tables read by a dictionary: CSV and Parquet alike, types, missing codes, labels, and what may be shown of ids."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from containers.contract.errors import ItemFault
from containers.toolkit.tables.cohort.columns import Category
from containers.toolkit.tables.cohort.dictionary import Dictionary, read_dictionary
from containers.toolkit.tables.cohort.table import read_cohort

DESCRIBED: Any = {
    "name": {"type": "id"},
    "height_m": {"type": "number", "unit": "m", "minimum": 1.2, "maximum": 2.3, "missing": [-1]},
    "sex": {"type": "category", "levels": ["female", "male"], "missing": ["unknown"]},
    "code": {"type": "category", "levels": ["0", "1"]},
}
HEIGHT, SEX, CODE = [1.62, -1.0, None, 1.8], ["female", "male", "unknown", None], [0, 1, 1, None]
CSV = "name,height_m,sex,code\na,1.62,female,0\nb,-1,male,1\nc,,unknown,1\nd,1.8,,\n"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_csv_and_parquet_give_the_same_columns(tmp_path: Any, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    if suffix == ".csv":
        path.write_text(CSV)
    else:
        names = ["a", "b", "c", "d"]
        pyarrow.parquet.write_table(pa.table({"name": names, "height_m": HEIGHT, "sex": SEX, "code": CODE}), path)
    cohort = read_cohort(path, Dictionary(schema_version="1.0", columns=DESCRIBED))
    np.testing.assert_array_equal(cohort.number("height_m"), [1.62, np.nan, np.nan, 1.8])
    assert cohort.category("sex").codes.tolist() == [0, 1, -1, -1]
    assert cohort.category("code").codes.tolist() == [0, 1, 1, -1]
    assert "name" not in cohort.columns and not cohort.labels


@pytest.mark.parametrize(
    "values",
    [pa.array([0.0, 1.0, None]), pa.array(["0", "1", ""]), pa.array(["0", "1", None]).dictionary_encode(),
     pa.array([0, 1, None], pa.int8())],
)  # fmt: skip
def test_levels_are_compared_as_text_whatever_the_type(tmp_path: Any, values: pa.Array) -> None:
    pyarrow.parquet.write_table(pa.table({"code": values}), tmp_path / "t.parquet")
    dictionary = Dictionary(schema_version="1.0", columns={"code": DESCRIBED["code"]})
    column = read_cohort(tmp_path / "t.parquet", dictionary).columns["code"]
    assert isinstance(column, Category) and column.codes.tolist() == [0, 1, -1]


def test_numbers_may_have_text_for_missing(tmp_path: Any) -> None:
    (tmp_path / "t.csv").write_text("x\n1.5\nNA\n2\n")
    spec: Any = {"x": {"type": "number", "unit": "1", "missing": ["NA"]}}
    cohort = read_cohort(tmp_path / "t.csv", Dictionary(schema_version="1.0", columns=spec))
    np.testing.assert_array_equal(cohort.number("x"), [1.5, np.nan, 2.0])


def test_labels_are_text_and_chosen_with_the_rows(tmp_path: Any) -> None:
    spec: Any = {"study": {"type": "label", "missing": ["?"]}, "x": {"type": "number", "unit": "1"}}
    for values in (pa.array([2001.0, None, 7.0]), pa.array(["2001", "?", "7"]), pa.array([2001, None, 7], pa.int16())):
        pyarrow.parquet.write_table(pa.table({"study": values, "x": [1.0, 2.0, None]}), tmp_path / "t.parquet")
        cohort = read_cohort(tmp_path / "t.parquet", Dictionary(schema_version="1.0", columns=spec))
        assert cohort.labels["study"].texts.tolist() == ["2001", None, "7"]
        assert cohort.missing("study").tolist() == [False, True, False]
        later = cohort.take(~cohort.missing("study"))
        assert later.labels["study"].texts.tolist() == ["2001", "7"] and later.rows.tolist() == [1, 3]
        with pytest.raises(ItemFault, match="column study: is a label"):
            cohort.column("study")


def test_identifiers_are_shown_only_where_they_may_be(tmp_path: Any) -> None:
    (tmp_path / "t.csv").write_text("eid\nSmith\nJones\nSmith\nJones\nSmith\n")
    columns: Any = {"eid": {"type": "id"}}
    dictionary = Dictionary(schema_version="1.0", columns=columns)
    with pytest.raises(ItemFault) as fault:
        read_cohort(tmp_path / "t.csv", dictionary)
    assert str(fault.value).startswith("column eid: repeats an identifier in rows 3, 4 and 5;")
    with pytest.raises(ItemFault) as fault:
        read_cohort(tmp_path / "t.csv", dictionary, show_ids=True)
    assert str(fault.value).startswith("column eid: repeats an identifier (Smith) in rows 3 and 5;")


def test_identifiers_become_labels_only_where_they_may_be_shown(tmp_path: Any) -> None:
    (tmp_path / "t.csv").write_text("eid\n7\n8\n")
    columns: Any = {"eid": {"type": "id"}}
    dictionary = Dictionary(schema_version="1.0", columns=columns)
    assert not read_cohort(tmp_path / "t.csv", dictionary).labels
    assert read_cohort(tmp_path / "t.csv", dictionary, show_ids=True).labels["eid"].texts.tolist() == [
        "7",
        "8",
    ]


def test_the_schema_version_is_asked_for(tmp_path: Any) -> None:
    for text in ('{"schema_version": "2.0"}', "{}", "[]"):
        (tmp_path / "d.json").write_text(text)
        with pytest.raises(ItemFault, match="schema_version"):
            read_dictionary(tmp_path / "d.json", Dictionary)
