"""Disputes and services' reports in the admin: read, decided with a reason, and handled again."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from payments_ui.core import psp_port
from payments_ui.core.admin.base import SHOWN
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState as State
from payments_ui.core.models import Dispute, Event, LineItem, Payment
from tests.conftest import UserFactory
from tests.core.support import charged

from .test_refunds import act, said, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a charged payment of 12.00."""
    return charged(user, "12")


def dispute(payment: Payment, state: State = State.LOST) -> Dispute:
    """Return a dispute that took all of it, and put nothing back."""
    report = DisputeReport(
        psp_reference="dp_1",
        charge_reference="ch_1",
        state=state,
        amount=Decimal(12),
        currency="CHF",
        reason="fraudulent",
        opened_at=timezone.now(),
        withdrawn=Decimal(12),
    )
    return payment.attempts.get().record_dispute(report)


def event(name: str = "evt_1") -> Event:
    """Return a report about nothing that is known."""
    return Event.objects.create(
        moocher="cards", event_id=name, kind="charge.disputed", state=Event.State.UNMATCHED
    )


def test_they_are_listed_found_and_shown_with_their_payment(
    office: Client, payment: Payment
) -> None:
    row = dispute(payment)
    for query in (
        *("", "?q=dp_1", f"?q={payment.pk}", f"?q={payment.user.username}"),
        *("?attention=lost", "?state=lost", "?attempt__moocher=cards"),
    ):
        page = office.get(url(Dispute) + query).content.decode().replace("\xa0", " ")
        assert "dp_1" in page
        assert "CHF 12.00" in page
    for query in ("?attention=open", "?attention=evidence"):
        assert "dp_1" not in office.get(url(Dispute) + query).content.decode()
    for page in (url(Dispute, "change", row.pk), url(Payment, "change", payment.pk)):
        assert "fraudulent" in office.get(page).content.decode()
    assert office.get(url(Dispute, "add")).status_code == 403
    assert office.post(url(Dispute, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_clerk_lets_the_charges_be_owed_again_once(office: Client, payment: Payment) -> None:
    row = dispute(payment)
    asked = act(office, "reopen", row).content.decode().replace("\xa0", " ")
    assert f"CHF 12.00, {payment.user}, dp_1" in asked
    assert not LineItem.objects.unbound().exists()
    assert said(act(office, "reopen", row, reason="they still use it")) == ["1 row updated."]
    assert LineItem.objects.unbound().get().amount == 12
    assert "not charged" in said(act(office, "reopen", row, reason="again"))[0]


def test_only_what_is_lost_is_owed_again(office: Client, payment: Payment) -> None:
    row = dispute(payment, State.NEEDS_RESPONSE)
    assert "It is not lost" in said(act(office, "reopen", row, reason="they still use it"))[0]


def test_reports_are_handled_again(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[Event] = []

    def handle(event: Event) -> bool:
        handled.append(event)
        return event.event_id == "evt_1"

    monkeypatch.setattr(psp_port.psps(), "handle_again", handle)
    one, other = event(), event("evt_2")
    assert said(act(office, "handle_again", one)) == ["1 of 1 reports are handled."]
    assert said(act(office, "handle_again", one, other)) == ["1 of 2 reports are handled."]
    assert len(handled) == 3


def test_so_many_reports_at_once_are_too_many(
    office: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(type(psp_port.psps()), "handle_again")
    rows = [event(f"evt_{number}") for number in range(SHOWN + 1)]
    assert said(act(office, "handle_again", *rows)) == [f"Select at most {SHOWN} rows."]


def test_handling_again_takes_the_permission(
    client: Client, make_user: UserFactory, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(type(psp_port.psps()), "handle_again")
    clerk = make_user(username="reader", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=("view_event", "view_dispute"))
    )
    client.force_login(clerk)
    row, report = dispute(payment), event()
    for action, subject in (("handle_again", report), ("reopen", row)):
        assert said(act(client, action, subject, reason="because")) == ["No action selected."]
    assert not LineItem.objects.unbound().exists()
