"""Writing the journal: one function per thing that happens, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db import connections, models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import dates
from payments_ui.exceptions import InvalidAmountError

from .db import rows
from .db.append_only import Evidence
from .db.fields import ExactDecimalField, IdentifierField
from .db.indexes import IndexWhere
from .db.json_safe import storable, text
from .verbs import JournalVerb

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

    from .models import Attempt, Dispute, LineItem, Payment, PaymentMethod, Refund

SYSTEM = "system"
#: A visitor who is not signed in, and came by a link in a mail.
LINK = "link"


class JournalEntry(Evidence):
    """Who did what, and why. Written in the transaction of the change itself.

    Payments, attempts and line items are named by id and not by foreign key, so that an
    entry survives what it is about.
    """

    Verb = JournalVerb

    at = models.DateTimeField(_("date and time"), default=timezone.now, editable=False)
    verb = IdentifierField(_("what happened"), max_length=30, choices=Verb.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("user"),
        help_text=_("The customer who owes or paid."),
        db_index=False,
    )
    payment_id = models.UUIDField(_("payment"), null=True)
    attempt_id = models.UUIDField(_("payment attempt"), null=True)
    lineitem_id = models.BigIntegerField(_("line item"), null=True)
    items = models.PositiveIntegerField(_("number of line items"), null=True)
    # What SQLite cannot count is in the detail.
    total = ExactDecimalField(_("exact total"), max_digits=24, decimal_places=8, null=True)
    currency = IdentifierField(_("currency"), max_length=3, blank=True)
    actor = IdentifierField(
        _("done by"),
        max_length=100,
        help_text=_("A user's number, a payment service, or the system; names are left out."),
    )
    reason = models.TextField(_("reason"), blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        ordering = ("-id",)
        base_manager_name = "objects"
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        indexes = (
            models.Index(fields=("user", "id"), name="payments_journal_user"),
            IndexWhere(
                fields=("payment_id",),
                name="payments_journal_payment",
                where=models.Q(payment_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{dates.format_moment(self.at)}: {self.get_verb_display()}"


Verb = JournalEntry.Verb


class Acting(NamedTuple):
    """Who acts, and why, where a verb is not given it."""

    actor: str = SYSTEM
    reason: str = ""


_BY_DEFAULT = Acting()
_acting: ContextVar[Acting] = ContextVar("payments_ui_acting", default=_BY_DEFAULT)


@contextmanager
def acting(by: str, reason: str = "") -> Iterator[None]:
    """While it lasts, journal entries without an actor of their own get this actor and reason."""
    token = _acting.set(Acting(by, reason))
    try:
        yield
    finally:
        _acting.reset(token)


def by_user(user: AbstractBaseUser | AnonymousUser) -> str:
    """How the journal names a user: by id, so that anonymizing leaves nothing behind."""
    return LINK if user.pk is None else f"user:{user.pk}"


def by_moocher(identifier: str) -> str:
    """How the journal names a moocher."""
    return f"moocher:{identifier}"


def write(verb: str, **fields: Any) -> None:
    """Append one entry. ``verb`` is a ``JournalEntry.Verb``."""
    fields = _acting.get()._asdict() | fields
    fields["reason"] = text(fields["reason"])
    if not _is_countable(total := fields.get("total")):
        # What happened is written down, whatever its amount.
        fields |= {"total": None, "detail": {**fields.get("detail", {}), "total": str(total)}}
    fields["detail"] = storable(fields.get("detail", {}))
    rows.insert(JournalEntry(verb=verb, **fields), router.db_for_write(JournalEntry))


def _is_countable(total: Decimal | None) -> bool:
    """Whether the column holds it: that of SQLite ends before what may arrive does."""
    using = router.db_for_write(JournalEntry)
    try:
        JournalEntry._meta.get_field("total").get_db_prep_save(total, connections[using])
    except InvalidAmountError:
        return False
    return True


def payment(verb: str, payment: Payment, **fields: Any) -> None:
    """Something happened to a payment."""
    write(
        verb,
        user_id=payment.user_id,
        payment_id=payment.pk,
        **{"total": payment.amount, "currency": payment.currency} | fields,
    )


def attempt(verb: str, attempt: Attempt, **fields: Any) -> None:
    """Something happened to an attempt."""
    payment(
        verb,
        attempt.payment,
        **{"attempt_id": attempt.pk, "total": attempt.amount, "currency": attempt.currency}
        | {"actor": by_moocher(attempt.moocher)}
        | fields,
    )


def refund(verb: str, refund: Refund, **fields: Any) -> None:
    """Something happened to a refund; its id is in the detail."""
    payment(
        verb,
        refund.payment,
        attempt_id=refund.attempt_id,
        total=refund.amount,
        currency=refund.currency,
        **fields | {"detail": {"refund": str(refund.pk)} | fields.get("detail", {})},
    )


def dispute(verb: str, dispute: Dispute, **fields: Any) -> None:
    """Something happened to a dispute; the PSP's reference of it is in the detail."""
    payment(
        verb,
        dispute.payment,
        attempt_id=dispute.attempt_id,
        total=dispute.amount,
        currency=dispute.currency,
        **fields | {"detail": {"dispute": dispute.psp_reference} | fields.get("detail", {})},
    )


def payment_method(verb: str, method: PaymentMethod, **fields: Any) -> None:
    """Something happened to a saved payment method; its id is in the detail."""
    detail = {"payment_method": str(method.pk)} | fields.pop("detail", {})
    write(verb, user_id=method.user_id, detail=detail, **fields)


def lineitem(verb: str, item: LineItem, **fields: Any) -> None:
    """Something happened to an unbound line item. Its title may be personal and is left out."""
    facts: dict[str, Any] = {"user_id": item.user_id, "lineitem_id": item.pk, "items": 1}
    facts |= {"total": item.amount, "currency": item.currency}
    write(verb, **facts, **fields)


def lineitems(verb: str, items: QuerySet[LineItem]) -> None:
    """The same happened to many unbound line items. One statement, and no row is read."""
    connection = connections[items.db]
    journal = JournalEntry._meta
    who = _acting.get()
    at = journal.get_field("at").get_db_prep_save(timezone.now(), connection)
    which, keys = items.order_by().values("pk").query.get_compiler(items.db).as_sql()
    # Only our own tables' names go in.
    sql = f"""
INSERT INTO {journal.db_table}
    (at, verb, actor, reason, detail, user_id, lineitem_id, items, total, currency)
SELECT %s, %s, %s, %s, '{{}}', user_id, id, 1, amount, currency
FROM {items.model._meta.db_table} WHERE id IN ({which}) ORDER BY id
"""  # noqa: S608
    with connection.cursor() as cursor:
        actor = journal.get_field("actor").get_db_prep_save(who.actor, connection)
        cursor.execute(sql, [at, verb, actor, text(who.reason), *keys])
