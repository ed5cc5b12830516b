"""The token in a payment form: made for one payment, once, for some time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core import signing

from payments_ui.conf import settings
from payments_ui.core.models import Payment
from payments_ui.exceptions import AmountChangedError, FormExpiredError

_SALT = "payments_ui.form"

#: Names of the hidden fields.
TOKEN = "pui-token"  # noqa: S105 - a field's name
AMOUNT = "pui-amount"


class FormToken:
    """Hidden fields of a payment form, and what they prove when it is posted."""

    @staticmethod
    def fields(payment: Payment) -> dict[str, str]:
        """A new token, and the amount the customer sees in units of the currency."""
        token = signing.dumps([payment.pk.hex, secrets.token_hex(16)], salt=_SALT)
        return {TOKEN: token, AMOUNT: str(payment.amount)}

    @staticmethod
    def check(payment: Payment, data: Mapping[str, Any]) -> str:
        """The nonce of the form that was posted, by which a repeated post is known.

        Raises ``FormExpiredError`` and ``AmountChangedError``.
        """
        try:
            posted = signing.loads(data.get(TOKEN, ""), salt=_SALT, max_age=settings.FORM_MAX_AGE)
        except signing.BadSignature as error:
            raise FormExpiredError(str(error)) from error
        if posted[0] != payment.pk.hex:
            raise FormExpiredError("The form was made for another payment")
        if _decimal(data.get(AMOUNT)) != payment.amount:
            raise AmountChangedError(f"{data.get(AMOUNT)!r} was seen, {payment.amount} is owed")
        return str(posted[1])


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
