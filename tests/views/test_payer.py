"""Somebody else's charges: ``PAYER`` says whose a request shows and pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from payments_ui import payer
from payments_ui.core import queries
from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.flows.tokens import ReturnToken
from payments_ui.payer import Payer
from payments_ui.testing.psp import SandboxPSP
from tests.dom import Node, parse

HTMX = {"HX-Request": "true"}
#: Whom the site's function names for a user, by what the tests put there.
PAYERS: dict[int, Callable[[], object]] = {}


def site_payer(request: HttpRequest) -> object:
    """What a site has in its ``PAYER``."""
    assert request.user.is_authenticated
    return PAYERS[request.user.pk]()


@pytest.fixture
def team(make_user: Callable[..., User]) -> User:
    return make_user(username="team")


@pytest.fixture
def ada(make_user: Callable[..., User], team: User) -> User:
    ada = make_user(username="ada")
    PAYERS[ada.pk] = lambda: team
    return ada


@pytest.fixture
def ben(make_user: Callable[..., User], team: User) -> User:
    ben = make_user(username="ben")
    PAYERS[ben.pk] = lambda: Payer(team, may_pay=False)
    return ben


@pytest.fixture(autouse=True)
def own_payer(settings: Settings, psp: SandboxPSP) -> None:
    PAYERS.clear()
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "PAYER": f"{__name__}.site_payer"}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def owe(user: User, amount: str = "12", title: str = "Tiles") -> LineItem:
    return LineItem.objects.record(user=user, amount=amount, title=title)


def pending(user: User) -> Payment:
    owe(user)
    payment: Payment | None = Payment.objects.create_pending(user=user)
    assert payment is not None
    return payment


def shown(response: Any) -> Node:
    return parse(response.content.decode())


def fields_of(client: Client, action: str, url: str) -> dict[str, str]:
    return shown(client.get(url)).form(action).fields()


CHARGES, PAYMENTS = "/charges/", "/payments/"


def test_a_member_sees_and_pays_the_charges_of_the_team(ada: User, team: User) -> None:
    owe(team)
    owe(ada, "99", "Ada's own")
    client = browser(ada)
    page = shown(client.get(CHARGES))
    assert "To pay: CHF 12.00" in page.text
    assert "Ada's own" not in page.text
    response = client.post(PAYMENTS, fields_of(client, PAYMENTS, CHARGES))
    payment = Payment.objects.get()
    assert (response.status_code, payment.user) == (303, team)
    created = JournalEntry.objects.get(verb=JournalEntry.Verb.PAYMENT_CREATED)
    assert (created.actor, created.user) == (f"user:{ada.pk}", team)


def test_the_journal_names_who_started_the_attempt_and_who_owes(ada: User, team: User) -> None:
    payment = pending(team)
    client = browser(ada)
    pay = reverse("payments_ui:moocher", args=[payment.pk, "cards"])
    client.post(pay, fields_of(client, pay, pay) | {"name": "Ada"})
    payment.refresh_from_db()
    assert payment.charged_at is not None
    started = JournalEntry.objects.get(verb=JournalEntry.Verb.ATTEMPT_STARTED)
    assert (started.actor, started.user) == (f"user:{ada.pk}", team)
    receipt = shown(client.get(reverse("payments_ui:receipt", args=[payment.pk])))
    assert "team" in receipt.text


def test_who_may_see_only_is_shown_nothing_that_posts(ben: User, team: User) -> None:
    payment = pending(team)
    owe(team, "3")
    client = browser(ben)
    for url in (
        CHARGES,
        "/charges/?select=1",
        reverse("payments_ui:payment", args=[payment.pk]),
        reverse("payments_ui:moocher", args=[payment.pk, "cards"]),
    ):
        page = shown(client.get(url))
        assert "CHF" in page.text
        assert page.all("form") == []
        assert "You can see these items" in page.text


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    "name", ["payments", "moocher", "cancellation", "attempt_cancellation", "lineitems"]
)
def test_who_may_see_only_is_refused_whatever_he_posts(
    name: str, htmx: bool, ben: User, ada: User, team: User
) -> None:
    payment = pending(team)
    args: list[object] = [] if name == "payments" else [payment.pk]
    args += ["cards"] if name == "moocher" else []
    # Even with the fields of somebody who may.
    review = reverse("payments_ui:moocher", args=[payment.pk, "cards"])
    posted = fields_of(browser(ada), review, review) | {"currency": "CHF"}
    url = reverse(f"payments_ui:{name}", args=args)
    response = browser(ben).post(url, posted, headers=HTMX if htmx else {})
    assert response.status_code == (200 if htmx else 403)
    assert "you cannot pay them" in shown(response).text
    payment.refresh_from_db()
    assert payment.state == Payment.State.PENDING
    assert not payment.attempts.exists()
    assert Payment.all_objects.count() == 1


@pytest.mark.parametrize("htmx", [False, True])
def test_a_switch_of_team_in_another_tab_pays_nobody_elses_charges(
    htmx: bool, ada: User, team: User, make_user: Callable[..., User]
) -> None:
    other = make_user(username="other-team")
    payment = pending(team)
    owe(team, "3")
    owe(other, "50")
    client = browser(ada)
    pay = reverse("payments_ui:moocher", args=[payment.pk, "cards"])
    old_list = {"currency": "CHF", **fields_of(client, pay, pay)}
    forms = {PAYMENTS: old_list, pay: fields_of(client, pay, pay)}
    PAYERS[ada.pk] = lambda: other
    for url, posted in forms.items():
        response = client.post(url, posted, headers=HTMX if htmx else {})
        assert response.status_code == (200 if htmx else 409)
        page = shown(response)
        assert "items of another account" in page.text
        assert "CHF 50.00" in page.text
    assert list(Payment.all_objects.all()) == [payment]
    assert not payment.attempts.exists()
    assert client.get(reverse("payments_ui:payment", args=[payment.pk])).status_code == 404


def test_a_form_that_does_not_say_whose_charges_it_shows_starts_no_payment(
    ada: User, team: User
) -> None:
    owe(team)
    response = browser(ada).post(PAYMENTS, {"currency": "CHF"})
    assert response.status_code == 409
    assert not Payment.all_objects.exists()


@pytest.mark.parametrize("answer", [None, AnonymousUser()])
def test_nobodys_charges_are_shown_nowhere(answer: object, ada: User, team: User) -> None:
    payment = pending(team)
    PAYERS[ada.pk] = lambda: answer
    client = browser(ada)
    for url in (CHARGES, PAYMENTS, reverse("payments_ui:payment", args=[payment.pk])):
        assert client.get(url).status_code == 403
        in_place = client.get(url, headers=HTMX)
        assert (in_place.status_code, in_place["HX-Reswap"]) == (200, "outerHTML")
        assert "No items to show" in shown(in_place).text
        assert client.get(url, {"news": 1}, headers=HTMX).status_code == 204
    assert client.post(PAYMENTS, {"currency": "CHF"}).status_code == 403
    assert "CHF" not in shown(client.post(PAYMENTS, {"currency": "CHF"}, headers=HTMX)).text


def test_the_heartbeat_follows_the_payer(ada: User, team: User, make_user: Any) -> None:
    owe(team)
    client = browser(ada)
    asked = {"v": queries.version(team), "w": "pui-1"}
    assert client.get("/heartbeat/", asked, headers=HTMX).status_code == 204
    other = make_user(username="other-team")
    owe(other)
    PAYERS[ada.pk] = lambda: other
    changed = client.get("/heartbeat/", asked, headers=HTMX)
    assert changed["HX-Trigger"] == "payments:changed"
    assert f"v={queries.version(other)}" in changed.content.decode()
    PAYERS[ada.pk] = lambda: None
    lost = shown(client.get("/heartbeat/", asked, headers=HTMX))
    assert "You no longer see these items" in lost.text
    assert lost.with_attr("hx-get") == []


def test_who_comes_back_from_a_psp_sees_the_payment_of_the_payer_only(
    ada: User, team: User, make_user: Any
) -> None:
    payment = pending(team)
    attempt = payment.start_attempt(moocher="cards")
    url = reverse("payments_ui:return", args=[payment.pk, "cards"])
    back = {"attempt": ReturnToken.make(attempt, "/dashboard/")}
    client = browser(ada)
    assert client.get(url, back).status_code == 303
    PAYERS[ada.pk] = lambda: make_user(username="other-team")
    page = client.get(url, back)
    assert page.status_code == 200
    assert "CHF" not in shown(page).text


def test_the_site_is_asked_once_for_a_request(ada: User, team: User) -> None:
    asked: list[User] = []

    def answer() -> User:
        asked.append(team)
        return team

    PAYERS[ada.pk] = answer
    owe(team)
    browser(ada).get(CHARGES)
    assert asked == [team]


def test_another_user_of_the_same_request_is_asked_about_anew(
    ada: User, ben: User, team: User
) -> None:
    request = RequestFactory().get("/")
    request.user = ada
    assert payer.payer_of(request) == Payer(team)
    request.user = ben
    assert payer.payer_of(request) == Payer(team, may_pay=False)


def test_visitors_are_nobody_and_the_site_is_not_asked(client: Client) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert payer.payer_of(request) is None
    assert client.get(CHARGES).status_code == 302


@pytest.mark.parametrize("answer", ["team", 7, Payer("team")])  # type: ignore[arg-type]
def test_what_is_no_user_is_refused(answer: object, ada: User) -> None:
    PAYERS[ada.pk] = lambda: answer
    with pytest.raises(TypeError, match="return a user, a Payer or None"):
        browser(ada).get(CHARGES)


def test_without_the_setting_users_pay_for_themselves(
    user: User, settings: Settings, client: Client
) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "PAYER": ""}
    owe(user)
    client.force_login(user)
    posted = fields_of(client, PAYMENTS, CHARGES)
    assert payer.FIELD not in posted
    assert client.post(PAYMENTS, posted).status_code == 303
