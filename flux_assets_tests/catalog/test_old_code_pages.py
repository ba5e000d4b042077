"""Letters of Cyrillic, Greek and central European exports: guessed rightly, and never sure."""

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.cyrillic_letters import guess_cyrillic_page

RUSSIAN = (
    ("Льняная рубашка", "Рубашка из льна с длинным рукавом"),
    ("Кружка", "Керамическая кружка ручной работы"),
    ("Чайник Bosch Уют", "Съёмный фильтр в подарок"),
)
UKRAINIAN = (
    ("Лляна сорочка", "Сорочка з льону з довгим рукавом"),
    ("Синій капелюх", "Капелюх із широкими крисами та її розмір"),
)
BULGARIAN = (
    ("Ленена риза", "Риза от лен с дълъг ръкав"),
    ("Синя шапка", "Шапка с широка периферия"),
)
SERBIAN = (
    ("Ланена кошуља", "Кошуља дугих рукава"),
    ("Љубичаста шоља", "Ручно рађена шоља"),
)
GREEK = (
    ("Λινό πουκάμισο", "Πουκάμισο από λινό με μακρύ μανίκι"),
    ("Κούπα", "Κεραμική κούπα"),
)
POLISH = (
    ("Świecznik szklany", "Źródło światła żółte"),
    ("Łyżka drewniana", "Ręcznie rzeźbiona"),
)
CZECH = (
    ("Křišťálová váza", "Broušená ručně"),
    ("Židle z buku", "Žlutá a těžká"),
)
HUNGARIAN = (
    ("Fűszertartó üveg", "Női bőr pénztárca"),
    ("Öntöttvas serpenyő", "Kék színű"),
)
WRITTEN = [
    *((page, POLISH) for page in ("cp1250", "iso8859_2")),
    *((page, CZECH) for page in ("cp1250", "iso8859_2")),
    *((page, HUNGARIAN) for page in ("cp1250", "iso8859_2")),
    *((page, RUSSIAN) for page in ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic")),
    *((page, UKRAINIAN) for page in ("cp1251", "koi8_u", "iso8859_5", "mac_cyrillic")),
    *((page, BULGARIAN) for page in ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic")),
    *((page, SERBIAN) for page in ("cp1251", "iso8859_5", "mac_cyrillic")),
    *((page, GREEK) for page in ("cp1253", "iso8859_7")),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("page", "texts"), WRITTEN)
def test_the_letters_are_guessed_and_nobody_is_sure_of_them(
    page: str, texts: tuple[tuple[str, str], ...], delimiter: str
) -> None:
    rows = [delimiter.join((str(number), *row)) for number, row in enumerate(texts, start=1)]
    data = "\r\n".join([delimiter.join(("id", "title", "description")), *rows]).encode(page)
    catalog = read_catalog(data, "export.csv")
    assert [(it.title, it.description) for it in catalog.products] == list(texts)
    assert catalog.suspected_encoding


@pytest.mark.parametrize("page", ["koi8_r", "iso8859_5"])
def test_a_header_in_those_letters_is_known_too(page: str) -> None:
    text = "артикул;название;описание\n1;Кружка;Из глины\n2;Ваза;Из стекла\n"
    catalog = read_catalog(text.encode(page), "export.csv")
    assert [(it.product_id, it.title) for it in catalog.products] == [
        ("1", "Кружка"),
        ("2", "Ваза"),
    ]
    assert catalog.suspected_encoding == page


def test_a_page_that_a_person_names_is_certain() -> None:
    text = "id;title\n1;Кружка\n"
    catalog = read_catalog(text.encode("iso8859_5"), "export.csv", encoding="iso8859_5")
    assert [it.title for it in catalog.products] == ["Кружка"]
    assert catalog.suspected_encoding == ""


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("cp1252", "Schöne Tischdecke für draußen\nGrüner Übertopf\n"),
        ("cp1250", "Dřevěný stůl\nŽluťoučký kůň\nPříliš\n"),
        ("cp1253", "Ξύλινο κουτάλι\nΓυάλινο βάζο\nΜπλε καπέλο\n"),
        ("cp1254", "Şömine Örtüsü\nKırmızı kaşık\n"),
        ("cp1255", "כף עץ\nאגרטל\nמגבת כותנה כחולה\n"),
        ("cp1256", "ملعقة خشبية\nطاولة بلوط\n"),
        ("cp932", "手作り陶器のカップ\n木製まな板\n"),
        ("gb18030", "青花瓷茶杯\n竹编灯罩\n"),
        ("cp949", "도자기 찻잔\n유리 꽃병\n"),
        ("ascii", "Mug\n"),
        ("ascii", ""),
    ],
)
def test_other_letters_are_not_taken_for_cyrillic_ones(page: str, text: str) -> None:
    assert guess_cyrillic_page(text.encode(page)) == ""
