"""Claims of a price, a discount or novelty, in the languages of the dialects."""

import re
from functools import cache

_CLAIMS = """
sale | sales | big sale | summer sale | winter sale | final sale | flash sale | super sale | new
brand new | new arrival | new arrivals | new in | hot | hot sale | hot deal | deal | deals
best deal | top deal | offer | special offer | limited offer | limited time | limited time only
limited time offer | today only | only today | clearance | bestseller | best seller | best-seller
top seller | topseller | best price | discount | promo | promotion | special price | free shipping
free delivery | last chance | black friday | cyber monday | reduced | price drop | buy now
order now
in stock | out of stock | back in stock | sold out | pre-order | preorder | pre order
auf lager | sofort lieferbar | sofort verfügbar | nicht vorrätig | ausverkauft | vorbestellung
vorbestellbar | en stock | rupture de stock | épuisé | précommande | agotado | preventa | esaurito
op voorraad | uitverkocht | wyprzedane | na magazynie | esgotado | em estoque | slutsåld | i lager
udsolgt | utsolgt | skladem | vyprodáno | în stoc | stoc epuizat | készleten | в наличии
нет в наличии | stokta | tükendi | 在庫あり | 在庫切れ | 予約商品 | 现货 | 現貨 | 缺货 | 缺貨
품절 | 예약판매
only few left | while stocks last | now | save now | super | wow | tip | only
neu | neuheit | angebot | sonderangebot | top angebot | top-angebot | aktion | sonderpreis
aktionspreis | rabatt | reduziert | jetzt reduziert | stark reduziert | ausverkauf | schnäppchen
versandkostenfrei | gratis versand | kostenloser versand | nur heute | restposten | abverkauf
räumungsverkauf | jetzt zugreifen | jetzt kaufen | tiefpreis | jetzt | tipp | nur noch heute
soldes | solde | nouveau | nouveauté | nouveautés | offre | offre spéciale | livraison gratuite
déstockage | remise | bon plan | prix réduit | prix choc | dernière chance | en promo | vente flash
oferta | ofertas | rebajas | nuevo | novedad | descuento | envío gratis | liquidación | ofertón
super oferta | última oportunidad | promoción | en oferta
saldi | offerta | super offerta | nuovo | novità | sconto | promozione | spedizione gratuita
in offerta | ultima occasione | svendita
uitverkoop | aanbieding | nieuw | korting | actie | gratis verzending | laatste kans | op=op
promocja | wyprzedaż | nowość | okazja | rabat | zniżka | hit | darmowa dostawa | przecena
promoção | novo | novidade | desconto | frete grátis | saldos | super promoção
rea | nyhet | erbjudande | fri frakt | kampanj | udsalg | nyhed | tilbud | gratis fragt | salg
ale | alennus | uutuus | tarjous | ilmainen toimitus
výprodej | sleva | akce | novinka | doprava zdarma | reducere | reduceri | ofertă | nou | promoție
transport gratuit | akció | akciós | kiárusítás | újdonság | új | ingyenes szállítás
распродажа | скидка | скидки | акция | новинка | хит | хит продаж | бесплатная доставка
indirim | fırsat | yeni | kampanya | ücretsiz kargo | süper fırsat
セール | 新品 | 送料無料 | 新着 | 新作 | 限定 | 特価 | 大特価 | 激安 | 半額
特价 | 特價 | 促销 | 促銷 | 热卖 | 熱賣 | 包邮 | 免運 | 限时 | 限時 | 清仓 | 打折
세일 | 신상 | 신상품 | 할인 | 특가 | 무료배송
"""
_OFF = (
    "off|discount|rabatt|reduziert|günstiger|billiger|gespart|nachlass|de réduction|de remise"
    "|de descuento|dto\\.?|menos|di sconto|korting|zniżki|taniej|rabatu|de desconto|rabat|alennus"
    "|sleva|slevy|reducere|kedvezmény|indirim|скидка|скидки|オフ|割引|할인"
)
_UP_TO = "up to|bis zu|jusqu'à|hasta(?: un)?|fino al?|tot|até|upp till|op til|opptil|až|do|până la"
_SAVE = (
    "save|spare|sparen sie|du sparst|sie sparen|économisez|ahorra|ahorre|risparmia|bespaar"
    "|oszczędź|poupe|economize|spara|spar|säästä|ušetřete|economisești|spórolj"
)
_LEADS = (
    "only|for only|for just|now only|now just|just|now|was|instead of|from only|special price|nur"
    "|nur noch|jetzt nur|jetzt für|nu endast|nu slechts|ahora solo|teraz tylko|jetzt|statt|für nur"
    "|ab nur|seulement|au lieu de|à partir de|maintenant|solo|sólo|ahora|antes"
    "|desde|en lugar de|ora|ora solo|invece di|slechts|nu|nu voor|voor maar|tylko|teraz|zamiast"
    "|apenas|agora|por apenas|endast|bara|nu bara|kun|nu kun|vain|nyt|jen|pouze|nyní|doar|acum|csak"
    "|most csak|sadece|только|всего|сейчас|вместо|лише|тільки|само|samo"
)
# Words that a percentage follows in titles, and those before a price at a title's end.
_DISCOUNTS = """
sale | discount | rabatt | angebot | aktion | remise | soldes | promo | promotion | descuento
oferta | promoción | rebajas | sconto | offerta | promozione | saldi | korting | actie | rabat
zniżka | promocja | wyprzedaż | desconto | promoção | rea | kampanj | udsalg | tilbud | salg
alennus | tarjous | sleva | akce | výprodej | reducere | akció | скидка | скидки | акция
распродажа | indirim
"""
_AT_PRICE = "from|for|at|ab|für|uvp|à|dès|pour|por|da|per|vanaf|voor|od|za|от"
_CURRENCIES = (
    "€|\\$|£|¥|₽|₺|₩|₴|eur|euro|usd|us\\$|gbp|chf|zł|pln|kč|czk|huf|lei|ron|sek|dkk|nok|kr\\.?"
    "|tl|try|руб\\.?|грн\\.?|uah|лв\\.?|bgn|rsd|円|元"
)


_SIGNS = (
    *("%", "€", "$", "£", "¥", "₽", "₺", "₩", "₴", "EUR", "USD", "CHF", "zł", "Kč", " kr", "円"),
    *("Ft", "руб", "元", " lei", " TL", ",-", ".-", ":-", ",\u2013", "9kr", "0kr", "грн", " лв"),
    *("GBP", "PLN", "CZK", "HUF", "RON", "SEK", "DKK", "NOK", "RUB", "UAH", "BGN", "RSD"),
)


def _any_of(words: str) -> str:
    """The longest first, so that none ends within another; never within a longer word."""
    listed = {word.strip() for word in words.replace("\n", "|").split("|")} - {""}
    ordered = sorted(listed, key=lambda word: (-len(word), word))
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)"


# Where a script parts no words, a blank around a claim parts it from the rest.
_ASIAN_CLAIMS = "|".join(word for word in re.split(r"[|\s]+", _CLAIMS) if word > "\u3000")
_ASIAN_CLAIM = re.compile(rf"(?<!\S)(?:{_ASIAN_CLAIMS})(?!\S)")
_AMOUNT = r"\d{1,7}(?:[.,' ]\d{3}){0,3}(?:[.,](?:\d{1,2}|-))?"
_PERCENT = r"\d{1,2}(?:[.,]\d)?\s?%"
_ROUND = r"\d{1,7}(?:[.' ]\d{3}){0,3}(?:[.,][-\u2013]{1,2}(?!\w)|:-(?![\w()]))"
# `Ft` is a foot but in Hungarian, where a price ends so as lengths do not.
_FORINT = (
    rf"(?:(?<=csak\s){_AMOUNT}\s?ft"
    r"|\d{1,7}(?:[. ]\d{3}){0,3}(?:(?<=\d9[059])|[.,][-\u2013])\s?(?-i:Ft))(?!\w)"
)
_PRICE = (
    rf"(?:(?:{_CURRENCIES})\s?{_AMOUNT}(?!\w)|{_AMOUNT}\s?(?:{_CURRENCIES})(?!\w)|{_FORINT}"
    rf"|{_ROUND})"
)
_LEAD = _any_of(_LEADS)
_UNIT = (
    rf"(?:(?:(?:{_UP_TO}|{_SAVE})\s){{0,2}}[-\u2212\u2013]?\s?{_PERCENT}(?:\s?(?:{_OFF}))?"
    rf"|(?:{_LEAD}\s?)?{_PRICE}(?:\s(?:{_OFF}))?|{_any_of(_CLAIMS)})"
)
_ONLY_CLAIMS = rf"{_UNIT}(?:[\s,:;&+!-]{{1,3}}{_UNIT}){{0,4}}"
_LONGEST = 80
_FIRST_WORDS = frozenset(
    phrase.split()[0].casefold()
    for words in (_CLAIMS, _LEADS, _UP_TO, _SAVE)
    for phrase in words.replace("\n", "|").split("|")
    if phrase.strip()
)

_NUMBER = (
    rf"(?P<off>(?<![\w.,])[-\u2212\u2013]?\s?{_PERCENT}\s?(?:{_OFF})(?![\w-]))"
    rf"|(?P<minus>(?<![\w.,)])[-\u2212\u2013]\s?{_PERCENT})|(?P<percent>(?<![\w.,]){_PERCENT})"
    rf"|(?P<price>(?<![\w.,]){_PRICE}(?:\s(?:{_OFF})(?!\w))?)"
)
_SURCHARGE = rf"\s*(?:[(\[]\s*[+\u2212\u2013-]?\s?{_PRICE}\s*[)\]]|\+\s?{_PRICE})\Z"
_BEFORE_OFF = rf"(?:{_any_of(_CLAIMS)}\s)?(?:(?:{_UP_TO}|{_SAVE})\s){{0,2}}\Z"
_BEFORE_PERCENT = rf"(?<!\w)(?:{_SAVE})\s(?:(?:{_UP_TO})\s)?\Z"
_BEFORE_DISCOUNT = rf"{_any_of(_DISCOUNTS)}:?\s?\Z"
_BEFORE_MINUS = rf"{_any_of(_CLAIMS)}\s?\Z"
_BEFORE_PRICE = rf"(?:{_LEAD}|(?<!\w)(?:{_SAVE})):?\s?\Z"
_BEFORE_LAST_PRICE = rf"(?:{_any_of(_AT_PRICE)}\s)?\Z"
_CENTS = re.compile(r"[.,](?:\d{1,2}(?!\d)|[-\u2013])|:-")
# So a whole price ends; `50`, `100` and `5 000` may be what a gift card is called by.
_PRICED = re.compile(r"(?:[$€£¥₽₺₩₴]\s?)?\d[\d., ']*?(?<=\d)[., ']?(?:9|90|95)(?:\D.*)?", re.DOTALL)
# `90 Sek` are seconds, though `90 SEK` are a price.
_WORD_TOO = re.compile(
    r"(?!.*[A-Z]{2}).*(?i:gbp|chf|pln|czk|huf|ron|sek|dkk|nok|tl|try|uah|bgn|rsd)"
)
# `Phone 15 990 €` may be a fifteenth phone. In these currencies most prices have thousands.
_PARTED = re.compile(r"\d \d")
_MANY = re.compile(r"(?i:.*(?:ft|huf|kč|czk|kr|sek|nok|dkk|rsd|₽|руб|₴|грн|uah)\.?)")
_AFTER_ANOTHER = re.compile(r"\d\s?[-\u2013]\s?\Z")
_LOOK_BACK = 30
_GOES_ON = re.compile(r"\s[^\W\d_]")
_ENDS = re.compile(r"\s?(?:!|\Z)")


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Once it is needed: all of them take a tenth of a second of each start of Dagster."""
    return re.compile(pattern, re.IGNORECASE)


def is_claim(text: str) -> bool:
    """Whether a text says nothing but what sells: `SALE -50%`, `Nur heute!`, `NEW`."""
    claim = text.strip(" ,:;&+!")
    if not claim or claim.isspace() or len(claim) > _LONGEST:
        return False
    first = claim.split()[0].rstrip(",:;&+!").casefold()
    if first not in _FIRST_WORDS and not claim[0].isdigit() and claim[0].isalpha():
        return False
    return _compile(_ONLY_CLAIMS).fullmatch(claim) is not None


def without_asian_claims(text: str) -> str:
    """The text without claims in scripts that part no words: `帽子 送料無料`."""
    return _ASIAN_CLAIM.sub(" ", text)


def without_surcharge(text: str) -> str:
    """An option's value without what it costs more: `Red (+5.00 €)`, `Gold +$20`."""
    return _compile(_SURCHARGE).sub("", text)


def may_have_price(text: str) -> bool:
    """Whether it has the sign of a price or a discount; most texts have none."""
    return any(map(text.__contains__, _SIGNS))


def without_discounts(text: str, *, is_title: bool) -> str:
    """The text without discounts, and without prices that a word praises: `only $9.99`."""
    if not may_have_price(text):
        return text
    pieces = []
    place = 0
    for number in _compile(_NUMBER).finditer(text):
        before = text[max(place, number.start() - _LOOK_BACK) : number.start()]
        claim = _find_claim(number, before, text, is_title=is_title)
        if claim is not None:
            pieces.append(text[place : number.start() - len(claim)])
            place = number.end()
    return " ".join([*pieces, text[place:]]) if pieces else text


def _find_claim(number: re.Match[str], before: str, text: str, *, is_title: bool) -> str | None:
    """What of the words before a number belongs to its claim; None where it is no claim."""
    kind, end = number.lastgroup, number.end()
    if kind == "off":
        found = _compile(_BEFORE_OFF).search(before)
    elif kind == "minus":
        found = _compile(_BEFORE_MINUS).search(before)
        if found is None and (is_title or _ENDS.match(text, end)):
            return ""
    elif kind == "percent":
        found = _compile(_BEFORE_DISCOUNT).search(before) if is_title else None
        if found is None and (is_title or not _GOES_ON.match(text, end)):
            found = _compile(_BEFORE_PERCENT).search(before)
    else:
        found = _compile(_BEFORE_PRICE).search(before)
        if found is None and is_title and _is_last_price(number, text):
            found = _compile(_BEFORE_LAST_PRICE).search(before)
    return found[0] if found else None


def _is_priced(number: re.Match[str], text: str) -> bool:
    """Whether a whole number says by how it ends that it is a price: `990 Ft`, `$199`."""
    price = number["price"]
    if not _PRICED.fullmatch(price) or _WORD_TOO.fullmatch(price):
        return False
    if _PARTED.search(price) and not _MANY.fullmatch(price):
        return False
    return not _AFTER_ANOTHER.search(text[max(0, number.start() - 4) : number.start()])


def _is_last_price(number: re.Match[str], text: str) -> bool:
    """Whether a title ends with this price; `Gift card $50` is one of several, and is called so."""
    is_price = _CENTS.search(number[0]) or _is_priced(number, text)
    if not number.start() or not is_price:
        return False
    if _ENDS.match(text, number.end()):
        return True
    return len(text) - number.end() <= 2 * _LONGEST and is_claim(text[number.end() :])
