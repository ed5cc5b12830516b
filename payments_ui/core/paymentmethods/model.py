"""A card or account that a PSP keeps for a user. No card data."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments_ui.core import rules
from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.core.db.append_only import Evidence, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.unguarded import unguarded

from . import default, removal, saving
from .customer import Customer
from .states import PaymentMethodState

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from payments_ui.core.payments.model import Payment

#: The words of PSPs, as customers know them.
_BRANDS: Mapping[str, str] = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "maestro": "Maestro",
    "cartes_bancaires": "Cartes Bancaires",
    "eftpos_au": "eftpos",
    "twint": "TWINT",
    "paypal": "PayPal",
    "link": "Link",
    "sepa_debit": "SEPA",
}


class PaymentMethodQuerySet(EvidenceQuerySet["PaymentMethod"]):
    """Saved payment methods; they are not changed in bulk."""

    def active(self) -> PaymentMethodQuerySet:
        """Those that are in use, the default first, then the one that was used or saved last."""
        rows = self.filter(state=PaymentMethodState.ACTIVE).select_related("psp_customer")
        # Databases differ in where they put what was never used.
        return rows.order_by("-is_default", Coalesce("last_used_at", "created_at").desc(), "pk")

    def at(self, *, psp: str, account: str, live: bool) -> PaymentMethodQuerySet:
        """Those that are kept at this PSP, account and mode."""
        return self.filter(
            psp_customer__psp=psp, psp_customer__account=account, psp_customer__live=live
        )

    def tried_for(self, payment: Payment) -> PaymentMethodQuerySet:
        """Those with which this payment was tried: what a guest may see of them, and use."""
        return self.filter(attempts__payment=payment.pk).distinct()


class PaymentMethodManager(models.Manager["PaymentMethod"].from_queryset(PaymentMethodQuerySet)):  # type: ignore[misc]
    """Every row, removed ones included: they are evidence."""

    remove_all = removal.remove_all


class PaymentMethod(Evidence):
    """What a user agreed to, and what the PSP keeps; changed by its verbs only.

    Owns the idempotency key with which the PSP is asked to keep it. ``removed_at`` is when it was
    gone for its user, ``forgotten_at`` when the PSP confirmed that it cannot be charged any more.
    """

    State = PaymentMethodState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="user_payment_methods",
        verbose_name=_("user"),
        db_index=False,
    )
    psp_customer = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        related_name="payment_methods",
        verbose_name=_("customer at the service"),
        db_index=False,
    )
    moocher = IdentifierField(_("payment service"), max_length=100)
    state = IdentifierField(_("state"), max_length=20, choices=State.choices, default=State.PENDING)
    is_default = models.BooleanField(_("default"), default=False)
    idempotency_key = IdentifierField(_("request key"), max_length=64)
    # NULL, since an empty text would collide with others.
    psp_reference = IdentifierField(
        _("set-up at the service"), max_length=255, null=True, blank=True
    )
    attempt = models.ForeignKey(
        "payments_core.Attempt",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="new_payment_methods",
        verbose_name=_("payment attempt"),
        help_text=_("The payment with which it was saved."),
        db_index=False,
    )
    action_url = models.TextField(_("customer sent to"), blank=True)
    failure_code = IdentifierField(
        _("reason for failure"), max_length=40, blank=True, choices=DeclineCode.choices
    )
    method_id = IdentifierField(
        _("payment method at the service"), max_length=255, null=True, blank=True
    )
    kind = IdentifierField(_("kind"), max_length=50, blank=True)
    brand = IdentifierField(_("brand"), max_length=50, blank=True)
    last_four = IdentifierField(_("last four digits"), max_length=4, blank=True)
    expires_year = models.PositiveSmallIntegerField(_("year of expiry"), null=True, blank=True)
    expires_month = models.PositiveSmallIntegerField(_("month of expiry"), null=True, blank=True)
    renewals = models.PositiveSmallIntegerField(
        _("renewals"),
        default=0,
        help_text=_("How many times the bank renewed it, each time with a new month of expiry."),
    )
    country = IdentifierField(_("country of the issuer"), max_length=2, blank=True)
    fingerprint = IdentifierField(_("fingerprint"), max_length=255, blank=True, db_index=True)
    mandate_id = IdentifierField(_("mandate"), max_length=255, blank=True)
    authentication = IdentifierField(_("result of 3-D Secure"), max_length=100, blank=True)
    consent_text = models.TextField(_("agreed to"))
    consent_version = IdentifierField(_("version of the wording"), max_length=64)
    consent_given_at = models.DateTimeField(_("agreed at"))
    consent_ip = IdentifierField(_("agreed from"), max_length=45, blank=True)
    unattended_text = models.TextField(
        _("agreed to, for charging without the user"),
        blank=True,
        help_text=_("Empty: it is charged only when its user pays."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    asked_at = models.DateTimeField(_("last checked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    forgotten_at = models.DateTimeField(_("removed from the service at"), null=True, blank=True)
    # Until payment_method_saved or payment_method_removed was sent.
    signal_due_at = models.DateTimeField(
        _("site to be notified since"), null=True, blank=True, editable=False, db_index=True
    )
    # NULL never collides: at most one of a user's is the default.
    one_default = models.GeneratedField(
        expression=Case(When(is_default=True, then=Value(1))),
        output_field=models.PositiveSmallIntegerField(null=True),
        db_persist=True,
    )

    objects = PaymentMethodManager()  # type: ignore[misc]

    class Meta:
        ordering = ("-created_at",)
        base_manager_name = "objects"
        verbose_name = _("saved payment method")
        verbose_name_plural = _("saved payment methods")
        indexes = (
            models.Index(fields=("state", "updated_at"), name="payments_method_state"),
            models.Index(fields=("created_at",), name="payments_method_newest"),
        )
        permissions = (("remove_paymentmethod", _("Can remove saved payment methods")),)
        constraints = rules.constraints(rules.PAYMENT_METHODS)

    def __str__(self) -> str:
        return f"{self.pk.hex[:8].upper()} {self.moocher} {self.state}"

    @property
    def customer_id(self) -> str:
        """The user's customer at the PSP, as the PSP names it; empty where it has not yet."""
        return self.psp_customer.customer_id or ""

    @property
    def label(self) -> str:
        """What customers read: "Visa ending 4242"."""
        brand = _BRANDS.get(self.brand or self.kind, "")
        name = brand or (self.brand or self.kind).replace("_", " ").capitalize()
        if not self.last_four:
            return name
        return gettext("%(brand)s ending %(last_four)s") % {
            "brand": name,
            "last_four": self.last_four,
        }

    @property
    def is_active(self) -> bool:
        """Whether it is in use."""
        return self.state == PaymentMethodState.ACTIVE

    @property
    def is_expired(self) -> bool:
        """Whether its last month is over."""
        return self._months_left is not None and self._months_left < 0

    @property
    def is_expiring(self) -> bool:
        """Whether this month or the next one is its last."""
        return self._months_left in (0, 1)

    @property
    def _months_left(self) -> int | None:
        if self.expires_year is None or self.expires_month is None:
            return None
        today: dt.date = timezone.localdate() if settings.USE_TZ else dt.date.today()
        return (self.expires_year - today.year) * 12 + self.expires_month - today.month

    @property
    def allows_unattended(self) -> bool:
        """Whether its user agreed that it is charged without them."""
        return bool(self.unattended_text)

    @property
    def failure_message(self) -> _StrPromise | str:
        """Why it was not saved, as a sentence for the customer."""
        known = self.failure_code in DeclineCode.values
        return DeclineCode(self.failure_code if known else DeclineCode.GENERIC).label

    def siblings(self) -> PaymentMethodQuerySet:
        """The user's other payment methods that are in use."""
        rows: PaymentMethodQuerySet = PaymentMethod.objects.active().filter(user=self.user_id)
        return rows.exclude(pk=self.pk)

    def as_stored(self) -> PaymentMethod:
        """Read the row again, with its user and customer."""
        return unguarded(self).select_related("user", "psp_customer").get()

    def lock(self) -> PaymentMethod:
        """Lock all of the user's payment methods until the transaction ends; return this one."""
        Customer.objects.lock_all(self.user)
        return self.as_stored()

    def news(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Those of these columns that are other than was read."""
        return {name: new for name, new in changes.items() if getattr(self, name) != new}

    def write(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """For verbs, of a locked one: store those changes that are news; return them."""
        news = self.news(changes)
        if news:
            unguarded(self).update(**news, updated_at=timezone.now())
        return news

    write.alters_data = True  # type: ignore[attr-defined]

    record = saving.record
    news_of = saving.news_of
    update_instrument = saving.update_instrument
    make_default = default.make_default
    set_default = default.set_default
    remove = removal.remove
    take_out_of_use = removal.take_out_of_use
    mark_forgotten = removal.mark_forgotten
