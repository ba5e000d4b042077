"""Cells that say nothing: one idea of it for every field, dialect and language."""

import re
from functools import lru_cache

from flux_assets.catalog.characters import without_invisible

_LONGEST = 40
_SHORT = 8

# As spreadsheets write an error or a missing value, by the language that they are set to.
_SPREADSHEET = """
#n/a #na #ref! #value! #name? #div/0! #null! #num! #spill! #calc! #getting_data #field! #blocked!
#connect! #busy! #unknown! #error! #error
#nv #wert! #bezug! #zahl! #überlauf! #kalk!
#valeur! #nom? #nombre! #nul! #champ!
#¡valor! #valor! #¡ref! #¿nombre? #¡num! #¡div/0! #¡nulo! #¡desbordamiento!
#valore! #nome? #rif! #n/d #n/d! #nullo!
#waarde! #verw! #naam? #getal! #n/b #deel/0! #leeg!
#arg! #adr! #liczba! #nazwa? #dziel/0! #zero!
#värdefel! #referens! #saknas! #ogiltigt! #namn? #division/0! #skärning!
#værdi! #reference! #i/t #navn? #nul!
#verdi! #arvo! #viittaus! #puuttuu! #luku! #nimi? #jako/0! #tyhjä!
#hodnota! #odkaz! #číslo! #název? #není_k_dispozici #dělení_nulou!
#érték! #hiv! #hiányzik #név? #szám! #zéróosztó!
#değer! #başv! #yok #ad? #sayi! #sayı! #sayi/0! #sayı/0!
#знач! #ссылка! #н/д #имя? #число! #дел/0! #пусто!
"""

# What people and programs write where they have nothing to say, one meaning a line.
_WORDS = """
n/a | n\\a | n.a. | n.a | n. a. | n. a | n / a | n-a | n/d | n.d. | s/d | s.d. | n.v.t. | nvt | n/b
n/v | n.v. | k.a. | k. a. | k.a | k/a | b.d. | b/d | i/t | n/a/n | н/д
none | null | nil | nan | <na> | undefined | nothing | none given | no data | no value
none specified | none selected | not selected | nothing selected | xx | xxx | xxxx
not specified | unspecified | not given | not provided | not set | not available | not defined
not applicable | does not apply | no information | not known | unknown | not stated | not entered
default | default title | default value | default category | standardwert | please select
select an option | choose an option | no selection | no_selection | -- select --
see product page | see description | see picture | see image | see photo | see title | see above
as shown | as pictured | as per image | as described | as in picture
no image | no images | no image available | image not available | image coming soon | no photo
no photo available | photo coming soon | no picture | noimage | missing | missing image
tbd | tba | tbc | t.b.d. | t.b.a. | t.b.c. | to be defined | to be determined | to be announced
to be confirmed | to do | todo | placeholder
uncategorized | uncategorised | unbranded | no brand | no color | no colour | no material | no title
untitled | unnamed | unnamed product | ohne titel | unbenannt | sans titre | sin título | sin titulo
senza titolo | zonder titel | bez tytułu | sem título | utan titel | uten tittel | uden titel
bez názvu | fără titlu | cím nélkül | без названия | başlıksız | 無題 | 无标题 | 제목 없음
no description | untitled product | auto draft
keine angabe | keine angaben | ohne angabe | ohne | nicht angegeben | nicht verfügbar | unbekannt
nicht zutreffend | nicht vorhanden | nicht definiert | keine | keiner | kein | leer | entfällt
siehe beschreibung | siehe bild | siehe foto | siehe abbildung | siehe produktseite | wie abgebildet
kein bild | kein bild vorhanden | kein bild verfügbar | kein foto | pas d'image | aucune image
pas de photo | sin imagen | sin foto | sin fotos | nessuna immagine | nessuna foto | senza immagine
geen afbeelding | geen foto | brak zdjęcia | brak zdjęć | brak obrazka | sem imagem | sem foto
ingen bild | intet billede | ikke noget billede | ingen billede | ei kuvaa | bez obrázku | bez fotky
fără imagine | nincs kép | нет фото | нет изображения | без фото | resim yok | görsel yok | 画像なし
暂无图片 | 無圖片 | 이미지 없음
standardtitel | unkategorisiert | ohne marke | ohne farbe | markenlos | bitte wählen
aucun | aucune | non spécifié | non spécifiée
non précisé | non renseigné | non renseignée | inconnu
inconnue | non disponible | non applicable | sans objet | non défini | par défaut | titre par défaut
voir description | voir photo | voir la page du produit
non classé | sans marque | néant | à définir
ninguno | ninguna | no especificado | no especificada | sin especificar | desconocido | desconocida
no disponible | no aplica | no aplicable | no definido | sin definir | predeterminado | por defecto
título predeterminado | ver descripción | ver foto | sin categoría | sin categorizar | sin marca
sin datos | sin información | sin color
nessuno | nessuna | non specificato | non specificata | sconosciuto | sconosciuta | non applicabile
non disponibile | non definito | non indicato | predefinito | titolo predefinito | vedi descrizione
vedi foto | senza categoria | senza marca | senza marchio | da definire
geen kleur | geen materiaal | geen merk | keine auswahl | auswählen | kein material
sin material | nessun colore | nessun materiale | sans couleur | sans matière | sem cor
sem material
geen | niet gespecificeerd | niet opgegeven | onbekend | niet van toepassing | niet beschikbaar
standaardtitel | zie beschrijving | zie foto | ongecategoriseerd | merkloos | niet bekend
niet ingevuld | geen opgave
brak | brak danych | nie określono | nieokreślony | nie podano | nieznany | nieznane | nie dotyczy
niedostępne | domyślny | domyślna | domyślne | domyślny tytuł | zobacz opis | bez kategorii
bez marki | nie dotyczny
nenhum | nenhuma | não especificado | não especificada | não informado | desconhecido | desconhecida
não aplicável | não se aplica | não disponível
não definido | padrão | título padrão | predefinição
ver descrição | sem categoria | sem marca | a definir
ingen | inget | ej angivet | ej angiven | ospecificerad | okänd | okänt | ej tillämpligt
ej tillgänglig | saknas | standardtitel | se beskrivning | se bild | okategoriserad
okategoriserade | ej specificerat | uppgift saknas
intet | ikke angivet | ikke specificeret | uspecificeret | ukendt | ikke relevant
ikke tilgængelig | se beskrivelse | se billede | ukategoriseret | mangler
ikke oppgitt | ikke spesifisert | uspesifisert
ukjent | ikke aktuelt | ikke tilgjengelig | se bilde
ukategorisert | ikke angitt
ei mitään | ei määritelty | ei määritetty | ei ilmoitettu | tuntematon | ei saatavilla | oletus
ei sovellettavissa | katso kuvaus | luokittelematon | puuttuu | ei tietoa
žádný | žádná | žádné | neuvedeno | nespecifikováno | neznámý | neznámá | neznámé | není k dispozici
nevztahuje se | výchozí | výchozí název | viz popis | nezařazené | bez kategorie | není uvedeno
niciunul | niciuna | nespecificat | nespecificată | necunoscut | necunoscută | nu se aplică
nu este cazul | indisponibil | implicit | titlu implicit | vezi descrierea | fără categorie
semmi | nincs | nincs megadva | nem meghatározott | ismeretlen | nem alkalmazható | nem elérhető
alapértelmezett | lásd a leírást | egyéb kategória | nincs adat
yok | hiçbiri | belirtilmemiş | belirtilmedi | bilinmiyor | bilinmeyen | uygulanamaz | mevcut değil
varsayılan | varsayılan başlık | açıklamaya bakın | kategorisiz | markasız | geçerli değil
нет | не указано | не указан | не указана | неизвестно | неизвестный | не применимо | не задано
нет данных | недоступно | по умолчанию | см. описание | без категории | без бренда | отсутствует
не определено | немає | не вказано | невідомо
なし | 無し | 未設定 | 未指定 | 未定 | 不明 | 指定なし | 該当なし | 該当無し
デフォルト | 商品ページ参照
未分類 | データなし
无 | 無 | 未知 | 未指定 | 未设置 | 不适用 | 不適用 | 暂无 | 默认
默认标题 | 預設 | 見商品描述 | 见描述
未分类 | 无品牌
없음 | 미지정 | 알 수 없음 | 해당 없음 | 해당없음 | 기본값 | 상품 페이지 참조 | 미분류 | 정보 없음
χωρίς | άγνωστο | δεν καθορίζεται | neurčené | neznáme | žiadny | без | неизвестен | няма
غير محدد | غير معروف | لا يوجد | لا شيء | ไม่ระบุ | ไม่มี | không | không có | không xác định
tidak ada | tidak diketahui | לא ידוע | ללא
"""

# Words that are an answer in one field, such as a number or a yes, and say nothing in others.
_NO_VALUE = frozenset(["0", "0.0", "0,0", "0.00", "0,00", "no", "false", "na", "nd"])

_AROUND = "()[]{}<>\"'*=_\u2013\u2014- "
_IN_BRACKETS = frozenset(["(blank)", "(leer)"])
_HYPHENS = re.compile(r"(?<=\w)[-_](?=\w)")


def _normalise(text: str) -> str:
    return " ".join(text.casefold().split())


_NOTHING = frozenset(
    _normalise(word)
    for word in (*_SPREADSHEET.split(), *_WORDS.replace("\n", "|").split("|"))
    if word.strip()
)


# Most texts are told from all of these by their first and last letter.
_ENDS = frozenset(word[0] + word[-1] for word in _NOTHING)


def says_nothing(text: str) -> bool:
    """Whether a cell has no content: blank, signs only, or a word for nothing in some language."""
    if not text:
        return True
    first, last = text[0], text[-1]
    if len(text) > _LONGEST:
        return not (first.isalnum() or any(map(str.isalnum, text)))
    if first.isalnum() and last.isalnum() and (first + last).casefold() not in _ENDS:
        return False
    return _is_nothing(text)


def says_no_value(text: str) -> bool:
    """Whether it says nothing where a number or a yes and no would be none either."""
    return says_nothing(text) or (len(text) < _SHORT and text.strip().casefold() in _NO_VALUE)


@lru_cache(maxsize=8_192)
def _is_nothing(text: str) -> bool:
    words = _normalise(without_invisible(text))
    if words in _NOTHING or words in _IN_BRACKETS:
        return True
    bare = words.strip(_AROUND)
    if "-" in bare or "_" in bare:
        bare = _HYPHENS.sub(" ", bare)
    return bare.rstrip(".!") in _NOTHING or bare in _NOTHING or not any(map(str.isalnum, text))
