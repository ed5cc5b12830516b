"""Signed tokens: the one in a payment form, and the one in the URL a PSP returns to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core import signing
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from payments_ui import http, money
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.exceptions import AmountChangedError, FormExpiredError, InvalidAmountError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_FORM = "payments_ui.form"
_RETURN = "payments_ui.return"
_LINK = "payments_ui.link"
_STOP = "payments_ui.mail_stop"

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
            said, owed = (
                money.format_amount(amount, payment.currency) for amount in (seen, payment.amount)
            )
            raise AmountChangedError(f"The form said {said}, {owed} is owed")
        return nonce


class ReturnToken:
    """In the URL to which a PSP sends the browser: for what, and from which page."""

    @staticmethod
    def make(subject: Attempt | PaymentMethod, page: str) -> str:
        """A token for an attempt, or a payment method that is being saved.

        ``page`` is the path of the page the customer left.
        """
        return signing.dumps([subject.pk.hex, page], salt=_RETURN)

    @staticmethod
    def read(token: str) -> tuple[UUID, str]:
        """The id and the page; raises ``BadSignature``."""
        pk, page = signing.loads(token, salt=_RETURN)
        return UUID(pk), page


class LinkToken:
    """In the address in a mail: shows one payment, signed out, for ``LINK_DAYS``."""

    @staticmethod
    def make(payment: Payment) -> str:
        """A token for this payment alone."""
        return signing.dumps(payment.pk.hex, salt=_LINK)

    @staticmethod
    def read(token: str) -> tuple[UUID, float]:
        """The payment's id, and the second until which the link is valid.

        Raises ``BadSignature``, also where it has expired.
        """
        valid = settings.LINK_DAYS * 86_400
        pk = UUID(signing.loads(token, salt=_LINK, max_age=valid))
        return pk, signing.b62_decode(token.rsplit(":", 2)[1]) + valid


class StopToken:
    """In the address by which a user declines a kind of mail. It does nothing else, so it stays."""

    @staticmethod
    def make(user: AbstractBaseUser, kind: str) -> str:
        """A token for this user and kind."""
        return signing.dumps([str(user.pk), str(kind)], salt=_STOP)

    @staticmethod
    def read(token: str) -> tuple[str, str]:
        """The user's primary key as text, and the kind; raises ``BadSignature``."""
        user, kind = signing.loads(token, salt=_STOP)
        return user, kind


def page_left(request: HttpRequest) -> str:
    """The path of the site's page that the customer leaves for a PSP; empty for the kit's own."""
    page = http.host_page(request)
    try:
        is_ours = resolve(page.partition("?")[0]).app_name == "payments_ui"
    except Resolver404:
        is_ours = False
    return "" if is_ours else page
