"""The image API as the steps of one process share it: the vendor's, or the simulator's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.polling import PollSchedule
from flux_assets.image_api.shared_rate import open_shared_rate
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


@contextmanager
def open_api(
    options: ApiOptions,
    *,
    api_key: SecretStr | None,
    rate_limiter: SecretStr | None = None,
    on_reply: Callable[[HttpReply], None] | None = None,
) -> Iterator[ApiAccess]:
    """The client of one account, and the pace at which this process may call it.

    Where the options ask for the simulator, it runs for the block, and takes a key of its own;
    nobody shares it, so nobody shares its rate.

    Args:
        options: of this environment.
        api_key: the account's.
        rate_limiter: where processes that share the account count their starts, if anywhere.
        on_reply: as `ImageApiClient` has it.

    Raises:
        SettingsError: the key cannot be used, or what the rate limiter needs is not installed.
    """
    if not options.is_simulated:
        key = api_key or SecretStr("")
        yield _connect(options, key, rate_limiter=rate_limiter, on_reply=on_reply)
        return
    with _running_simulator(options) as (base_url, key):
        simulated = replace(options, base_url=base_url)
        yield _connect(simulated, key, rate_limiter=None, on_reply=on_reply)


def _connect(
    options: ApiOptions,
    api_key: SecretStr,
    *,
    rate_limiter: SecretStr | None,
    on_reply: Callable[[HttpReply], None] | None,
) -> ApiAccess:
    return ApiAccess(
        client=ImageApiClient(options, api_key=api_key, on_reply=on_reply),
        pace=Pace(
            max_in_flight=options.max_in_flight,
            requests_per_minute=options.requests_per_minute,
            shared_rate=open_shared_rate(
                rate_limiter,
                origin=options.base_url,
                api_key=api_key,
                requests_per_minute=options.requests_per_minute,
            ),
        ),
        polls=PollSchedule(first_guess_seconds=options.typical_latency_seconds),
    )


@contextmanager
def _running_simulator(options: ApiOptions) -> Iterator[tuple[str, SecretStr]]:
    """Its base URL, and a key that it takes."""
    from flux_assets.image_api.simulator.faults import Faults, read_faults
    from flux_assets.image_api.simulator.options import SAMPLE_KEY, SimulatorOptions
    from flux_assets.image_api.simulator.server import running_simulator

    faults = options.simulator_faults
    simulated = SimulatorOptions(
        latency_seconds=options.simulator_latency_seconds,
        megapixels=options.simulator_megapixels,
        faults=read_faults(Path(faults)) if faults else Faults(),
    )
    with running_simulator(Path(options.simulator_state), options=simulated) as simulator:
        yield simulator.base_url, SecretStr(SAMPLE_KEY)
