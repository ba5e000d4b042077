import json

from flux_assets.bill.credits import CreditSpan
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.summary import KINDS, RunSummary, Shortfall
from flux_assets_tests.fixtures.records import make_lineage, make_request

CHAIR = make_request("00123", "hero")
LAMP = make_request("00124", "wide")


def _summary(*outcomes: Outcome) -> RunSummary:
    summary = RunSummary()
    for outcome in outcomes:
        summary.add(outcome)
    return summary


def test_outcomes_calls_and_double_payments_are_added_up() -> None:
    summary = _summary(
        Outcome(kind="generated", request=CHAIR, lineage=make_lineage(CHAIR), calls=2),
        Outcome(kind="generated", request=LAMP, lineage=make_lineage(LAMP), calls=1),
        Outcome(kind="failed", request=LAMP, calls=2, possibly_paid_twice=1),
    )
    assert summary.counts == {"generated": 2, "failed": 1}
    assert (summary.calls, summary.possibly_paid_twice) == (5, 1)


def test_every_outcome_without_a_picture_is_a_shortfall_with_its_reason() -> None:
    for kind in KINDS:
        summary = _summary(Outcome(kind=kind, request=LAMP, reason="why"))
        expected = Shortfall(
            product_id="00124", shot="wide", fingerprint=LAMP.fingerprint, kind=kind, reason="why"
        )
        has_picture = kind in {"generated", "recovered", "reused"}
        assert summary.shortfalls == ([] if has_picture else [expected]), kind


def test_the_parts_of_a_run_add_up_as_json() -> None:
    parts = [
        _summary(Outcome(kind="refused", request=CHAIR, reason="moderated", calls=1)),
        _summary(Outcome(kind="held", request=LAMP, possibly_paid_twice=1)),
        _summary(),
    ]
    parts[1].stop_reason = "out of credits"
    parts[2].stop_reason = "a later reason"
    plain = json.loads(json.dumps([part.to_json() for part in parts]))
    assert set(plain[0]["counts"]) == set(KINDS)
    whole = RunSummary.merge(plain)
    assert whole.shortfalls == [*parts[0].shortfalls, *parts[1].shortfalls]
    assert {kind: count for kind, count in whole.counts.items() if count} == {
        "refused": 1,
        "held": 1,
    }
    assert (whole.calls, whole.possibly_paid_twice) == (1, 1)
    assert whole.stop_reason == "out of credits"


def test_what_is_known_already_counts_as_no_attempt_of_this_run() -> None:
    lineage = make_lineage(CHAIR)
    summary = _summary(
        Outcome(kind="generated", request=CHAIR, lineage=lineage),
        Outcome(kind="recovered", request=CHAIR, lineage=lineage),
        Outcome(kind="reused", request=CHAIR, lineage=lineage, is_known=True),
        Outcome(kind="refused", request=CHAIR),
        Outcome(kind="failed", request=CHAIR),
        Outcome(kind="lost", request=CHAIR),
        Outcome(kind="held", request=CHAIR),
        Outcome(kind="held", request=CHAIR, calls=1),
        Outcome(kind="not_attempted", request=CHAIR),
        Outcome(kind="failed", request=LAMP, is_known=True),
        Outcome(kind="lost", request=LAMP, is_known=True),
        Outcome(kind="refused", request=LAMP, is_known=True),
    )
    assert (summary.attempted, summary.failed, summary.failed_percent) == (6, 3, 50)
    assert RunSummary().failed_percent == 0


def test_the_slowest_calls_of_all_parts_come_first() -> None:
    def bought(*seconds: float) -> RunSummary:
        return _summary(
            *(
                Outcome(
                    kind="generated",
                    request=CHAIR,
                    lineage=make_lineage(CHAIR, latency_seconds=number),
                )
                for number in seconds
            )
        )

    parts = [bought(3, 30, 4, 1), bought(), bought(2, 40, 5)]
    whole = RunSummary.merge(json.loads(json.dumps([part.to_json() for part in parts])))
    assert [call.seconds for call in whole.slowest] == [40, 30, 5, 4, 3]


def test_credits_span_all_parts_of_a_run() -> None:
    parts = [RunSummary(), RunSummary(), RunSummary()]
    parts[0].credits = CreditSpan(before=90, after=70)
    parts[2].credits = CreditSpan(before=80, after=60)
    whole = RunSummary.merge([part.to_json() for part in parts])
    assert whole.credits == CreditSpan(before=90, after=60)


def test_a_summary_of_an_older_release_is_read() -> None:
    older = {"counts": {"generated": 1}, "calls": 1, "possibly_paid_twice": 0, "shortfalls": []}
    whole = RunSummary.merge([{**older, "stop_reason": ""}])
    assert (whole.calls, whole.attempted, whole.slowest) == (1, 0, [])


def test_rows_of_a_summary_that_has_them_by_position_are_read() -> None:
    told = _summary(
        Outcome(kind="refused", request=LAMP, reason="moderated"),
        Outcome(kind="generated", request=CHAIR, lineage=make_lineage(CHAIR)),
    )
    older = told.to_json() | {
        "shortfalls": [["00124", "wide", LAMP.fingerprint, "refused", "moderated"]],
        "slowest": [[30.5, "00123", "hero"]],
    }
    assert RunSummary.merge([older]) == RunSummary.merge([told.to_json()])


def test_nothing_adds_up_to_nothing() -> None:
    assert RunSummary.merge([]) == RunSummary()
