"""What one rendering of a page shows of a payer's books: each question is asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from payments_ui.core import queries
from payments_ui.core.models import Attempt, LineItem, Payment, Recovery
from payments_ui.core.queries import Group, Owed

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from payments_ui.core.queries import PendingPayment

T = TypeVar("T")


class Reading:
    """The books of one payer, for showing only: what decides about money asks the database anew.

    All widgets of one rendering share it. It ends with the rendering, so that what the same
    request writes before it renders again is shown.
    """

    def __init__(self, user: AbstractBaseUser) -> None:
        self.user = user
        self._answers: dict[Hashable, Any] = {}

    @property
    def version(self) -> str:
        """The version of the books, no newer than what was read of them. No query after others."""
        owed: Owed | None = self._answers.get("owed")
        return self._once("version", lambda: owed.version if owed else queries.version(self.user))

    def owed(self) -> Owed:
        """What the user owes, pending payments included."""
        return self._once("owed", lambda: queries.owed(self.user))

    def prepare(self, currency: str, limit: int, offset: int) -> None:
        """Read what the user owes, and these ``groups`` with it, in the same query."""
        if "owed" not in self._answers:
            owed, groups = queries.owed_and_groups(self.user, currency, limit=limit, offset=offset)
            self._answers |= {"owed": owed, (queries.groups, currency, limit, offset, None): groups}

    def groups(
        self, currency: str, limit: int, offset: int, payment: Payment | None = None
    ) -> list[Group]:
        """As ``queries.groups``."""
        return self._page(queries.groups, currency, limit, offset, payment)

    def items(
        self, currency: str, limit: int, offset: int, payment: Payment | None = None
    ) -> list[LineItem]:
        """As ``queries.items``."""
        return self._page(queries.items, currency, limit, offset, payment)

    def pending_payments(self, currency: str, limit: int) -> list[PendingPayment]:
        """As ``queries.pending_payments``; no query where there are none."""
        if not self.owed().payments:
            return []
        return self._once(
            (queries.pending_payments, currency, limit),
            lambda: queries.pending_payments(self.user, currency, limit=limit),
        )

    def open_attempts(self, payments: Sequence[PendingPayment]) -> dict[Any, Attempt]:
        """The attempts of these payments that are open, by payment. One query, where any is."""
        busy = tuple(payment.pk for payment in payments if payment.is_processing)
        if not busy:
            return {}
        opened = Attempt.objects.open().filter(payment__in=busy)
        return self._once(
            ("open_attempts", busy), lambda: {attempt.payment_id: attempt for attempt in opened}
        )

    def recoveries(self, payments: Sequence[PendingPayment]) -> dict[Any, Recovery]:
        """As ``queries.recoveries_of``."""
        of = tuple(payment.pk for payment in payments)
        return self._once(("recoveries", of), lambda: queries.recoveries_of(payments))

    def _page(
        self,
        read: Callable[..., list[T]],
        currency: str,
        limit: int,
        offset: int,
        payment: Payment | None,
    ) -> list[T]:
        return self._once(
            (read, currency, limit, offset, payment and payment.pk),
            lambda: read(self.user, currency, limit=limit, offset=offset, payment=payment),
        )

    def _once(self, question: Hashable, read: Callable[[], T]) -> T:
        if question not in self._answers:
            self._answers[question] = read()
        answer: T = self._answers[question]
        return answer
