"""How a simulator behaves when nothing goes wrong, and in which of its forms it answers."""

from dataclasses import dataclass, field
from typing import Literal

from flux_assets.image_api.simulator.faults import Faults

SAMPLE_KEY = "sample-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Everything that can be chosen; where the API's form is not known for sure, each form."""

    latency_seconds: float = 0.0
    latency_jitter_seconds: float = 0.0
    megapixels: float = 1.0
    keys: frozenset[str] = frozenset({SAMPLE_KEY})
    requests_per_minute: int | None = None
    sends_retry_after_header: bool = True
    url_lifetime_seconds: int = 604_800
    asset_lifetime_seconds: int | None = None
    serves_synchronous_results: bool = True
    serves_keys: bool = True
    moderated_words: tuple[str, ...] = ("forbidden-word",)
    moderation_form: Literal["http_error", "failed_record"] = "http_error"
    out_of_credits_form: Literal["http_error", "error_object"] = "http_error"
    temporary_url_form: Literal["inside", "beside", "empty"] = "inside"
    result_form: Literal["keys", "string", "urls", "objects"] = "keys"
    faults: Faults = field(default_factory=Faults)
