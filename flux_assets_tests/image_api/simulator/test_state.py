from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import requests

from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.server import RunningSimulator, running_simulator
from flux_assets_tests.fixtures.simulators import (
    FakeTime,
    StartSimulator,
    get_result,
    post_call,
)


def _url(reply: requests.Response) -> str:
    url: str = reply.json()["aiRecord"]["temporaryUrl"]
    return url


def _download(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


# --- Signed URLs -----------------------------------------------------------------------------


def test_a_url_expires_and_the_result_gives_a_fresh_one(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, url_lifetime_seconds=600)
    reply = post_call(simulator, "a mug")
    fake.now += 599
    assert _download(_url(reply)).status_code == 200
    fake.now += 1
    expired = _download(_url(reply))
    assert expired.status_code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in expired.text
    fresh = _url(get_result(simulator, reply.json()["aiRecord"]["uuid"]))
    assert _download(fresh).status_code == 200


def test_a_url_that_was_tampered_with_is_forbidden(simulator: RunningSimulator) -> None:
    url = _url(post_call(simulator, "a mug"))
    other = _url(post_call(simulator, "a mug"))
    expires = "X-Amz-Expires=604800"
    forged = [
        url.partition("?")[0],
        url[:-1] + ("1" if url[-1] == "0" else "0"),
        url[:-1] + "%C3%A9",
        url.replace(expires, "X-Amz-Expires=999999"),
        url.replace(urlsplit(url).path, urlsplit(other).path),
    ]
    assert expires in url
    assert [_download(each).status_code for each in forged] == [403] * 5


def test_a_picture_that_is_gone_is_404(simulator: RunningSimulator, tmp_path: Path) -> None:
    url = _url(post_call(simulator, "a mug"))
    for pointer in (tmp_path / "simulator" / "objects").iterdir():
        pointer.unlink()
    assert _download(url).status_code == 404


def test_an_earlier_simulators_pictures_are_served_by_a_later_one(
    tmp_path: Path, start_simulator: StartSimulator
) -> None:
    with running_simulator(
        tmp_path / "simulator", options=SimulatorOptions(megapixels=0.01)
    ) as earlier:
        reply = post_call(earlier, "a mug")
        data = _download(_url(reply)).content
    later = start_simulator()
    old = urlsplit(_url(reply))
    assert _download(f"{later.base_url}{old.path}?{old.query}").content == data
    fresh = _url(get_result(later, reply.json()["aiRecord"]["uuid"]))
    assert fresh.startswith(later.base_url)
    assert _download(fresh).content == data


# --- What is paid ----------------------------------------------------------------------------


def test_the_bill_tells_what_was_paid(simulator: RunningSimulator) -> None:
    reply = post_call(simulator, "a mug", seed=5, aspect_ratio="3:2")
    (line,) = simulator.state.read_bill()
    assert line.uuid == reply.json()["aiRecord"]["uuid"]
    assert (line.prompt, line.seed, line.aspect_ratio) == ("a mug", 5, "3:2")
    assert (line.outcome, line.reply_lost) == ("SUCCESS", False)


def test_simulators_that_share_a_state_write_one_whole_bill(
    start_simulator: StartSimulator,
) -> None:
    simulators = [start_simulator() for _ in range(2)]
    with ThreadPoolExecutor(16) as pool:
        replies = pool.map(lambda n: post_call(simulators[n % 2], f"mug {n}"), range(60))
        uuids = {reply.json()["aiRecord"]["uuid"] for reply in replies}
    bill = simulators[0].state.read_bill()
    assert {line.uuid for line in bill} == uuids
    assert sorted(line.prompt for line in bill) == sorted(f"mug {n}" for n in range(60))
    used = post_call(simulators[1], "one more").json()["aiRecord"]["teamUser"]["usedCredit"]
    assert used == 60 * 4800


def test_credits_run_out_after_so_many_pictures(start_simulator: StartSimulator) -> None:
    faults = {"out_of_credits_after": 2}
    statuses = [post_call(start_simulator(faults=faults), "a mug").status_code for _ in range(3)]
    assert statuses == [200, 200, 406]
    simulator = start_simulator(faults=faults, out_of_credits_form="error_object")
    record = post_call(simulator, "a mug").json()["aiRecord"]
    assert record["aiRecordDetail"]["resultObject"]["code"] == "INSUFFICIENT_CREDITS"
    assert record["temporaryUrl"] == ""
    assert len(simulator.state.read_bill()) == 2


def test_open_calls_cannot_spend_the_last_credit_together(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"out_of_credits_after": 3})
    with ThreadPoolExecutor(8) as pool:
        statuses = pool.map(lambda n: post_call(simulator, f"mug {n}").status_code, range(8))
    assert Counter(statuses) == {200: 3, 406: 5}
    assert len(simulator.state.read_bill()) == 3


def test_a_deleted_key_stops_polls_too(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"key_deleted_after": 1})
    uuid = post_call(simulator, "a mug").json()["aiRecord"]["uuid"]
    for reply in (post_call(simulator, "a mug"), get_result(simulator, uuid)):
        assert (reply.status_code, reply.json()["message"]) == (401, "API Key has been deleted")
