import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest import csv_file as manifest_csv
from flux_assets.manifest.csv_file import write_manifest_csv
from flux_assets.manifest.rows import COLUMNS, build_manifest_rows
from flux_assets.storage import parquet_file
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.records import make_lineage, make_request


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def _build(store: DirectoryStore, *stored: ImageRequest) -> pd.DataFrame:
    return build_manifest_rows([make_lineage(request) for request in stored], store)


def _write_csv(manifest: pd.DataFrame) -> bytes:
    groups = StoredTable(write_parquet(manifest)).read_groups()
    return b"".join(write_manifest_csv(tuple(COLUMNS), groups))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_can_be_taken_for_a_formula(store: DirectoryStore, start: str) -> None:
    text = f'{start}HYPERLINK("https://evil.example","x"),\n2'
    request = make_request(text, prompt=text)
    data = _write_csv(_build(store, request))
    [row] = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert row["product_id"] == row["prompt"] == f"'{text}"


def test_the_csv_has_plain_numbers_and_utf_8_text(store: DirectoryStore) -> None:
    request = make_request("00123", prompt='Café "Mümmel" 🦆', seed=2**32 - 1)
    data = _write_csv(_build(store, request))
    [row] = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))
    assert row["prompt"] == 'Café "Mümmel" 🦆'
    assert (row["seed"], row["guidance"], row["stale"]) == ("4294967295", "3.0", "False")


def test_the_csv_has_an_empty_cell_for_what_a_picture_has_none_of(store: DirectoryStore) -> None:
    data = _write_csv(_build(store, make_request("00123")))
    [row] = csv.DictReader(io.StringIO(data.decode()))
    assert (row["recognition"], row["warnings"]) == ("", "")


def test_the_csv_has_every_row_in_its_order(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "ROWS_A_GROUP", 3)
    monkeypatch.setattr(manifest_csv, "_BATCH_ROWS", 2)
    requests = [make_request(f"{number:03d}", prompt="=1") for number in range(8)]
    manifest = _build(store, *requests)
    cells = pd.read_csv(
        io.BytesIO(_write_csv(manifest)),
        dtype=manifest.dtypes.to_dict(),
        keep_default_na=False,
        na_values={"recognition": ""},
    )
    pd.testing.assert_frame_equal(cells, manifest.assign(prompt="'=1"))


def test_the_csv_goes_on_past_a_part_without_rows() -> None:
    group = pa.table({"product_id": pa.chunked_array([["1"], [], ["2"]], pa.string())})
    parts = write_manifest_csv(["product_id"], [group])
    assert b"".join(parts) == b'product_id\r\n"1"\r\n"2"\r\n'
