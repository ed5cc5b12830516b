"""Dropping the person and keeping the books: what to do instead of deleting a user."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import FieldDoesNotExist
from django.db import models, transaction

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, Refund
from payments_ui.exceptions import AttemptOpenError, RefundOpenError

from .redaction import ANONYMIZED

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# Names a PSP's facts about a person come by.
_PERSONAL = re.compile(
    r"name|mail|phone|address|street|city|zip|postal|birth|holder|payer|customer|iban|\bip\b",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s\"'<>]+@[^\s\"'<>]+")
# Of Django's own user models; those the site's model lacks are left out.
_BLANK: dict[str, Any] = {"first_name": "", "last_name": "", "is_active": False}
_BLANK |= {"is_staff": False, "is_superuser": False, "last_login": None}


@retrying
def anonymize_user(
    user: AbstractBaseUser,
    *,
    by: str = journal.SYSTEM,
    reason: str = "",
    keep_titles: bool = False,
) -> None:
    """Take the person out of the user and the books; amounts, ids and the journal stay.

    The user gets a name that says nothing, cannot sign in any more, and loses e-mail, first
    and last name; their payments lose the e-mail, their line items the titles (unless
    ``keep_titles``), and what PSPs told of them its personal facts. Fields of the site's
    own and the ``key`` of line items are the site's to clear. Cannot be undone.

    Raises ``AttemptOpenError`` or ``RefundOpenError`` while the outcome of an attempt or a
    refund is not known.
    """
    known = _known_texts(user)
    with transaction.atomic():
        _blank_user(user)
        if Attempt.objects.open().filter(payment__user=user.pk).exists():
            raise AttemptOpenError(f"An attempt of user {user.pk} is open")
        if Refund.objects.open().filter(payment__user=user.pk).exists():
            raise RefundOpenError(f"A refund of user {user.pk} is open")
        _blank_payments(user, known)
        _blank_attempts(user, known)
        _blank_refunds(user, known)
        if not keep_titles:
            models.QuerySet(LineItem).filter(user=user.pk).update(title=ANONYMIZED)
        verb = JournalEntry.Verb.USER_ANONYMIZED
        journal.write(verb, user_id=user.pk, actor=by, reason=reason)


def _known_texts(user: Any) -> list[str]:
    names = (user.USERNAME_FIELD, user.get_email_field_name(), "first_name", "last_name")
    emails = Payment.all_objects.filter(user=user.pk).values_list("email", flat=True)
    texts = {str(getattr(user, name, "") or "") for name in names} | set(emails.order_by())
    # Longest first, since one may hold another; two letters are no name to look for.
    return sorted((text for text in texts if len(text) > 2), key=len, reverse=True)


def _blank_user(user: Any) -> None:
    values = _blank_values(user)
    for field, value in values.items():
        setattr(user, field, value)
    type(user)._base_manager.filter(pk=user.pk).update(**values)


def _blank_values(user: Any) -> dict[str, Any]:
    name, email = user.USERNAME_FIELD, user.get_email_field_name()
    # Nobody can have taken it before, nor tell from it who it was.
    unique = f"{ANONYMIZED}-{secrets.token_hex(8)}"
    values = {**_BLANK, "password": make_password(None), email: ""}
    address = f"{unique}@{ANONYMIZED}.invalid"
    if _has(user, email) and user._meta.get_field(email).unique:
        values[email] = address
    values[name] = address if name == email else unique
    return {field: value for field, value in values.items() if _has(user, field)}


def _has(user: Any, field: str) -> bool:
    try:
        return bool(user._meta.get_field(field).concrete)
    except FieldDoesNotExist:
        return False


def _blank_payments(user: AbstractBaseUser, known: Iterable[str]) -> None:
    payments = Payment.all_objects.filter(user=user.pk).exclude(transaction="")
    for pk, text in payments.values_list("pk", "transaction"):
        models.QuerySet(Payment).filter(pk=pk).update(transaction=_scrubbed_text(text, known))
    models.QuerySet(Payment).filter(user=user.pk).update(email="")


def _blank_attempts(user: AbstractBaseUser, known: Iterable[str]) -> None:
    attempts = Attempt.objects.filter(payment__user=user.pk)
    for pk, evidence in attempts.values_list("pk", "evidence"):
        scrubbed = _scrubbed(evidence, known)
        models.QuerySet(Attempt).filter(pk=pk).update(evidence=scrubbed, action_url="")


def _blank_refunds(user: AbstractBaseUser, known: Iterable[str]) -> None:
    refunds = Refund.objects.filter(payment__user=user.pk)
    for pk, evidence, reason in refunds.values_list("pk", "evidence", "reason"):
        clean = {"evidence": _scrubbed(evidence, known), "reason": _scrubbed_text(reason, known)}
        models.QuerySet(Refund).filter(pk=pk).update(**clean)


def _scrubbed(value: Any, known: Iterable[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: ANONYMIZED if _PERSONAL.search(name) else _scrubbed(item, known)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_scrubbed(item, known) for item in value]
    return _scrubbed_text(value, known) if isinstance(value, str) else value


def _scrubbed_text(text: str, known: Iterable[str]) -> str:
    for personal in known:
        text = re.sub(re.escape(personal), ANONYMIZED, text, flags=re.IGNORECASE)
    return _EMAIL.sub(ANONYMIZED, text)
