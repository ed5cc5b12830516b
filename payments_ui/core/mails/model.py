"""A mail to a customer, and what they do not want."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from payments_ui.core import clock, journal
from payments_ui.core.db.append_only import Evidence, EvidenceQuerySet
from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.indexes import IndexWhere
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.querysets import BooksQuerySet
from payments_ui.core.db.unguarded import unguarded

from .states import OPTIONAL, MailKind, MailState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_VERBS = {
    MailState.SENT: journal.Verb.MAIL_SENT,
    MailState.DROPPED: journal.Verb.MAIL_DROPPED,
}
#: A mail server that is not reached is asked so often, over half a day:
MOST_TRIES = 5
#: each time after so many minutes to the power of the tries.
_PATIENCE = 5


class MailQuerySet(EvidenceQuerySet["Mail"]):
    """Mails; claimed one at a time."""

    @retrying
    def claim(
        self,
        kind: str,
        about: object,
        user: AbstractBaseUser,
        *,
        again_after: dt.timedelta | None = None,
    ) -> Mail | None:
        """The right to send this mail, by a row that is committed; ``None``: it is not ours.

        Because another has it, or has sent it, or because its user does not want it. What was
        not sent, since no server was reached, may be claimed again after a while. A mail that is
        better sent twice than never says ``again_after``: then so does whatever is not known to be
        sent, so long after the last try, and any number of times.
        """
        key = {"kind": str(kind), "about": str(about)}
        if kind in OPTIONAL and MailStop.objects.filter(user=user.pk, kind=str(kind)).exists():
            return None
        now = clock.now()
        try:
            with transaction.atomic():
                return self.create(**key, user_id=user.pk, claimed_at=now)
        except IntegrityError:
            due = _is_due_again(now)
            if again_after is not None:
                is_known = models.Q(state__in=[MailState.SENT, MailState.DROPPED])
                due |= models.Q(~is_known, claimed_at__lte=now - again_after)
            again: BooksQuerySet[Mail] = BooksQuerySet(self.model).filter(due, **key)
            changes = {"state": MailState.CLAIMED, "claimed_at": now, "tries": F("tries") + 1}
            if not again.update(**changes):
                return None
            return self.get(**key)

    claim.alters_data = True  # type: ignore[attr-defined]

    def claimed(self) -> MailQuerySet:
        """Those that ``claim`` gives to no other process now: a new claim would be in vain."""
        return self.exclude(_is_due_again(clock.now()))


def _is_due_again(now: dt.datetime) -> models.Q:
    """Whether a mail was not sent, and is tried again: the later, the more often it was."""
    waited = models.Q()
    for tries in range(1, MOST_TRIES):
        since = now - dt.timedelta(minutes=_PATIENCE**tries)
        waited |= models.Q(tries=tries, claimed_at__lte=since)
    return models.Q(waited, state=MailState.NOT_SENT)


class Mail(Evidence):
    """One mail: of a ``kind``, and ``about`` one thing. Its text and address are not kept.

    Committed before it is sent, so that of two processes one sends it. ``sent_at`` is when the
    mail server took it.
    """

    Kind = MailKind
    State = MailState

    kind = IdentifierField(_("kind"), max_length=30, choices=MailKind.choices)
    about = IdentifierField(
        _("about"),
        max_length=100,
        help_text=_("The id of what it is about: a payment, an attempt, a refund, a card."),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("user"),
    )
    state = IdentifierField(
        _("state"), max_length=20, choices=MailState.choices, default=MailState.CLAIMED
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=1)
    claimed_at = models.DateTimeField(_("claimed at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    problem = models.TextField(_("problem"), blank=True)

    objects = MailQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("-id",)
        base_manager_name = "objects"
        verbose_name = _("mail to a customer")
        verbose_name_plural = _("mails to customers")
        constraints = (
            models.UniqueConstraint(fields=("about", "kind"), name="payments_mail_once"),
        )
        indexes = (
            # What was claimed and not sent: of all mails, those few.
            IndexWhere(
                fields=("state", "claimed_at"),
                name="payments_mail_not_sent",
                where=models.Q(sent_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.about} {self.state}"

    @retrying
    def record(self, state: MailState, problem: str = "") -> None:
        """Write down what became of it, and journal it; after so many tries it is given up.

        Then the journal has said it: each day's try that fails in the same way is no news.
        What another has written down meanwhile stays; but whoever was given up for dead may
        still say that they have sent it. Afterwards this mail is as it is stored.
        """
        is_sent = state == MailState.SENT
        open_states = [MailState.CLAIMED, *([MailState.UNKNOWN] if is_sent else [])]
        if state == MailState.NOT_SENT and self.tries >= MOST_TRIES:
            state = MailState.GIVEN_UP
        with transaction.atomic():
            written: dict[str, Any] = {"state": state, "problem": problem}
            written["sent_at"] = clock.now() if is_sent else None
            changed = unguarded(self).filter(state__in=open_states).update(**written)
            # A mail that was sent has been sent, even if it is the second one.
            if is_sent or (changed and not self._is_no_news(state, problem)):
                detail = {"kind": self.kind, "about": self.about, "state": str(state)}
                verb = _VERBS.get(state, journal.Verb.MAIL_FAILED)
                journal.write(verb, user_id=self.user_id, reason=problem, detail=detail)
        if not changed:
            self.refresh_from_db()
            return
        for name, value in written.items():
            setattr(self, name, value)

    record.alters_data = True  # type: ignore[attr-defined]

    def _is_no_news(self, state: MailState, problem: str) -> bool:
        """Whether the journal knows it: what a law wants is tried for as long as it fails."""
        # By its kind: a server may number its refusals.
        is_as_before = problem.partition(":")[0] == self.problem.partition(":")[0]
        return state != MailState.DROPPED and self.tries > MOST_TRIES and is_as_before


class MailStopQuerySet(BooksQuerySet["MailStop"]):
    """Which mails users do not want."""

    def set(self, user: AbstractBaseUser, kind: str, *, wanted: bool) -> None:
        """Whether the user wants such mails. Repeating it changes nothing."""
        if wanted:
            self.filter(user=user.pk, kind=str(kind)).delete()
        else:
            self.get_or_create(user_id=user.pk, kind=str(kind), defaults={"at": clock.now()})

    set.alters_data = True  # type: ignore[attr-defined]


class MailStop(models.Model):
    """A kind of mail that a user does not want any more."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
        db_index=False,
    )
    kind = IdentifierField(_("kind"), max_length=30, choices=MailKind.choices)
    at = models.DateTimeField(_("date and time"))

    objects = MailStopQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("mail that is not wanted")
        verbose_name_plural = _("mails that are not wanted")
        constraints = (models.UniqueConstraint(fields=("user", "kind"), name="payments_mail_stop"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"


class MailStartQuerySet(BooksQuerySet["MailStart"]):
    """Since when mails are sent."""

    def begin(self, kinds: Collection[str]) -> Mapping[str, dt.datetime]:
        """Since when each of these kinds is sent; of one that was not sent until now, since now.

        One that is not among them is forgotten: if it is sent again one day, it begins anew.
        """
        self.exclude(kind__in=kinds).delete()
        known = self._known()
        new = [MailStart(kind=str(kind), since=clock.now()) for kind in kinds if kind not in known]
        if not new:
            return known
        # Of two processes one is a moment earlier.
        self.bulk_create(new, ignore_conflicts=True)
        return self._known()

    begin.alters_data = True  # type: ignore[attr-defined]

    def _known(self) -> Mapping[str, dt.datetime]:
        return dict(self.values_list("kind", "since"))


class MailStart(models.Model):
    """Since when mails of a kind are sent: what happened before is no news any more."""

    kind = IdentifierField(_("kind"), max_length=30, choices=MailKind.choices, unique=True)
    since = models.DateTimeField(_("since"))

    objects = MailStartQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("mail start")
        verbose_name_plural = _("mail starts")

    def __str__(self) -> str:
        return f"{self.kind} {self.since}"
