"""Dropping the person and keeping the books: what to do instead of deleting a user."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from django.db.models import Q

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
)
from payments_ui.exceptions import AttemptOpenError, RefundOpenError

from .redaction import ANONYMIZED, without_addresses

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# In the names of a PSP's facts about a person.
_PERSONAL = re.compile(
    r"name|mail|phone|address|street|city|zip|postal|birth|holder|payer|customer|iban|\bip\b",
    re.IGNORECASE,
)
# Of Django's own user models; fields that the site's model lacks are left out.
_BLANK: dict[str, Any] = {"first_name": "", "last_name": "", "is_active": False}
_BLANK |= {"is_staff": False, "is_superuser": False, "last_login": None}
# Of saved payment methods. The PSP's ids stay until it has given them up.
_OF_CARDS: dict[str, Any] = {"consent_ip": "", "last_four": "", "fingerprint": "", "country": ""}
_OF_CARDS |= {"expires_year": None, "expires_month": None}


@retrying
def anonymize_user(
    user: AbstractBaseUser,
    *,
    by: str = journal.SYSTEM,
    reason: str = "",
    keep_titles: bool = False,
) -> None:
    """Take the person out of the user and the books; amounts, ids and the journal stay.

    The user gets a random name, cannot sign in any more, and loses e-mail, first and last
    name; their payments lose the e-mail, their line items the titles (unless
    ``keep_titles``), and what PSPs reported loses its personal facts. Their saved payment
    methods are out of use at once, and ``reconcile_payments`` has the PSPs give them up; what the
    user agreed to is kept, without the address that they agreed from. The site clears its own
    fields and the ``key`` of line items. Cannot be undone.

    Raises ``AttemptOpenError`` or ``RefundOpenError`` while the outcome of an attempt or a
    refund is not known.
    """
    known = _known_texts(user)
    with transaction.atomic():
        values = _blank_values(user)
        for field, value in values.items():
            setattr(user, field, value)
        type(user)._base_manager.filter(pk=user.pk).update(**values)
        if Attempt.objects.open().filter(payment__user=user.pk).exists():
            raise AttemptOpenError(f"An attempt of user {user.pk} is open")
        if Refund.objects.open().filter(payment__user=user.pk).exists():
            raise RefundOpenError(f"A refund of user {user.pk} is open")
        payments = Payment.all_objects.filter(user=user.pk)
        for payment in payments.exclude(transaction="").only("transaction"):
            unguarded(payment).update(transaction=_clean(payment.transaction, known))
        models.QuerySet(Payment).filter(user=user.pk).update(email="")
        _clean_reports(user, known)
        PaymentMethod.objects.remove_all(user, by=by, reason=reason)
        models.QuerySet(PaymentMethod).filter(user=user.pk).update(**_OF_CARDS)
        if not keep_titles:
            models.QuerySet(LineItem).filter(user=user.pk).update(title=ANONYMIZED)
        verb = JournalEntry.Verb.USER_ANONYMIZED
        journal.write(verb, user_id=user.pk, actor=by, reason=reason)


def _clean_reports(user: AbstractBaseUser, known: Iterable[str]) -> None:
    """Take the person out of what PSPs and banks reported of attempts, refunds and disputes."""
    paid_by = Q(attempt__payment__user=user.pk) | Q(arrivals__attempt__payment__user=user.pk)
    for event in Event.objects.filter(paid_by).exclude(payer="").only("pk").distinct():
        unguarded(event).update(payer=ANONYMIZED)
    for attempt in Attempt.objects.filter(payment__user=user.pk).only("evidence"):
        evidence = _clean(attempt.evidence, known)
        unguarded(attempt).update(evidence=evidence, action_url="")
    refunds = Refund.objects.filter(payment__user=user.pk).only("evidence", "reason")
    disputes = Dispute.objects.filter(payment__user=user.pk).only("evidence", "reason")
    for row in (*refunds, *disputes):
        evidence, reason = _clean([row.evidence, row.reason], known)
        unguarded(row).update(evidence=evidence, reason=reason)


def _known_texts(user: Any) -> list[str]:
    names = (user.USERNAME_FIELD, user.get_email_field_name(), "first_name", "last_name")
    emails = Payment.all_objects.filter(user=user.pk).values_list("email", flat=True)
    texts = {str(getattr(user, name, "") or "") for name in names} | set(emails.order_by())
    # Longest first, since a text may hold another; two letters are no name to look for.
    return sorted((text for text in texts if len(text) > 2), key=len, reverse=True)


def _blank_values(user: Any) -> dict[str, Any]:
    name, email = user.USERNAME_FIELD, user.get_email_field_name()
    fields = {field.name: field for field in user._meta.concrete_fields}
    # Random: it collides with no other name, and says nothing about the person.
    unique = f"{ANONYMIZED}-{secrets.token_hex(8)}"
    address = f"{unique}@{ANONYMIZED}.invalid"
    values = {**_BLANK, "password": make_password(None), email: ""}
    if email in fields and fields[email].unique:
        values[email] = address
    values[name] = address if name == email else unique
    return {field: value for field, value in values.items() if field in fields}


def _clean(value: Any, known: Iterable[str]) -> Any:
    """Return what a PSP reported, or a text, without personal facts."""
    if isinstance(value, dict):
        return {
            name: ANONYMIZED if _PERSONAL.search(name) else _clean(item, known)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_clean(item, known) for item in value]
    if not isinstance(value, str):
        return value
    for personal in known:
        value = re.sub(re.escape(personal), ANONYMIZED, value, flags=re.IGNORECASE)
    return without_addresses(value)
