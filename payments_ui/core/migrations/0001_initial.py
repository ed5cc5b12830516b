"""The books as of 0.1.0.

The triggers on these tables are installed after the last migration, by
``payments_ui.core.triggers``: SQLite cannot change a table that a trigger names, and rules of a
later version may read columns that come later.
"""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import payments_ui.core.db.fields
import payments_ui.core.db.indexes
import payments_ui.core.rules.unique
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
                        db_index=False,
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
                "indexes": [
                    models.Index(fields=["created_at"], name="payments_payment_newest"),
                    models.Index(fields=["user", "created_at"], name="payments_payment_user"),
                    payments_ui.core.db.indexes.IndexWhere(
                        fields=["signal_due_at"],
                        name="payments_payment_signal",
                        where=models.Q(("signal_due_at__isnull", False)),
                    ),
                    payments_ui.core.db.indexes.IndexWhere(
                        fields=[
                            "charged_at",
                            "cancelled_at",
                            "undone_at",
                            "currency",
                            "amount",
                            "created_at",
                        ],
                        name="payments_pending_amount",
                        where=models.Q(
                            ("cancelled_at", None), ("charged_at", None), ("undone_at", None)
                        ),
                    ),
                ],
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
                    payments_ui.core.db.indexes.IndexWhereOnPostgreSQL(
                        elsewhere=("payment", "user", "currency"),
                        fields=["payment"],
                        name="payments_item_payment",
                        where=models.Q(("payment__isnull", False)),
                    ),
                    payments_ui.core.db.indexes.IndexWhereOnPostgreSQL(
                        elsewhere=("user", "id"),
                        fields=["user", "id", "currency"],
                        name="payments_item_user",
                        where=models.Q(("payment__isnull", True)),
                    ),
                ],
                "constraints": [
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        all_on="postgresql",
                        fields=("user", "key"),
                        key="key",
                        name="payments_item_once",
                    ),
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
                                "not_supported",
                                "Your card cannot be used for this payment. Try another payment method.",
                            ),
                            (
                                "try_later",
                                "Your bank could not be reached. Try again in a moment, or use another payment method.",
                            ),
                            (
                                "authentication_required",
                                "Your bank wants you to confirm this payment. Please pay it here yourself.",
                            ),
                            (
                                "method_gone",
                                "This saved payment method can no longer be used. Try another one.",
                            ),
                            (
                                "amount_refused",
                                "This amount cannot be paid with this payment method. Try another one.",
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
                    "written_off",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("0"),
                        help_text="Missing, and not asked for any more.",
                        max_digits=14,
                        verbose_name="written off",
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
                    "disputed_amount",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("0"),
                        editable=False,
                        help_text="Taken back by the customer's bank, as far as it was not refunded.",
                        max_digits=14,
                        verbose_name="taken by disputes",
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
                    models.Index(fields=["started_at"], name="payments_attempt_newest"),
                    models.Index(fields=["state", "updated_at"], name="payments_attempt_state"),
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
                            ("written_off", 0),
                            models.Q(
                                ("manual", True),
                                ("received_amount__gt", 0),
                                ("received_amount__isnull", False),
                                ("state", "settled"),
                                ("written_off__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="payments_written_off",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("disputed_amount", 0), ("refunded_amount", 0)),
                            models.Q(
                                ("disputed_amount__gte", 0),
                                (
                                    "received_amount__gte",
                                    django.db.models.functions.math.Round(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("refunded_amount"),
                                            "+",
                                            models.F("disputed_amount"),
                                        ),
                                        3,
                                    ),
                                ),
                                ("received_amount__isnull", False),
                                ("refunded_amount__gte", 0),
                            ),
                            _connector="OR",
                        ),
                        name="payments_refunded_at_most_received",
                    ),
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        fields=("open_payment",),
                        key="open_payment",
                        name="payments_one_open_attempt",
                    ),
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        fields=("settled_payment",),
                        key="settled_payment",
                        name="payments_one_settled_attempt",
                    ),
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        fields=("psp_reference", "moocher", "account"),
                        key="psp_reference",
                        name="payments_psp_reference",
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_attempt_key"
                    ),
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        fields=("form_token",), key="form_token", name="payments_attempt_form"
                    ),
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
                        db_index=False,
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
                            ("came_back", "came back"),
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
                (
                    "elsewhere",
                    models.BooleanField(
                        default=False,
                        help_text="Made at the service, such as in its dashboard, and not here.",
                        verbose_name="made elsewhere",
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
                                elsewhere=False,
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
                    models.Index(fields=["requested_at"], name="payments_refund_newest"),
                    models.Index(fields=["state", "updated_at"], name="payments_refund_state"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "requested",
                                    "pending",
                                    "unknown",
                                    "succeeded",
                                    "failed",
                                    "came_back",
                                ],
                            )
                        ),
                        name="payments_refund_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_refund_positive"
                    ),
                    payments_ui.core.rules.unique.UniqueWhereSet(
                        fields=("open_attempt",),
                        key="open_attempt",
                        name="payments_one_open_refund",
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
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="payments_core.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="payments_core.attempt",
                        verbose_name="payment attempt",
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=255, verbose_name="reference at the service"
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("inquiry", "the bank asks"),
                            ("needs_response", "evidence is due"),
                            ("under_review", "under review"),
                            ("won", "won"),
                            ("lost", "lost"),
                            ("closed", "closed"),
                        ],
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=3, max_digits=14, verbose_name="disputed amount"
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                (
                    "evidence_due_by",
                    models.DateTimeField(blank=True, null=True, verbose_name="evidence due by"),
                ),
                (
                    "withdrawn",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("0"),
                        help_text="What the service has taken from your account because of it.",
                        max_digits=14,
                        verbose_name="withdrawn",
                    ),
                ),
                (
                    "reinstated",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal("0"),
                        help_text="What the service has put back since.",
                        max_digits=14,
                        verbose_name="reinstated",
                    ),
                ),
                (
                    "evidence",
                    models.JSONField(
                        blank=True, default=dict, verbose_name="what the service reported"
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="recorded at",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                (
                    "closed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="closed at"),
                ),
                (
                    "opened_signal_sent_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="site notified of its begin at"
                    ),
                ),
                (
                    "closed_signal_sent_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="site notified of its end at"
                    ),
                ),
                (
                    "reopened_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the customer's items that it took back became owed again.",
                        null=True,
                        verbose_name="items owed again since",
                    ),
                ),
            ],
            options={
                "verbose_name": "dispute",
                "verbose_name_plural": "disputes",
                "ordering": ("-opened_at",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["opened_at"], name="payments_dispute_newest"),
                    models.Index(fields=["state", "updated_at"], name="payments_dispute_state"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "inquiry",
                                    "needs_response",
                                    "under_review",
                                    "won",
                                    "lost",
                                    "closed",
                                ],
                            )
                        ),
                        name="payments_dispute_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gte", 0), ("reinstated__gte", 0), ("withdrawn__gte", 0)
                        ),
                        name="payments_dispute_not_negative",
                    ),
                    models.UniqueConstraint(
                        fields=("attempt", "psp_reference"), name="payments_dispute_reference"
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
                    "kind",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="kind"
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=255, verbose_name="reference at the service"
                    ),
                ),
                (
                    "about",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="What else the report names: a refund, a dispute, a saved payment method.",
                        verbose_name="about",
                    ),
                ),
                ("warning", models.TextField(blank=True, verbose_name="warning")),
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
                    "arrived_on",
                    models.DateField(
                        blank=True,
                        help_text="The day the bank says.",
                        null=True,
                        verbose_name="arrived on",
                    ),
                ),
                (
                    "payer",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        help_text="Who paid, as the bank names them.",
                        max_length=255,
                        verbose_name="payer",
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
                        fields=("event_id", "moocher", "account"), name="payments_event_once"
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
                            ("credited", "credited"),
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
                    "live",
                    models.BooleanField(
                        default=True,
                        help_text="Not where the service reported it in its test mode.",
                        verbose_name="real money",
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
                                ("state__in", ["matched", "credited", "returned", "closed"]),
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
                            ("money_arrived", "part of a payment received"),
                            ("money_written_off", "rest written off"),
                            ("money_surplus", "surplus received"),
                            ("money_mismatch", "mismatched amount received"),
                            ("money_unmatched", "unidentified payment received"),
                            ("refund_requested", "refund requested"),
                            ("refund_changed", "refund changed"),
                            ("dispute_opened", "dispute opened"),
                            ("dispute_changed", "dispute changed"),
                            ("charges_reopened", "items owed again after a dispute"),
                            ("fraud_warning", "warning of fraud received"),
                            ("method_started", "payment method to be saved"),
                            ("method_changed", "saving a payment method went on"),
                            ("method_default", "default payment method chosen"),
                            ("method_removed", "payment method removed"),
                            ("method_forgotten", "payment method removed from the service"),
                            ("recovery_planned", "next try planned"),
                            ("recovery_stopped", "tries stopped"),
                            ("mail_sent", "mail sent"),
                            ("mail_failed", "mail not sent"),
                            ("mail_dropped", "mail no longer needed"),
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
                ("payment_id", models.UUIDField(null=True, verbose_name="payment")),
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
                "indexes": [
                    payments_ui.core.db.indexes.IndexWhere(
                        fields=["payment_id"],
                        name="payments_journal_payment",
                        where=models.Q(("payment_id__isnull", False)),
                    ),
                    models.Index(fields=["user", "id"], name="payments_journal_user"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "psp",
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
                    "customer_id",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        max_length=255,
                        null=True,
                        verbose_name="customer at the service",
                    ),
                ),
                (
                    "idempotency_key",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=64, verbose_name="request key"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "removed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Since when it is not used here any more.",
                        null=True,
                        verbose_name="removed at",
                    ),
                ),
                (
                    "forgotten_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the service confirmed that it can charge nothing of it any more.",
                        null=True,
                        verbose_name="removed from the service at",
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last checked at"),
                ),
                (
                    "current",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(removed_at__isnull=True, then=models.Value(1))
                        ),
                        output_field=models.PositiveSmallIntegerField(null=True),
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer at a payment service",
                "verbose_name_plural": "customers at payment services",
                "ordering": ("-id",),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "psp", "account", "live", "current"),
                        name="payments_customer_once",
                    ),
                    models.UniqueConstraint(
                        fields=("customer_id", "psp", "account", "live"),
                        name="payments_customer_id",
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_customer_key"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "moocher",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=100, verbose_name="payment service"
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("pending", "being saved"),
                            ("active", "saved"),
                            ("failed", "not saved"),
                            ("removing", "being removed"),
                            ("removed", "removed"),
                        ],
                        default="pending",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("is_default", models.BooleanField(default=False, verbose_name="default")),
                (
                    "idempotency_key",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=64, verbose_name="request key"
                    ),
                ),
                (
                    "psp_reference",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=255, null=True, verbose_name="set-up at the service"
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
                                "not_supported",
                                "Your card cannot be used for this payment. Try another payment method.",
                            ),
                            (
                                "try_later",
                                "Your bank could not be reached. Try again in a moment, or use another payment method.",
                            ),
                            (
                                "authentication_required",
                                "Your bank wants you to confirm this payment. Please pay it here yourself.",
                            ),
                            (
                                "method_gone",
                                "This saved payment method can no longer be used. Try another one.",
                            ),
                            (
                                "amount_refused",
                                "This amount cannot be paid with this payment method. Try another one.",
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
                    "method_id",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        max_length=255,
                        null=True,
                        verbose_name="payment method at the service",
                    ),
                ),
                (
                    "kind",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=50, verbose_name="kind"
                    ),
                ),
                (
                    "brand",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=50, verbose_name="brand"
                    ),
                ),
                (
                    "last_four",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=4, verbose_name="last four digits"
                    ),
                ),
                (
                    "expires_year",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="year of expiry"
                    ),
                ),
                (
                    "expires_month",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="month of expiry"
                    ),
                ),
                (
                    "renewals",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How many times the bank renewed it, each time with a new month of expiry.",
                        verbose_name="renewals",
                    ),
                ),
                (
                    "country",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=2, verbose_name="country of the issuer"
                    ),
                ),
                (
                    "fingerprint",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        db_index=True,
                        max_length=255,
                        verbose_name="fingerprint",
                    ),
                ),
                (
                    "mandate_id",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=255, verbose_name="mandate"
                    ),
                ),
                (
                    "authentication",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="result of 3-D Secure"
                    ),
                ),
                ("consent_text", models.TextField(verbose_name="agreed to")),
                (
                    "consent_version",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=64, verbose_name="version of the wording"
                    ),
                ),
                ("consent_given_at", models.DateTimeField(verbose_name="agreed at")),
                (
                    "consent_ip",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=45, verbose_name="agreed from"
                    ),
                ),
                (
                    "unattended_text",
                    models.TextField(
                        blank=True,
                        help_text="Empty: it is charged only when its user pays.",
                        verbose_name="agreed to, for charging without the user",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last checked at"),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last used at"),
                ),
                (
                    "removed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="removed at"),
                ),
                (
                    "forgotten_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="removed from the service at"
                    ),
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
                (
                    "one_default",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(models.When(is_default=True, then=models.Value(1))),
                        output_field=models.PositiveSmallIntegerField(null=True),
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        db_index=False,
                        blank=True,
                        help_text="The payment with which it was saved.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="new_payment_methods",
                        to="payments_core.attempt",
                        verbose_name="payment attempt",
                    ),
                ),
                (
                    "psp_customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_methods",
                        to="payments_core.customer",
                        verbose_name="customer at the service",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="user_payment_methods",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved payment method",
                "verbose_name_plural": "saved payment methods",
                "ordering": ("-created_at",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["created_at"], name="payments_method_newest"),
                    models.Index(fields=["state", "updated_at"], name="payments_method_state"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "active", "failed", "removing", "removed"])
                        ),
                        name="payments_method_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("consent_text", ""), _negated=True),
                        name="payments_method_consent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "active"), _negated=True),
                            ("method_id__isnull", False),
                            _connector="OR",
                        ),
                        name="payments_method_named",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_default", False), ("state", "active"), _connector="OR"
                        ),
                        name="payments_method_default",
                    ),
                    models.UniqueConstraint(
                        fields=("user", "one_default"), name="payments_one_default_method"
                    ),
                    models.UniqueConstraint(
                        fields=("psp_customer", "method_id"), name="payments_method_id"
                    ),
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_method_key"
                    ),
                    models.UniqueConstraint(fields=("attempt",), name="payments_method_attempt"),
                ],
                "permissions": (("remove_paymentmethod", "Can remove saved payment methods"),),
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="payment_method",
            field=models.ForeignKey(
                db_index=False,
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="payments_core.paymentmethod",
                verbose_name="saved payment method",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=payments_ui.core.db.indexes.IndexWhere(
                fields=["payment_method"],
                name="payments_attempt_method",
                where=models.Q(("payment_method__isnull", False)),
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="unattended",
            field=models.BooleanField(
                default=False,
                help_text="Charged by the site, while the customer was not there.",
                verbose_name="without the customer",
            ),
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "card",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        help_text="Its id, and how many times it was renewed: a renewed card is another one.",
                        max_length=64,
                        verbose_name="card that was tried",
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("planned", "will be tried again"),
                            ("waiting", "waiting for the customer"),
                            ("given_up", "given up"),
                        ],
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "is_hard",
                    models.BooleanField(
                        default=False,
                        help_text="The bank or the network forbids to try the same card again.",
                        verbose_name="refused for good",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(verbose_name="tries")),
                ("failed_at", models.DateTimeField(db_index=True, verbose_name="last declined at")),
                (
                    "failure_code",
                    payments_ui.core.db.fields.IdentifierField(
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
                                "not_supported",
                                "Your card cannot be used for this payment. Try another payment method.",
                            ),
                            (
                                "try_later",
                                "Your bank could not be reached. Try again in a moment, or use another payment method.",
                            ),
                            (
                                "authentication_required",
                                "Your bank wants you to confirm this payment. Please pay it here yourself.",
                            ),
                            (
                                "method_gone",
                                "This saved payment method can no longer be used. Try another one.",
                            ),
                            (
                                "amount_refused",
                                "This amount cannot be paid with this payment method. Try another one.",
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
                    "next_try_at",
                    models.DateTimeField(
                        blank=True, db_index=True, null=True, verbose_name="next try at"
                    ),
                ),
                ("why", models.TextField(blank=True, verbose_name="why")),
                ("started_at", models.DateTimeField(editable=False, verbose_name="started at")),
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
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recovery",
                        to="payments_core.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "payment_method",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recoveries",
                        to="payments_core.paymentmethod",
                        verbose_name="saved payment method",
                    ),
                ),
            ],
            options={
                "verbose_name": "failed payment",
                "verbose_name_plural": "failed payments",
                "ordering": ("-failed_at",),
                "permissions": (("plan_recovery", "Can plan and stop tries of failed payments"),),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Mail",
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
                            ("receipt", "receipt"),
                            ("payment_failed", "payment failed"),
                            ("confirmation", "payment to be confirmed"),
                            ("card_expires", "card expires"),
                            ("transfer_details", "transfer details"),
                            ("refund_sent", "refund sent"),
                            ("please_pay", "please pay"),
                            ("notice", "notice before a charge"),
                        ],
                        max_length=30,
                        verbose_name="kind",
                    ),
                ),
                (
                    "about",
                    payments_ui.core.db.fields.IdentifierField(
                        help_text="The id of what it is about: a payment, an attempt, a refund, a card.",
                        max_length=100,
                        verbose_name="about",
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("claimed", "being sent"),
                            ("sent", "sent"),
                            ("not_sent", "not sent yet"),
                            ("given_up", "could not be sent"),
                            ("dropped", "no longer needed"),
                            ("unknown", "sent or not, not known"),
                        ],
                        default="claimed",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=1, verbose_name="tries")),
                ("claimed_at", models.DateTimeField(verbose_name="claimed at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("problem", models.TextField(blank=True, verbose_name="problem")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "mail to a customer",
                "verbose_name_plural": "mails to customers",
                "ordering": ("-id",),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("about", "kind"), name="payments_mail_once")
                ],
                "indexes": [
                    payments_ui.core.db.indexes.IndexWhere(
                        fields=["state", "claimed_at"],
                        name="payments_mail_not_sent",
                        where=models.Q(("sent_at__isnull", True)),
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailStart",
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
                            ("receipt", "receipt"),
                            ("payment_failed", "payment failed"),
                            ("confirmation", "payment to be confirmed"),
                            ("card_expires", "card expires"),
                            ("transfer_details", "transfer details"),
                            ("refund_sent", "refund sent"),
                            ("please_pay", "please pay"),
                            ("notice", "notice before a charge"),
                        ],
                        max_length=30,
                        unique=True,
                        verbose_name="kind",
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "verbose_name": "mail start",
                "verbose_name_plural": "mail starts",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="MailStop",
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
                            ("receipt", "receipt"),
                            ("payment_failed", "payment failed"),
                            ("confirmation", "payment to be confirmed"),
                            ("card_expires", "card expires"),
                            ("transfer_details", "transfer details"),
                            ("refund_sent", "refund sent"),
                            ("please_pay", "please pay"),
                            ("notice", "notice before a charge"),
                        ],
                        max_length=30,
                        verbose_name="kind",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="date and time")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "base_manager_name": "objects",
                "verbose_name": "mail that is not wanted",
                "verbose_name_plural": "mails that are not wanted",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "kind"), name="payments_mail_stop")
                ],
            },
        ),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                    "booked_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="recorded at",
                    ),
                ),
                (
                    "booked_by",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=100, verbose_name="recorded by"
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrivals",
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
                        related_name="arrivals",
                        to="payments_core.event",
                        verbose_name="service report",
                    ),
                ),
                (
                    "suspense_item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="arrivals",
                        to="payments_core.suspenseitem",
                        verbose_name="matched item",
                    ),
                ),
            ],
            options={
                "verbose_name": "arrival",
                "verbose_name_plural": "arrivals",
                "ordering": ("booked_at", "id"),
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payments_arrival_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=200, unique=True, verbose_name="account"
                    ),
                ),
                (
                    "free_at",
                    models.DateTimeField(
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC),
                        verbose_name="free at",
                    ),
                ),
            ],
            options={
                "verbose_name": "pace of an account",
                "verbose_name_plural": "paces of accounts",
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    payments_ui.core.db.fields.IdentifierField(
                        choices=[
                            ("planning", "being planned"),
                            ("running", "running"),
                            ("interrupted", "interrupted"),
                            ("stopped", "stopped"),
                            ("done", "done"),
                        ],
                        default="planning",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                (
                    "rings",
                    models.BooleanField(
                        default=False,
                        help_text="Workers are told of batches by the site's task queue.",
                        verbose_name="by the task queue",
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True,
                        help_text="Why it was stopped, and by whom.",
                        verbose_name="note",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="started at"
                    ),
                ),
                (
                    "going_since",
                    models.DateTimeField(editable=False, null=True, verbose_name="running since"),
                ),
                (
                    "done_before",
                    models.PositiveIntegerField(
                        default=0, editable=False, verbose_name="done before that"
                    ),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="ended at"
                    ),
                ),
                (
                    "open_slot",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                state__in=["planning", "running", "interrupted", "stopped"],
                                then=models.Value(1),
                            )
                        ),
                        output_field=models.SmallIntegerField(null=True),
                    ),
                ),
            ],
            options={
                "verbose_name": "run",
                "verbose_name_plural": "runs",
                "ordering": ("-started_at",),
                "permissions": (("steer_run", "Can stop and resume runs"),),
                "indexes": [
                    models.Index(fields=["started_at"], name="payments_run_newest"),
                ],
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("open_slot",), name="payments_run_one_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="RunBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                (
                    "after",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        help_text="The first user comes after this key.",
                        max_length=255,
                        verbose_name="after",
                    ),
                ),
                (
                    "upto",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=255, verbose_name="up to"
                    ),
                ),
                ("payers", models.PositiveIntegerField(default=0, verbose_name="payers")),
                (
                    "cursor",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True,
                        help_text="All up to here are done.",
                        max_length=255,
                        verbose_name="last payer",
                    ),
                ),
                (
                    "cursor_currency",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=3, verbose_name="in the currency"
                    ),
                ),
                (
                    "lease",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, editable=False, max_length=32, verbose_name="lease"
                    ),
                ),
                (
                    "leased_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
                ),
                (
                    "leased_by",
                    payments_ui.core.db.fields.IdentifierField(
                        blank=True, max_length=100, verbose_name="worker"
                    ),
                ),
                (
                    "rung_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When a worker was last called.",
                        null=True,
                        verbose_name="announced at",
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="payers done")),
                ("charged", models.PositiveIntegerField(default=0, verbose_name="charged")),
                ("declined", models.PositiveIntegerField(default=0, verbose_name="declined")),
                ("open", models.PositiveIntegerField(default=0, verbose_name="outcome open")),
                ("asked", models.PositiveIntegerField(default=0, verbose_name="asked to pay")),
                (
                    "later",
                    models.PositiveIntegerField(default=0, verbose_name="outside their hours"),
                ),
                ("inactive", models.PositiveIntegerField(default=0, verbose_name="inactive users")),
                ("errors", models.PositiveIntegerField(default=0, verbose_name="errors")),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="batches",
                        to="payments_core.run",
                        verbose_name="run",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch of a run",
                "verbose_name_plural": "batches of runs",
                "ordering": ("run", "number"),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RunClaim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "currency",
                    payments_ui.core.db.fields.IdentifierField(
                        max_length=3, verbose_name="currency"
                    ),
                ),
                ("payment", models.UUIDField(verbose_name="payment")),
                (
                    "claimed_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="at"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="payments_core.runbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="payments_core.run",
                        verbose_name="run",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "claim of a run",
                "verbose_name_plural": "claims of runs",
                "base_manager_name": "objects",
            },
        ),
        migrations.AddConstraint(
            model_name="runbatch",
            constraint=models.UniqueConstraint(
                fields=("run", "number"), name="payments_batch_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="runclaim",
            constraint=models.UniqueConstraint(
                fields=("run", "user", "currency"), name="payments_claim_once"
            ),
        ),
        # Backwards: PostgreSQL keeps a trigger's function when the table is dropped.
        migrations.RunPython(migrations.RunPython.noop, remove_triggers),
    ]
