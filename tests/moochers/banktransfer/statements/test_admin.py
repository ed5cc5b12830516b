"""A clerk uploads a bank's statement."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from payments_ui.core import journal
from payments_ui.core.models import Attempt, Event, JournalEntry
from payments_ui.core.psp_port import NoPSPs
from payments_ui.exceptions import MoocherError
from payments_ui.flows import psp_port
from tests.management.test_book_transfer import BANK, NO_BANK, wait_for_transfer
from tests.moochers.banktransfer.statements.files import camt, details, entry

pytestmark = pytest.mark.django_db
PAGE, LIST = "admin:payments_core_statement", "admin:payments_core_suspenseitem_changelist"


@pytest.fixture(autouse=True)
def _one_bank() -> object:
    with override_settings(PAYMENTS_UI={"MOOCHERS": [NO_BANK, BANK]}):
        yield


def clerk(*permissions: str) -> Client:
    user = User.objects.create_user(username="clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def browser() -> Client:
    return clerk("book_payment", "view_suspenseitem")


def upload(browser: Client, data: bytes, moocher: str = "bank-transfer") -> Any:
    file = SimpleUploadedFile("statement.xml", data)
    form = {"moocher": moocher, "statement": file}
    return browser.post(reverse(PAGE), form, follow=True)


def test_a_statement_is_booked_and_reported(browser: Client, user: User) -> None:
    assert reverse(PAGE) in browser.get(reverse(LIST)).content.decode()
    assert b'type="file"' in browser.get(reverse(PAGE)).content
    attempt = wait_for_transfer(user)
    amount = f"{attempt.amount:.2f}"
    data = camt(entry(amount, [details(amount, structured=attempt.psp_reference or "")]))
    page = upload(browser, data, attempt.moocher)
    assert b"Booked: CHF" in page.content
    assert Attempt.objects.get().state == Attempt.State.SETTLED
    by = journal.by_user(User.objects.get(username="clerk"))
    assert JournalEntry.objects.filter(actor=by).exists()
    assert b"Booked before: CHF" in upload(browser, data, attempt.moocher).content


def test_a_file_that_is_no_statement_is_said_to_be_none(browser: Client, user: User) -> None:
    page = upload(browser, b"Dear Sir", wait_for_transfer(user).moocher)
    assert b"Nothing was booked." in page.content
    assert not Event.objects.exists()


def test_without_a_file_or_a_moocher_nothing_is_booked(browser: Client) -> None:
    page = browser.post(reverse(PAGE), {})
    assert page.status_code == 200
    assert b"errorlist" in page.content


def test_who_may_not_record_payments_received_does_not_see_the_way() -> None:
    browser = clerk("view_suspenseitem")
    assert reverse(PAGE) not in browser.get(reverse(LIST)).content.decode()
    assert browser.get(reverse(PAGE)).status_code == 403


def test_without_a_bank_there_is_no_way(browser: Client) -> None:
    with override_settings(PAYMENTS_UI={"MOOCHERS": [NO_BANK]}):
        assert reverse(PAGE) not in browser.get(reverse(LIST)).content.decode()


def test_the_core_alone_reads_none() -> None:
    assert NoPSPs().statement_moochers() == []
    with pytest.raises(MoocherError):
        NoPSPs().import_statement(b"", "bank-transfer", by="clerk")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> None:
        raise ImproperlyConfigured("pip install it")

    monkeypatch.setattr(psp_port, "import_string", fail)
    with pytest.raises(MoocherError, match="pip install"):
        psp_port.MoocherPort().import_statement(b"", "bank-transfer", by="clerk")
