"""`flux-assets verify` as a person runs it."""

from pathlib import Path

import pytest

from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.publishing.rendition_table import RENDITIONS_KEY
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


@pytest.mark.slow
def test_a_store_is_audited_repaired_and_its_exit_code_tells(workplace: Workplace) -> None:
    workplace.run("refresh", "--shots", "hero", "--limit", "3")
    sound = workplace.run("verify", "--deep")
    assert sound.exit_code == 0, sound.stderr
    assert "Nothing is wrong (3 ledger entries, 3 pictures, 3 rows of the" in sound.stdout

    first, second, _ = workplace.pictures()
    [entry] = workplace.store.glob(f"ledger/*/{first.stem}*.json")
    entry.unlink()
    (workplace.store / MANIFEST_KEY).write_bytes(b"PAR1")
    found = workplace.run("verify", "--json")
    assert (found.exit_code, found.json["ok"]) == (1, False)
    findings = found.json["findings"]
    assert {kind: item["count"] for kind, item in findings.items() if item["count"]} == {
        "unreadable": 1,
        "without_lineage": 1,
    }
    assert findings["unreadable"]["first"] == [
        {"key": MANIFEST_KEY, "detail": "it is damaged", "repaired": False}
    ]

    planned = workplace.run("plan")
    assert planned.exit_code == 1
    assert "flux-assets verify --repair" in " ".join(planned.stderr.split())
    repaired = workplace.run("verify", "--repair")
    assert repaired.exit_code == 0, repaired.stderr
    assert "(repaired)" in repaired.stdout
    assert workplace.run("plan", "--shots", "hero", "--json").json["stored"] == 3

    second.write_bytes(b"no picture")
    damaged = workplace.run("verify", "--repair")
    assert damaged.exit_code == 1
    assert "Something is wrong" in damaged.stdout
    assert workplace.run("ledger").exit_code == 0


@pytest.mark.slow
def test_what_channels_read_is_audited_and_its_table_repaired(workplace: Workplace) -> None:
    on = {"FLUX_ASSETS_CHANNELS": "data/channels.yaml"}
    workplace.run("refresh", "--shots", "hero", "--limit", "2")
    assert workplace.run("publish", **on).exit_code == 0
    sound = workplace.run("verify", "--deep")
    assert sound.exit_code == 0, sound.stderr
    assert " renditions)" in " ".join(sound.stdout.split())
    table = workplace.store / RENDITIONS_KEY
    whole = table.read_bytes()
    table.write_bytes(whole[:-9])
    found = workplace.run("verify", "--json")
    assert (found.exit_code, found.json["findings"]["rendition_table"]["count"]) == (1, 1)
    told = workplace.run("publish", **on)
    assert told.exit_code == 0
    assert "every picture is looked at anew" in " ".join(told.stderr.split())
    table.write_bytes(b"")
    repaired = workplace.run("verify", "--repair", **on)
    assert repaired.exit_code == 0, repaired.stdout
    assert table.read_bytes() == whole
    [*_, first] = sorted(workplace.store.glob("publishing/renditions/*/hero/*.jpg"))
    first.unlink()
    missing = workplace.run("verify")
    assert missing.exit_code == 1
    assert "it is gone" in missing.stdout
    assert "Traceback" not in missing.stderr
