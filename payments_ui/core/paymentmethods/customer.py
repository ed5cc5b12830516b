"""What a PSP calls a user: one customer for each user, PSP, account and mode."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, models, router, transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.db.append_only import Evidence, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.isolation import require_served_level
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.db.unguarded import unguarded

from . import saving
from .states import PaymentMethodState as State

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class CustomerQuerySet(EvidenceQuerySet["Customer"]):
    """Customers; they are not changed in bulk."""

    def current(self) -> CustomerQuerySet:
        """Customers that are in use here."""
        return self.filter(removed_at__isnull=True)

    @retrying
    def for_user(
        self, user: AbstractBaseUser, *, psp: str, account: str = "", live: bool = False
    ) -> Customer:
        """The user's customer at this PSP, account and mode: written down, if it is new.

        The PSP is asked for it with its ``idempotency_key`` after that is committed, so that two
        requests at once have one customer made.
        """
        key = {"user_id": user.pk, "psp": psp, "account": account, "live": live}
        found = self.current().filter(**key).first()
        if found is None:
            try:
                with transaction.atomic():
                    found = self.create(**key, idempotency_key=secrets.token_hex(16))
            except IntegrityError:
                found = self.current().get(**key)
        return found

    for_user.alters_data = True  # type: ignore[attr-defined]

    def lock_all(self, user: AbstractBaseUser) -> None:
        """Lock the user's customers until the transaction ends.

        Every change of a payment method takes this lock, after the payment's where there is one.
        A write that changes nothing, as of ``Payment.all_objects.lock``.
        """
        require_served_level(router.db_for_write(self.model))
        rows: BooksQuerySet[Customer] = BooksQuerySet(self.model)
        rows.filter(user=user.pk).update(idempotency_key=F("idempotency_key"))


class Customer(Evidence):
    """A user at a PSP. Committed before the PSP is asked; its id there is NULL until then."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("user"),
    )
    psp = IdentifierField(_("payment service"), max_length=100)
    account = IdentifierField(_("account at the service"), max_length=100, blank=True)
    live = models.BooleanField(_("real money"), default=False)
    # NULL, since an empty text would collide with others.
    customer_id = IdentifierField(
        _("customer at the service"), max_length=255, null=True, blank=True
    )
    idempotency_key = IdentifierField(_("request key"), max_length=64)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    removed_at = models.DateTimeField(
        _("removed at"),
        null=True,
        blank=True,
        help_text=_("Since when it is not used here any more."),
    )
    forgotten_at = models.DateTimeField(
        _("removed from the service at"),
        null=True,
        blank=True,
        help_text=_("When the service confirmed that it can charge nothing of it any more."),
    )
    asked_at = models.DateTimeField(_("last checked at"), null=True, blank=True)
    # NULL never collides: at most one that is in use.
    current = models.GeneratedField(
        expression=Case(When(removed_at__isnull=True, then=Value(1))),
        output_field=models.PositiveSmallIntegerField(null=True),
        db_persist=True,
    )

    objects = CustomerQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-id",)
        base_manager_name = "objects"
        verbose_name = _("customer at a payment service")
        verbose_name_plural = _("customers at payment services")
        constraints = rules.constraints(rules.CUSTOMERS)

    def __str__(self) -> str:
        return f"{self.psp} {self.customer_id or '-'}"

    @property
    def kept_at(self) -> dict[str, Any]:
        """PSP, account and mode, by the names of the columns."""
        return {"psp": self.psp, "account": self.account, "live": self.live}

    @retrying
    def to_be_made(self, *, again_after: dt.timedelta) -> Customer:
        """For asking the PSP to make it: return it with the key to ask with.

        Everybody who asks at once has the same key. A PSP answers a key as it did before, also
        with an error of its own: so there is a new key where the last question was so long ago.
        """
        now = timezone.now()
        unmade = unguarded(self).filter(customer_id=None, idempotency_key=self.idempotency_key)
        if not unmade.filter(asked_at=None).update(asked_at=now):
            new_key = {"idempotency_key": secrets.token_hex(16), "asked_at": now}
            unmade.filter(asked_at__lt=now - again_after).update(**new_key)
        return unguarded(self).select_related("user").get()

    to_be_made.alters_data = True  # type: ignore[attr-defined]

    @retrying
    def name(self, customer_id: str) -> Customer:
        """Store what the PSP calls it, if nothing is stored; return it as it is stored now.

        Where it was removed and forgotten before the PSP answered, it is to be forgotten again.
        """
        unnamed = unguarded(self).filter(customer_id__isnull=True)
        unnamed.update(customer_id=customer_id, forgotten_at=None)
        return unguarded(self).select_related("user").get()

    name.alters_data = True  # type: ignore[attr-defined]

    @retrying
    def retire(self) -> None:
        """Record that the PSP has deleted it, so that another one is made for its user.

        Changes nothing as long as the PSP may keep a payment method of it.
        """
        with transaction.atomic():
            type(self).objects.lock_all(self.user)
            gone = (State.FAILED, State.REMOVED)
            if not self.payment_methods.exclude(state__in=gone).exists():
                now = timezone.now()
                unused = unguarded(self).filter(removed_at=None)
                unused.update(removed_at=now, forgotten_at=now)

    retire.alters_data = True  # type: ignore[attr-defined]

    @retrying
    def mark_forgotten(self) -> None:
        """Record that the PSP can charge nothing of it any more."""
        rows = unguarded(self).filter(removed_at__isnull=False, forgotten_at=None)
        rows.update(forgotten_at=timezone.now())

    mark_forgotten.alters_data = True  # type: ignore[attr-defined]

    start_saving = saving.start_saving
