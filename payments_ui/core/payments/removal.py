"""Removing the row of a cancelled payment for which no PSP was ever asked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connections, router, transaction
from django.db.models import signals

from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.rules.rule import ATTEMPT, PAYMENT

if TYPE_CHECKING:
    from .model import Payment

# Of our own tables none but attempts can name a payment that lost its line items.
_REMOVE = f"""
DELETE FROM {PAYMENT} WHERE id = %s AND cancelled_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM {ATTEMPT} WHERE payment_id = {PAYMENT}.id)
"""  # noqa: S608 - only our own tables' names go in


@retrying
def remove_unless_asked(payment: Payment) -> bool:
    """Delete the row of a cancelled payment; ``False`` where a PSP was asked, or money arrived.

    One statement, unless the site has tables or receivers of its own that follow a payment's end.
    """
    if _is_followed(type(payment)):
        with transaction.atomic():
            locked = payment.lock()
            if locked is None or not locked.cancelled_at or locked.attempts.exists():
                return False
            unguarded(locked).delete()
            return True
    using = router.db_for_write(type(payment), instance=payment)
    connection = connections[using]
    key = type(payment)._meta.pk.get_db_prep_save(payment.pk, connection)
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(_REMOVE, [key])
            return bool(cursor.rowcount)
    except IntegrityError:
        # Money arrived for it at this moment.
        return False


def _is_followed(model: type[Payment]) -> bool:
    return (
        signals.pre_delete.has_listeners(model)
        or signals.post_delete.has_listeners(model)
        or _is_named_elsewhere(model)
    )


@cache
def _is_named_elsewhere(model: type[Payment]) -> bool:
    """Whether tables of other apps name payments: the site says what becomes of their rows."""
    fields: Any = model._meta.get_fields(include_hidden=True)
    return any(
        field.related_model._meta.app_label != model._meta.app_label
        for field in fields
        if field.auto_created and not field.concrete
    )
