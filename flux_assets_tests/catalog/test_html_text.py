from itertools import product

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.html_text import plain_lines
from flux_assets_tests.fixtures.growth import measure_growth

PIECES = ("<br>", "</br>", "<pre>", "\n  ", "Oak <", "&nbsp;", "&NBSP;")
TEXT = "A mug of clay."


def test_plain_tags_read_as_a_parser_reads_them() -> None:
    for pieces in product(PIECES, repeat=4):
        markup = "".join(pieces)
        needs_a_parser = f"{markup}<custom></custom>"
        assert plain_lines(f"{markup}<i></i>") == plain_lines(needs_a_parser), markup


@pytest.mark.parametrize(
    "markup",
    [
        '<video src="x" controls>Your browser does not support the video tag.</video>',
        "<AUDIO controls><source src=x>Your browser plays <b>no</b> audio.</AUDIO >",
        '<svg xmlns="x"><title>Icon</title><path d="M0 0h1"/></svg>',
        '<object data="x"><p>Get a plugin</p></object>',
        '<iframe src="x">Your browser shows no frames</iframe>',
        '<canvas id="view">3D</canvas>',
        '<button class="add">Add to cart</button>',
        "<select><option>Red</option><option>Blue</option></select>",
        "<textarea hidden>raw</textarea>",
        '<html><head><meta charset="utf-8"><title>Page</title></head>',
        "<xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml>",
        '<svg data-x="<svg>"><text>a</text></svg><svg><text>b</text></svg>',
    ],
)
def test_what_stands_apart_from_a_text_is_none_of_it(markup: str) -> None:
    assert plain_lines(f"{markup}{TEXT}").strip() == TEXT
    assert plain_lines(f"<p>{TEXT}</p>{markup}").strip() == TEXT


@pytest.mark.parametrize("markup", ["<video src=x>", "<svg>", "<button>", "</video>", "<xml>"])
def test_what_is_never_closed_takes_no_text_with_it(markup: str) -> None:
    assert plain_lines(f"{markup}{TEXT}").strip() == TEXT


@pytest.mark.parametrize(
    "cell",
    [
        f"<![CDATA[{TEXT}]]>",
        f"<![CDATA[<p>{TEXT}</p>]]>",
        f"&lt;![CDATA[{TEXT}]]&gt;",
        " <![CDATA[A mug]]> <![CDATA[of clay.]]>",
        f"<p><![CDATA[{TEXT}",
    ],
)
def test_a_text_that_is_marked_as_one_is_read(cell: str) -> None:
    assert " ".join(plain_lines(cell).split()) == TEXT


def test_a_feed_whose_marks_were_escaped_reads_as_its_texts() -> None:
    names = ("id", "title", "description", "image_link", "color", "product_type")
    texts = ("7", "Mug", TEXT, "https://x/1.jpg?a=1", "Red", "Kitchen")
    item = "".join(
        f"<g:{name}>&lt;![CDATA[{text}]]&gt;</g:{name}>"
        for name, text in zip(names, texts, strict=True)
    )
    feed = (
        f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item>{item}</item></channel></rss>'
    )
    (read,) = read_catalog(feed.encode(), "feed.xml").products
    found = (read.product_id, read.title, read.description, read.image_url, read.color)
    assert (*found, read.category) == texts


@pytest.mark.parametrize(
    "embedded",
    [
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/svg+xml;charset=utf-8;base64,PHN2Zy8+",
        "data:image/svg+xml,%3Csvg%20xmlns=%22x%22%3E%3C/svg%3E",
        "data:image/svg+xml;utf8,%3Csvg/%3E",
        "![a mug](data:image/svg+xml,%3Csvg/%3E)",
    ],
)
def test_a_picture_inside_a_text_is_none_of_it(embedded: str) -> None:
    assert plain_lines(f"{TEXT} {embedded}").strip() == TEXT
    data = f'sku,title,description\n1,Mug,"{TEXT} {embedded}"\n'.encode()
    assert [it.description for it in read_catalog(data, "export.csv").products] == [TEXT]


def test_data_that_are_words_stay() -> None:
    text = "Technical data: 30 x 20 cm; data:image of a mug, printed."
    assert plain_lines(text) == text


@pytest.mark.parametrize(
    "hostile", ["<svg>", "<svg></video>", "<![CDATA[", "data:image/x,", "<xml><a:"]
)
def test_hostile_markup_costs_time_in_proportion(hostile: str) -> None:
    assert measure_growth(plain_lines, hostile) < 30


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r"Caf\u00e9 \u2013 br\u00fbl\u00e9", "Café – brûlé"),
        (r"\u9752\u82b1\u74f7", "青花瓷"),
        (r"A \"mug\" of clay, 20\/30 cm, a potter\'s", 'A "mug" of clay, 20/30 cm, a potter\'s'),
        (r"<p class=\"a\">A mug<\/p>", "A mug"),
        (r"Half \ud83d gone", "Half  gone"),
        (r"C:\users\mug", r"C:\users\mug"),
        (r"One\, two", r"One\, two"),
        (r'["A \"mug\"", "Caf\u00e9"]', r'["A \"mug\"", "Caf\u00e9"]'),
    ],
)
def test_letters_that_a_program_escaped_are_read(cell: str, text: str) -> None:
    assert plain_lines(cell).strip() == text


def test_escaped_letters_are_read_in_every_field() -> None:
    cell = r"Caf\u00e9"
    data = f"sku,title,description,category,color,material\n1{f',{cell}' * 5}\n".encode()
    (product,) = read_catalog(data, "export.csv").products
    found = (product.title, product.description, product.category, product.color)
    assert {*found, product.material} == {"Café"}
