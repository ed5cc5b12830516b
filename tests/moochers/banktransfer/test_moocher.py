from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.utils import translation

from payments_ui.core.attempts.outcomes import Cancelled, Pending
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.moochers.banktransfer import (
    Account,
    BankTransferMoocher,
    Creditor,
    qr_codes,
    references,
)
from payments_ui.moochers.base import AttemptUrls

CREDITOR = Creditor(name="Rechenwerk AG", postal_code="8005", town="Zürich")
QR_ACCOUNT = Account("CH44 3199 9123 0008 8901 2")
SWISS_ACCOUNT = Account("CH93 0076 2011 6238 5295 7")
GERMAN_ACCOUNT = Account("DE89 3704 0044 0532 0130 00")
URLS = AttemptUrls(return_url="https://shop.example/return", webhook_url="https://shop.example/w")
ATTEMPT_ID = UUID(int=2026)


def make_moocher(**accounts: Account) -> BankTransferMoocher:
    return BankTransferMoocher(
        creditor=CREDITOR, accounts=accounts or {"CHF": QR_ACCOUNT, "EUR": GERMAN_ACCOUNT}
    )


def make_attempt(currency: str = "CHF", amount: str = "12.00", **fields: object) -> Attempt:
    return Attempt(id=ATTEMPT_ID, currency=currency, amount=Decimal(amount), **fields)


def details(moocher: BankTransferMoocher, attempt: Attempt) -> str:
    return moocher.instructions(RequestFactory().get("/"), attempt)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_charging_asks_nobody_and_waits_for_a_transfer_with_this_reference() -> None:
    attempt = make_attempt()
    outcome = make_moocher().charge(attempt, data={}, urls=URLS)
    assert outcome == Pending(psp_reference=references.make(ATTEMPT_ID, QR_ACCOUNT))


def test_asking_again_tells_the_same_reference_even_before_it_was_stored() -> None:
    moocher, attempt = make_moocher(), make_attempt()
    assert moocher.ask(attempt) == moocher.charge(attempt, data={}, urls=URLS)


def test_reference_that_was_given_to_a_customer_stays() -> None:
    attempt = make_attempt(psp_reference="RF18539007547034")
    assert make_moocher().ask(attempt) == Pending(psp_reference="RF18539007547034")


def test_giving_up_is_always_possible_because_no_psp_was_asked() -> None:
    attempt = make_attempt()
    assert make_moocher().cancel(attempt) == Cancelled(
        psp_reference=references.make(ATTEMPT_ID, QR_ACCOUNT)
    )


def test_people_book_the_money_and_it_is_real() -> None:
    moocher = make_moocher()
    assert moocher.manual
    assert moocher.live


def test_takes_the_currencies_that_have_an_account_and_refuses_others() -> None:
    moocher = make_moocher()
    for currency in ("CHF", "EUR"):
        assert moocher.refuse(Payment(currency=currency, amount=Decimal(12))) is None
    assert moocher.refuse(Payment(currency="USD", amount=Decimal(12))) == "Not available for USD."


@pytest.mark.parametrize("amount", ["0", "1000000000.00"])
def test_refuses_amounts_that_no_bank_takes_and_says_which_it_does(amount: str) -> None:
    with translation.override("en"):
        sentence = make_moocher().refuse(Payment(currency="EUR", amount=Decimal(amount)))
    assert sentence == "Available from €0.01 to €999,999,999.99."


@pytest.mark.parametrize("amount", ["0.01", "999999999.99"])
def test_takes_amounts_up_to_the_limits(amount: str) -> None:
    assert make_moocher().refuse(Payment(currency="CHF", amount=Decimal(amount))) is None


def test_details_and_code_of_a_transfer_that_came_short_are_for_the_rest() -> None:
    attempt = make_attempt(amount="4.80", received_amount=Decimal("2.30"), received_currency="CHF")
    html = details(make_moocher(), attempt)
    assert "CHF\xa02.50" in html
    assert "CHF\xa04.80" not in html
    code = qr_codes.make(
        account=QR_ACCOUNT,
        creditor=CREDITOR,
        amount=Decimal("2.50"),
        currency="CHF",
        reference=references.make(ATTEMPT_ID, QR_ACCOUNT),
    )
    assert f'd="{code.path}"' in html
    assert "Please transfer the missing amount with the same reference" in Page(html).text


def test_iban_reference_and_amount_are_copied_as_a_banking_app_takes_them() -> None:
    attempt = make_attempt(amount="1234.500")
    copied = [
        attrs for tag, attrs in Page(details(make_moocher(), attempt)).tags if tag == "pui-copy"
    ]
    assert [attrs["data-value"] for attrs in copied] == [
        "1234.50",
        QR_ACCOUNT.iban,
        references.make(ATTEMPT_ID, QR_ACCOUNT),
    ]
    text = Page(details(make_moocher(), attempt)).text
    for name in ("Amount", "Account (IBAN)", "Reference for your transfer"):
        assert f"Copy {name}" in text


def test_details_name_account_amount_reference_and_payee() -> None:
    text = Page(details(make_moocher(), make_attempt(amount="1234.500"))).text
    assert "CH44 3199 9123 0008 8901 2" in text
    assert "CHF 1,234.50" in text  # the no-break space is folded with all others
    assert references.display(references.make(ATTEMPT_ID, QR_ACCOUNT)) in text
    assert "Rechenwerk AG" in text
    assert "CH-8005 Zürich" in text
    assert "BIC" not in text


def test_details_name_the_bank_where_a_transfer_needs_it() -> None:
    moocher = make_moocher(EUR=Account("GB29 NWBK 6016 1331 9268 19", bic="NWBKGB2L"))
    assert "NWBKGB2L" in Page(details(moocher, make_attempt("EUR"))).text


def test_details_show_the_code_of_exactly_this_transfer() -> None:
    code = qr_codes.make(
        account=GERMAN_ACCOUNT,
        creditor=CREDITOR,
        amount=Decimal("12.00"),
        currency="EUR",
        reference="RF18539007547034",
    )
    attempt = make_attempt("EUR", psp_reference="RF18539007547034")
    page = Page(details(make_moocher(), attempt))
    assert [attrs["d"] for tag, attrs in page.tags if tag == "path"] == [code.path]


def test_details_need_no_script_and_no_inline_style() -> None:
    page = Page(details(make_moocher(), make_attempt()))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "style", "link", "img"})
    for _, attrs in page.tags:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs)


def test_creditor_with_markup_in_the_name_is_shown_as_text() -> None:
    creditor = Creditor(name="<b>M&M</b>", postal_code="8005", town="Zürich")
    moocher = BankTransferMoocher(creditor=creditor, accounts={"CHF": SWISS_ACCOUNT})
    page = Page(details(moocher, make_attempt()))
    assert "<b>M&M</b>" in page.text
    assert "b" not in {tag for tag, _ in page.tags}


@pytest.mark.parametrize(
    ("account", "stored"),
    [
        (QR_ACCOUNT, references.make(ATTEMPT_ID, SWISS_ACCOUNT)),
        (SWISS_ACCOUNT, references.make(ATTEMPT_ID, QR_ACCOUNT)),
    ],
)
def test_reference_that_the_new_account_cannot_take_is_not_shown_with_it(
    account: Account, stored: str
) -> None:
    page = Page(details(make_moocher(CHF=account), make_attempt(psp_reference=stored)))
    assert "Our account has changed" in page.text
    assert account.formatted not in page.text
    assert not any(tag == "svg" for tag, _ in page.tags)


def test_customer_is_told_when_the_currency_lost_its_account() -> None:
    page = Page(details(make_moocher(EUR=GERMAN_ACCOUNT), make_attempt("CHF")))
    assert "Our account has changed" in page.text


def test_form_is_one_button_that_charges_nothing_and_says_so() -> None:
    payment = Payment(currency="CHF", amount=Decimal("12.00"))
    html = make_moocher().payment_form(RequestFactory().get("/"), payment)
    page = Page(html)
    [form] = [attrs for tag, attrs in page.tags if tag == "form"]
    assert form["method"] == "post"
    assert form["action"] == make_moocher().pay_url(payment)
    assert [tag for tag, _ in page.tags if tag in {"input", "button"}] == ["button"]
    assert "You are not charged now" in page.text
    assert page.text.endswith("Get the transfer details")


def test_needs_at_least_one_account() -> None:
    with pytest.raises(ImproperlyConfigured, match="at least one account"):
        BankTransferMoocher(creditor=CREDITOR, accounts={})


@pytest.mark.parametrize(
    ("creditor", "currency", "account", "problem"),
    [
        (CREDITOR, "CHF", GERMAN_ACCOUNT, "needs an account in CH or LI"),
        (CREDITOR, "USD", SWISS_ACCOUNT, "Currency can only contain"),
        (CREDITOR, "EUR", Account("GB29 NWBK 6016 1331 9268 19"), "name the bank by its bic"),
        (Creditor(name="Rechenwerk AG"), "CHF", SWISS_ACCOUNT, "creditor address"),
        (Creditor(name="x" * 71), "EUR", GERMAN_ACCOUNT, "Invalid name"),
        (Creditor(name="株式会社"), "EUR", GERMAN_ACCOUNT, "characters that banks do not take"),
    ],
)
def test_what_would_break_the_code_is_found_when_the_site_starts(
    creditor: Creditor, currency: str, account: Account, problem: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"Bank transfer in {currency}: .*{problem}"):
        BankTransferMoocher(creditor=creditor, accounts={currency: account})


def test_options_that_do_not_exist_are_refused() -> None:
    """Currencies are said by the accounts; saying them twice could only contradict."""
    for option in ("currencies", "ibann"):
        with pytest.raises(TypeError, match=option):
            BankTransferMoocher(
                creditor=CREDITOR, accounts={"CHF": QR_ACCOUNT}, **{option: ["CHF"]}
            )


def test_two_moochers_with_accounts_of_their_own_stay_apart() -> None:
    one = make_moocher()
    other = BankTransferMoocher(
        creditor=CREDITOR, accounts={"CHF": SWISS_ACCOUNT}, identifier="other", title="Other bank"
    )
    assert (one.identifier, other.identifier) == ("banktransfer", "other")
    assert one.currencies == frozenset({"CHF", "EUR"})
    assert other.currencies == frozenset({"CHF"})


def test_attempt_stays_open_with_its_reference_until_somebody_books_or_gives_up(
    user: User,
) -> None:
    LineItem.objects.record(user=user, title="Rendering", amount=12, currency="CHF")
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    moocher = make_moocher()
    attempt = payment.start_attempt(moocher=moocher.identifier, live=True, manual=True)
    attempt = attempt.record(moocher.charge(attempt, data={}, urls=URLS))
    assert attempt.state == Attempt.State.PROCESSING
    assert attempt.psp_reference == references.make(attempt.pk, QR_ACCOUNT)
    assert attempt.record(moocher.ask(attempt)).state == Attempt.State.PROCESSING
    attempt = attempt.record(moocher.cancel(attempt))
    assert attempt.state == Attempt.State.CANCELLED
    assert attempt.psp_reference == references.make(attempt.pk, QR_ACCOUNT)
