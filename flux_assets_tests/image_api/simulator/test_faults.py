import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from flux_assets.errors import SettingsError
from flux_assets.image_api.simulator.faults import FAULTS, digest_request, parse_faults, read_faults
from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.server import RunningSimulator
from flux_assets_tests.fixtures.simulators import (
    FakeTime,
    StartSimulator,
    get_result,
    is_picture,
    post_call,
)


def _url(reply: requests.Response) -> str:
    url: str = reply.json()["aiRecord"]["temporaryUrl"]
    return url


def _download(url: str) -> requests.Response:
    return requests.get(url, timeout=10)


def test_a_script_strikes_call_by_call_and_then_ends(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["gateway_502", None, "rate_limited"]})
    statuses = [post_call(simulator, "a mug").status_code for _ in range(4)]
    assert statuses == [502, 200, 429, 200]
    assert len(simulator.state.read_bill()) == 2


def test_a_rate_limit_names_the_time_that_it_is_told(start_simulator: StartSimulator) -> None:
    for faults, seconds in (({}, 26), ({"retry_after_seconds": 1}, 1)):
        simulator = start_simulator(faults={"script": ["rate_limited"], **faults})
        reply = post_call(simulator, "a mug")
        assert reply.json()["retryAfter"] == seconds
        assert reply.headers["Retry-After"] == str(seconds)


def test_the_sends_of_each_request_are_counted_where_dice_decide(
    start_simulator: StartSimulator,
) -> None:
    simulator = start_simulator(faults={"rates": {"gateway_502": 1}})
    for prompt in ("a mug", "a mug", "a cup"):
        post_call(simulator, prompt)
    sends = [
        simulator.state.read_sends(digest_request("IMAGE_GENERATOR", {"prompt": prompt}))
        for prompt in ("a mug", "a cup", "a jug")
    ]
    assert sends == [2, 1, 0]


@pytest.mark.parametrize("name", [name for name, f in FAULTS.items() if f.stage == "gateway"])
def test_a_fault_before_the_call_is_never_paid(start_simulator: StartSimulator, name: str) -> None:
    simulator = start_simulator(faults={"script": [name]})
    call_type = FAULTS[name].only_type or "IMAGE_GENERATOR"
    call = partial(post_call, simulator, "a mug", call_type=call_type, imageUrl="images/x.png")
    if name == "lost_request":
        with pytest.raises(requests.ConnectionError):
            call()
    else:
        assert call().status_code == FAULTS[name].status_code
    assert simulator.state.read_bill() == []


@pytest.mark.parametrize("name", [name for name, f in FAULTS.items() if f.stage == "reply"])
def test_a_lost_reply_is_paid(start_simulator: StartSimulator, name: str) -> None:
    simulator = start_simulator(faults={"script": [name]})
    if name == "lost_reply":
        with pytest.raises(requests.ConnectionError):
            post_call(simulator, "a mug")
    else:
        reply = post_call(simulator, "a mug")
        assert reply.status_code == FAULTS[name].status_code
        assert reply.headers["content-type"].startswith("text/html")
    (line,) = simulator.state.read_bill()
    assert line.reply_lost
    assert is_picture(_download(_url(get_result(simulator, line.uuid))).content)


def test_a_lost_asynchronous_reply_is_paid_too(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["lost_reply"]})
    with pytest.raises(requests.ConnectionError):
        post_call(simulator, "a mug", is_async=True)
    assert [line.reply_lost for line in simulator.state.read_bill()] == [True]


def test_failures_come_with_http_200_in_three_forms(start_simulator: StartSimulator) -> None:
    script = ["failed", "failure", "error_object", "failed_billed"]
    simulator = start_simulator(faults={"script": script})
    replies = [post_call(simulator, "a mug") for _ in script]
    assert [reply.status_code for reply in replies] == [200] * 4
    failed, failure, error_object, billed = (reply.json()["aiRecord"] for reply in replies)
    assert failed["status"] == billed["status"] == "FAILED"
    assert failed["aiRecordDetail"]["errorMessage"]
    assert failure["status"] == "FAILURE"
    assert failure["aiRecordDetail"]["resultObject"][0].startswith("Prediction failed")
    assert error_object["status"] == "SUCCESS"
    assert error_object["aiRecordDetail"]["resultObject"]["code"] == "INTERNAL_SERVER_ERROR"
    assert {record["temporaryUrl"] for record in (failed, failure, error_object)} == {""}
    assert [line.uuid for line in simulator.state.read_bill()] == [billed["uuid"]]


def test_an_asynchronous_failure_shows_in_the_poll(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["failure"]})
    record = post_call(simulator, "a mug", is_async=True).json()["aiRecord"]
    assert record["status"] == "PROCESSING"
    assert get_result(simulator, record["uuid"]).json()["aiRecord"]["status"] == "FAILURE"


def test_a_slow_reply_waits_longer(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    faults = {"script": ["slow_reply"], "slow_seconds": 90}
    simulator = start_simulator(sleep=fake.sleep, latency_seconds=1, faults=faults)
    for _ in range(2):
        post_call(simulator, "a mug")
    assert fake.slept == pytest.approx([91, 1])


def test_downloads_fail_as_often_as_they_should(start_simulator: StartSimulator) -> None:
    script = ["late_object", "corrupt_download", "corrupt_object", "html_download", "download_503"]
    simulator = start_simulator(faults={"script": script})
    got = {}
    for name in script:
        url = _url(post_call(simulator, "a mug"))
        replies = [_download(url) for _ in range(3)]
        got[name] = [(r.status_code, is_picture(r.content)) for r in replies]
    good = (200, True)
    assert got == {
        "late_object": [(404, False), (404, False), good],
        "corrupt_download": [(200, False), good, good],
        "corrupt_object": [(200, False)] * 3,
        "html_download": [(200, False), good, good],
        "download_503": [(503, False), good, good],
    }


def test_a_truncated_download_breaks_off_once(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["truncated_download"]})
    url = _url(post_call(simulator, "a mug"))
    with pytest.raises(requests.RequestException):
        _download(url)
    assert is_picture(_download(url).content)


def test_a_url_may_be_expired_when_it_is_given(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["expired_url"]})
    reply = post_call(simulator, "a mug")
    assert _download(_url(reply)).status_code == 403
    fresh = _url(get_result(simulator, reply.json()["aiRecord"]["uuid"]))
    assert _download(fresh).status_code == 200


def test_one_call_may_meet_several_faults(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": [["expired_url", "results_unknown"]]})
    reply = post_call(simulator, "a mug")
    assert _download(_url(reply)).status_code == 403
    for _ in range(2):
        assert get_result(simulator, reply.json()["aiRecord"]["uuid"]).json() == {"aiRecord": None}


def test_a_poll_may_meet_a_broken_gateway_once(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"script": ["poll_502"]})
    uuid = post_call(simulator, "a mug", is_async=True).json()["aiRecord"]["uuid"]
    assert [get_result(simulator, uuid).status_code for _ in range(2)] == [502, 200]


def _statuses(simulator: RunningSimulator, numbers: range) -> list[int]:
    return [post_call(simulator, f"mug {n}", seed=n).status_code for n in numbers]


def test_rates_strike_the_same_requests_in_any_order(
    start_simulator: StartSimulator, tmp_path: Path
) -> None:
    faults = {"rates": {"gateway_503": 0.4}, "seed": 3}
    forwards = _statuses(start_simulator(state_dir=tmp_path / "1", faults=faults), range(40))
    simulator = start_simulator(state_dir=tmp_path / "2", faults=faults)
    assert _statuses(simulator, range(39, -1, -1)) == forwards[::-1]
    assert 8 <= forwards.count(503) <= 24
    reseeded = start_simulator(state_dir=tmp_path / "3", faults={**faults, "seed": 4})
    assert _statuses(reseeded, range(40)) != forwards


def test_sending_again_rolls_the_dice_again_even_after_a_restart(
    start_simulator: StartSimulator,
) -> None:
    faults = {"rates": {"gateway_503": 0.5}}
    sends = [_statuses(start_simulator(faults=faults), range(12)) for _ in range(3)]
    assert len({tuple(statuses) for statuses in sends}) == 3


@pytest.mark.parametrize(
    ("plain", "complaint"),
    [
        ({"script": ["lost_rply"]}, "there is no fault 'lost_rply'; there are rate_limited"),
        ({"rates": {"lost_rply": 0.1}}, "there is no fault"),
        ({"rates": {"lost_reply": 2}}, "rates.lost_reply: .*less than or equal to 1"),
        ({"rate": {}}, "rate: "),
        ([], "dictionary"),
    ],
)
def test_faults_that_cannot_be_are_named(tmp_path: Path, plain: Any, complaint: str) -> None:  # noqa: ANN401  # any JSON
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(plain))
    with pytest.raises(SettingsError, match=complaint):
        read_faults(path)


def test_a_faults_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.json"):
        read_faults(tmp_path / "absent.json")


def test_nothing_goes_wrong_unless_told() -> None:
    assert parse_faults({}) == SimulatorOptions().faults
