"""Tables as Parquet (in the pipeline) and CSV (on export). Columns carry their unit in the name (`volume_cm3`)."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from containers.contract.errors import ItemFault
from containers.contract.files import replacing


def write_table(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write equally long columns as Parquet (or CSV by the suffix `.csv`), atomically."""
    table = pa.table(columns)
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary, compression="zstd")


def read_table(path: Path) -> dict[str, list[Any]]:
    """Read a Parquet or CSV table into columns. Raises ItemFault when it is neither."""
    try:
        table = pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        line = str(error).splitlines()[0]
        raise ItemFault(f"is not a readable table ({line})", where=path.name, fix="give Parquet or CSV") from error
    return {name: table.column(name).to_pylist() for name in table.column_names}
