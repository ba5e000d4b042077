"""Everything that somebody else's page, machine or proxy could send."""

import json

import pytest

from flux_assets.publishing.decisions import read_decisions
from flux_assets.web.access import Access
from flux_assets_tests.fixtures.review import HOST, PROXY_HOST, SECRET, Page, ReviewShop, ask

EMAIL = "X-Forwarded-Email"


def decision(page: Page) -> dict[str, object]:
    row = page.rows()[0]
    item = {"fingerprint": row[2], "sha256": row[3], "revision": 0, "verdict": "rejected"}
    return {"decisions": [item]}


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:8787"],
        ["127.0.0.1"],
        ["127.0.0.1:8788"],
        [""],
        [],
        [HOST, HOST],
        [HOST, "evil.example"],
        ["127.0.0.1:8787.evil.example"],
    ],
)
def test_another_host_is_refused_so_that_no_name_can_be_rebound(
    page: Page, hosts: list[str]
) -> None:
    for path in ("/", page.folder + "head.js", "/thumb/" + "0" * 64):
        reply = ask(page.app, "GET", path, [("Host", host) for host in hosts])
        assert reply.status == 400
        assert page.token not in reply.body.decode()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Origin": "https://evil.example", "Sec_Fetch_Site": None}, 403),
        ({"Origin": "null", "Sec_Fetch_Site": None}, 403),
        ({"Origin": None, "Sec_Fetch_Site": None}, 403),
        ({"Origin": "http://localhost:9999", "Sec_Fetch_Site": None}, 403),
        ({"Origin": None, "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"X_Flux_Assets_Token": None}, 403),
        ({"X_Flux_Assets_Token": "x" * 43}, 403),
        ({"X_Flux_Assets_Token": ""}, 403),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=application/json"}, 415),
        ({"Content_Type": None}, 415),
    ],
)
def test_what_the_page_itself_did_not_send_changes_nothing(
    shop: ReviewShop, page: Page, changes: dict[str, str | None], status: int
) -> None:
    body = json.dumps(decision(page)).encode()
    for path in ("/api/decisions", "/api/publish", "/api/rollback", "/api/undo", "/api/rerolls"):
        reply = ask(page.app, "POST", path, page.headers(**changes), body)
        assert reply.status == status
        assert set(reply.json) == {"error"}
    assert [*read_decisions(shop.store)] == []


def test_each_sign_of_the_same_origin_is_enough(page: Page) -> None:
    body = json.dumps({"decisions": []}).encode()
    for missing in ({"Origin": None}, {"Sec_Fetch_Site": None}):
        reply = ask(page.app, "POST", "/api/decisions", page.headers(**missing), body)
        assert reply.status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_data_that_are_scripts_are_loaded_by_no_other_site(page: Page, site: str) -> None:
    row = page.rows()[0]
    for path in (page.folder + "head.js", page.folder + "rows/0.js", row[6], "/sheet.js"):
        assert page.get(path, ("Sec-Fetch-Site", site)).status == 403
    linked = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"))
    assert page.get("/", *linked).status == 200
    assert page.get(page.folder + "head.js", *linked).status == 403
    assert page.get("/", ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "no-cors")).status == 403


def test_where_the_data_are_cannot_be_guessed_and_is_another_each_time(shop: ReviewShop) -> None:
    first, second = shop.open(), shop.open()
    assert first.folder != second.folder
    assert len(first.folder) > 25
    assert first.token != second.token
    assert second.get(first.folder + "head.js").status == 410


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
def test_no_other_method_is_answered(page: Page, method: str) -> None:
    assert ask(page.app, method, "/", page.headers()).status == 405


def test_every_answer_forbids_scripts_frames_and_guessing_of_others(page: Page) -> None:
    paths = ("/", page.folder + "head.js", page.rows()[0][6], "/healthz", "/nothing", "/sheet.js")
    for path in paths:
        headers = page.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
    assert ask(page.app, "GET", "/", [("Host", "x")]).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Flux-Assets-Proxy", SECRET)],
        [(EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", "s" * 31), (EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", SECRET + "s"), (EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", SECRET.upper()), (EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", "s\u00fc"), (EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", SECRET)] * 2 + [(EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "  ")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "ada@example.com"), (EMAIL, "eve@example.com")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "ada@example.com"), (EMAIL, "ada@example.com")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "ada@example.com, eve@example.com")],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "a" * 201)],
        [("X-Flux-Assets-Proxy", SECRET), (EMAIL, "ada\x1b[2J")],
        [("X-Flux-Assets-Proxy", SECRET), ("X-Forwarded-User", "ada@example.com")],
    ],
)
def test_behind_a_proxy_nobody_is_anonymous_not_even_to_read(
    shop: ReviewShop, headers: list[tuple[str, str]]
) -> None:
    app = shop.open_behind().app
    for method, path in (("GET", "/"), ("GET", "/sheet.js"), ("POST", "/api/decisions")):
        reply = ask(app, method, path, [("Host", PROXY_HOST), *headers], b"{}")
        assert reply.status == 401
        assert SECRET not in reply.body.decode()
    assert ask(app, "GET", "/healthz", []).status == 200


def test_behind_a_proxy_decisions_are_of_the_person_that_it_names(shop: ReviewShop) -> None:
    page = shop.open_behind((EMAIL, "eve@example.com")).open()
    assert page.data("head.js")[0]["user"] == {"name": "eve@example.com", "role": "reviewer"}
    assert page.post("/api/decisions", decision(page)).status == 200
    [made] = read_decisions(shop.store)
    assert made.by == "eve@example.com"


@pytest.mark.parametrize("name", ["José", "Łukasz Żak", "田中", "Ольга", "ada@example.com"])
def test_names_come_in_the_letters_of_their_owners(shop: ReviewShop, name: str) -> None:
    sent = name.encode("utf-8").decode("latin-1")
    page = shop.open_behind((EMAIL, sent), reviewers=frozenset({name.upper()})).open()
    assert page.data("head.js")[0]["user"] == {"name": name, "role": "reviewer"}


def test_a_name_in_no_utf_8_is_none(shop: ReviewShop) -> None:
    assert shop.open_behind((EMAIL, "Jos\u00e9")).get("/").status == 401


@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.2", "127.0.0.2:8787"), ("::1", "[::1]:8787"), ("0:0::1", "[::1]:8787")],
)
def test_the_address_that_it_listens_at_is_a_name_of_its_own(address: str, host: str) -> None:
    access = Access.of_this_machine(8787, "ada", address)
    assert host in access.hosts
    assert "127.0.0.1:8787" in access.hosts
    assert "127.0.0.3:8787" not in access.hosts


@pytest.mark.parametrize(
    ("role", "more", "proxy"),
    [
        ("reviewer", (), {}),
        ("viewer", (), {"reviewers": frozenset({"bob@example.com"})}),
        ("reviewer", (), {"reviewers": frozenset({"eve@example.com"})}),
        ("viewer", (), {"role_header": "X-Groups"}),
        ("viewer", (("X-Groups", "staff,viewer"),), {"role_header": "X-Groups"}),
        ("viewer", (("X-Groups", "reviewers"),), {"role_header": "X-Groups"}),
        ("reviewer", (("X-Groups", "staff, reviewer"),), {"role_header": "X-Groups"}),
        (
            "reviewer",
            (("X-Groups", "staff,content"),),
            {"role_header": "X-Groups", "reviewers": frozenset({"content"})},
        ),
        (
            "viewer",
            (("X-Groups", "staff,reviewer"),),
            {"role_header": "X-Groups", "reviewers": frozenset({"content"})},
        ),
        ("viewer", (("X-Groups", "reviewer"),), {"reviewers": frozenset({"reviewer"})}),
    ],
)
def test_who_is_no_reviewer_looks_and_decides_nothing(
    shop: ReviewShop, role: str, more: tuple[tuple[str, str], ...], proxy: dict[str, object]
) -> None:
    page = shop.open_behind((EMAIL, "eve@example.com"), *more, **proxy).open()
    assert page.data("head.js")[0]["user"]["role"] == role
    reply = page.post("/api/decisions", decision(page))
    assert reply.status == (200 if role == "reviewer" else 403)
    assert len([*read_decisions(shop.store)]) == (1 if role == "reviewer" else 0)
