from itertools import product

from flux_assets.catalog.html_text import plain_lines

PIECES = ("<br>", "</br>", "<pre>", "\n  ", "Oak <", "&nbsp;", "&NBSP;")


def test_plain_tags_read_as_a_parser_reads_them() -> None:
    for pieces in product(PIECES, repeat=4):
        markup = "".join(pieces)
        needs_a_parser = f"{markup}<custom></custom>"
        assert plain_lines(f"{markup}<i></i>") == plain_lines(needs_a_parser), markup
