"""The store: whole or absent, verified, shared."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.contract.files import sha256_file, write_json
from containers.contract.record import ErrorInfo, Output, Record, StageId
from harness.run.store import Entry, Store, complaint_of, key_of, verified

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=3), max_leaves=5
)


def item(folder: Path, text: str = "data") -> Path:
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text(text, encoding="utf-8")
    output = Output(path="a.txt", sha256=sha256_file(folder / "a.txt"), bytes=len(text))
    record = Record(stage=StageId(name="s", version="1.0.0"), item="i", status="ok", outputs={"a": output})
    write_json(folder / "record.json", record.model_dump(mode="json"))
    return folder


def put(store: Store, key: str, folder: Path) -> Entry:
    item(folder)
    return store.put(key, folder, verified(folder), {"runner": "process"})


def test_two_runs_that_finish_the_same_item_leave_one_whole_entry(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    key = key_of({"x": 1})
    folders = [item(tmp_path / f"job{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda folder: store.put(key, folder, verified(folder), {}), folders))
    assert len({entry.folder for entry in entries}) == 1 and complaint_of(entries[0].folder) is None
    assert not any(folder.exists() for folder in folders)
    assert [p.name for p in (tmp_path / "cache").glob("*/*")] == [key]


def test_an_error_record_is_refused(tmp_path: Path) -> None:
    error = ErrorInfo(kind="input", what="w")
    record = Record(stage=StageId(name="s", version="1.0.0"), item="i", status="error", error=error)
    write_json(tmp_path / "job" / "record.json", record.model_dump(mode="json"))
    with pytest.raises(ValueError, match="never cached"):
        Store(tmp_path / "cache").put("00", tmp_path / "job", record, {})


@pytest.mark.parametrize("damage", ["changed", "missing", "record", "outside"])
def test_damaged_entries_are_dropped(tmp_path: Path, damage: str) -> None:
    store, key = Store(tmp_path / "cache"), key_of({"x": 2})
    entry = put(store, key, tmp_path / "job")
    assert store.get(key) == entry
    if damage == "changed":
        (entry.folder / "a.txt").write_text("dato", encoding="utf-8")
    elif damage == "missing":
        (entry.folder / "a.txt").unlink()
    elif damage == "record":
        (entry.folder / "record.json").write_text("{", encoding="utf-8")
    else:
        text = (entry.folder / "record.json").read_text(encoding="utf-8")
        (entry.folder / "record.json").write_text(text.replace("a.txt", "../a.txt"), encoding="utf-8")
    assert store.get(key) is None and not entry.folder.exists()


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_key_does_not_depend_on_the_order_of_fields(identity: dict[str, object]) -> None:
    assert key_of(identity) == key_of(dict(reversed(identity.items())))


@given(st.dictionaries(st.text(), JSON, max_size=4), st.text(), JSON)
def test_another_value_makes_another_key(identity: dict[str, object], name: str, value: object) -> None:
    changed = {**identity, name: value}
    same = changed == identity and repr(changed) == repr(identity)
    assert (
        same
        or key_of(changed) != key_of(identity)
        or sorted(map(repr, changed.items())) == sorted(map(repr, identity.items()))
    )
