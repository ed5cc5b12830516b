"""What a PSP is asked to do: charge (an attempt), or give back (a refund)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core.db.append_only import Evidence
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.payments.model import Payment

if TYPE_CHECKING:
    from uuid import UUID


class PSPRequest(Evidence):
    """Base of ``Attempt`` and ``Refund``: committed before the PSP is asked, changed by verbs only.

    ``amount`` is in units of ``currency``. The request is open until its outcome is known.
    """

    OPEN: ClassVar[tuple[models.TextChoices, ...]]
    #: What ``as_stored`` reads along.
    RELATED: ClassVar[tuple[str, ...]]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=3)
    currency = IdentifierField(_("currency"), max_length=3)
    idempotency_key = IdentifierField(_("request key"), max_length=64)
    # NULL, since an empty text would collide with others.
    psp_reference = IdentifierField(
        _("reference at the service"), max_length=255, null=True, blank=True
    )
    evidence = models.JSONField(_("what the service reported"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    asked_at = models.DateTimeField(
        _("last checked at"),
        null=True,
        blank=True,
        help_text=_("When the service was last asked for the outcome."),
    )
    signal_sent_at = models.DateTimeField(
        _("site notified at"),
        null=True,
        blank=True,
        help_text=_("When your site received the signal about it."),
    )

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        """Whether the outcome is not known yet."""
        return self.state in self.OPEN  # type: ignore[attr-defined]

    @property
    def reference(self) -> str:
        """Eight characters a customer can read to a clerk on the phone."""
        key: UUID = self.pk
        return key.hex[:8].upper()

    def as_stored(self) -> Self:
        """Read the row again, with its payment and user."""
        return unguarded(self).select_related(*self.RELATED).get()

    def lock_payment(self) -> Payment:
        """Lock the payment until the transaction ends, see ``Payment.all_objects.lock``."""
        payment: Payment | None = Payment.all_objects.lock(self.payment_id)  # type: ignore[attr-defined]
        assert payment is not None  # noqa: S101 - PROTECT: a request has its payment
        return payment

    def write(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """For verbs, under the payment's lock: store those changes that are news; return them.

        Also stores when that was, and whether the request has ended with it. So "updated at"
        says since when the request waits, however often the PSP is asked.
        """
        news = {name: new for name, new in changes.items() if getattr(self, name) != new}
        if news:
            now = timezone.now()
            state = news.get("state", self.state)  # type: ignore[attr-defined]
            ended_at = None if state in self.OPEN else now
            unguarded(self).update(**news, updated_at=now, ended_at=ended_at)
        return news

    write.alters_data = True  # type: ignore[attr-defined]
