import dataclasses
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Mapping

import pytest

from flux_assets.catalog.product import Product
from flux_assets.image_api.parameters import ParameterValue, parse_parameter
from flux_assets.image_api.request import ImageRequest, build_image_request, canonical_json
from flux_assets.prompts.requests import Shot, build_requests


def _request(
    *,
    product_id: str = "00123",
    shot: str = "hero",
    prompt: str = "A café chair",
    parameters: Mapping[str, ParameterValue] | None = None,
    shot_version: int = 1,
    take: int = 1,
) -> ImageRequest:
    return build_image_request(
        product_id=product_id,
        shot=shot,
        prompt=prompt,
        parameters=parameters or {},
        shot_version=shot_version,
        take=take,
    )


def _only_request(product: Product, shot: Shot) -> ImageRequest:
    (built,) = build_requests([product], [shot])
    assert isinstance(built, ImageRequest)
    return built


def test_every_documented_parameter_is_sent_with_its_default() -> None:
    request = _request()
    assert request.type == "IMAGE_GENERATOR"
    assert request.model == "black-forest-labs/flux-2-max"
    assert request.prompt_object == {
        "prompt": "A café chair",
        "aspect_ratio": "1:1",
        "output_format": "png",
        "output_quality": 80,
        "steps": 50,
        "guidance": 3,
        "safety_tolerance": 2,
        "prompt_upsampling": False,
        "seed": 2_438_291_882,
    }


def test_these_fingerprints_never_change() -> None:
    # A contract with every store: a different fingerprint would buy each picture again.
    assert [
        request.fingerprint
        for request in (
            _request(),
            _request(parameters={"seed": 7, "guidance": 3.5, "aspect_ratio": "16:9"}),
            _request(product_id="JWL.7/01", shot="banner", shot_version=2, take=3),
        )
    ] == [
        "353f98745974b8e8ac37289c8901a2ea369335f300aa2ca903e613ce0134a4c5",
        "272513cddf9ab96669bf5ac3527f6c107c91f8a22447265df704aed55af0d61a",
        "4044d2129f40d7b66fa30a732b6634af66f5929e9e8c27c29e7848f4b1616e3f",
    ]


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    code = (
        "from flux_assets.image_api.request import build_image_request as build\n"
        "print(build(product_id='00123', shot='hero', prompt='A caf\\u00e9 chair',"
        " parameters={'steps': 20, 'guidance': 4}).fingerprint)"
    )
    printed = {
        subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert printed == {_request(parameters={"steps": 20, "guidance": 4}).fingerprint}


def test_the_order_of_parameters_does_not_matter() -> None:
    one = _request(parameters={"steps": 20, "guidance": 4, "seed": 1})
    other = _request(parameters={"seed": 1, "guidance": 4, "steps": 20})
    assert one.fingerprint == other.fingerprint


def test_a_default_given_explicitly_is_the_same_request() -> None:
    assert _request(parameters={"steps": 50}).fingerprint == _request().fingerprint


@pytest.mark.parametrize("guidance", [3, 3.0, "3", "3.0"])
def test_one_number_written_differently_is_one_request(guidance: object) -> None:
    given = _request(parameters={"guidance": parse_parameter("guidance", guidance)})
    assert given.fingerprint == _request(parameters={"guidance": 3}).fingerprint


def test_each_part_of_the_identity_changes_the_fingerprint() -> None:
    seed: Mapping[str, ParameterValue] = {"seed": 1}
    fingerprints = {
        request.fingerprint
        for request in (
            _request(parameters=seed),
            _request(parameters=seed, product_id="00124"),
            _request(parameters=seed, shot="banner"),
            _request(parameters=seed, shot_version=2),
            _request(parameters=seed, take=2),
            _request(parameters=seed, prompt="A café table"),
            _request(parameters={"seed": 2}),
            _request(parameters={"seed": 1, "steps": 20}),
        )
    }
    assert len(fingerprints) == 8


def test_a_derived_seed_has_32_bits_and_differs_by_product_shot_version_and_take() -> None:
    requests = [_request(product_id=str(number)) for number in range(200)]
    requests += [_request(), _request(shot="banner"), _request(shot_version=2), _request(take=2)]
    seeds = {request.seed for request in requests}
    assert len(seeds) == len(requests)
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert max(seeds) > 2**31, "the high bit is used too"


def test_a_derived_seed_does_not_change_with_the_words() -> None:
    assert _request(prompt="A café table").seed == _request().seed


def test_a_given_seed_is_sent_as_it_is() -> None:
    assert _request(parameters={"seed": 0}).seed == 0
    assert _request(parameters={"seed": 2**32 - 1}).seed == 2**32 - 1


def test_a_given_seed_moves_with_version_and_take_by_a_fixed_rule() -> None:
    first, second, third = (
        _request(parameters={"seed": 7}, shot_version=version, take=take)
        for version, take in ((1, 2), (2, 1), (1, 2))
    )
    assert len({7, first.seed, second.seed}) == 3
    assert first.seed == third.seed


def test_a_request_survives_json() -> None:
    request = _request(parameters={"guidance": 3.5, "prompt_upsampling": True})
    assert ImageRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


def test_canonical_json_is_sorted_compact_ascii() -> None:
    assert canonical_json({"b": [1, True], "a": "é"}) == b'{"a":"\\u00e9","b":[1,true]}'


def test_a_price_change_buys_nothing_and_a_title_change_does() -> None:
    shot = Shot(name="hero", prompt="{{ title }}, studio photograph")
    product = Product(product_id="00123", title="Chair", price="10.00", line=2)
    before = _only_request(product, shot)
    cheaper = _only_request(dataclasses.replace(product, price="9.00", line=3), shot)
    renamed = _only_request(dataclasses.replace(product, title="Stool"), shot)
    assert cheaper == before
    assert renamed.fingerprint != before.fingerprint
    assert renamed.seed == before.seed


def test_a_title_composed_or_decomposed_is_one_request() -> None:
    shot = Shot(name="hero", prompt="{{ title }}")
    composed, decomposed = (
        _only_request(
            Product(product_id="1", title=unicodedata.normalize(form, "Étoile café"), line=2), shot
        )
        for form in ("NFC", "NFD")
    )
    assert composed.fingerprint == decomposed.fingerprint
