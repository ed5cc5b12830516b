"""The contract of a moocher whose PSP lists what it has reported, beside `MoocherContract`."""

# ruff: noqa: D102, S101 (a test's name is its sentence, and assert is what tests do)
from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher

from .base import ContractBase
from .probes import no_writes


class EventContract(ContractBase):
    """What the reconciler relies on to find a gap in a PSP's webhooks."""

    def test_it_says_that_it_has_events(self, moocher: Moocher) -> None:
        assert moocher.has_events

    def test_its_events_name_the_attempt_as_its_webhooks_do(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        since = settled_attempt.started_at - dt.timedelta(minutes=1)
        with no_writes():
            notices = list(moocher.events(since))
        ids = [notice.event_id for notice in notices]
        assert all(ids)
        assert len(set(ids)) == len(ids)
        reference = settled_attempt.psp_reference
        assert [
            notice
            for notice in notices
            if notice.attempt_id == settled_attempt.pk or notice.psp_reference == reference
        ]

    def test_what_is_older_is_left_out(self, moocher: Moocher, settled_attempt: Attempt) -> None:
        assert list(moocher.events(timezone.now() + dt.timedelta(minutes=10))) == []

    def test_events_that_cannot_be_listed_are_not_said_to_be_none(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        with self.unreachable(), pytest.raises(Exception):  # noqa: B017, PT011 (any error)
            list(moocher.events(settled_attempt.started_at))
