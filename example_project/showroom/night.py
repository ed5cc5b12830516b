"""Lets a night pass: the demo's customers, who agreed to it, are charged, and get their mails."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core import clock
from payments_ui.core.models import PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.core.paymentmethods.instrument import Consent
from payments_ui.flows import payment_methods
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers
from payments_ui.flows.mails.due import MailsResult, begin, send_due
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.registry import moochers
from payments_ui.testing.psp.stripe import face

#: Customers who agreed to be charged each month, and the test card that each has saved.
CARDS = {"ada": "pm_card_visa", "ben": "pm_card_chargeCustomerFail"}


@dataclass(frozen=True)
class Night:
    """What a night did."""

    morning: dt.datetime
    charges: NightResult
    mails: MailsResult


def let_pass(number: int) -> Night:
    """Let the night pass that is so many nights from now."""
    for user in get_user_model().objects.filter(username__in=CARDS):
        agree(user)
    begin()
    with clock.moved(dt.timedelta(days=number)):
        return Night(clock.now(), charge_payers(options=Options()), send_due())


def agree(user: User) -> None:
    """Save the user's test card at the stand-in, with their consent to be charged, once."""
    if PaymentMethod.objects.filter(user=user).exclude(unattended_text="").exists():
        return
    moocher = moochers()["stripe"]
    customer = payment_methods.customer_of(user, moocher)
    said = wording()
    consent = Consent(
        text=said.save,
        version=said.version,
        unattended_text=said.unattended,
        given_at=timezone.now(),
    )
    method = customer.start_saving(moocher=moocher.identifier, consent=consent)
    urls = AttemptUrls(settings.PAYMENTS_UI["BASE_URL"], settings.PAYMENTS_UI["BASE_URL"])
    token = {"confirmation_token": _entered(CARDS[user.username])}
    method.record(moocher.save(method, data=token, urls=urls))


def _entered(card: str) -> str:
    """What Stripe's fields hand over once a customer has entered this card."""
    request = Request(  # noqa: S310 (the demo's own address, from its settings)
        f"{settings.SANDBOX_URL}/stripe/v1/test_helpers/confirmation_tokens",
        data=urlencode({"payment_method": card}).encode(),
        headers={"Authorization": f"Bearer {face.SECRET_KEY}"},
    )
    with urlopen(request, timeout=5) as response:  # noqa: S310
        return str(json.load(response)["id"])
