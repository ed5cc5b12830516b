"""The widget says in place what the mails say of a card that was declined at night."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Payment
from tests.core.support import pending, record
from tests.fixtures import MakeShopper
from tests.saving import saved
from tests.shopping import Shopper, url

pytestmark = pytest.mark.django_db
FAILED = "We could not charge CHF\u00a05.00 to Visa ending 4242 on"


def declined(user: User, code: DeclineCode) -> Payment:
    method = saved(user, unattended="Charge me.")
    payment = pending(user, "5")
    attempt = payment.start_attempt(moocher="cards", payment_method=method, unattended=True)
    attempt.record(Declined(code=code))
    return payment


@pytest.mark.parametrize("page", ["charges", "payment"])
def test_it_says_when_it_is_tried_again_and_what_mends_it(shopper: Shopper, page: str) -> None:
    payment = declined(shopper.user, DeclineCode.INSUFFICIENT_FUNDS)
    shown = shopper.get(url(page, payment if page == "payment" else None)).content.decode()
    assert FAILED in shown
    assert "We try again on" in shown
    assert "not enough money" in shown
    assert f'href="{url("methods")}">Change the card</a>' in shown


def test_where_the_list_is_left_in_place_too(js_shopper: Shopper) -> None:
    declined(js_shopper.user, DeclineCode.EXPIRED_CARD)
    shown = js_shopper.post(url("payments")).content.decode()
    assert FAILED in shown
    assert "We do not try again by ourselves." in shown


def test_of_others_nothing_is_said(shopper: Shopper, make_shopper: MakeShopper) -> None:
    payment = shopper.begin("5")
    record(shopper.user, "7")
    for shown in (shopper.get(url("charges")), shopper.get(url("payment", payment))):
        assert "We could not charge" not in shown.content.decode()
