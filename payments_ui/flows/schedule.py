"""When a PSP is asked again about an attempt or a refund whose outcome is not known."""

from __future__ import annotations

import datetime as dt

_DAY = dt.timedelta(days=1)
#: A PSP keeps an idempotency key for a day: later than this it may have forgotten the request.
_WITHIN_A_DAY = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(hours=1),
    dt.timedelta(hours=6),
    dt.timedelta(hours=22),
)
#: After the beginning. Before the first, the request that began it may still wait for an answer.
OFFSETS = (*_WITHIN_A_DAY, *(_WITHIN_A_DAY[-1] + days * _DAY for days in range(1, 8)))
FIRST, LAST = OFFSETS[0], OFFSETS[-1]


def turn(begun_at: dt.datetime, now: dt.datetime) -> dt.datetime | None:
    """The latest turn that is not after now; ``None`` before the first."""
    passed = [begun_at + offset for offset in OFFSETS if begun_at + offset <= now]
    return passed[-1] if passed else None


def is_due(asked_at: dt.datetime | None, turn: dt.datetime | None) -> bool:
    """Whether the PSP was not asked since this turn; ``None``: never asked, no turn yet."""
    return turn is not None and (asked_at is None or asked_at < turn)


def is_over(begun_at: dt.datetime, asked_at: dt.datetime | None) -> bool:
    """Whether the last turn has passed, and a person has to ask."""
    return asked_at is not None and asked_at >= begun_at + LAST
