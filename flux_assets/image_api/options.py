"""How one account's API is called: the part of the settings that goes to its client."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Self

from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS
from flux_assets.settings import Settings

_NAMED_OTHERWISE = {"base_url": "onemin_base_url", "is_simulated": "is_sample"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """What a settings field of the same name says; without secrets, so that it may be shown."""

    base_url: str
    is_simulated: bool
    delivery: Literal["sync", "async"]
    requests_per_minute: int
    max_in_flight: int
    call_timeout_seconds: float
    result_hosts: Sequence[str]
    simulator_latency_seconds: float
    simulator_megapixels: float
    simulator_faults: str | None = None
    simulator_state: str = Settings.model_fields["simulator_state"].default

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The options of this environment."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: getattr(settings, _NAMED_OTHERWISE.get(name, name)) for name in names})

    @property
    def typical_latency_seconds(self) -> float:
        """How long a call is expected to take before any was measured."""
        return self.simulator_latency_seconds if self.is_simulated else TYPICAL_LATENCY_SECONDS
