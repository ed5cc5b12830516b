"""Which payment method a user's payments begin with: at most one is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.core.db.unguarded import unguarded
from payments_ui.exceptions import PaymentMethodGoneError

from .states import PaymentMethodState as State

if TYPE_CHECKING:
    from .model import PaymentMethod


@retrying
@second_look
def make_default(method: PaymentMethod, *, by: str = journal.SYSTEM) -> PaymentMethod:
    """Make it the one that is offered first, and charged without the user where they agreed.

    Returns it as it is stored then; repeating it changes nothing. Raises
    ``PaymentMethodGoneError`` where it is not in use.
    """
    with transaction.atomic():
        locked = method.lock()
        if locked.state != State.ACTIVE:
            raise PaymentMethodGoneError(f"{locked} is {locked.state}")
        if not locked.is_default:
            locked.set_default(by=by)
    return method.as_stored()


make_default.alters_data = True  # type: ignore[attr-defined]


def set_default(method: PaymentMethod, *, by: str) -> None:
    """For verbs, of a locked payment method that is in use: it takes the place of the default."""
    for other in method.siblings().filter(is_default=True):
        unguarded(other).update(is_default=False)
    unguarded(method).update(is_default=True)
    journal.payment_method(journal.Verb.METHOD_DEFAULT, method, actor=by)


set_default.alters_data = True  # type: ignore[attr-defined]
