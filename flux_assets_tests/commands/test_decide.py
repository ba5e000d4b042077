"""`decide` and `rollback`, as a person uses them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from flux_assets.catalog.offers import read_offers
from flux_assets.commands.deciding import name_person
from flux_assets.publishing.channel_editions import publish_channels
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decision_log import log_batch
from flux_assets.publishing.decisions import finish_interrupted
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.masters import GOOGLE_CHANNELS, TERMS, draw_product, store_masters

EXPORT = b"id,title,image_link\nA1,Chair,\n-B 2,Desk,\n"


@pytest.fixture(scope="module")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of two products whose pictures Google shows, each taken twice; to be copied."""
    workplace = make_workplace(tmp_path_factory.mktemp("made"))
    workplace.make_store()
    for take, colors in enumerate((("navy", "red", "teal"), ("green", "olive", "black"))):
        show(workplace, colors, take)
    return workplace.folder


@pytest.fixture
def workplace(made_shop: Path, tmp_path: Path) -> Workplace:
    return Workplace(folder=shutil.copytree(made_shop, tmp_path, dirs_exist_ok=True))


def show(workplace: Workplace, colors: tuple[str, str, str], take: int) -> None:
    store = DirectoryStore(workplace.store)
    places = (("A1", "hero"), ("A1", "wide"), ("-B 2", "hero"))
    pictures = {place: draw_product(it) for place, it in zip(places, colors, strict=True)}
    store_masters(store, pictures, take=take)
    channels = read_channels(GOOGLE_CHANNELS, "channels.yaml")
    refresh_renditions(store, channels)
    publish_channels(store, channels, read_offers(EXPORT, "export.csv"), TERMS)


def feed(workplace: Workplace) -> dict[str, str]:
    text = (workplace.store / "publishing/feeds/google.tsv").read_text("utf-8")
    return dict(line.split("\t", 1) for line in text.splitlines()[1:])


def listed(workplace: Workplace, *arguments: str) -> list[tuple[str, str, str]]:
    done = workplace.run("decide", "--list", "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    return [(it["product_id"], it["shot"], it["verdict"]) for it in json.loads(done.stdout)]


@pytest.mark.slow
def test_a_picture_is_rejected_listed_and_taken_back(workplace: Workplace) -> None:
    done = workplace.run(
        "decide", "A1", "--shot", "hero", "--reject", "--reason", "artefact", "--note", "2 backs"
    )
    assert done.exit_code == 0, done.stderr
    assert listed(workplace, "--verdict", "rejected") == [("A1", "hero", "rejected")]
    shown = workplace.run("decide", "A1", "--shots", "hero", "--list").stdout
    assert re.search(r"^A1, hero  rejected by \S+, \S+: artefact; 2 backs$", shown, re.MULTILINE)
    [line] = re.findall(r"flux-assets (rollback --undo \S+)", done.stdout)
    back = workplace.run(*line.split())
    assert back.exit_code == 0, back.stderr
    assert listed(workplace, "--verdict", "rejected") == []


@pytest.mark.slow
def test_what_was_not_seen_is_not_written_over(workplace: Workplace) -> None:
    exported = workplace.folder / "pictures.csv"
    workplace.run("decide", "--export", str(exported))
    workplace.run("decide", "A1", "--shots", "hero", "--approve")
    text = exported.read_text("utf-8")
    exported.write_text(text.replace("undecided", "rejected"), "utf-8")
    done = workplace.run("decide", "--import", str(exported))
    assert done.exit_code == 1
    assert re.search(r"Not changed: \w{16} is approved by \S+ at", done.stderr)
    assert sorted(listed(workplace)) == [
        ("-B 2", "hero", "rejected"),
        ("A1", "hero", "approved"),
        ("A1", "wide", "rejected"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("decide", "A1"),
        ("decide", "A1", "--reject"),
        ("decide", "--reject", "--shots", "hero"),
        ("decide", "--list", "--export", "x.csv"),
        ("decide", "A1", "--shots", "hero", "--approve", "--reject"),
        ("decide", "A1", "--shots", "hero", "--approve", "--verdict", "undecided"),
        ("decide", "--list", "--reason", "artefact"),
        ("decide", "--export", "x.csv", "--note", "dark"),
        ("decide", "--import", "no such file.csv"),
        ("rollback",),
        ("rollback", "--product", "A1"),
        ("rollback", "--edition", "1", "--reason", "x"),
        ("rollback", "--before", "yesterday", "--reason", "x"),
        ("rollback", "--before", "2026-01-01", "--shots", "hero", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_half_a_command_is_told_and_does_nothing(
    workplace: Workplace, arguments: tuple[str, ...]
) -> None:
    assert workplace.run(*arguments).exit_code == 64


def test_a_picture_that_is_not_there_is_named(workplace: Workplace) -> None:
    done = workplace.run("decide", "A1", "--shots", "hero,beach", "--approve")
    assert done.exit_code == 1
    told = "product 'A1': there is no stored picture of shot beach, only of hero, wide"
    assert told in " ".join(done.stderr.split())
    done = workplace.run("decide", "a1", "--shots", "hero", "--approve")
    assert done.exit_code == 1
    told = (
        "product 'a1': the manifest, which a refresh writes last, has no picture of this id; "
        "nothing was decided"
    )
    assert told in " ".join(done.stderr.split())
    done = workplace.run("decide", "A", "--shots", "hero", "--approve")
    assert "near it: 'A1'; nothing was decided" in " ".join(done.stderr.split())
    assert {verdict for _, _, verdict in listed(workplace)} == {"undecided"}


def test_a_rollback_holds_at_once_and_is_undone_with_its_own_line(workplace: Workplace) -> None:
    new = feed(workplace)
    done = workplace.run("rollback", "--product", "A1", "--reason", "too dark")
    assert done.exit_code == 0, done.stderr
    assert "google: edition 3 is out, 2 pictures withdrawn" in done.stdout
    old = feed(workplace)
    assert (old["A1"] != new["A1"], old["-B 2"] == new["-B 2"]) == (True, True)
    [line] = re.findall(r"flux-assets (rollback --undo \S+)", done.stdout)
    assert workplace.run(*line.split()).exit_code == 0
    show(workplace, ("green", "olive", "black"), 1)
    assert feed(workplace) == new


def test_a_rejection_says_how_channels_follow_and_a_program_is_told_all(
    workplace: Workplace,
) -> None:
    done = workplace.run("decide", "A1", "--shots", "hero,hero", "--reject")
    assert "1 decided" in done.stdout
    assert "leaves every channel with the next edition; `flux-assets publish`" in done.stdout
    back = workplace.run("rollback", "--product", "A1", "--reason", "too dark", "--json")
    assert back.exit_code == 0, back.stderr
    assert len(back.json["applied"]) == 1
    assert back.json["channels"] == {"google": {"edition": 3, "is_new": True, "withdrawn": 2}}
    undone = workplace.run("rollback", "--undo", back.json["batch"], "--json")
    assert [it["verdict"] for it in undone.json["applied"]] == ["undecided"]
    exported = workplace.run("decide", "--export", "x.csv", "--json")
    assert exported.json == {"pictures": 3, "file": "x.csv"}
    assert (workplace.folder / "x.csv").read_bytes().startswith(b"\xef\xbb\xbfproduct_id,")


def test_a_decision_keeps_the_note_and_the_person_that_it_does_not_speak_of(
    workplace: Workplace,
) -> None:
    workplace.run("decide", "--export", "x.csv")
    path = workplace.folder / "x.csv"
    head, first, *_ = path.read_text("utf-8-sig").splitlines()
    names, cells = head.split(","), first.split(",")
    for name, cell in (("verdict", "rejected"), ("note", "2 backs"), ("shows_person", "yes")):
        cells[names.index(name)] = cell
    path.write_text(f"{head}\n{','.join(cells)}\n", "utf-8")
    assert workplace.run("decide", "--import", "x.csv").exit_code == 0
    again = workplace.run("decide", "--import", "x.csv")
    assert (again.exit_code, again.stderr) == (0, "")
    assert "you had decided just so before" in again.stdout
    assert "rollback --undo" not in again.stdout
    product = cells[names.index("product_id")].lstrip("'")
    shot = cells[names.index("shot")]
    done = workplace.run("decide", "--shots", shot, "--approve", "--json", "--", product)
    [made] = done.json["applied"]
    assert (made["verdict"], made["note"], made["shows_person"]) == ("approved", "2 backs", True)
    done = workplace.run("decide", "--shots", shot, "--approve", "--note=", "--json", "--", product)
    assert done.json["applied"][0]["note"] == ""


def test_another_shops_file_decides_nothing(workplace: Workplace) -> None:
    workplace.run("decide", "--export", "x.csv")
    path = workplace.folder / "x.csv"
    text = path.read_text("utf-8-sig").replace("undecided", "rejected")
    show(workplace, ("pink", "gold", "black"), 2)
    path.write_text(text, "utf-8")
    done = workplace.run("decide", "--import", "x.csv")
    assert done.exit_code == 1
    assert "x.csv: no picture that it decides is a current one" in " ".join(done.stderr.split())
    assert {verdict for _, _, verdict in listed(workplace)} == {"undecided"}


def test_an_edition_is_gone_back_to(workplace: Workplace) -> None:
    done = workplace.run("rollback", "--channel", "google", "--edition", "1", "--reason", "all")
    assert done.exit_code == 0, done.stderr
    assert "3 pictures rejected" in done.stdout
    again = workplace.run("rollback", "--channel", "google", "--edition", "1", "--reason", "all")
    assert "Nothing was shown that is not rejected already." in again.stdout
    unknown = workplace.run("rollback", "--channel", "google", "--edition", "9", "--reason", "x")
    assert unknown.exit_code == 1
    assert "channel google has 1 to 3" in unknown.stderr
    unknown = workplace.run("rollback", "--channel", "gogle", "--edition", "1", "--reason", "x")
    assert "channel 'gogle' has none, only google" in " ".join(unknown.stderr.split())


def test_verify_names_decisions_that_a_crash_left_unapplied(workplace: Workplace) -> None:
    wish = Wish(fingerprint="a" * 64, sha256="b" * 64, verdict="rejected")
    batch = log_batch(DirectoryStore(workplace.store), [wish], by="ada", via="decide")
    done = workplace.run("verify", "--json")
    assert (done.exit_code, done.json["ok"]) == (1, False)
    [told] = done.json["interrupted_decisions"]
    assert told.startswith(f"{batch.batch}, by ada: 1 decisions were noted and not applied")
    finish_interrupted(DirectoryStore(workplace.store))
    assert workplace.run("verify", "--json").json["interrupted_decisions"] == []


def test_a_feed_that_cannot_be_written_is_told_with_the_batch_to_take_back(
    workplace: Workplace,
) -> None:
    path = workplace.store / "publishing/feeds/google.tsv"
    path.unlink()
    path.mkdir()
    done = workplace.run(
        *("rollback", "--channel", "google", "--edition", "1", "--reason", "dark", "--json")
    )
    assert (done.exit_code, [*done.json["failed_channels"]]) == (1, ["google"])
    told = " ".join(done.stderr.split())
    assert "channel google: " in told
    assert f"flux-assets rollback --undo {done.json['batch']}" in told


def test_a_user_without_a_name_decides_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 987_654)
    assert name_person() == "uid 987654"
