"""A run, its batches, and what was begun in its name."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Case, Index, Q, UniqueConstraint, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments_ui import dates
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.querysets import BooksQuerySet

from .states import OPEN_STATES, RunState


class Run(models.Model):
    """Charging everybody who owes, once; one at a time is open."""

    State = RunState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = IdentifierField(
        _("state"), max_length=20, choices=State.choices, default=State.PLANNING
    )
    rings = models.BooleanField(
        _("by the task queue"),
        default=False,
        help_text=_("Workers are told of batches by the site's task queue."),
    )
    note = models.TextField(_("note"), blank=True, help_text=_("Why it was stopped, and by whom."))
    started_at = models.DateTimeField(_("started at"), default=timezone.now, editable=False)
    #: Since when it has been running without a stop, and what was done before: its speed.
    going_since = models.DateTimeField(_("running since"), null=True, editable=False)
    done_before = models.PositiveIntegerField(_("done before that"), default=0, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    # NULL never collides: the portable way to say "one is open".
    open_slot = models.GeneratedField(
        expression=Case(When(state__in=[str(state) for state in OPEN_STATES], then=Value(1))),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )

    objects = BooksQuerySet["Run"].as_manager()

    class Meta:
        ordering = ("-started_at",)
        base_manager_name = "objects"
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = (("steer_run", _("Can stop and resume runs")),)
        indexes = (Index(fields=("started_at",), name="payments_run_newest"),)
        constraints = (UniqueConstraint(fields=("open_slot",), name="payments_run_one_open"),)

    def __str__(self) -> str:
        return dates.format_moment(self.started_at)


class BatchQuerySet(BooksQuerySet["RunBatch"]):
    """Batches by what is to be done for them."""

    def free(self) -> BatchQuerySet:
        """Not done, in no worker's hands or in those of one whose time ran out.

        By the database's clock, as workers on several machines have one each.
        """
        return self.filter(
            Q(leased_until__isnull=True) | Q(leased_until__lt=Now()), ended_at__isnull=True
        )


#: What becomes of payers, as columns of a batch; the others had nothing to pay now.
COUNTED = ("charged", "declined", "open", "asked", "later", "inactive", "errors")


class RunBatch(models.Model):
    """A range of payers, by their keys, that one worker at a time holds a lease of."""

    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        related_name="batches",
        verbose_name=_("run"),
        db_index=False,
    )
    number = models.PositiveIntegerField(_("number"))
    after = IdentifierField(
        _("after"), max_length=255, blank=True, help_text=_("The first user comes after this key.")
    )
    upto = IdentifierField(_("up to"), max_length=255)
    payers = models.PositiveIntegerField(_("payers"), default=0)
    cursor = IdentifierField(
        _("last payer"), max_length=255, blank=True, help_text=_("All up to here are done.")
    )
    cursor_currency = IdentifierField(_("in the currency"), max_length=3, blank=True)
    lease = IdentifierField(_("lease"), max_length=32, blank=True, editable=False)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    leased_by = IdentifierField(_("worker"), max_length=100, blank=True)
    rung_at = models.DateTimeField(
        _("announced at"), null=True, blank=True, help_text=_("When a worker was last called.")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    done = models.PositiveIntegerField(_("payers done"), default=0)
    charged = models.PositiveIntegerField(_("charged"), default=0)
    declined = models.PositiveIntegerField(_("declined"), default=0)
    open = models.PositiveIntegerField(_("outcome open"), default=0)
    asked = models.PositiveIntegerField(_("asked to pay"), default=0)
    later = models.PositiveIntegerField(_("outside their hours"), default=0)
    inactive = models.PositiveIntegerField(_("inactive users"), default=0)
    errors = models.PositiveIntegerField(_("errors"), default=0)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ("run", "number")
        base_manager_name = "objects"
        verbose_name = _("batch of a run")
        verbose_name_plural = _("batches of runs")
        constraints = (UniqueConstraint(fields=("run", "number"), name="payments_batch_number"),)

    def __str__(self) -> str:
        return f"{self.number}: {self.done}/{self.payers}"


class RunClaim(models.Model):
    """The one payment of a payer, in a currency, that a run tries to charge.

    Written in the transaction that begins the first try. So whoever comes again, or too late,
    because a worker's lease ran out while it slept, charges no second payment: the books keep
    this, whoever holds a lease.
    """

    run = models.ForeignKey(
        Run,
        on_delete=models.CASCADE,
        related_name="claims",
        verbose_name=_("run"),
        db_index=False,
    )
    batch = models.ForeignKey(
        RunBatch, on_delete=models.CASCADE, related_name="claims", verbose_name=_("batch")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    currency = IdentifierField(_("currency"), max_length=3)
    #: No foreign key: the claim holds even where the payment is given up and deleted.
    payment = models.UUIDField(_("payment"))
    claimed_at = models.DateTimeField(_("at"), default=timezone.now, editable=False)

    objects = BooksQuerySet["RunClaim"].as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("claim of a run")
        verbose_name_plural = _("claims of runs")
        constraints = (
            UniqueConstraint(fields=("run", "user", "currency"), name="payments_claim_once"),
        )

    def __str__(self) -> str:
        return f"{self.currency} {self.payment}"
