"""How many products of a channel may switch on a day, and which day a new edition is of."""

import logging
import math
from datetime import date, datetime, timedelta
from decimal import Decimal

from flux_assets.publishing.edition import Edition

_log = logging.getLogger(__name__)


def find_day(last: Edition | None, now: datetime) -> str:
    """The day whose share a new edition takes: today, or the last edition's if that is tomorrow.

    A clock that goes back a little gives no share twice. One that was wrong by more would stop
    all switching until the day that it dated an edition, so its day is left.
    """
    today = now.date()
    if last is None or last.day <= today.isoformat():
        return today.isoformat()
    if date.fromisoformat(last.day) - today <= timedelta(days=1):
        return last.day
    _log.warning(
        "channel %s: edition %d is dated %s, by a wrong clock, and today is %s; products switch "
        "by today's share",
        *(last.channel, last.number, last.day, today),
    )
    return today.isoformat()


def count_quota(last: Edition | None, day: str, percent_per_day: float | None) -> int | None:
    """How many products may switch still on a day; None for all.

    Args:
        last: the newest edition.
        day: `YYYY-MM-DD`, as `find_day` has it.
        percent_per_day: of the products that were shown when the day began; None for all at once.
    """
    if percent_per_day is None or last is None:
        return None
    is_same_day = last.day == day
    share = _share_of(last.base if is_same_day else len(last.products), percent_per_day)
    return share - (last.switched if is_same_day else 0)


def find_last_day(edition: Edition, waiting: int, percent_per_day: float | None) -> str:
    """The day, `YYYY-MM-DD`, on which the last of the waiting products has its turn; else ''."""
    if percent_per_day is None or not waiting:
        return ""
    days = math.ceil(waiting / _share_of(len(edition.products), percent_per_day))
    return (date.fromisoformat(edition.day) + timedelta(days=days)).isoformat()


def _share_of(base: int, percent_per_day: float) -> int:
    return math.ceil(Decimal(str(percent_per_day)) * base / 100)
