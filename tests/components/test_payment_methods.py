"""The list of what a user has saved, and what a payment offers of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from payments_ui.components.payment_methods import PaymentMethods
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.core.models import Payment
from payments_ui.payer import Payer
from tests.counting import reads
from tests.dom import Node, parse
from tests.fakes import CARDS
from tests.saving import OTHER, SAVING, other, saved, saving

from .conftest import RenderTag, RequestOf

TAG = "{% payment_methods %}"


@pytest.fixture(autouse=True)
def saves(moochers: dict[str, Any]) -> None:
    moochers["MOOCHERS"] = [SAVING, CARDS]


def rows(shown: Node) -> list[Node]:
    return shown.all("li", class_="pui-method")


def test_a_user_without_any_is_told_what_it_is_good_for(page: RenderTag) -> None:
    shown = page(TAG)
    assert "No payment method saved" in shown.text
    assert shown.one("a", id="pui-1-add-1").text == "Add a payment method"


def test_each_says_what_it_is_and_what_it_is_used_for(user: User, page: RenderTag) -> None:
    saved(user)
    saved(user, brand="mastercard", last_four="1881", unattended="Charge me.")
    first, second = rows(page(TAG))
    assert first.text.startswith("Visa ending 4242 Default Expires 07/2099")
    assert "Offered first when you pay. Never charged without you." in first.text
    assert second.text.startswith("Mastercard ending 1881 Expires 07/2099")
    assert "Offered when you pay. May be charged without you." in second.text


@pytest.mark.parametrize(
    ("months", "says"),
    [(-1, "It can no longer be charged."), (0, "Please add a new one soon."), (2, "Expires")],
)
def test_what_expires_or_has_expired_is_marked(
    user: User, page: RenderTag, months: int, says: str
) -> None:
    month = timezone.localdate().replace(day=15) + dt.timedelta(days=30 * months)
    saved(user, expires_year=month.year, expires_month=month.month)
    (row,) = rows(page(TAG))
    assert says in row.text
    assert f"{month.month:02}/{month.year}" in row.text
    assert ("Offered" in row.text) is (months >= 0)


def test_what_has_no_end_says_none(user: User, page: RenderTag) -> None:
    saved(user, expires_year=None, expires_month=None, kind="paypal", brand="", last_four="")
    (row,) = rows(page(TAG))
    assert row.text.startswith("PayPal Default Offered first")


def test_the_default_is_chosen_by_a_button_and_removed_by_a_question(
    user: User, page: RenderTag
) -> None:
    first, second = saved(user), saved(user, last_four="1881")
    shown = page(TAG)
    button = shown.form(reverse("payments_ui:method_default", args=[second.pk])).one("button")
    assert button.text == "Set as default Visa ending 1881"
    assert not shown.all("form", action=reverse("payments_ui:method_default", args=[first.pk]))
    for method in (first, second):
        link = shown.one("a", href=reverse("payments_ui:method_removal", args=[method.pk]))
        assert link.text == f"Remove {method.label}"


def test_those_of_others_are_not_shown(user: User, make_user: Any, page: RenderTag) -> None:
    saved(make_user())
    assert rows(page(TAG)) == []


def test_several_moochers_that_save_are_told_apart(page: RenderTag, moochers: Any) -> None:
    moochers["MOOCHERS"] = [SAVING, CARDS, OTHER]
    shown = page(TAG)
    links = [link.text for link in shown.all("a")]
    assert links == ["Add a payment method: Card", "Add a payment method: Wallet"]


def test_a_site_whose_moochers_save_none_offers_none(page: RenderTag, moochers: Any) -> None:
    moochers["MOOCHERS"] = [CARDS]
    assert page(TAG).all("a") == []


def only_looks(request: Any) -> Payer:
    return Payer(request.user, may_pay=False)


def test_who_may_not_pay_sees_and_changes_nothing(
    user: User, page: RenderTag, moochers: Any
) -> None:
    saved(user), saved(user)
    moochers["PAYER"] = f"{__name__}.only_looks"
    shown = page(TAG)
    assert len(rows(shown)) == 2
    assert shown.all("form") + shown.all("a") == []


def test_the_list_is_paged_in_two_queries(user: User, page: RenderTag) -> None:
    for _n in range(3):
        saved(user)
    with reads(2):
        shown = page("{% payment_methods limit=2 %}")
    assert len(rows(shown)) == 2
    assert shown.one("a", rel="next")


# --- What a payment offers


@pytest.fixture
def review(user: User, pending: Callable[..., Payment], request_of: RequestOf) -> PendingCharges:
    return PendingCharges(request_of(user), Widget(), payment=pending("12"))


def options(review: PendingCharges) -> list[str]:
    shown = parse(review.render_body())
    return [radio.attrs["value"] for radio in shown.all("input", type="radio")]


def test_a_payment_offers_what_is_saved_first_the_default_before_all(
    user: User, review: PendingCharges
) -> None:
    first, second = saved(user), saved(user)
    second.make_default()
    expected = [f"saving:{second.pk}", f"saving:{first.pk}", "saving", "cards"]
    assert options(review) == expected


def test_what_is_kept_elsewhere_is_not_offered(
    user: User, review: PendingCharges, moochers: Any
) -> None:
    saved(user, other)
    assert options(review) == ["saving", "cards"]


def test_what_a_moocher_kept_that_saves_nothing_any_more_is_not_offered(
    user: User, review: PendingCharges, monkeypatch: pytest.MonkeyPatch, moochers: Any
) -> None:
    moochers["MOOCHERS"] = [SAVING, OTHER]
    saved(user, other)
    monkeypatch.setattr(other, "can_save", False)
    assert options(review) == ["saving", "other"]


def test_of_two_at_the_same_account_the_one_that_saves_charges(
    user: User, review: PendingCharges, monkeypatch: pytest.MonkeyPatch, moochers: Any
) -> None:
    monkeypatch.setattr(saving, "psp", "both")
    monkeypatch.setattr(other, "psp", "both")
    moochers["MOOCHERS"] = [SAVING, OTHER]
    method = saved(user, other)
    monkeypatch.setattr(other, "can_save", False)
    assert options(review)[0] == f"saving:{method.pk}"


def test_another_moocher_of_the_same_account_charges_what_is_saved(
    user: User, review: PendingCharges, monkeypatch: pytest.MonkeyPatch, moochers: Any
) -> None:
    monkeypatch.setattr(saving, "psp", "both")
    monkeypatch.setattr(other, "psp", "both")
    moochers["MOOCHERS"] = [SAVING]
    method = saved(user, other)
    assert options(review)[0] == f"saving:{method.pk}"


def test_what_has_expired_is_told_and_cannot_be_chosen(user: User, review: PendingCharges) -> None:
    saved(user, expires_year=2020, expires_month=1)
    radio = parse(review.render_body()).all("input", type="radio")[0]
    assert "disabled" in radio.attrs
    assert "Expired 01/2020" in parse(review.render_body()).text


def test_a_review_asks_one_query_more_and_only_where_something_can_be_saved(
    user: User, review: PendingCharges, request_of: RequestOf, moochers: Any
) -> None:
    for _n in range(3):
        saved(user)
    with reads(4):
        review.render_body()
    moochers["MOOCHERS"] = [CARDS]
    payment = Payment.objects.get()
    with reads(4):
        PendingCharges(request_of(user), Widget(), payment=payment).render_body()


def test_there_is_no_news_where_nothing_is_being_saved(user: User, request_of: RequestOf) -> None:
    with pytest.raises(TypeError, match="no news"):
        PaymentMethods(request_of(user), Widget()).refresh("")
