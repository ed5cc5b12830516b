"""Signed tokens: the one in a payment form, and the one in the URL a PSP returns to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core import signing

from payments_ui import money
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import AmountChangedError, FormExpiredError, InvalidAmountError

_FORM = "payments_ui.form"
_RETURN = "payments_ui.return"

#: Names of the hidden fields.
TOKEN = "pui-token"  # noqa: S105 - a field's name
AMOUNT = "pui-amount"


class FormToken:
    """Hidden fields of a payment form, and what they prove when the form is posted."""

    @staticmethod
    def fields(payment: Payment) -> dict[str, str]:
        """A new token, and the amount the customer sees in units of the currency."""
        token = signing.dumps([payment.pk.hex, secrets.token_hex(16)], salt=_FORM)
        return {TOKEN: token, AMOUNT: str(payment.amount)}

    @staticmethod
    def nonce(payment: Payment, data: Mapping[str, Any], max_age: int | None = None) -> str:
        """The token's random part: the same form posted again has the same.

        Raises ``FormExpiredError`` for a form that is older than ``max_age`` seconds, or was
        made for another payment.
        """
        try:
            pk, nonce = signing.loads(data.get(TOKEN, ""), salt=_FORM, max_age=max_age)
        except signing.BadSignature as error:
            raise FormExpiredError(str(error)) from error
        if pk != payment.pk.hex:
            raise FormExpiredError("The form was made for another payment")
        return str(nonce)

    @classmethod
    def check(cls, payment: Payment, data: Mapping[str, Any]) -> str:
        """The nonce of a form that may pay.

        Raises ``FormExpiredError``, and ``AmountChangedError`` where the customer saw
        another amount.
        """
        nonce = cls.nonce(payment, data, settings.FORM_MAX_AGE)
        try:
            seen = money.payment_amount(data.get(AMOUNT, ""))
        except InvalidAmountError as error:
            raise AmountChangedError(f"The form's amount: {error}") from error
        if seen != payment.amount:
            raise AmountChangedError(f"The form said {seen}, {payment.amount} is owed")
        return nonce


class ReturnToken:
    """In the URL to which a PSP sends the browser: which attempt, and from which page."""

    @staticmethod
    def make(attempt: Attempt, page: str) -> str:
        """A token for this attempt; ``page`` is the path of the page the customer left."""
        return signing.dumps([attempt.pk.hex, page], salt=_RETURN)

    @staticmethod
    def read(token: str) -> tuple[UUID, str]:
        """The attempt's id and the page; raises ``BadSignature``."""
        pk, page = signing.loads(token, salt=_RETURN)
        return UUID(pk), page
