"""What the feeds say is what an edition shows, with ids that other readers find again."""

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog import read_catalog
from flux_assets.publishing.edition import Edition, FeedForm, Offer, Picture, Showing, ShownProduct
from flux_assets.publishing.feeds.files import FORMATS
from flux_assets.publishing.feeds.jsonl import SCHEMA
from flux_assets_tests.fixtures.editions import edition, picture

PUBLIC_URL = "https://pictures.invalid/shop"
ODD_IDS = (
    "=1+1",
    "00123",
    'the "big" one',
    "größe-42",
    "-40-BOOT",
    "@home",
    "a,b",
    "ø'ø",
    "x;y",
    "日本",
)
_G = "{http://base.google.com/ns/1.0}"


def shown(
    offers: Iterable[str | Offer], slots: Mapping[str, Iterable[Picture]] | None = None
) -> ShownProduct:
    """A product with these offers, and one main picture or what the slots have."""
    pictures = {"main": [picture("a")]} if slots is None else slots
    return ShownProduct(
        product_id="mug",
        offers=tuple(it if isinstance(it, Offer) else Offer(offer_id=it) for it in offers),
        showings=tuple(
            Showing(slot=slot, picture=it, since=3)
            for slot, found in pictures.items()
            for it in found
        ),
        title="Mug & Co.",
    )


def of(*products: ShownProduct, **form: object) -> Edition:
    named = {f"{number:03}": it for number, it in enumerate(products)}
    made = FeedForm(formats=("jsonl",), public_url=PUBLIC_URL)
    return edition(named, number=7, form=replace(made, **form))  # type: ignore[arg-type]


def write(name: str, found: Edition) -> str:
    return "".join(FORMATS[name].write(found))


def url(name: str, shot: str = "table") -> str:
    return f"{PUBLIC_URL}/{picture(name, shot).object_key}"


ALL_SLOTS = {
    "main": [picture("a")],
    "additional": [picture("b", "hero"), picture("c", "banner")],
    "lifestyle": [picture("d", "beach")],
    "ratio_4x5": [picture("e")],
    "ratio_9x16": [picture("f")],
}


def test_google_tsv_names_each_offers_pictures() -> None:
    found = write("google_tsv", of(shown(["mug-2", "mug-1"], ALL_SLOTS)))
    more = f"{url('b', 'hero')},{url('c', 'banner')}"
    row = f"{url('a')}\t{more}\t{url('d', 'beach')}"
    assert found == (
        f"id\timage_link\tadditional_image_link\tlifestyle_image_link\nmug-1\t{row}\nmug-2\t{row}\n"
    )


@pytest.mark.parametrize("name", ["google_tsv", "google_xml", "meta_csv", "shopify_csv"])
def test_the_main_picture_is_no_further_one_in_whatever_size(name: str) -> None:
    main = picture("a")
    smaller = replace(main, rendition_id="0" * 32, object_key="publishing/renditions/a/0.jpg")
    slots = {"main": [main], "additional": [smaller, picture("b", "hero")]}
    found = write(name, of(shown(["mug"], slots)))
    assert found.count(url("a")) == found.count(url("b", "hero")) == 1
    assert "/a/0.jpg" not in found


def test_google_xml_repeats_additional_pictures() -> None:
    root = ElementTree.fromstring(write("google_xml", of(shown(["mug"], ALL_SLOTS))))
    (item,) = root.iter("item")
    assert [(it.tag.removeprefix(_G), it.text) for it in item] == [
        ("id", "mug"),
        ("image_link", url("a")),
        ("additional_image_link", url("b", "hero")),
        ("additional_image_link", url("c", "banner")),
        ("lifestyle_image_link", url("d", "beach")),
    ]


def test_meta_csv_tags_each_ratio() -> None:
    found = of(shown(["mug"], ALL_SLOTS), shown(["tall"], {"ratio_9x16": [picture("f")]}))
    first, second = csv.DictReader(io.StringIO(write("meta_csv", found)))
    assert (first["id"], first["image_link"]) == ("mug", url("a"))
    assert (first["image[0].url"], first["image[0].tag[0]"]) == (
        url("e"),
        "ASPECT_RATIO_4_5_PREFERRED",
    )
    assert (second["image[0].url"], second["image[0].tag[0]"]) == ("", "")
    assert (second["image[1].url"], second["image[1].tag[0]"]) == (
        url("f"),
        "ASPECT_RATIO_9_16_PREFERRED",
    )


@pytest.mark.parametrize(
    ("legacy", "header"),
    [
        (False, "URL handle,Title,Product image URL,Image position,Image alt text"),
        (True, "Handle,Title,Image Src,Image Position,Image Alt Text"),
    ],
)
def test_shopify_csv_has_the_exports_own_headers_and_titles(*, legacy: bool, header: str) -> None:
    raw = 'The <b>"big"</b> mug, =new'
    offer = Offer(offer_id="mug", title=raw)
    found = write(
        "shopify_csv",
        of(shown([offer], ALL_SLOTS), legacy=legacy, alt_text_suffix=" (AI-generated image)"),
    )
    assert found.splitlines()[0] == header
    rows = list(csv.reader(io.StringIO(found)))[1:]
    alt_text = "Mug & Co. (AI-generated image)"
    assert rows == [
        ["mug", raw, url("a"), "1", alt_text],
        ["mug", "", url("b", "hero"), "2", alt_text],
        ["mug", "", url("c", "banner"), "3", alt_text],
    ]
    catalog = read_catalog(found.encode(), "feed.csv")
    assert (catalog.dialect, [it.product_id for it in catalog.products]) == ("shopify", ["mug"])
    assert catalog.products[0].image_url == url("a")


def test_every_line_of_json_fits_the_schema() -> None:
    found = write("jsonl", of(shown(["mug-ä", "=1+1"], ALL_SLOTS), shown(["cup"])))
    rows = [json.loads(line) for line in found.splitlines()]
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for row in rows:
        jsonschema.validate(row, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert [row["offer"] for row in rows] == ["=1+1"] * 6 + ["cup"] + ["mug-ä"] * 6
    assert [(it["slot"], it["position"]) for it in rows[:3]] == [
        ("main", 1),
        ("additional", 1),
        ("additional", 2),
    ]
    assert {row["edition"] for row in rows} == {3}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**rows[0], "decision": "rejected"}, SCHEMA)


@pytest.mark.parametrize("name", FORMATS)
def test_files_are_the_same_whatever_made_the_edition_and_have_no_time(name: str) -> None:
    first = of(shown(["mug"], ALL_SLOTS), shown(["cup"]))
    later = replace(first, number=8, day="2026-12-01", by="grace", at="2026", claim="x")
    assert write(name, first) == write(name, later)
    assert "\r" not in write(name, first)
    assert write(name, first).endswith("\n")


@pytest.mark.parametrize("name", FORMATS)
def test_a_slot_that_a_feed_has_no_column_for_leaves_no_empty_row(name: str) -> None:
    found = write(name, of(shown(["mug"], {"elsewhere": [picture("a")]})))
    assert ("mug" in found.replace(PUBLIC_URL, "")) == (name == "jsonl")


def read_ids(name: str, found: Edition) -> list[str]:
    """The ids of a feed, as our own catalog reader has them once each row has a title."""
    text = write(name, found)
    if name == "google_xml":
        data = text.replace("</g:id>", "</g:id><g:title>A mug</g:title>")
    else:
        delimiter = "\t" if name == "google_tsv" else ","
        head, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerows([[*head, "title"], *([*row, "A mug"] for row in rows)])
        data = out.getvalue()
    catalog = read_catalog(data.encode(), f"feed.{FORMATS[name].extension}")
    assert catalog.rejected_rows == ()
    return [it.product_id for it in catalog.products]


@pytest.mark.parametrize("name", ["google_tsv", "google_xml", "meta_csv"])
def test_our_own_reader_finds_the_same_ids(name: str) -> None:
    assert sorted(read_ids(name, of(shown(ODD_IDS)))) == sorted(ODD_IDS)


@given(st.lists(st.text(min_size=1), unique=True, max_size=8))
@settings(max_examples=100, deadline=None)
def test_any_id_is_found_again_by_other_readers(ids: list[str]) -> None:
    made = of(shown(ids))
    rows = csv.reader(io.StringIO(write("google_tsv", made), newline=""), delimiter="\t")
    assert [row[0] for row in rows][1:] == sorted(ids)
    rows = csv.reader(io.StringIO(write("meta_csv", made), newline=""))
    assert [row[0] for row in rows][1:] == sorted(ids)
    assert [json.loads(line)["offer"] for line in write("jsonl", made).split("\n")[:-1]] == sorted(
        ids
    )
    found = ElementTree.fromstring(write("google_xml", made)).iter(f"{_G}id")
    told = [it.text for it in found]
    assert told == [it for it in sorted(ids) if it in told]


@pytest.mark.skipif(not shutil.which("xmllint"), reason="xmllint is not installed")
def test_xmllint_is_content(tmp_path: Path) -> None:
    path = tmp_path / "google.xml"
    path.write_text(write("google_xml", of(shown((*ODD_IDS, "a<b&c\x0b"), ALL_SLOTS))), "utf-8")
    subprocess.run(["xmllint", "--noout", str(path)], check=True)  # noqa: S603, S607 - as installed


def test_addresses_are_ascii_and_have_no_comma() -> None:
    odd = replace(picture("a"), object_key="publishing/renditions/a,b&ü %2E/table/x.jpg")
    found = write("google_tsv", of(shown(["mug"], {"additional": [odd, odd]})))
    addresses = found.splitlines()[1].split("\t")[2].split(",")
    assert (
        addresses == [f"{PUBLIC_URL}/publishing/renditions/a%2Cb%26%C3%BC%20%252E/table/x.jpg"] * 2
    )
