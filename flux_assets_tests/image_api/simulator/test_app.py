import io
import json
from typing import Any

import pytest
import requests
from PIL import Image

from flux_assets.image_api.parameters import MATCH_INPUT_IMAGE, PARAMETERS
from flux_assets.image_api.request import MODEL
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.image_api.simulator.server import RunningSimulator
from flux_assets_tests.fixtures.simulators import (
    FakeTime,
    StartSimulator,
    draw_photo,
    get_result,
    is_picture,
    post_call,
    upload_photo,
)


def _record(reply: requests.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    record: dict[str, Any] = reply.json()["aiRecord"]
    return record


# --- Making pictures -------------------------------------------------------------------------


def test_a_synchronous_call_answers_with_the_finished_picture(simulator: RunningSimulator) -> None:
    record = _record(post_call(simulator, "a mug", aspect_ratio="4:5", seed=7))
    assert record["status"] == "SUCCESS"
    assert record["model"] == MODEL
    assert record["type"] == "IMAGE_GENERATOR"
    assert record["aiRecordDetail"]["resultObject"][0] in record["temporaryUrl"]
    reply = requests.get(record["temporaryUrl"], timeout=10)
    assert reply.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(reply.content)).size == (64, 80)


def test_the_record_has_every_field_of_the_real_one(simulator: RunningSimulator) -> None:
    record = _record(post_call(simulator, "a mug"))
    assert set(record) == {
        "uuid",
        "userId",
        "teamId",
        "teamUser",
        "model",
        "type",
        "metadata",
        "status",
        "createdAt",
        "aiRecordDetail",
        "additionalData",
        "temporaryUrl",
    }
    assert record["createdAt"].endswith("Z")


def test_the_prompt_object_is_echoed_with_unknown_fields(simulator: RunningSimulator) -> None:
    record = _record(post_call(simulator, "a mug", imageUrl="images/x.png", mood="calm"))
    assert record["aiRecordDetail"]["promptObject"] == {
        "prompt": "a mug",
        "imageUrl": "images/x.png",
        "mood": "calm",
    }


def test_storage_keys_are_dated_and_never_equal(start_simulator: StartSimulator) -> None:
    fake = FakeTime(now=1774605606.001)
    simulator = start_simulator(clock=fake.clock)
    records = [_record(post_call(simulator, "a mug", output_format="jpg")) for _ in range(3)]
    assert [record["aiRecordDetail"]["resultObject"] for record in records] == [
        [f"images/2026_03_27_10_00_06_001_00000{number}.jpg"] for number in (1, 2, 3)
    ]


def test_a_seed_is_chosen_and_billed_where_none_is_sent(simulator: RunningSimulator) -> None:
    for _ in range(2):
        post_call(simulator, "a mug")
    first, second = simulator.state.read_bill()
    assert first.seed != second.seed


def test_a_query_is_accepted(simulator: RunningSimulator) -> None:
    assert _record(post_call(simulator, "a mug", query="?isStreaming=false"))


def test_used_credit_lags_one_request_behind(simulator: RunningSimulator) -> None:
    used = [_record(post_call(simulator, "a mug"))["teamUser"]["usedCredit"] for _ in range(3)]
    assert used == [0, 4800, 9600]


def test_an_asynchronous_call_is_processing_until_its_time_has_come(
    start_simulator: StartSimulator,
) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, latency_seconds=30)
    record = _record(post_call(simulator, "a mug", is_async=True))
    assert record["status"] == "PROCESSING"
    assert record["temporaryUrl"] == ""
    fake.now += 29
    assert _record(get_result(simulator, record["uuid"]))["status"] == "PROCESSING"
    fake.now += 1
    finished = _record(get_result(simulator, record["uuid"]))
    assert finished["status"] == "SUCCESS"
    assert is_picture(requests.get(finished["temporaryUrl"], timeout=10).content)


def test_a_synchronous_call_waits_for_latency_and_jitter(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(
        clock=fake.clock, sleep=fake.sleep, latency_seconds=30, latency_jitter_seconds=10
    )
    for number in range(5):
        post_call(simulator, f"mug {number}")
    assert all(30 <= seconds < 40 for seconds in fake.slept)
    assert len(set(fake.slept)) == 5


@pytest.mark.parametrize("uuid", ["6f0f3a64-8d0e-4f0e-9a5c-2f3f7f3f0a11", "nonsense"])
def test_an_unknown_uuid_is_null_with_http_200(simulator: RunningSimulator, uuid: str) -> None:
    assert _record(get_result(simulator, uuid)) is None


def test_results_serve_synchronous_calls_unless_switched_off(
    start_simulator: StartSimulator,
) -> None:
    simulator = start_simulator()
    uuid = _record(post_call(simulator, "a mug"))["uuid"]
    assert _record(get_result(simulator, uuid))["uuid"] == uuid
    silent = start_simulator(serves_synchronous_results=False)
    assert _record(get_result(silent, uuid)) is None


# --- Forms of the reply ----------------------------------------------------------------------


def test_the_temporary_url_may_stand_beside_the_record(start_simulator: StartSimulator) -> None:
    reply = post_call(start_simulator(temporary_url_form="beside"), "a mug").json()
    assert "temporaryUrl" not in reply["aiRecord"]
    assert is_picture(requests.get(reply["temporaryUrl"], timeout=10).content)


def test_the_temporary_url_may_be_empty(start_simulator: StartSimulator) -> None:
    record = _record(post_call(start_simulator(temporary_url_form="empty"), "a mug"))
    assert record["temporaryUrl"] == ""
    assert record["aiRecordDetail"]["resultObject"]


def test_the_result_may_come_in_other_forms(start_simulator: StartSimulator) -> None:
    def result(form: str) -> Any:  # noqa: ANN401  # the forms differ in type
        record = _record(post_call(start_simulator(result_form=form), "a mug"))
        return record["aiRecordDetail"]["resultObject"]

    assert result("string").startswith("images/")
    assert is_picture(requests.get(result("urls")[0], timeout=10).content)
    assert is_picture(requests.get(result("objects")[0]["url"], timeout=10).content)


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "another-key"])
def test_a_bad_key_is_401_everywhere_but_for_the_models(
    simulator: RunningSimulator, key: str
) -> None:
    base_url = simulator.base_url
    replies = [
        post_call(simulator, "a mug", key=key),
        get_result(simulator, "x", key=key),
        requests.post(f"{base_url}/api/assets", headers={"API-KEY": key}, timeout=10),
    ]
    assert [reply.status_code for reply in replies] == [401, 401, 401]
    assert replies[0].json()["errorCode"] == "HTTP_EXCEPTION"
    models = requests.get(f"{base_url}/models?feature=IMAGE_GENERATOR", timeout=10).json()
    assert [model["modelId"] for model in models["models"]] == [MODEL]
    assert models["total"] == 1


@pytest.mark.parametrize(
    ("body", "error_code"),
    [
        (b"no json", "HTTP_EXCEPTION"),
        (b'{"type": NaN}', "HTTP_EXCEPTION"),
        (b"[]", "HTTP_EXCEPTION"),
        (b"{}", "MISSING_REQUIRED_FIELDS"),
        (b'{"type": "IMAGE_GENERATOR", "model": "m"}', "MISSING_REQUIRED_FIELDS"),
        (b'{"type": "SONG", "model": "m", "promptObject": {"prompt": "x"}}', "UNKNOWN_ERROR"),
        (
            b'{"type": "IMAGE_GENERATOR", "model": "m", "promptObject": {"prompt": "x"}}',
            "UNSUPPORTED_MODEL",
        ),
    ],
)
def test_an_unusable_body_is_400(simulator: RunningSimulator, body: bytes, error_code: str) -> None:
    reply = requests.post(
        f"{simulator.base_url}/api/features",
        data=body,
        headers={"API-KEY": SAMPLE_KEY},
        timeout=10,
    )
    assert (reply.status_code, reply.json()["errorCode"]) == (400, error_code)
    assert simulator.state.read_bill() == []


@pytest.mark.parametrize("prompt_object", ["a mug", {"prompt": 5}])
def test_a_prompt_of_the_wrong_type_is_400(
    simulator: RunningSimulator, prompt_object: object
) -> None:
    reply = requests.post(
        f"{simulator.base_url}/api/features",
        json={"type": "IMAGE_GENERATOR", "model": MODEL, "promptObject": prompt_object},
        headers={"API-KEY": SAMPLE_KEY},
        timeout=10,
    )
    assert (reply.status_code, reply.json()["errorCode"]) == (400, "HTTP_EXCEPTION")


def test_missing_fields_are_named_in_json_inside_a_string(simulator: RunningSimulator) -> None:
    reply = post_call(simulator, "")
    assert reply.status_code == 400
    assert json.loads(reply.json()["details"]) == {"missingFields": ["prompt"]}


def _inner_status(reply: requests.Response) -> int:
    assert reply.status_code == 400
    assert reply.json()["errorCode"] == "EXTERNAL_API_RESPONSE_WITH_ERROR"
    status: int = json.loads(reply.json()["details"])["response"]["status"]
    return status


def test_our_parameter_ranges_are_the_simulators(simulator: RunningSimulator) -> None:
    for name, parameter in PARAMETERS.items():
        choices = tuple(choice for choice in parameter.choices if choice != MATCH_INPUT_IMAGE)
        allowed = choices or (parameter.lowest, parameter.highest)
        outside = ("7:7",) if parameter.choices else (parameter.lowest - 1, parameter.highest + 1)
        if parameter.kind == "boolean":
            allowed, outside = (True, False), (1, 0)
        fraction = (parameter.highest - 0.5,) if parameter.kind == "integer" else ()

        def ask(value: object, name: str = name) -> requests.Response:
            parameters: dict[str, Any] = {name: value}
            return post_call(simulator, "a mug", **parameters)

        for value in allowed:
            assert _record(ask(value))["status"] == "SUCCESS"
        for value in (*outside, *fraction, str(parameter.highest), None):
            assert _inner_status(ask(value)) == 422


def test_moderation_refuses_without_a_bill(simulator: RunningSimulator) -> None:
    reply = post_call(simulator, "a Forbidden-Word mug")
    assert _inner_status(reply) == 422
    assert "try again" in reply.json()["message"]
    assert simulator.state.read_bill() == []


def test_moderation_may_come_as_a_failed_record(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(moderation_form="failed_record", moderated_words=("velvet",))
    record = _record(post_call(simulator, "on velvet"))
    assert record["status"] == "FAILED"
    assert "Moderated" in record["aiRecordDetail"]["errorMessage"]
    assert simulator.state.read_bill() == []


def test_the_rate_limit_counts_polls_and_names_the_time_to_wait(
    start_simulator: StartSimulator,
) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, requests_per_minute=2)
    uuid = _record(post_call(simulator, "a mug"))["uuid"]
    fake.now += 10
    _record(get_result(simulator, uuid))
    refused = post_call(simulator, "a mug")
    assert refused.status_code == 429
    assert refused.json()["retryAfter"] == 50
    assert refused.headers["Retry-After"] == "50"
    fake.now += 50
    assert post_call(simulator, "a mug").status_code == 200
    assert post_call(simulator, "a mug").status_code == 429
    assert simulator.state.read_count("too_many_requests") == 2


def test_the_retry_after_header_may_be_absent(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(requests_per_minute=1, sends_retry_after_header=False)
    replies = [post_call(simulator, "a mug") for _ in range(2)]
    assert replies[1].status_code == 429
    assert "Retry-After" not in replies[1].headers


# --- As public clients call the real API --------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {SAMPLE_KEY}"}, 200),
        ({"authorization": f"bearer  {SAMPLE_KEY}"}, 200),
        ({"API-KEY": SAMPLE_KEY, "Authorization": "Bearer of something else"}, 200),
        ({"Authorization": SAMPLE_KEY}, 401),
        ({"Authorization": f"Basic {SAMPLE_KEY}"}, 401),
        ({"Authorization": "Bearer another"}, 401),
        ({"Authorization": "Bearer "}, 401),
    ],
)
def test_the_key_may_come_as_a_bearer_alone(
    simulator: RunningSimulator, headers: dict[str, str], status: int
) -> None:
    body = {
        "type": "IMAGE_GENERATOR",
        "model": "black-forest-labs/flux-2-max",
        "promptObject": {"prompt": "a mug"},
    }
    reply = requests.post(
        f"{simulator.base_url}/api/features", json=body, headers=headers, timeout=10
    )
    assert reply.status_code == status
    if status != 200:
        assert reply.json() == {"errorCode": "HTTP_EXCEPTION", "message": "Invalid API Key"}


def test_a_picture_is_served_by_its_storage_key_as_by_its_url(simulator: RunningSimulator) -> None:
    record = post_call(simulator, "a mug").json()["aiRecord"]
    (key,) = record["aiRecordDetail"]["resultObject"]
    by_key = requests.get(f"{simulator.base_url}/{key}", timeout=10)
    by_url = requests.get(record["temporaryUrl"], timeout=10)
    assert by_key.status_code == by_url.status_code == 200
    assert by_key.headers["Content-Type"] == "image/png"
    assert by_key.content == by_url.content


def test_an_uploaded_file_is_not_served_by_its_key(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo())
    assert requests.get(f"{simulator.base_url}/{key}", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/images/a.png", 404),
        ("GET", "/api/features", 404),
        ("POST", "/api/nothing", 405),
        ("DELETE", "/models", 405),
    ],
)
def test_what_the_api_does_not_have_is_answered_in_its_own_form(
    simulator: RunningSimulator, method: str, path: str, status: int
) -> None:
    reply = requests.request(method, f"{simulator.base_url}{path}", timeout=10)
    assert reply.status_code == status
    assert reply.json() == {"errorCode": "HTTP_EXCEPTION", "message": f"Cannot {method} {path}"}


def test_an_unsupported_type_and_missing_fields_have_the_real_codes(
    simulator: RunningSimulator,
) -> None:
    unknown = post_call(simulator, "a mug", call_type="IMAGE_DREAMER")
    missing = post_call(simulator, "")
    assert (unknown.status_code, unknown.json()["errorCode"]) == (400, "UNKNOWN_ERROR")
    assert (missing.status_code, missing.json()["errorCode"]) == (400, "MISSING_REQUIRED_FIELDS")
    assert json.loads(missing.json()["details"]) == {"missingFields": ["prompt"]}
