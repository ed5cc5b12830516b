"""The books as of 0.1.0.

The triggers on these tables are installed after the last migration, by
``payments_ui.core.triggers``: SQLite cannot change a table that a trigger names, and rules of a
later version may read columns that come later.
"""

import uuid
from decimal import Decimal
from typing import Any

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import payments_ui.core.db.fields
from payments_ui.core import triggers


def remove_triggers(apps: Any, schema_editor: Any) -> None:
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created at"
                    ),
                ),
                (
                    "charged_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="charged at"),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email")),
                ("transaction", models.TextField(blank=True, verbose_name="transaction")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="user_payments",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "amount",
                    payments_ui.core.db.fields.AmountField(
                        decimal_places=3, max_digits=14, verbose_name="amount"
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "payment_service_provider",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="payment service provider"
                    ),
                ),
                (
                    "sealed_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="sealed at"),
                ),
                (
                    "cancelled_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="cancelled at"),
                ),
                (
                    "undone_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="undone at"),
                ),
                (
                    "signal_due_at",
                    models.DateTimeField(
                        blank=True,
                        db_index=True,
                        editable=False,
                        null=True,
                        verbose_name="site to be notified since",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ("-created_at",),
                "permissions": (
                    ("book_payment", "Can record payments received"),
                    ("undo_payment", "Can undo a charged payment"),
                    ("refund_payment", "Can refund payments"),
                ),
                "base_manager_name": "all_objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("charged_at__isnull", True),
                            models.Q(("cancelled_at__isnull", True), ("undone_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="payments_charged_or_gone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="payments_not_negative"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("all_objects", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LineItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="user_lineitems",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created at"
                    ),
                ),
                (
                    "used_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="When the customer used the service.",
                        verbose_name="used at",
                    ),
                ),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                (
                    "amount",
                    payments_ui.core.db.fields.ExactDecimalField(
                        decimal_places=8, max_digits=18, verbose_name="amount"
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "quantity",
                    payments_ui.core.db.fields.ExactDecimalField(
                        blank=True,
                        decimal_places=8,
                        help_text="With a unit price: the amount is the product of the two.",
                        max_digits=18,
                        null=True,
                        verbose_name="quantity",
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        blank=True,
                        help_text="What the quantity counts.",
                        max_length=40,
                        verbose_name="unit",
                    ),
                ),
                (
                    "unit_price",
                    payments_ui.core.db.fields.ExactDecimalField(
                        blank=True,
                        decimal_places=8,
                        max_digits=18,
                        null=True,
                        verbose_name="unit price",
                    ),
                ),
                (
                    "key",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        help_text="Identifies the use, so that it is charged once.",
                        max_length=200,
                        null=True,
                        verbose_name="key",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lineitems",
                        to="payments_core.payment",
                        verbose_name="payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "line item",
                "verbose_name_plural": "line items",
                "ordering": ("-created_at",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        fields=["payment", "user", "currency"], name="payments_item_unbound"
                    ),
                    models.Index(fields=["user", "id"], name="payments_item_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key"), name="payments_item_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__lte", Decimal("9999999999.99999999")),
                            models.Q(
                                ("quantity__isnull", True),
                                ("quantity__lte", Decimal("9999999999.99999999")),
                                _connector="OR",
                            ),
                            models.Q(
                                ("unit_price__isnull", True),
                                ("unit_price__lte", Decimal("9999999999.99999999")),
                                _connector="OR",
                            ),
                        ),
                        name="payments_item_numbers",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=3, max_digits=14, verbose_name="amount"),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "idempotency_key",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=64, verbose_name="request key"
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        max_length=255,
                        null=True,
                        verbose_name="reference at the service",
                    ),
                ),
                (
                    "evidence",
                    models.JSONField(
                        blank=True, default=dict, verbose_name="what the service reported"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "asked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the service was last asked for the outcome.",
                        null=True,
                        verbose_name="last checked at",
                    ),
                ),
                (
                    "signal_sent_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When your site received the signal about it.",
                        null=True,
                        verbose_name="site notified at",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="payments_core.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "moocher",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=100, verbose_name="payment service"
                    ),
                ),
                (
                    "account",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="account at the service"
                    ),
                ),
                ("live", models.BooleanField(default=False, verbose_name="real money")),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("started", "started"),
                            ("requires_action", "waiting for the customer"),
                            ("processing", "waiting for the service"),
                            ("unknown", "outcome unknown"),
                            ("settled", "charged"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                            ("surplus", "surplus"),
                            ("mismatch", "mismatch"),
                        ],
                        default="started",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "form_token",
                    payments_ui.core.db.fields.IdentifierField(
                        help_text="Identifies the payment form, so that sending it twice pays once.",
                        max_length=64,
                        null=True,
                        verbose_name="form token",
                    ),
                ),
                ("action_url", models.TextField(blank=True, verbose_name="customer sent to")),
                (
                    "failure_code",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        choices=[
                            (
                                "card_declined",
                                "Your card was declined. Try another card, or ask your bank.",
                            ),
                            (
                                "insufficient_funds",
                                "There is not enough money on this card or account. Try another payment method.",
                            ),
                            ("expired_card", "Your card has expired. Try another card."),
                            (
                                "incorrect_details",
                                "The details were not correct. Check them and try again.",
                            ),
                            (
                                "authentication_failed",
                                "Your bank could not confirm that it was you. Try again, or use another payment method.",
                            ),
                            (
                                "limit_exceeded",
                                "This is above a limit of your card. Try another payment method.",
                            ),
                            (
                                "generic",
                                "The payment was declined. Try another payment method, or ask your bank.",
                            ),
                            ("abandoned", "You left before paying. Try again whenever you like."),
                            (
                                "request_refused",
                                "You were not charged: the payment service rejected our request. We have been notified. Try another payment method.",
                            ),
                            (
                                "never_happened",
                                "Your last attempt did not reach the payment service. Please try again.",
                            ),
                        ],
                        max_length=40,
                        verbose_name="reason for failure",
                    ),
                ),
                (
                    "manual",
                    models.BooleanField(
                        default=False,
                        help_text="A clerk recorded the money; the service cannot refund it.",
                        verbose_name="booked by hand",
                    ),
                ),
                (
                    "received_amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=14,
                        null=True,
                        verbose_name="received amount",
                    ),
                ),
                (
                    "received_currency",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=3, verbose_name="received currency"
                    ),
                ),
                (
                    "refunded_amount",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("0"),
                        editable=False,
                        help_text="Refunded, or reserved for an open refund.",
                        max_digits=14,
                        verbose_name="refunded amount",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="started at"
                    ),
                ),
                (
                    "open_payment",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                state__in=["started", "requires_action", "processing", "unknown"],
                                then=models.F("payment_id"),
                            )
                        ),
                        output_field=models.UUIDField(null=True),
                    ),
                ),
                (
                    "settled_payment",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(state__in=["settled"], then=models.F("payment_id"))
                        ),
                        output_field=models.UUIDField(null=True),
                    ),
                ),
            ],
            options={
                "verbose_name": "payment attempt",
                "verbose_name_plural": "payment attempts",
                "ordering": ("-started_at",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["state", "updated_at"], name="payments_attempt_state")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "started",
                                    "requires_action",
                                    "processing",
                                    "unknown",
                                    "settled",
                                    "failed",
                                    "cancelled",
                                    "surplus",
                                    "mismatch",
                                ],
                            )
                        ),
                        name="payments_attempt_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)), name="payments_attempt_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_amount", 0),
                            models.Q(
                                ("received_amount__isnull", False),
                                ("refunded_amount__gt", 0),
                                ("refunded_amount__lte", models.F("received_amount")),
                            ),
                            _connector="OR",
                        ),
                        name="payments_refunded_at_most_received",
                    ),
                    models.UniqueConstraint(
                        fields=("open_payment",), name="payments_one_open_attempt"
                    ),
                    models.UniqueConstraint(
                        fields=("settled_payment",), name="payments_one_settled_attempt"
                    ),
                    models.UniqueConstraint(
                        fields=("moocher", "account", "psp_reference"),
                        name="payments_psp_reference",
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_attempt_key"
                    ),
                    models.UniqueConstraint(fields=("form_token",), name="payments_attempt_form"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=3, max_digits=14, verbose_name="amount"),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "idempotency_key",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=64, verbose_name="request key"
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        max_length=255,
                        null=True,
                        verbose_name="reference at the service",
                    ),
                ),
                (
                    "evidence",
                    models.JSONField(
                        blank=True, default=dict, verbose_name="what the service reported"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "asked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the service was last asked for the outcome.",
                        null=True,
                        verbose_name="last checked at",
                    ),
                ),
                (
                    "signal_sent_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When your site received the signal about it.",
                        null=True,
                        verbose_name="site notified at",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="payments_core.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="payments_core.attempt",
                        verbose_name="payment attempt",
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("requested", "requested"),
                            ("pending", "in progress"),
                            ("unknown", "outcome unknown"),
                            ("succeeded", "refunded"),
                            ("failed", "failed"),
                        ],
                        default="requested",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "manual",
                    models.BooleanField(
                        default=False,
                        help_text="A clerk sends the money; the service cannot.",
                        verbose_name="sent by hand",
                    ),
                ),
                ("reason", models.TextField(verbose_name="reason")),
                (
                    "failure_code",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=50, verbose_name="reason for failure"
                    ),
                ),
                (
                    "requested_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="requested at",
                    ),
                ),
                (
                    "open_attempt",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                state__in=["requested", "pending", "unknown"],
                                then=models.F("attempt_id"),
                            )
                        ),
                        output_field=models.UUIDField(null=True),
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "ordering": ("-requested_at",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["state", "updated_at"], name="payments_refund_state")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["requested", "pending", "unknown", "succeeded", "failed"],
                            )
                        ),
                        name="payments_refund_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_refund_positive"
                    ),
                    models.UniqueConstraint(
                        fields=("open_attempt",), name="payments_one_open_refund"
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_refund_key"
                    ),
                    models.UniqueConstraint(
                        fields=("attempt", "psp_reference"), name="payments_refund_reference"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "moocher",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=100, verbose_name="payment service"
                    ),
                ),
                (
                    "account",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="account at the service"
                    ),
                ),
                (
                    "event_id",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=255, verbose_name="report number"
                    ),
                ),
                (
                    "received_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="received at",
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[("processed", "processed"), ("unmatched", "unidentified")],
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="payments_core.attempt",
                        verbose_name="payment attempt",
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=255, verbose_name="reference at the service"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=14,
                        null=True,
                        verbose_name="amount",
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=3, verbose_name="currency"
                    ),
                ),
            ],
            options={
                "verbose_name": "service report",
                "verbose_name_plural": "service reports",
                "ordering": ("-received_at",),
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["processed", "unmatched"])),
                        name="payments_event_known_state",
                    ),
                    models.UniqueConstraint(
                        fields=("moocher", "account", "event_id"), name="payments_event_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SuspenseItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("surplus", "surplus"),
                            ("mismatch", "mismatch"),
                            ("unmatched", "unidentified"),
                            ("overdue", "no answer"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("open", "needs review"),
                            ("matched", "matched"),
                            ("returned", "returned"),
                            ("closed", "closed"),
                        ],
                        default="open",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspense_items",
                        to="payments_core.attempt",
                        verbose_name="payment attempt",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspense_items",
                        to="payments_core.event",
                        verbose_name="service report",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspense_items",
                        to="payments_core.refund",
                        verbose_name="refund",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspense_items",
                        to="payments_core.payment",
                        verbose_name="matched payment",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=14,
                        null=True,
                        verbose_name="amount",
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "opened_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="opened at"
                    ),
                ),
                (
                    "notified_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the site's administrators were notified.",
                        null=True,
                        verbose_name="admins notified at",
                    ),
                ),
                (
                    "closed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
                ),
                (
                    "closed_by",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="closed by"
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
            ],
            options={
                "verbose_name": "item to review",
                "verbose_name_plural": "needs review",
                "ordering": ("-opened_at",),
                "permissions": (("resolve_suspenseitem", "Can resolve items that need review"),),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["state", "opened_at"], name="payments_suspense_state")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", True), ("state", "open")),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("state__in", ["matched", "returned", "closed"]),
                            ),
                            _connector="OR",
                        ),
                        name="payments_suspense_closed",
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "attempt"), name="payments_suspense_attempt"
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "event"), name="payments_suspense_event"
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "refund"), name="payments_suspense_refund"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="date and time",
                    ),
                ),
                (
                    "verb",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("payment_created", "payment created"),
                            ("payment_cancelled", "payment cancelled"),
                            ("payment_charged", "payment charged"),
                            ("payment_undone", "payment undone"),
                            ("attempt_started", "payment attempt started"),
                            ("attempt_changed", "payment attempt changed"),
                            ("money_surplus", "surplus received"),
                            ("money_mismatch", "mismatched amount received"),
                            ("money_unmatched", "unidentified payment received"),
                            ("refund_requested", "refund requested"),
                            ("refund_changed", "refund changed"),
                            ("suspense_closed", "review closed"),
                            ("lineitem_added", "line item added by hand"),
                            ("lineitem_changed", "line item changed"),
                            ("lineitem_deleted", "line item deleted"),
                            ("user_anonymized", "user anonymized"),
                            ("payments_imported", "payments imported"),
                        ],
                        max_length=30,
                        verbose_name="what happened",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The customer who owes or paid.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                ("payment_id", models.UUIDField(db_index=True, null=True, verbose_name="payment")),
                ("attempt_id", models.UUIDField(null=True, verbose_name="payment attempt")),
                ("lineitem_id", models.BigIntegerField(null=True, verbose_name="line item")),
                (
                    "items",
                    models.PositiveIntegerField(null=True, verbose_name="number of line items"),
                ),
                (
                    "total",
                    payments_ui.core.db.fields.ExactDecimalField(
                        decimal_places=8, max_digits=24, null=True, verbose_name="exact total"
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "actor",
                    payments_ui.core.db.fields.IdentifierField(
                        help_text="A user's number, a payment service, or the system; names are left out.",
                        max_length=100,
                        verbose_name="done by",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="detail")),
            ],
            options={
                "verbose_name": "journal entry",
                "verbose_name_plural": "journal",
                "ordering": ("-id",),
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["user", "id"], name="payments_journal_user")],
            },
        ),
        # Backwards: PostgreSQL keeps a trigger's function when the table is dropped.
        migrations.RunPython(migrations.RunPython.noop, remove_triggers),
    ]
