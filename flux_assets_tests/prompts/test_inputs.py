from pathlib import Path

import pytest

from flux_assets.errors import CatalogError, ShotsFileError, SourceError
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.settings import Settings

SHOTS = 'columns: {product_id: our_code}\nshots: {hero: {prompt: "{{ title }}"}}\n'


def _settings(
    folder: Path, *, shots: str = SHOTS, catalog: str = "our_code,title\n007,Chair\n"
) -> Settings:
    (folder / "shots.yaml").write_text(shots)
    (folder / "export.csv").write_text(catalog)
    return Settings(shots=str(folder / "shots.yaml"), catalog=str(folder / "export.csv"))


def test_the_catalog_is_read_with_the_columns_that_the_shots_file_maps(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    catalog = load_catalog(settings, load_shots(settings))
    assert [product.product_id for product in catalog.products] == ["007"]
    assert catalog.name == "export.csv"


def test_a_shots_file_that_cannot_be_used_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ShotsFileError, match=r"shots\.yaml, line 2: .*promt"):
        load_shots(_settings(tmp_path, shots="shots:\n  hero: {prompt: x, promt: y}\n"))


@pytest.mark.parametrize(("catalog", "error"), [("", CatalogError), (None, SourceError)])
def test_a_catalog_that_cannot_be_read_is_named(
    tmp_path: Path, catalog: str | None, error: type[Exception]
) -> None:
    settings = _settings(tmp_path, catalog=catalog or "")
    if catalog is None:
        Path(settings.catalog).unlink()
    with pytest.raises(error, match=r"export\.csv"):
        load_catalog(settings, load_shots(settings))


def test_where_there_is_no_shop_it_is_said_what_lays_one_down(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such file; .*; `flux-assets init` lays down a shop"):
        load_shots(Settings(shots=str(tmp_path / "data" / "shots.yaml")))
    (tmp_path / "data").mkdir()
    with pytest.raises(SourceError) as told:
        load_shots(Settings(shots=str(tmp_path / "data" / "shots.yaml")))
    assert "init" not in str(told.value)
