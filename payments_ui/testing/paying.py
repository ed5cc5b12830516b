"""Pay as a customer does: post the form of a payment option."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.tokens import FormToken


def pay(client: Client, payment: Payment, moocher: str = "sandbox", **data: str) -> Attempt:
    """Post the form of a payment option as the user who is signed in, and return the attempt.

    `data` is what the customer fills in: for "sandbox" a test card, as in
    `card="card_approve"`; for "sandbox-page" nothing. AssertionError if the site refused the
    form, and started no attempt.
    """
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": moocher})
    fields = FormToken.fields(payment)
    reply = client.post(url, fields | data)
    nonce = FormToken.nonce(payment, fields)
    attempt: Attempt | None = Attempt.objects.filter(form_token=nonce).first()
    if attempt is None:
        raise AssertionError(f"The site answered {reply.status_code} and started no attempt.")
    return attempt
