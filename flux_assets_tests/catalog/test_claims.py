"""What is left of a title where white space stands for a claim."""

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.claims import is_claim
from flux_assets.catalog.decoration import undress, undress_title
from flux_assets_tests.fixtures.growth import measure_growth

BLANKS = ["\t", "\u00a0", "\u3000", "\u2003", " \t ", "!\u00a0!"]


@pytest.mark.parametrize("blank", BLANKS)
def test_white_space_is_no_claim(blank: str) -> None:
    assert not is_claim(blank)


@pytest.mark.parametrize("blank", BLANKS[:-1])
@pytest.mark.parametrize("form", ["Lamp - {}", "{} - Lamp", "Lamp | {}", "Lamp ({})", "*{}* Lamp"])
def test_a_title_with_nothing_beside_its_sign_is_read(form: str, blank: str) -> None:
    for read in (undress, undress_title):
        assert "Lamp" in read(form.format(blank))


@pytest.mark.parametrize(
    "claim",
    [
        *("SALE 50%", "Rabatt 20%", "СКИДКА 50%", "PROMO 30%", "descuento 20%", "rabat 20%"),
        *("19,90 €", "$19.99", "USD 19.90", "ab 19,90 EUR", "UVP 29,90 €", "à 19,90 €", "CHF 19.-"),
        *("19,90 € statt 29,90 €", "for only €19", "nur 19,-", "kun 299,-", "tylko 99 zł"),
        *("nyní 990 Kč", "nu 299 kr", "csak 9990 Ft", "всего 999 руб.", "doar 99 lei"),
        *("sadece 99 TL", "999,00 ₽", "9.90元"),
        *("990 Ft", "12 990 Ft", "12.990 Ft", "990,- Ft", "4995 HUF"),
        *("990 Kč", "1 290 Kč", "1.290 Kč", "1 290,- Kč", "990 CZK", "990,-", "19,\u2013"),
        *("99 zł", "1299 zł", "99,90 zł", "99 lei", "1.299 lei", "99 лв", "99 лв.", "99,90 лв."),
        *("990 kr", "1 290 kr", "990kr", "990:-", "1 290:-", "99,50 kr.", "199 SEK", "само 99 лв"),
        *("990 грн", "1 290 грн.", "лише 990 грн", "990 ₽", "1 290 ₽", "990 руб.", "1 290 руб"),
        *("199 €", "€199", "$1,299", "£ 99", "199 CHF", "990円", "¥990", "29 EUR"),
    ],
)
def test_a_price_or_a_discount_at_a_title_s_end_goes(claim: str) -> None:
    for form in ("Oak Lamp {}", "Oak Lamp, {}", "Oak Lamp - {}", "Oak Lamp {}!"):
        assert undress_title(form.format(claim)) in {"Oak Lamp", "Oak Lamp!"}, form


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u2009", "&nbsp;", "&#160;"])
def test_a_price_s_thousands_may_stand_behind_any_blank(blank: str) -> None:
    text = f"id,title\n1,Asztal 12{blank}990{blank}Ft\n"
    (product,) = read_catalog(text.encode(), "export.csv").products
    assert product.title == "Asztal"


@pytest.mark.parametrize(
    "title",
    [
        *("Gift Card $50", "Gutschein 25 €", "19,90 €", "2,50 € Coin Album", "Wool 50% Rug"),
        *("Dárkový poukaz 500 Kč", "Ajándékutalvány 5000 Ft", "Ajándékutalvány 5 000 Ft"),
        *("Presentkort 500 kr", "Karta podarunkowa 100 zł", "Card cadou 200 lei", "Ваучер 50 лв"),
        *("Phone 15 990 €", "Stůl 99-199 Kč", "Stůl 199 Kč/ks", "1 290 Kč", "Pack of 19:-)"),
        *("Timer 199 Sek", "Ron 29", "Dry Rub 99", "Lamp kr 199", "Rope 199 ft", "Ladder 990 FT"),
        *("Cable 95 Ft", "Rug 8 x 10 Ft", "Rope 100 Ft", "Tree only 12 Ft tall", "Room 1999"),
        *("Cable 2,5 m", "Ring 14,5 kt", "Rug 100%", "Chair 3,-fold", "Lamp 50%", "Pale Ale 5%"),
        *(
            "Rope - 10 ft",
            "Cable (6 FT)",
            "Hose | 25 ft",
            "Hose 12.50 ft",
            "Tree only 6 ft tall, 50% PE",
        ),
    ],
)
def test_a_number_that_is_of_the_product_stays_in_its_title(title: str) -> None:
    assert undress_title(title) == title


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nu endast 299 kr! En stol av ek.", "En stol av ek."),
        ("Только 999 руб. Стол из дуба.", "Стол из дуба."),
        ("Lampe nur 19,- in Eiche.", "Lampe in Eiche."),
        ("A tree just 6 ft tall, of 50% hemp.", "A tree just 6 ft tall, of 50% hemp."),
        ("Made for $19.99", "Made for $19.99"),
    ],
)
def test_a_description_loses_what_praises_a_price_only(text: str, words: str) -> None:
    assert undress(text) == words


@pytest.mark.parametrize(
    "stock",
    [
        *("In stock", "Out of stock", "SOLD OUT", "Pre-Order", "Sofort lieferbar", "Ausverkauft"),
        *("Rupture de stock", "Agotado", "Esaurito", "Uitverkocht", "Skladem", "в наличии", "现货"),
    ],
)
def test_what_is_in_stock_is_no_title(stock: str) -> None:
    for form in (
        "Oak Lamp - {}",
        "Oak Lamp | {}",
        "{}: Oak Lamp",
        "**{}** Oak Lamp",
        "Oak Lamp *{}*",
    ):
        assert undress_title(form.format(stock)) == "Oak Lamp", form
    assert undress_title(f"Oak Lamp ({stock.upper()})") == "Oak Lamp"


@pytest.mark.parametrize("title", ["Stock Pot", "Lager Glass", "Pre-order Book", "Sold Out Poster"])
def test_a_word_of_stock_that_is_of_the_product_stays(title: str) -> None:
    assert undress_title(title) == title


@pytest.mark.parametrize("hostile", ["9,90 € ", "990 Ft ", "12 990 ", "9kr ", "9:-", "csak 9 "])
def test_a_title_of_many_prices_costs_time_in_proportion(hostile: str) -> None:
    assert measure_growth(undress_title, hostile) < 30
