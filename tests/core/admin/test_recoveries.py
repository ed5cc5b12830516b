"""Failed payments and mails in the admin: seen by clerks, decided by those who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.mails.states import MailKind
from payments_ui.core.models import Mail, MailStop, Recovery
from tests.conftest import UserFactory
from tests.core.support import pending, saved, started

from .conftest import permitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def recovery(user: User) -> Recovery:
    method = saved(user, unattended="Charge me.")
    attempt = started(pending(user, "5"), payment_method=method, unattended=True)
    attempt.record(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    begun: Recovery = Recovery.objects.get()
    return begun


URL = "admin:payments_core_recovery_changelist"


def test_a_clerk_sees_when_it_is_tried_again(make_user: UserFactory, recovery: Recovery) -> None:
    client = permitted(make_user, "view_recovery")
    for narrow in ("", "?payment=unpaid"):
        page = client.get(reverse(URL) + narrow).content.decode()
        assert "Visa ending 4242" in page
        assert "will be tried again" in page
    assert "Visa ending" not in client.get(reverse(URL) + "?payment=over").content.decode()
    detail = reverse("admin:payments_core_recovery_change", args=[recovery.pk])
    assert client.get(detail).status_code == 200


def test_who_may_decide_stops_the_tries(make_user: UserFactory, recovery: Recovery) -> None:
    post = {"action": "stop", "_selected_action": [recovery.pk], "reason": "They called."}
    permitted(make_user, "view_recovery").post(reverse(URL), post)
    recovery.refresh_from_db()
    assert recovery.state == Recovery.State.PLANNED
    permitted(make_user, "view_recovery", "plan_recovery").post(reverse(URL), post)
    recovery.refresh_from_db()
    assert (recovery.state, recovery.why) == (Recovery.State.WAITING, "They called.")


def test_without_a_card_nothing_is_named(make_user: UserFactory, user: User) -> None:
    attempt = started(pending(user, "5"), unattended=True)
    attempt.record(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    page = permitted(make_user, "view_recovery").get(reverse(URL)).content.decode()
    assert str(user) in page


def test_a_clerk_sees_which_mails_were_sent(make_user: UserFactory, user: User) -> None:
    Mail.objects.claim(MailKind.RECEIPT, "payment-1", user)
    MailStop.objects.set(user, MailKind.CARD_EXPIRES, wanted=False)
    client = permitted(make_user, "view_mail", "view_mailstop")
    for name, shown in (("mail", "payment-1"), ("mailstop", "card expires")):
        page = client.get(reverse(f"admin:payments_core_{name}_changelist")).content.decode()
        assert shown in page
