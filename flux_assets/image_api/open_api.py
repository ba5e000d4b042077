"""The image API as the steps of one process share it: the vendor's, or the simulator's."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import Pace, StartRate
from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS, PollSchedule
from flux_assets.image_api.transport import HttpReply
from flux_assets.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAccess:
    """The API as all steps of this process share it."""

    client: ImageApiClient
    pace: Pace
    polls: PollSchedule


def api_origin(settings: Settings) -> str:
    """What the store's identity names as its API: the simulator has no lasting address."""
    if settings.is_sample:
        return "simulator"
    parts = urlsplit(settings.onemin_base_url)
    return f"{parts.scheme}://{parts.netloc}"


def open_api(
    *,
    base_url: str,
    api_key: SecretStr,
    max_in_flight: int,
    requests_per_minute: int,
    call_timeout_seconds: float,
    result_hosts: Iterable[str],
    delivery: Literal["sync", "async"] = "sync",
    typical_latency_seconds: float = TYPICAL_LATENCY_SECONDS,
    shared_rate: StartRate | None = None,
    on_reply: Callable[[HttpReply], None] | None = None,
) -> ApiAccess:
    """The client of one account, and the pace at which this process may call it."""
    return ApiAccess(
        client=ImageApiClient(
            base_url=base_url,
            api_key=api_key,
            call_timeout_seconds=call_timeout_seconds,
            result_hosts=result_hosts,
            run_async=delivery == "async",
            on_reply=on_reply,
        ),
        pace=Pace(
            max_in_flight=max_in_flight,
            requests_per_minute=requests_per_minute,
            shared_rate=shared_rate,
        ),
        polls=PollSchedule(first_guess_seconds=typical_latency_seconds),
    )


@contextmanager
def simulated_api(
    state_dir: Path, *, latency_seconds: float, megapixels: float, faults: str | None
) -> Iterator[tuple[str, SecretStr]]:
    """Run the simulator in this process; gives its base URL and a key that it takes."""
    from flux_assets.image_api.simulator.faults import Faults, read_faults
    from flux_assets.image_api.simulator.options import SAMPLE_KEY, SimulatorOptions
    from flux_assets.image_api.simulator.server import running_simulator

    options = SimulatorOptions(
        latency_seconds=latency_seconds,
        megapixels=megapixels,
        faults=read_faults(Path(faults)) if faults else Faults(),
    )
    with running_simulator(state_dir, options=options) as simulator:
        yield simulator.base_url, SecretStr(SAMPLE_KEY)
