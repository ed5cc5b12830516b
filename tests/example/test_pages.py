"""Hillshade's pages, in every look and language, for a visitor without JavaScript."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal

import pytest

from payments_ui.moochers.banktransfer.statements import Skipped, Transaction
from payments_ui.moochers.banktransfer.statements.reading import read

from .conftest import Visitor

LOOKS = ("plain", "bootstrap", "tailwind")
PAGES = ("/", "/prices/", "/dashboard/", "/sheets/new/", "/sheets/1/", "/account/")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_answers_in_each_look(visitor: Visitor, look: str) -> None:
    visitor.switch(look=look)
    for page in (*PAGES, "/billing/charges/", "/billing/payments/", "/showroom/stripe/"):
        answer = visitor.get(page)
        assert answer.status == 200, page
        text = " ".join(answer.text.split())
        assert 'data-theme="system" data-bs-theme="system" lang="en"' in text, page


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Guten Tag, Ada"), ("fr", "Bonjour, Ada"), ("it", "Buongiorno, Ada")],
)
def test_pages_speak_the_chosen_language(visitor: Visitor, language: str, words: str) -> None:
    answer = visitor.post("/i18n/setlang/", on="/dashboard/", language=language)
    assert words in answer.text
    assert f'lang="{language}"' in answer.text


@pytest.mark.parametrize("language", ["de", "fr", "it"])
def test_widgets_speak_the_chosen_language(visitor: Visitor, language: str) -> None:
    title = r'id="pui-[^"]*-title"[^>]*>([^<]+)<'
    english = re.findall(title, visitor.get("/dashboard/").text)
    answer = visitor.post("/i18n/setlang/", on="/dashboard/", language=language)
    assert english
    assert re.findall(title, answer.text) != english


@pytest.mark.parametrize(("htmx", "script"), [("2", "htmx-2.0.10"), ("4", "htmx-4.0.1")])
def test_the_script_switch_picks_the_htmx(visitor: Visitor, htmx: str, script: str) -> None:
    visitor.post("/showroom/preferences/", htmx=htmx)
    assert re.findall(r"vendor/htmx/(htmx-[\d.]+\d)", visitor.get("/dashboard/").text) == [script]


def test_without_javascript_there_is_no_script_on_any_page(visitor: Visitor) -> None:
    visitor.switch(htmx="none")
    for page in PAGES:
        assert "<script" not in visitor.get(page).text, page


def test_a_preference_we_never_offered_is_ignored(visitor: Visitor) -> None:
    visitor.switch(look="../../etc", htmx="9", theme="dark")
    page = visitor.get("/").text
    assert 'class="plain" data-theme="dark"' in page


def test_switches_lead_back_to_our_own_pages_only(visitor: Visitor, site: str) -> None:
    answer = visitor.post("/showroom/preferences/", look="plain", next="https://example.com/")
    assert answer.url == f"{site}/"


def test_the_security_policy_is_strict_and_names_the_card_company(
    visitor: Visitor, site: str
) -> None:
    policy = visitor.get("/dashboard/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    port = int(site.rpartition(":")[2])
    company = f"http://127.0.0.1:{port + 1}"
    assert f"form-action 'self' {company}" in policy
    assert f"frame-src {company}" in policy


def test_stripe_is_played_until_there_are_keys(visitor: Visitor, site: str) -> None:
    page = visitor.get("/showroom/stripe/").text
    assert "A stand-in on this machine plays Stripe" in page
    assert f"stripe listen --forward-to {site}/billing/webhooks/stripe/" in page
    assert "export HILLSHADE_STRIPE_SECRET_KEY=sk_test_" in page


def test_rendering_twice_with_one_token_charges_once(visitor: Visitor) -> None:
    visitor.post("/showroom/person/", on="/account/", person="ben")
    form = {"token": str(uuid.uuid4()), "name": "Piz Twice", "terrain": "alpine"}
    for _attempt in range(2):
        answer = visitor.post("/sheets/new/", on="/sheets/new/", size="a4", seed="5", **form)
        assert "Piz Twice is ready" in answer.text
    assert visitor.get("/dashboard/").text.count('<span class="tile-name">Piz Twice</span>') == 1


def test_a_sheet_of_somebody_else_does_not_exist(visitor: Visitor) -> None:
    visitor.get("/dashboard/")
    visitor.post("/showroom/person/", on="/account/", person="ben")
    assert visitor.get("/sheets/1/").status == 404
    assert visitor.get("/sheets/1/sheet.svg").status == 404


def test_ada_pays_for_the_team_and_ben_sees_its_charges(visitor: Visitor) -> None:
    visitor.get("/")
    own = visitor.get("/dashboard/").text
    team = visitor.post("/showroom/team/", on="/dashboard/", team="1").text
    assert "Contour sheet, A4" in own
    assert "Contour sheet, A4" not in team
    assert "Contour sheet, A2" in team
    assert "Continue to payment" in team
    visitor.post("/showroom/person/", on="/account/", person="ben")
    seen = visitor.post("/showroom/team/", on="/dashboard/", team="1").text
    assert "Contour sheet, A2" in seen
    assert "Continue to payment" not in seen
    assert "you cannot pay them" in seen
    assert "Contour sheet, A4" in visitor.post("/showroom/team/", on="/dashboard/", team="").text


def test_who_signs_out_stays_signed_out(visitor: Visitor) -> None:
    visitor.post("/showroom/signed-out/", on="/account/")
    assert "/accounts/login/" in visitor.get("/dashboard/").url


def test_the_clerk_gets_to_the_books(visitor: Visitor) -> None:
    visitor.post("/showroom/person/", on="/account/", person="clara")
    assert visitor.get("/admin/payments_core/payment/").status == 200


def test_the_tour_follows_the_visitor(visitor: Visitor) -> None:
    def here() -> list[str]:
        page = visitor.get("/prices/").text
        return re.findall(r'aria-current="step">.*?<a [^>]*>([^<]+)</a>', page, re.DOTALL)

    visitor.post("/showroom/person/", on="/account/", person="ben")
    assert here() == ["Render a sheet"]
    form = {"token": str(uuid.uuid4()), "name": "Tour", "terrain": "alpine", "size": "a4"}
    visitor.post("/sheets/new/", on="/sheets/new/", seed="1", **form)
    assert here() == ["Check your items"]
    visitor.get("/dashboard/")
    assert here() == ["Pay them"]


def test_the_bank_lets_a_transfer_arrive_once_one_is_awaited(visitor: Visitor) -> None:
    for transfer in ("part", "rest", "too_much"):
        answer = visitor.post("/showroom/bank/", on="/account/", transfer=transfer)
        assert "No transfer is awaited." in answer.text
    assert visitor.post("/showroom/bank/", on="/account/", transfer="nothing").status == 404


def test_the_banks_statement_is_one_that_the_clerk_can_import(visitor: Visitor) -> None:
    answer = visitor.get("/showroom/bank/statement/")
    entries = list(read(answer.text.encode()))
    assert [type(entry) for entry in entries] == [Transaction, Skipped]
    assert [entry.amount for entry in entries] == [Decimal(12), Decimal(950)]
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Type"] == "application/xml"


def test_the_card_company_is_told_what_happens_next(visitor: Visitor) -> None:
    answer = visitor.post("/showroom/sandbox/", on="/account/", scenario="approve")
    assert "Applied." in answer.text
