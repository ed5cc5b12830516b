"""A mail is sent by whoever claims it, and never twice; what nobody wants is not sent."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core import clock
from payments_ui.core.mails.model import MOST_TRIES
from payments_ui.core.mails.states import MailKind, MailState
from payments_ui.core.models import JournalEntry, Mail, MailStart, MailStop
from tests.core.support import bare, journalled, together
from tests.counting import statements

pytestmark = pytest.mark.django_db


def test_a_mail_is_claimed_once(user: User) -> None:
    mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert mail is not None
    assert Mail.objects.claim(MailKind.RECEIPT, "1", user) is None
    assert Mail.objects.claim(MailKind.RECEIPT, "2", user) is not None
    assert Mail.objects.claim(MailKind.NOTICE, "1", user) is not None
    mail.record(MailState.SENT)
    assert Mail.objects.claim(MailKind.RECEIPT, "1", user) is None
    stored = Mail.objects.get(pk=mail.pk)
    assert (str(stored), stored.sent_at is not None) == ("receipt 1 sent", True)
    assert journalled(JournalEntry.Verb.MAIL_SENT) == 1


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_claimed_and_recorded_in_few_statements(user: User) -> None:
    with statements(1):
        mail = Mail.objects.claim(MailKind.NOTICE, "1", user)
    assert mail is not None
    with statements(2):
        mail.record(MailState.SENT)
    assert mail.sent_at == Mail.objects.get().sent_at


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_has_it(user: User) -> None:
    claimed = together(6, lambda _number: Mail.objects.claim(MailKind.RECEIPT, "1", user))
    assert sum(isinstance(mail, Mail) for mail in claimed) == 1
    assert claimed.count(None) == 5


def test_what_reached_no_server_is_tried_a_few_times(user: User) -> None:
    for number in range(MOST_TRIES):
        with clock.moved(dt.timedelta(days=number)):
            mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
            assert mail is not None
            mail.record(MailState.NOT_SENT, "no server")
    with clock.moved(dt.timedelta(days=MOST_TRIES)):
        assert Mail.objects.claim(MailKind.RECEIPT, "1", user) is None
    given_up = Mail.objects.get()
    assert (given_up.tries, given_up.state) == (MOST_TRIES, MailState.GIVEN_UP)
    assert journalled(JournalEntry.Verb.MAIL_FAILED) == MOST_TRIES


def test_a_server_that_is_down_for_an_hour_costs_no_mail(user: User) -> None:
    tried = 0
    for minute in range(60):
        with clock.moved(dt.timedelta(minutes=minute)):
            mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
            if mail is not None:
                mail.record(MailState.NOT_SENT, "no server")
                tried += 1
    assert 1 < tried < MOST_TRIES
    with clock.moved(dt.timedelta(hours=4)):
        assert Mail.objects.claim(MailKind.RECEIPT, "1", user) is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_try_it_again_one_does(user: User) -> None:
    mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert mail is not None
    mail.record(MailState.NOT_SENT)
    bare(Mail).update(claimed_at=timezone.now() - dt.timedelta(hours=1))
    claimed = together(4, lambda _number: Mail.objects.claim(MailKind.RECEIPT, "1", user))
    assert sum(isinstance(mail, Mail) for mail in claimed) == 1


def test_what_the_server_had_is_never_sent_again(user: User) -> None:
    mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert mail is not None
    mail.record(MailState.UNKNOWN, "connection lost")
    assert Mail.objects.claim(MailKind.RECEIPT, "1", user) is None


def test_what_is_known_stays_and_nothing_else_is_journalled(user: User) -> None:
    mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert mail is not None
    mail.record(MailState.SENT)
    # By a command that has found it unsent a moment before.
    mail.record(MailState.UNKNOWN, "ended without a word")
    assert mail.state == Mail.objects.get().state == MailState.SENT
    assert journalled(JournalEntry.Verb.MAIL_FAILED) == 0


def test_who_was_given_up_may_still_say_that_it_was_sent(user: User) -> None:
    mail = Mail.objects.claim(MailKind.RECEIPT, "1", user)
    assert mail is not None
    mail.record(MailState.UNKNOWN, "ended without a word")
    mail.record(MailState.SENT)
    stored = Mail.objects.get()
    assert (stored.state, stored.sent_at is not None) == (MailState.SENT, True)
    assert journalled(JournalEntry.Verb.MAIL_SENT) == 1


def test_a_user_declines_what_no_law_needs(user: User) -> None:
    for kind in (MailKind.CARD_EXPIRES, MailKind.NOTICE):
        MailStop.objects.set(user, kind, wanted=False)
        MailStop.objects.set(user, kind, wanted=False)
    assert Mail.objects.claim(MailKind.CARD_EXPIRES, "1", user) is None
    assert Mail.objects.claim(MailKind.NOTICE, "1", user) is not None
    assert str(MailStop.objects.get(kind=MailKind.CARD_EXPIRES)) == f"{user.pk} card_expires"
    MailStop.objects.set(user, MailKind.CARD_EXPIRES, wanted=True)
    assert Mail.objects.claim(MailKind.CARD_EXPIRES, "1", user) is not None


@pytest.mark.parametrize("state", [MailState.UNKNOWN, MailState.CLAIMED, MailState.GIVEN_UP])
def test_what_is_better_sent_twice_than_never_is_claimed_again(
    user: User, state: MailState
) -> None:
    a_day = dt.timedelta(days=1)
    mail = Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day)
    assert mail is not None
    bare(Mail).update(state=state, tries=MOST_TRIES)
    assert Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day) is None
    with clock.moved(a_day):
        again = Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day)
        assert again is not None
        again.record(MailState.SENT)
    with clock.moved(3 * a_day):
        assert Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day) is None


@pytest.mark.parametrize("state", [MailState.GIVEN_UP, MailState.UNKNOWN, MailState.NOT_SENT])
def test_a_mail_that_can_never_be_sent_fills_no_journal(user: User, state: MailState) -> None:
    a_day = dt.timedelta(days=1)

    def fail(day: int, problem: str) -> int:
        with clock.moved(day * a_day):
            mail = Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day)
            assert mail is not None
            mail.record(state, problem)
        stored = Mail.objects.get()
        assert (stored.tries, stored.problem) == (day + 1, problem)
        return journalled(JournalEntry.Verb.MAIL_FAILED)

    said = [fail(day, f"Refused: no such user, message {day}") for day in range(20)]
    assert said[-1] == MOST_TRIES
    # Another problem is news, and so is the end of it.
    assert fail(20, "Unreachable: no server") == MOST_TRIES + 1
    with clock.moved(21 * a_day):
        mail = Mail.objects.claim(MailKind.NOTICE, "1", user, again_after=a_day)
        assert mail is not None
        mail.record(MailState.SENT)
    assert journalled(JournalEntry.Verb.MAIL_SENT) == 1


@pytest.mark.django_db(transaction=True)
def test_several_begin_at_once(user: User) -> None:
    begun = together(4, lambda _number: MailStart.objects.begin(["receipt", "notice"]))
    assert all(set(since) == {"receipt", "notice"} for since in begun)
    assert MailStart.objects.count() == 2
