"""What the page changes: decisions above all, which are never lost and never overwritten."""

import asyncio
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message

from flux_assets.errors import StoreError
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide, read_decisions
from flux_assets.storage.object_store import ledger_key
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.masters import draw_product, store_masters
from flux_assets_tests.fixtures.review import Page, ReviewShop, ask


def item(row: list[Any], verdict: str = "rejected", **more: object) -> dict[str, Any]:
    return {
        "fingerprint": row[2],
        "sha256": row[3],
        "revision": row[9],
        "verdict": verdict,
        **more,
    }


def send(page: Page, *items: dict[str, Any]) -> list[dict[str, Any]]:
    reply = page.post("/api/decisions", {"decisions": items})
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.json["items"]
    return found


def test_a_batch_is_decided_with_reasons_notes_and_who_it_was(shop: ReviewShop, page: Page) -> None:
    first, second, *_ = page.rows()
    answers = send(
        page,
        item(first, reasons=["artefact"], note="two backs", shows_person=False),
        item(second, "approved"),
    )
    assert [(it["status"], it["revision"]) for it in answers] == [("applied", 1)] * 2
    found = read_decisions(shop.store)
    made = found.find(first[2])
    assert made is not None
    assert (made.verdict, made.reasons, made.note, made.shows_person, made.by, made.via) == (
        *("rejected", ("artefact",), "two backs", False, "ada", "review"),
    )
    assert found.verdict_of(second[2], second[3]) == "approved"
    assert [row[9] for row in page.rows()] == [1, 1, 0, 0]


def test_what_was_not_seen_is_a_conflict_with_who_when_and_what(
    shop: ReviewShop, page: Page
) -> None:
    row = page.rows()[0]
    wish = Wish(fingerprint=row[2], sha256=row[3], verdict="approved", note="fine")
    decide(shop.store, [wish], by="bob", via="test")
    [answer] = send(page, item(row))
    assert (answer["status"], answer["revision"]) == ("conflict", 1)
    other = answer["other"]
    assert (other["verdict"], other["by"], other["note"]) == ("approved", "bob", "fine")
    assert other["at"]
    assert read_decisions(shop.store).verdict_of(row[2], row[3]) == "approved"


def test_the_same_sent_again_is_applied_once(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[0]
    assert send(page, item(row)) == send(page, item(row))
    made = read_decisions(shop.store).find(row[2])
    assert made is not None
    assert (made.revision, made.history) == (1, ())
    [answer] = send(page, item(row, note="and more"))
    assert answer["status"] == "conflict"


def test_another_picture_than_there_is_is_unknown_and_the_rest_is_decided(page: Page) -> None:
    first, second, *_ = page.rows()
    answers = send(
        page,
        item(first) | {"sha256": "0" * 64},
        item(second),
        item(second) | {"fingerprint": "1" * 64},
    )
    assert [it["status"] for it in answers] == ["unknown", "applied", "unknown"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"verdict": "perhaps"}, 400),
        ({"verdict": None}, 400),
        ({"fingerprint": "../../x"}, 400),
        ({"fingerprint": f"{'0' * 64}\n"}, 400),
        ({"sha256": 1}, 400),
        ({"revision": -1}, 400),
        ({"revision": "0"}, 400),
        ({"revision": True}, 400),
        ({"reasons": "artefact"}, 400),
        ({"reasons": ["x"] * 21}, 400),
        ({"reasons": ["x" * 2001]}, 400),
        ({"note": "x" * 2001}, 400),
        ({"note": "\ud800"}, 400),
        ({"shows_person": "yes"}, 400),
        ({"by": "bob"}, 400),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_told_and_nothing_of_the_batch_is(
    shop: ReviewShop, page: Page, change: dict[str, object], status: int
) -> None:
    first, second, *_ = page.rows()
    items = [item(first), item(second) | change]
    reply = page.post("/api/decisions", {"decisions": items})
    assert reply.status == status
    assert "decisions.1." in reply.json["error"]
    assert [*read_decisions(shop.store)] == []


def test_one_picture_twice_in_a_batch_is_told(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[0]
    reply = page.post("/api/decisions", {"decisions": [item(row), item(row, "approved")]})
    assert (reply.status, reply.json["error"]) == (409, "a batch decides each picture once")
    assert [*read_decisions(shop.store)] == []


@pytest.mark.parametrize("count", [500, 501])
def test_a_batch_is_of_500_at_most(page: Page, count: int) -> None:
    items = [item(["", "", f"{it:064x}", "0" * 64, *[0] * 6]) for it in range(count)]
    assert page.post("/api/decisions", {"decisions": items}).status == (400 if count > 500 else 200)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"decisions": {}}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"decisions": [' + b" " * 2_000_000 + b"]}", 413),
    ],
)
def test_what_is_no_request_is_told_in_a_sentence(page: Page, body: bytes, status: int) -> None:
    reply = ask(page.app, "POST", "/api/decisions", page.headers(), body)
    assert reply.status == status
    assert reply.json["error"]


def test_an_earlier_picture_can_be_decided_too(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[0]
    store_masters(shop.store, {("001", "hero"): draw_product("gray")}, take=1)
    later = page.open().rows()[0]
    assert later[2] != row[2]
    assert send(page, item(row))[0]["status"] == "unknown"  # neither manifest nor ledger knows it
    assert send(page, item(later))[0]["status"] == "applied"


def test_a_ledger_entry_that_cannot_be_read_is_told_and_not_taken_for_none(
    shop: ReviewShop, page: Page
) -> None:
    row = page.rows()[0]
    store_masters(shop.store, {("001", "hero"): draw_product("gray")}, take=1)
    shop.store.put(ledger_key(row[2]), b"{", content_type="application/json")
    reply = shop.open().post("/api/decisions", {"decisions": [item(row)]})
    assert (reply.status, row[2] in reply.json["error"]) == (503, True)


def reroll(row: list[Any], **how: object) -> dict[str, Any]:
    return {"items": [{"fingerprint": row[2], "words": None, "seed": None, "takes": None, **how}]}


def test_without_leave_nothing_is_asked_for(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[0]
    assert page.data("head.js")[0]["rerolls"] is False
    reply = page.post("/api/rerolls", reroll(row, takes=1))
    assert reply.status == 403
    assert "--allow-rerolls" in reply.json["error"]
    assert page.post("/api/pins", {"fingerprint": row[2]}).status == 403
    assert not (shop.shop.folder / "overrides.csv").exists()


def test_a_wish_is_priced_first_and_then_written_for_the_next_refresh(shop: ReviewShop) -> None:
    page = shop.open(rerolls=True)
    row = page.rows()[0]
    overrides = shop.shop.folder / "overrides.csv"
    dry = page.post("/api/rerolls?dry=1", reroll(row, takes=1)).json
    assert (dry["count"], dry["cost"]) == (1, 0)
    assert "at most 500 pictures a run" in dry["caps"]
    assert not overrides.exists()
    page.post("/api/rerolls", reroll(row, takes=2))
    page.post("/api/rerolls", reroll(row, seed=7))
    words = 'A chair, "red",\nfrom above; very; odd'
    assert page.post("/api/rerolls", reroll(row, words=words)).status == 200
    header, rest = overrides.read_text("utf-8").split("\n", 1)
    assert header == "product_id,shot,take,seed,prompt,pin,skip"
    assert rest == '001,hero,3,7,"A chair, ""red"",\nfrom above; very; odd",,\n'
    assert page.post("/api/pins", {"fingerprint": row[2]}).status == 200
    assert overrides.read_text("utf-8").endswith(f'odd",{row[2][:32]},\n')


def test_a_wish_costs_what_pictures_cost_where_they_are_bought(shop: ReviewShop) -> None:
    shop.shop.environ |= {
        "FLUX_ASSETS_MODE": "live",
        "ONEMIN_API_KEY": "key-of-a-test",
        "FLUX_ASSETS_STORE": str(shop.shop.folder / "store"),
        "FLUX_ASSETS_PUBLIC_URL": "https://cdn.example.com",
    }
    page = shop.open(rerolls=True)
    assert page.data("head.js")[0]["price"] == 0.07
    assert page.post("/api/rerolls?dry=1", reroll(page.rows()[0], takes=1)).json["cost"] == 0.07
    texts = [page.get(path).body for path in ("/", f"{page.folder}head.js", "/sheet.js")]
    assert b"key-of-a-test" not in b"".join(texts)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"takes": 0},
        {"takes": 101},
        {"seed": -1},
        {"seed": 2**32},
        {"words": ""},
        {"words": "  "},
        {"words": "=cmd|' /C calc'!A0"},
        {"words": "+1"},
        {"words": "\x00"},
        {"words": "x" * 10_001},
    ],
    ids=str,
)
def test_what_is_no_wish_is_told_and_nothing_is_written(
    shop: ReviewShop, how: dict[str, object]
) -> None:
    page = shop.open(rerolls=True)
    assert page.post("/api/rerolls", reroll(page.rows()[0], **how)).status == 400
    assert not (shop.shop.folder / "overrides.csv").exists()


def test_wishes_are_written_all_or_none(shop: ReviewShop) -> None:
    page = shop.open(rerolls=True)
    first, second, *_ = page.rows()
    items = [reroll(first, takes=1)["items"][0], reroll(second, takes=1)["items"][0]]
    overrides = shop.shop.folder / "overrides.csv"
    overrides.write_text("product_id,shot,take\n001,wide,many\n")
    reply = page.post("/api/rerolls", {"items": items})
    assert reply.status == 409
    assert "line 2: take is 'many'" in reply.json["error"]
    assert overrides.read_text() == "product_id,shot,take\n001,wide,many\n"
    overrides.unlink()
    assert page.post("/api/rerolls", {"items": items}).json["count"] == 2
    assert overrides.read_text().splitlines()[1:] == ["001,hero,2,,,,", "001,wide,2,,,,"]
    assert page.post("/api/rerolls", {"items": items[:1] * 2}).status == 400


def test_channels_are_previewed_published_rolled_back_and_undone(
    shop: ReviewShop, page: Page
) -> None:
    [preview] = page.get("/api/publish/preview").json["channels"]
    assert (preview["channel"], preview["last"], preview["added_count"]) == ("google", 0, 2)
    assert [(it["product_id"], it["before"], it["why"]) for it in preview["changed"]] == [
        *(("001", None, "new"), ("002", None, "new")),
    ]
    assert page.get(preview["changed"][0]["after"]).status == 200
    [made] = page.post("/api/publish", {"channels": ["google"]}).json["channels"]
    assert (made["number"], made["is_new"], made["problem"]) == (1, True, None)

    row = page.open().rows()[0]
    send(page, item(row))
    [preview] = page.get("/api/publish/preview").json["channels"]
    assert (preview["last"], preview["withdrawn_count"], preview["is_new"]) == (1, 1, True)
    assert preview["changes_count"] == 1
    [change] = preview["changed"]
    assert (change["after"], change["why"]) == (None, "rejected")
    [edition] = preview["editions"]
    assert (edition["number"], edition["by"], edition["why"], edition["changes"]) == (
        *(1, "ada", "review", 2),
    )
    page.post("/api/publish", {"channels": ["google"]})
    [changed] = page.get("/api/editions/google/2").json["changed"]
    assert (changed["product_id"], changed["after"]) == ("001", None)
    assert len(page.get("/api/editions/google/1").json["changed"]) == 2

    page.post("/api/decisions", {"decisions": [item(page.rows()[0], "approved")]})
    page.post("/api/publish", {"channels": ["google"]})
    done = page.post(
        "/api/rollback", {"channel": "google", "edition": 2, "reason": "too dark"}
    ).json
    assert done["rejected"] == 1
    assert read_decisions(shop.store).verdict_of(row[2], row[3]) == "rejected"
    undone = page.post("/api/undo", {"batch": done["batch"]}).json
    assert undone == {"restored": 1, "conflicts": 0, "failed": 0}
    assert read_decisions(shop.store).verdict_of(row[2], row[3]) == "approved"


def test_a_rollback_whose_feeds_cannot_be_written_names_its_batch(shop: ReviewShop) -> None:
    store = HookedStore(shop.store)
    page = replace(shop, store=store).open()
    page.post("/api/publish", {"channels": ["google"]})
    send(page, item(page.rows()[0]))
    page.post("/api/publish", {"channels": ["google"]})
    send(page, item(page.open().rows()[0], "approved"))
    page.post("/api/publish", {"channels": ["google"]})

    def refuse(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("publishing/feeds/"):
            raise StoreError(key, "write", "AccessDenied")

    store.before = refuse
    reply = page.post("/api/rollback", {"channel": "google", "edition": 2, "reason": "too dark"})
    assert reply.status == 503
    [batch] = re.findall(r"channel google: .*AccessDenied.*--undo (\S+)", reply.json["error"])
    store.before = lambda *_: None
    assert page.post("/api/undo", {"batch": batch}).json == {
        "restored": 1,
        "conflicts": 0,
        "failed": 0,
    }


def test_a_product_that_only_left_the_catalog_is_news_to_publish(shop: ReviewShop) -> None:
    shop.shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "100"
    page = shop.open()
    page.post("/api/publish", {"channels": ["google"]})
    [preview] = page.get("/api/publish/preview").json["channels"]
    assert (preview["is_new"], preview["gone_count"], preview["changes_count"]) == (False, 0, 0)
    shop.shop.remove_product("002")
    [preview] = page.get("/api/publish/preview").json["channels"]
    assert (preview["is_new"], preview["gone_count"], preview["changes_count"]) == (True, 1, 1)
    assert [it["why"] for it in preview["changed"]] == ["gone"]


def test_whoever_goes_before_all_was_sent_is_no_fault(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(_: Message) -> None:
        pass

    headers = [(name.lower().encode(), it.encode()) for name, it in page.headers()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/decisions",
        "headers": headers,
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(page.app(scope, receive, send))  # type: ignore[arg-type]  # it is a coroutine
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("publish", {"channels": ["amazon"]}, 400),
        ("publish", {"channels": []}, 400),
        ("publish", {"channels": ["../x"]}, 400),
        ("rollback", {"channel": "google", "edition": 7, "reason": "x"}, 409),
        ("rollback", {"channel": "../../ledger", "edition": 1, "reason": "x"}, 400),
        ("rollback", {"channel": "google", "edition": 1, "reason": ""}, 400),
        ("undo", {"batch": "2026-11-26-0123456789ab"}, 409),
        ("undo", {"batch": "../../../x"}, 409),
    ],
)
def test_what_there_is_not_is_not_published(
    page: Page, path: str, body: dict[str, object], status: int
) -> None:
    reply = page.post(f"/api/{path}", body)
    assert reply.status == status
    assert json.loads(reply.body)["error"]


def test_an_edition_that_there_is_not_is_not_found(page: Page) -> None:
    for number in ("9", "0", "-1", "x", "9" * 5000, "\u0661"):
        assert page.get(f"/api/editions/google/{number}").status == 404
    assert page.get("/api/editions/amazon/1").status == 404
    assert page.get("/api/editions/..%2f/1").status == 404
