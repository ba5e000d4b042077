"""How near the generating step comes to the API's own time, beside which ours should vanish.

Pictures of 512 x 512, directory store, in process; each call takes its latency +-20 %. The
last case is an account's 180 requests a minute at 30 s, 96 in flight, with every time divided
by `SPEED_UP`.
"""

import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import ROUNDS, Figure, at_least, at_most, median_of_rounds, run_alone
from servers import simulator
from shops import open_shop

SPEED_UP = 10
_JITTER = 0.2
_STEP = "refreshed_images.generate_shard"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """So many calls of so long, so many at once."""

    pictures: int
    latency_seconds: float
    in_flight: int
    requests_per_minute: int = 1_000_000


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds of the generating step beside the ideal, and pictures a minute at full pace."""
    return [
        _measure_near_ideal(quick=quick, in_flight=32, target=1.10),
        _measure_near_ideal(quick=quick, in_flight=64, target=1.25),
        _measure_full_pace(quick=quick),
    ]


def _measure_near_ideal(*, quick: bool, in_flight: int, target: float) -> Figure:
    case = _Case(
        pictures=64 if quick else 480,
        latency_seconds=0.5 if quick else 2.0,
        in_flight=in_flight,
    )
    return Figure(
        name=f"generating {case.pictures} pictures, {case.latency_seconds:g} s each, "
        f"{in_flight} in flight, beside the ideal",
        unit="s",
        ours=_measure_step(case, rounds=1 if quick else ROUNDS),
        peer=case.pictures * case.latency_seconds / in_flight,
        target=at_most(target),
    )


def _measure_full_pace(*, quick: bool) -> Figure:
    """The first minute's worth of an account's requests; the last call's time is not the pace's."""
    case = _Case(
        pictures=96 if quick else 180 * SPEED_UP,
        latency_seconds=0.5 if quick else 30 / SPEED_UP,
        in_flight=96,
        requests_per_minute=180 * SPEED_UP,
    )
    seconds = _measure_step(case, rounds=1 if quick else ROUNDS) - case.latency_seconds
    return Figure(
        name=f"pictures a minute, the first 180, 96 in flight, 30 s ({SPEED_UP} times as fast)",
        unit="a minute",
        ours=case.pictures / SPEED_UP / seconds * 60,
        peer=180,
        target=at_least(1.0),
    )


def _measure_step(case: _Case, *, rounds: int) -> float:
    names = itertools.count()
    jitter_seconds = 2 * _JITTER * case.latency_seconds
    shortest = case.latency_seconds - jitter_seconds / 2
    with (
        tempfile.TemporaryDirectory() as name,
        simulator(Path(name), shortest, "--latency-jitter", str(jitter_seconds)) as base_url,
    ):

        def generate() -> float:
            shop = open_shop(
                Path(name) / f"shop-{next(names)}",
                base_url,
                products=case.pictures,
                one_shot=True,
                extra={
                    "FLUX_ASSETS_MAX_IN_FLIGHT": str(case.in_flight),
                    "FLUX_ASSETS_REQUESTS_PER_MINUTE": str(case.requests_per_minute),
                },
            )
            _, counts = shop.refresh()
            return shop.step_seconds(counts["run_id"], _STEP)

        [seconds] = median_of_rounds(rounds, generate)
    return seconds


if __name__ == "__main__":
    run_alone(measure, __doc__)
