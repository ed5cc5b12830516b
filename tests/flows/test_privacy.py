"""Whoever is anonymized is in no column of any table any more, whatever nights have written."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import mail
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import JournalEntry, Mail, Recovery
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.flows.charge_payers import Options, charge_payers
from payments_ui.flows.mails.due import send_due
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import record
from tests.saving import SAVING, saved, saving

pytestmark = pytest.mark.django_db
ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
#: Facts of a person and their card, each of which is found as such wherever it is stored.
PERSONAL: dict[str, Any] = {
    "first_name": "Zubrowka",
    "last_name": "Quixalmond",
    "email": "zubrowka@quixalmond.example",
    "fingerprint": "fp-quixalmond",
    "consent_ip": "203.0.113.77",
    "expires_year": 2091,
    "last_four": "9137",
}
STOLEN = Declined(
    code=DeclineCode.GENERIC,
    evidence={"decline_code": "stolen_card", "cardholder": "Zubrowka Quixalmond"},
)


@pytest.fixture
def person(settings: Settings, psp: SandboxPSP, make_user: UserFactory) -> User:
    """Return somebody whose card was refused for good at night, and who was told so by mail."""
    settings.PAYMENTS_UI = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    }
    names = {name: PERSONAL[name] for name in ("first_name", "last_name", "email")}
    user = make_user(username="zubrowka", **names)
    card = {name: PERSONAL[name] for name in ("fingerprint", "expires_year", "last_four")}
    saved(user, unattended="Charge me.", ip_address=PERSONAL["consent_ip"], **card)
    record(user, "5")
    # Mails begin.
    send_due()
    saving.outcomes.append(STOLEN)
    assert charge_payers(options=Options()).declined == 1
    send_due()
    return user


def says(text: str, fact: object) -> bool:
    """Whether the text has the fact; four digits in the middle of a longer number are none."""
    words = re.escape(str(fact).lower())
    if isinstance(fact, int) or str(fact).isdigit():
        words = f"(?<![0-9a-f]){words}(?![0-9a-f])"
    return re.search(words, text) is not None


def columns_with(*facts: object) -> set[str]:
    """Return the columns of the books, and of users, in which any of these facts stands.

    Moments and ids are left out: they are random enough to have any four digits.
    """
    found = set()
    models: list[Any] = [User, *apps.get_app_config("payments_core").get_models()]
    for model in models:
        for row in model._base_manager.values():
            for column, value in row.items():
                if isinstance(value, dt.datetime | UUID):
                    continue
                text = ID.sub("", json.dumps(value, default=str).lower())
                if any(says(text, fact) for fact in facts):
                    found.add(f"{model.__name__}.{column}")
    return found


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("visa 9137", True),
        ("visa-9137, 2 times", True),
        ('{"last4": "9137"}', True),
        ("2026-11-28 08:14:01.009137", False),
        ("ch_5c9137e0", False),
    ],
)
def test_four_digits_are_a_fact_where_nothing_goes_on(text: str, is_said: bool) -> None:
    assert says(text, "9137") is is_said


def test_no_table_keeps_a_fact_of_who_was_anonymized(person: User) -> None:
    # The test bites: these are where the facts stood.
    before = columns_with(*PERSONAL.values())
    assert {"User.email", "PaymentMethod.expires_year", "Attempt.evidence"} <= before
    anonymize_user(person)
    assert columns_with(*PERSONAL.values()) == set()
    # What a bank has forbidden is still known, without a word on the card.
    assert Recovery.objects.get().is_hard
    assert JournalEntry.objects.filter(detail__has_key="never_again").exists()


def test_nor_does_the_row_of_a_mail(person: User) -> None:
    assert len(mail.outbox) == Mail.objects.count() == 1
    facts: list[Any] = [PERSONAL["email"], PERSONAL["last_four"]]
    assert not {column for column in columns_with(*facts) if column.startswith("Mail.")}
