import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.photo_cells import first_photo

A, B = "https://cdn.example/a.jpg", "https://cdn.example/b.jpg"


@pytest.mark.parametrize(
    "sign",
    [
        *(
            " ",
            "\n",
            "\r\n",
            ", ",
            ",",
            ";",
            " ; ",
            "|",
            " | ",
            "\t",
            "\n\n",
            " / ",
            "~",
            "^",
            "*",
            "+",
        ),
        *("&", "##", "\\n", "<br>", "<br />", "\u3001", "\uff0c", "\uff1b", "\uff5c"),
    ],
)
def test_the_first_of_several_addresses_is_taken_however_they_are_parted(sign: str) -> None:
    assert first_photo(f"{A}{sign}{B}") == A
    if sign not in {"&", "+", "~", "^", "*", "##"}:  # which a query may hold or end with
        assert first_photo(f"{sign}{A}?v=17&width=900{sign}{B}") == f"{A}?v=17&width=900"


@pytest.mark.parametrize(
    "cell",
    [
        f"{A} ! alt : Red ! title : a.jpg ! desc :  ! caption :  | {B} ! alt : Blue",
        f"{A}::front|{B}::back",
        f"photo one.jpg ({A}),photo2.jpg ({B})",
        f"1: {A}\n2: {B}",
        f"main:{A}",
        f"Bild 1 {A}",
        f"{A} (main)",
        f"({A})",
        f"{A}.",
        f'a:1:{{i:0;s:25:"{A}";}}',
        f"n/a; {A}",
        f"no image|{A}",
        f"Product Image ID: 12, Product Image File: a/1/a__1.jpg, Product Image URL: {A}",
        f"Product Image File: a/1/a.jpg, Product Image URL: {A}|Product Image File: b.jpg",
        f"File: img/a.jpg; Address: {A}; File: img/b.jpg; Address: {B}",
        f"{A} \u2022 {B}",
    ],
)
def test_what_programs_write_around_an_address_is_none_of_it(cell: str) -> None:
    assert first_photo(cell) == A


@pytest.mark.parametrize(
    "cell", ["n/a", "#N/A", "-", "None", "no image", "no_selection", "Kein Bild", "sin imagen", "?"]
)
def test_a_cell_that_says_nothing_names_no_photo(cell: str) -> None:
    assert first_photo(cell) == ""


def test_a_picture_of_wix_s_own_is_known_by_its_address() -> None:
    name = "11062b_8c3a0f31d2e94c56b7a8c9d0e1f20304~mv2.jpg"
    address = f"https://static.wixstatic.com/media/{name}"
    assert first_photo(f"{name};11062b_00~mv2.png") == address
    assert first_photo(f"wix:image://v1/{name}/hat.jpg#originWidth=900") == address


@pytest.mark.parametrize("sign", [",", ", ", ";", "|", " ", "\n"])
def test_names_beside_the_catalog_may_be_a_list_too(sign: str) -> None:
    assert first_photo(f"photos/a b.jpg{sign}photos/c.PNG") == "photos/a b.jpg"
    assert first_photo(f"/w/s/ws01.jpg{sign}/w/s/ws02.jpg") == "/w/s/ws01.jpg"


@pytest.mark.parametrize(
    "address",
    [
        "a.jpg",
        "my photo.jpg",
        "chair, red.jpg",
        "/a.jpg",
        "https://x.example/a,b.jpg",
        "https://x.example/w_200,h_300,c_fit/a.jpg",
        "https://x.example/a.jpg_640x640,q90.jpg",
        "https://x.example/a.jpg?v=17&width=900",
        "https://x.example/a.jpg?crop=1,2;3|4",
        "https://x.example/show?text=red, blue and green&file=a.jpg",
        "https://x.example/photo?id=17",
        "https://x.example/Stuhl%20rot.jpg",
        "https://x.example/Chair_(red)",
        "https://x.example/Chair_(red).jpg",
        "https://x.example/a.jpg@2x.png",
        "https://x.example/a.jpg!large",
        "https://x.example/a.jpg:large",
        "https://x.example/my photo.jpg",
        "https://x.example/f?u=https://y.example/a.jpg&w=3",
        "s3://bucket/a.jpg",
        "C:/photos/a.jpg",
        r"\\server\photos\a.jpg",
    ],
)
def test_one_address_stays_as_it_is_written(address: str) -> None:
    assert first_photo(address) == address
    assert first_photo(f' "{address}" ') == address


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("", ""),
        (" , ", ""),
        ("[]", ""),
        (f"[{A}, {B}]", A),
        ("a.jpg?v=1,b.jpg?v=2", "a.jpg?v=1"),
        (f"a.jpg , , {B}", "a.jpg"),
        (f'["{A}","{B}"]', A),
        (f"['{A}', '{B}']", A),
        (f'[{{"id":1,"url":"{A}","alt":"x"}},{{"url":"{B}"}}]', A),
        (f'{{"images":[{{"position":1,"src":"{A}"}}]}}', A),
        (r'["https:\/\/cdn.example\/a.jpg"]', A),
        (f'<img class="x" src="{A}" alt="A, b">', A),
        (f"<p><img alt=x src={A}></p>", A),
        (f"&lt;img src=&quot;{A}&quot;&gt;", A),
        (f'<img src="data:image/gif;base64,R0lG" data-src="{A}">', A),
        (f'<img srcset="{A} 320w, {B} 640w">', B),
        (f"{A} 1x, {B} 2x", B),
        (f'<a href="{A}">photo</a>', A),
        (f"![a chair]({A})", A),
        (f'=HYPERLINK("{A}","photo")', A),
        (f"background-image: url('{A}')", A),
        ("//cdn.example/a.jpg", A),
        ("//cdn.example/a.jpg, //cdn.example/b.jpg", A),
        (r"https:\\cdn.example\a.jpg", A),
        (r"https:\/\/cdn.example\/a.jpg", A),
        (r"\\cdn.example\a.jpg", A),
        (r"photos\chairs\a.jpg", "photos/chairs/a.jpg"),
        ("www.cdn.example/a.jpg", "https://www.cdn.example/a.jpg"),
        (f"{A}?v=1&amp;w=2", f"{A}?v=1&w=2"),
        (f"{A}?v=1&amp;amp;w=2", f"{A}?v=1&w=2"),
        (f"{A}?a=1&copy=2", f"{A}?a=1&copy=2"),
        (f"“{A}”", A),
        (f"'{A}'", A),
        (f"\ufeff{A}\u200b", A),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png"),
        (f"data:image/png;base64,iVBORw0KGgo= , {A}", A),
    ],
)
def test_a_cell_is_read_as_people_and_programs_write_it(cell: str, address: str) -> None:
    assert first_photo(cell) == address


@pytest.mark.parametrize(
    ("link", "direct"),
    [
        (
            "https://drive.google.com/file/d/1aB-c_9/view?usp=sharing",
            "https://drive.google.com/uc?export=download&id=1aB-c_9",
        ),
        (
            "https://drive.google.com/open?id=1aB-c_9&usp=drive_fs",
            "https://drive.google.com/uc?export=download&id=1aB-c_9",
        ),
        (
            "https://drive.google.com/uc?id=1aB-c_9",
            "https://drive.google.com/uc?export=download&id=1aB-c_9",
        ),
        ("https://www.dropbox.com/s/k9/a.jpg?dl=0", "https://www.dropbox.com/s/k9/a.jpg?dl=1"),
        ("https://www.dropbox.com/s/k9/a.jpg", "https://www.dropbox.com/s/k9/a.jpg?dl=1"),
        (
            "https://www.dropbox.com/scl/fi/k9/a.jpg?rlkey=q7&dl=0",
            "https://www.dropbox.com/scl/fi/k9/a.jpg?rlkey=q7&dl=1",
        ),
        *((link, link) for link in ("https://drive.google.com/drive/folders/1aB",)),
        *((link, link) for link in ("https://www.dropbox.com/scl/fo/k9/x?dl=0",)),
        *((link, link) for link in ("https://www.dropbox.com/s/k9/a.jpg?raw=1",)),
    ],
)
def test_a_share_link_becomes_its_direct_form(link: str, direct: str) -> None:
    assert first_photo(link) == direct


@pytest.mark.parametrize("part", ["[", " ", "a", ".jpg", "src=", ", ", "{", "<img ", "1w "])
def test_no_cell_takes_long(part: str) -> None:
    first_photo(part * 100_000)


def test_a_products_photo_is_read_before_its_markup_is_taken_away() -> None:
    rows = f'sku,title,image_url\n1,Chair,"<img src=""{A}?v=1&amp;w=2"">"\n2,Stool,"{B}\n{A}"\n'
    products = read_catalog(rows.encode(), "c.csv").products
    assert [product.image_url for product in products] == [f"{A}?v=1&w=2", B]
