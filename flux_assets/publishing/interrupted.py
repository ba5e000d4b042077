"""Decisions that a crash cut off hold before anything is published, or nothing is."""

from flux_assets.errors import StoreError
from flux_assets.publishing.decisions import DECISIONS_PREFIX, finish_interrupted
from flux_assets.storage.object_store import ObjectStore


def finish_or_refuse(store: ObjectStore) -> int:
    """Apply what was noted and not applied; gives how many decisions that were.

    Raises:
        StoreError: it cannot be read, or not all of it be applied: what comes next would show a
            picture that somebody rejected.
    """
    finished = finish_interrupted(store)
    answers = [answer for answer in finished if answer.failed]
    if not answers:
        return sum(len(answer.applied) for answer in finished)
    count = sum(len(answer.failed) for answer in answers)
    first = next(iter(answers[0].failed.values()))
    raise StoreError(
        store.uri_for(DECISIONS_PREFIX),
        "apply what was decided to",
        f"{count} decisions, the first of batch {answers[0].batch}, are noted and not applied "
        f"({first}); no edition shows anything new until they are: mend it, and run it again",
    )
