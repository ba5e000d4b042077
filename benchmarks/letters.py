"""What becomes of exports in other code pages than UTF-8: read rightly, held back, or read wrongly.

python benchmarks/letters.py          # every code page with files of 2, 20 and 2,000 rows
python benchmarks/letters.py --quick  # 2 and 20 rows

*read* is taken without a question, and right; *right guess* and *wrong guess* buy nothing until
`FLUX_ASSETS_CATALOG_ENCODING` names the page; *refused* is no catalog; *read wrongly* must be 0.
"""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from flux_assets.catalog import read_catalog
from flux_assets.errors import CatalogError

_FILES = 6  # each begins at another title of the language
_TITLES = {
    "ja": "手作り陶器のカップ|木製まな板 大|綿のタオル 青|ガラスの花瓶"
    "|革の財布 茶色|鉄のフライパン",
    "zh": "青花瓷茶杯|竹编灯罩|纯棉毛巾 蓝色|玻璃花瓶|真皮钱包|铸铁煎锅",
    "tw": "青花瓷茶杯|竹編燈罩|純棉毛巾 藍色|玻璃花瓶|真皮錢包|鑄鐵煎鍋",
    "ko": "도자기 찻잔|대나무 전등갓|면 수건 파란색|유리 꽃병|가죽 지갑|무쇠 프라이팬",
    "pl": "Drewniana łyżka kuchenna|Kołdra bawełniana żółta|Rękawica kuchenna|Świecznik szklany"
    "|Łóżko dębowe|Skórzany portfel męski",
    "cs": "Dřevěný stůl|Křišťálová váza|Bavlněný ručník žlutý|Kožená peněženka|Židle z buku"
    "|Skleněný džbán",
    "hu": "Női bőr pénztárca|Tölgyfa étkezőasztal|Kék pamut törölköző|Üvegváza kék színű"
    "|Fűszertartó üveg|Öntöttvas serpenyő",
    "ru": "Деревянная ложка|Хлопковое полотенце|Стеклянная ваза|Кожаный кошелёк|Дубовый стол"
    "|Чугунная сковорода",
    "uk": "Дерев’яна ложка|Бавовняний рушник|Скляна ваза синя|Шкіряний гаманець|Дубовий стіл"
    "|Чавунна пательня з її кришкою",
    "bg": "Дървена лъжица|Памучна кърпа|Стъклена ваза|Кожен портфейл|Дъбова маса|Чугунен тиган",
    "de": "Schöne Tischdecke für draußen|Grüner Übertopf|Größere Küchenschürze|Stühle aus Buche"
    "|Weißes Kissen|Bücherregal aus Kiefernholz, geölt",
    "fr": "Théière en céramique|Boîte à goûter|Crème brûlée, moule|Lampe d’été bleu pâle"
    "|Bœuf séché|Coussin brodé à la main",
    "es": "Lámpara de pie|Sillón para niño|Cojín de algodón|Tapón de baño|Jarrón pequeño"
    "|Edredón de plumón",
    "pt": "Decoração de coração|Pão de açúcar|Calção de banho|Lençol de algodão|Lâmpada de mesa"
    "|Balcão de órgãos",
    "sv": "Mörkgrå väska|Kökshandduk på ö|Blå tröja|Träskål för frukt|Gröna gardiner, långa"
    "|Hållare",
    "el": "Ξύλινο κουτάλι|Βαμβακερή πετσέτα|Γυάλινο βάζο|Δερμάτινο πορτοφόλι|Δρύινο τραπέζι"
    "|Μαντεμένιο τηγάνι",
    "tr": "Şömine Örtüsü|Gümüş Iğne Oyası|Ağaç kaşık|Yeşil pamuklu havlu ışıltılı"
    "|Deri cüzdan, kışlık|Çelik bıçak ve ağır tencere",
    "he": "כף עץ|מגבת כותנה כחולה|אגרטל זכוכית|ארנק עור|שולחן אלון|מחבת ברזל",
    "ar": "ملعقة خشبية|منشفة قطنية زرقاء|مزهرية زجاجية|محفظة جلدية|طاولة بلوط|مقلاة حديد",
    "lt": "Medinė šaukštų dėžė|Žalias rankšluostis|Stiklinė vaza gėlėms|Odinė piniginė, ąžuolo"
    "|Ąžuolinis stalas|Puodelis su širdelėmis",
    "lv": "Koka karote ēdienam|Kokvilnas dvielis, zaļš|Stikla vāze ziediem|Ādas maks"
    "|Ozolkoka galds, liels|Bērnu gultiņa",
    "vi": "Gương gỗ|Khăn tắm xanh|Bình hoa|Ví da nâu|Bàn gỗ sồi|Đèn bàn",
}
_PAGES = {
    "cp932": ("ja",),
    "gb18030": ("zh",),
    "big5": ("tw",),
    "cp949": ("ko",),
    "cp1250": ("pl", "cs", "hu"),
    "iso8859_2": ("pl", "cs", "hu"),
    "cp1251": ("ru", "uk", "bg"),
    "koi8_r": ("ru", "bg"),
    "koi8_u": ("uk",),
    "iso8859_5": ("ru", "uk", "bg"),
    "cp866": ("ru", "bg"),
    "mac_cyrillic": ("ru", "uk", "bg"),
    "cp1252": ("de", "fr", "es", "pt", "sv"),
    "cp1253": ("el",),
    "iso8859_7": ("el",),
    "cp1254": ("tr",),
    "cp1255": ("he",),
    "cp1256": ("ar",),
    "cp1257": ("lt", "lv"),
    "cp1258": ("vi",),
    "cp437": ("de", "es"),
    "cp850": ("de", "fr", "es", "pt"),
    "mac_roman": ("de", "fr", "es", "pt"),
}
_TYPED = {ord("’"): "'", ord("œ"): "oe"}  # what DOS had no sign for
_BECAME = ("read", "right guess", "wrong guess", "refused", "read wrongly")


def main(sizes: Sequence[int]) -> None:
    """Print one row for each code page: what became of its files of each size."""
    print("| code page | languages | " + " | ".join(f"{size:,} rows" for size in sizes) + " |")
    print("| --- " * (2 + len(sizes)) + "|")
    for page, languages in _PAGES.items():
        cells = [page, ", ".join(languages)]
        for size in sizes:
            counts = Counter(
                judge(page, titles)
                for language in languages
                for titles in build_files(page, language, size)
            )
            cells.append(", ".join(f"{counts[it]} {it}" for it in _BECAME if counts[it]))
        print("| " + " | ".join(cells) + " |", flush=True)


def build_files(page: str, language: str, size: int) -> Iterator[list[str]]:
    """The titles of some files of so many rows; they differ by the title they begin with."""
    known = _TITLES[language].split("|")
    if page == "cp1258":
        known = list(map(_part_tones, known))
    known = [title if _fits(title, page) else title.translate(_TYPED) for title in known]
    for start in range(_FILES):
        yield [known[(start + number) % len(known)] for number in range(size)]


def judge(page: str, titles: Sequence[str]) -> str:
    """What becomes of a file with these titles in this code page."""
    rows = [f"{number};{title};9.90" for number, title in enumerate(titles, start=1)]
    data = "\r\n".join(["id;title;price", *rows]).encode(page)
    try:
        catalog = read_catalog(data, "export.csv")
    except CatalogError:
        return "refused"
    is_right = [product.title for product in catalog.products] == titles
    if catalog.suspected_encoding:
        return "right guess" if is_right else "wrong guess"
    return "read" if is_right else "read wrongly"


def _fits(title: str, page: str) -> bool:
    try:
        title.encode(page)
    except UnicodeEncodeError:
        return False
    return True


def _part_tones(title: str) -> str:
    """Vietnamese as Windows writes it: the tone follows its letter."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    parts = unicodedata.normalize("NFD", title)
    letters: list[str] = []
    for character in parts:
        if unicodedata.combining(character) and character not in tones:
            letters[-1] = unicodedata.normalize("NFC", letters[-1] + character)
        else:
            letters.append(character)
    return "".join(letters)


if __name__ == "__main__":
    main((2, 20) if "--quick" in sys.argv else (2, 20, 2000))
