"""What became of a payment in one night."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of it; for figures, since the books know more."""

    CHARGED = "charged"
    #: Nothing was taken.
    DECLINED = "declined"
    #: Whether it is charged is not known yet, or its customer has to take a step.
    OPEN = "open"
    #: Its customer was asked to pay it.
    ASKED = "asked"
    #: It is to be tried again, but not at this hour of its customer's day: see ``RETRY_HOURS``.
    LATER = "later"
    #: Its user is not active: see ``CHARGE_INACTIVE``.
    INACTIVE = "inactive"
    #: No processor was asked for it: it is not its time, or none serves its user.
    SKIPPED = "skipped"
