"""Why a step or a run failed, in the words of the error that says what to do."""

import dagster as dg


def explain_failure(event: dg.DagsterEvent) -> str:
    """The reason in a step's failure event; the message of any other event."""
    if not event.is_step_failure:
        return event.message or "the run failed"
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None and not _is_ours(error.message):
        error = error.cause
    return "the run failed" if error is None else _plain_message(error.message)


def _plain_message(message: str) -> str:
    """A serialized error's text without the class of one of our own errors before it."""
    return message.strip().partition(": ")[2] if _is_ours(message) else message.strip()


def _is_ours(message: str) -> bool:
    """Whether a serialized error is one of our own, which says what to do, unlike its cause."""
    return message.startswith("flux_assets.") and ": " in message
