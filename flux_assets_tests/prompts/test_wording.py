import pytest

from flux_assets.prompts.quotation_marks import unquoted
from flux_assets.prompts.sentences import first_sentence


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("Approx. 30 cm tall vase with a narrow neck.", "Hand blown."),
        ("Ca. 40 cm breit.", "Aus Holz."),
        ("Passt zu „Retro“-Taschen.", "Ca. 40 cm breit."),
        ("Dr. Bauer entwarf diesen Teller 1962.", "Er hängt an der Wand."),
        ("Holds max. 2 kg, e.g. herbs!", "Glazed inside."),
        ("Details: see below.", "585 gold ring with a small stone."),
        ("Vase No. 5 of oak.", "Oiled."),
        ("Modell Nr. 12 aus Holz.", "Geölt."),
        ("Für Kräuter, z. B. Basilikum, geeignet.", "Innen glasiert."),
        ("Für Kräuter, z.B. Basilikum.", "Innen glasiert."),
        ("Der 2. Stuhl der Serie.", "Aus Buche."),
        ("2. Wahl mit Fehlern.", "Geprüft."),
        ("A set of 2.", "Hand made."),
        ("Weighs 2.5 kg and is 1.60 m tall.", "Oiled."),
        ("Soft... and warm.", "Of wool."),
        ("Soft wool…", "Warm too."),
        ("Is it warm?", "It is."),
        ("He said “soft.”", "She agreed."),
        ("Haut. 40 cm, env. 2 kg.", "En chêne."),
        ("Wys. ok. 30 cm.", "Drewno."),
        ("Высота ок. 30 см.", "Дуб."),
        ("Yakl. 30 cm'dir.", "Ahşap."),
        ("Made by J. Smith in Leeds.", "Signed."),
        ("Holz, inkl. Deckel.", "Spülmaschinenfest."),
        ("Ceramic (approx. 8 in.) bowl.", "Glazed."),
    ],
)
def test_a_first_sentence_is_one(first: str, rest: str) -> None:
    assert first_sentence(f"{first} {rest}") == first
    assert first_sentence(f" {first}") == first


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("青花瓷茶杯。手工制作。", "青花瓷茶杯。"),
        ("高さは２．５センチ。手作り。", "高さは２．５センチ。"),
        ("「手作り。」です。", "「手作り。」"),
        ("すごい！本当に？", "すごい！"),
        ("यह एक कप है। लाल।", "यह एक कप है।"),
        ("No end at all", "No end at all"),
        ("", ""),
        ("One. ", "One."),
    ],
)
def test_a_sentence_ends_in_any_script(text: str, first: str) -> None:
    assert first_sentence(text) == first


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("15.6″ Laptop Sleeve “Aurora”", "15.6″ Laptop Sleeve Aurora"),
        ('15.6" Laptop Sleeve "Aurora"', "15.6″ Laptop Sleeve Aurora"),
        ("15.6” Sleeve", "15.6″ Sleeve"),
        ("15.6'' Sleeve", "15.6″ Sleeve"),
        ('3½" Nails', "3½″ Nails"),
        ("6'2\" Board", "6′2″ Board"),
        ('"No. 5" vase, 12" tall', "No. 5 vase, 12″ tall"),
        ('The "15.6" Sleeve"', "The 15.6″ Sleeve"),
        ("„Nr. 5“ Vase", "Nr. 5 Vase"),
        ("Passt zu „Retro“-Taschen", "Passt zu Retro-Taschen"),
        ("Pot «Terra»", "Pot Terra"),
        ("Pot « Terra » rond", "Pot Terra rond"),
        ("Topf »Terra« und ›Mini‹", "Topf Terra und Mini"),
        ("茶杯「青花」", "茶杯青花"),
        ("『青花』茶杯", "青花茶杯"),
        ("The 'Aurora' lamp", "The Aurora lamp"),
        ("The ‘Aurora’ lamp", "The Aurora lamp"),
        ("Die ‚Aurora‘ Lampe", "Die Aurora Lampe"),
        ("Women's Tee, d'été, l’été", "Women's Tee, d'été, l’été"),
        ("'Tis the Season Candle", "'Tis the Season Candle"),
        ("Ladies' Gloves", "Ladies' Gloves"),
        ("Nothing here", "Nothing here"),
        ("", ""),
    ],
)
def test_no_quotation_mark_is_left_and_every_measure_and_apostrophe_is(
    text: str, plain: str
) -> None:
    assert unquoted(text) == plain
    assert unquoted(plain) == plain
