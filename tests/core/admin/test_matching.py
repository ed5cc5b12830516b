"""Unexpected money is matched by one press: what it may be for is proposed, or searched."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from payments_ui.core.attempts import arrivals
from payments_ui.core.models import JournalEntry, SuspenseItem
from payments_ui.core.suspense.proposals import proposals
from tests.conftest import UserFactory
from tests.core.support import pending, started, stored
from tests.counting import reads
from tests.dom import Node, parse

from .test_actions import on_page, page
from .test_refunds import act, said, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(db: None) -> SuspenseItem:
    """Return 12.00 that arrived with no reference."""
    event: dict[str, Any] = {"moocher": "bank", "psp_reference": "?", "event_id": "e"}
    arrivals.book_arrival(**event, amount=Decimal(12), currency="CHF")
    found: SuspenseItem = SuspenseItem.objects.get()
    return found


def choices(shown: Node) -> dict[str, str]:
    """Return what the buttons post, by the text beside each."""
    buttons = shown.all("button", name="payment")
    return {button.attrs["aria-label"]: button.attrs["value"] for button in buttons}


def press(client: Client, form: Node, payment: str) -> Any:
    """Press the button of a payment in this form."""
    data = form.fields() | {"payment": payment}
    return client.post(form.attrs["action"], data, follow=True)


def test_one_press_on_the_items_page_matches_it(
    office: Client, item: SuspenseItem, user: User, clerk: User
) -> None:
    owed = pending(user, "12")
    pending(user, "7")
    shown = page(office, item)
    assert [text.replace("\xa0", " ") for text in choices(shown)] == [
        f"Match to CHF 12.00, {user}, {str(owed.pk)[:8]}"
    ]
    assert ": same amount" in shown.text
    response = press(office, shown.form(on_page(item, "match")), str(owed.pk))
    assert response.redirect_chain == [(url(SuspenseItem, "change", item.pk), 302)]
    assert said(response) == ["1 row updated."]
    assert stored(owed).charged_at
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.SUSPENSE_CLOSED)
    assert (entry.actor, entry.reason) == (f"user:{clerk.pk}", "proposed: same amount")
    assert choices(page(office, item)) == {}


def test_a_press_needs_the_token_of_the_page(item: SuspenseItem, user: User, clerk: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(clerk)
    owed = pending(user, "12")
    data = {"payment": str(owed.pk), "reason": ""}
    assert client.post(on_page(item, "match"), data).status_code == 403
    assert press(client, page(client, item).form(on_page(item, "match")), str(owed.pk))
    assert stored(owed).charged_at


def test_a_second_press_says_that_it_is_done(
    office: Client, item: SuspenseItem, user: User
) -> None:
    owed, other = pending(user, "12"), pending(user, "12")
    answers = [
        office.post(on_page(item, "match"), {"payment": str(payment.pk), "reason": "the same"})
        for payment in (owed, other)
    ]
    assert [answer.status_code for answer in answers] == [302, 200]
    assert "resolved already" in said(answers[1])[-1]
    assert not stored(other).charged_at


def test_where_nothing_looks_like_it_another_payment_is_searched(
    office: Client, item: SuspenseItem, make_user: UserFactory
) -> None:
    owed = pending(make_user(username="ada"), "10")
    pending(make_user(username="grace"), "10")
    assert "No pending payment looks like it." in page(office, item).text
    shown = parse(office.get(on_page(item, "match"), {"q": "ada"}).content)
    assert list(choices(shown).values()) == [str(owed.pk)]
    assert shown.one("input", name="q").attrs["value"] == "ada"
    form = next(
        form
        for form in shown.all("form")
        if form.attrs.get("method") == "post" and form.all("textarea")
    )
    where = f"{on_page(item, 'match')}?q=ada"
    data = form.fields() | {"payment": str(owed.pk), "reason": ""}
    again = office.post(where, data)
    assert said(again) == ["This field is required."]
    assert list(choices(parse(again.content)).values()) == [str(owed.pk)]
    assert not stored(owed).charged_at
    office.post(where, data | {"reason": "called us"})
    assert stored(owed).charged_at
    assert JournalEntry.objects.filter(reason="called us").exists()


def test_who_paid_is_shown_where_it_is_matched(office: Client, user: User) -> None:
    event: dict[str, Any] = {"moocher": "bank", "psp_reference": "?", "event_id": "named"}
    arrivals.book_arrival(**event, amount=Decimal(12), currency="CHF", payer="Ada Lovelace")
    item = SuspenseItem.objects.get()
    for where in (on_page(item, "match"), url(SuspenseItem, "change", item.pk)):
        shown = parse(office.get(where).content).text.replace("\xa0", " ")
        assert "CHF 12.00 arrived with the unknown reference" in shown
        assert "Ada Lovelace" in shown


def test_what_is_not_found_is_said(office: Client, item: SuspenseItem, user: User) -> None:
    shown = parse(office.get(on_page(item, "match"), {"q": "nobody"}).content)
    assert "No pending payment in this currency was found." in shown.text


def test_the_action_of_the_list_shows_the_same(
    office: Client, item: SuspenseItem, user: User
) -> None:
    owed = pending(user, "12")
    shown = parse(act(office, "match", item).content)
    assert list(choices(shown).values()) == [str(owed.pk)]
    act(office, "match", item, payment=owed.pk, reason="")
    assert stored(owed).charged_at


def test_a_payment_that_became_busy_comes_back_with_why(
    office: Client, item: SuspenseItem, user: User
) -> None:
    owed = pending(user, "12")
    started(owed)
    response = office.post(on_page(item, "match"), {"payment": str(owed.pk), "reason": "same"})
    assert "still waiting for the answer" in said(response)[0]
    assert parse(response.content).one("textarea").text == "same"


def test_proposals_need_the_permission_to_resolve_and_a_search_that_to_see_payments(
    client: Client, make_user: UserFactory, user: User, item: SuspenseItem
) -> None:
    pending(user, "12")
    clerk = make_user(is_staff=True)
    for names, sees, searches in (
        (["view_suspenseitem"], 0, False),
        (["view_suspenseitem", "resolve_suspenseitem"], 1, False),
        (["view_suspenseitem", "resolve_suspenseitem", "view_payment"], 1, True),
    ):
        clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(User.objects.get(pk=clerk.pk))
        assert len(choices(page(client, item))) == sees
        if sees:
            shown = parse(client.get(on_page(item, "match"), {"q": user.username}).content)
            # Proposed, and found.
            assert len(shown.all("button", name="payment")) == (2 if searches else 1)
            assert bool(shown.all("input", name="q")) == searches


def test_a_page_without_proposals_asks_nothing_for_them(office: Client, item: SuspenseItem) -> None:
    closed = item.close(by="user:1", reason="seen")
    with reads(0):
        assert proposals(closed) == []
    assert "It may be for" not in page(office, closed).text


def test_a_search_takes_any_text(office: Client, item: SuspenseItem, user: User) -> None:
    shown = parse(office.get(on_page(item, "match"), {"q": "\x00 ada"}).content)
    assert "No pending payment in this currency was found." in shown.text
