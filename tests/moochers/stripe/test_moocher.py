"""How a Stripe moocher is configured, what the site is told, and what customers are shown."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from payments_ui.core.models import Attempt, Customer, Payment
from payments_ui.core.paymentmethods.instrument import Consent
from payments_ui.core.privacy.redaction import redact
from payments_ui.moochers.stripe import csp_sources
from payments_ui.moochers.stripe.forms import TokenForm, locale

from .conftest import PUBLISHABLE_KEY, SECRET, SECRET_KEY, new_moocher


class Elements(HTMLParser):
    """The attributes of each element, by its tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def get(path: str = "/", **headers: str) -> HttpRequest:
    return RequestFactory().get(path, headers=headers)


# --- Configuration.


def test_the_keys_say_whether_real_money_moves() -> None:
    assert new_moocher().live is False
    live = new_moocher(secret_key="rk_live_0123456789", publishable_key="pk_live_0123456789")
    assert live.live is True
    assert new_moocher(live=False).live is False


@pytest.mark.parametrize(
    "options",
    [
        {"live": True},
        {"publishable_key": "pk_live_0123456789"},
        {"secret_key": ""},
        {"secret_key": PUBLISHABLE_KEY},
        {"publishable_key": SECRET_KEY},
        {"secret_key": "sk_test_with spaces"},
        {"account": "1234"},
        {"page": "embedded"},
        {"load_script": "never"},
        {"allowed_payment_method_types": []},
        {"allowed_payment_method_types": ["Card"]},
        {"script_url": "https://example.com/stripe.js"},
        {"script_url": "https://js.stripe.com.example.com/endive/stripe.js"},
        {"api_base": "https://example.com"},
    ],
)
def test_what_does_not_fit_is_refused_without_telling_a_key(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        new_moocher(**options)
    assert SECRET_KEY not in str(refused.value)


def test_stripes_own_script_is_loaded_when_it_is_needed_or_everywhere() -> None:
    assert new_moocher().scripts == ("payments_ui/payments_ui.stripe.js",)
    assert new_moocher().psp_scripts == ()
    everywhere = new_moocher(load_script="everywhere")
    assert everywhere.psp_scripts == (everywhere.script_url,)
    page = new_moocher(load_script="everywhere", page="checkout")
    assert (page.scripts, page.psp_scripts) == ((), ())


def test_several_can_be_listed() -> None:
    page = new_moocher(identifier="stripe-page", title="Page of Stripe", page="checkout")
    assert (page.identifier, page.psp) == ("stripe-page", "stripe")
    assert new_moocher().serves("acct_1234", live=False)


def test_its_secrets_are_never_written_down() -> None:
    moocher = new_moocher()
    assert redact(f"{SECRET_KEY} {SECRET}") == "[removed] [removed]"
    assert SECRET_KEY not in repr(moocher)
    assert SECRET_KEY not in repr(moocher._client)


def checks(**options: Any) -> dict[str | None, str]:
    return {message.id: message.msg for message in new_moocher(**options).check()}


def test_a_missing_secret_for_webhooks_is_an_error() -> None:
    assert not checks()
    assert "no webhook_secret" in checks(webhook_secret="")["payments_ui.E060"]


def test_test_keys_in_production_are_a_warning(settings: Any) -> None:
    settings.DEBUG = False
    (warning,) = new_moocher().check_deployed()
    assert warning.id == "payments_ui.W062"
    live = {"secret_key": "sk_live_0123456789", "publishable_key": "pk_live_0123456789"}
    assert not list(new_moocher(**live).check_deployed())
    settings.DEBUG = True
    assert not list(new_moocher().check_deployed())


# --- Content-Security-Policy.


def test_the_sources_are_those_of_stripes_guide() -> None:
    assert csp_sources(link=False) == {
        "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
        "connect-src": ("https://api.stripe.com",),
        "frame-src": (
            "https://js.stripe.com",
            "https://*.js.stripe.com",
            "https://hooks.stripe.com",
        ),
    }
    assert "https://link.com" in csp_sources()["frame-src"]
    assert "https://maps.googleapis.com" in csp_sources(address=True)["script-src"]
    assert csp_sources(page="checkout") == {}


def test_a_stand_in_is_allowed_by_its_origin() -> None:
    sources = csp_sources(script_url="http://127.0.0.1:8765/stripe/endive/stripe.js")
    assert set(sources.values()) == {("http://127.0.0.1:8765",)}
    assert {*sources} == {"script-src", "connect-src", "frame-src"}


FULL = {name: ["'self'", *found] for name, found in csp_sources().items()}


@pytest.mark.parametrize(
    ("policy", "lacking"),
    [
        ({}, []),
        (FULL, []),
        ({"default-src": ["*"]}, []),
        ({"default-src": "https:"}, []),
        ({**FULL, "script-src": ["'strict-dynamic'", "'nonce-1'"]}, []),
        ({"script-src": "'self'"}, ["script-src"]),
        ({"script-src-elem": ["'self'"], "script-src": ["*"]}, ["script-src"]),
        ({"default-src": ["'self'"]}, ["script-src", "connect-src", "frame-src"]),
        ({**FULL, "frame-src": None}, ["frame-src"]),
        ({"child-src": ["'none'"], "default-src": ["*"]}, ["frame-src"]),
        ({**FULL, "connect-src": ["*.stripe.com", "link.com", "https://*.link.com"]}, []),
        ({**FULL, "connect-src": ["https://*.stripe.com", "*.link.com"]}, ["connect-src"]),
    ],
)
def test_a_check_names_what_the_policy_lacks(settings: Any, policy: Any, lacking: Any) -> None:
    settings.SECURE_CSP = policy
    found = [message for message in new_moocher().check() if message.id == "payments_ui.W061"]
    assert [message.msg.partition(": ")[2].partition(" ")[0] for message in found] == lacking
    settings.SECURE_CSP = {}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy}
    assert len(list(new_moocher().check())) == len(lacking)
    assert not list(new_moocher(page="checkout").check())


# --- What customers see.


@pytest.mark.parametrize(
    ("language", "name"),
    [
        *[("de", "de"), ("de-ch", "de"), ("fr-ca", "fr-CA"), ("en-gb", "en-GB"), ("no", "nb")],
        *[("pt-br", "pt-BR"), ("tlh", "auto"), ("", "auto"), (None, "auto")],
    ],
)
def test_stripe_speaks_the_language_of_the_page(language: str | None, name: str) -> None:
    assert locale(language) == name


def test_the_form_has_stripes_fields_for_this_payment(payment: Payment) -> None:
    moocher = new_moocher(allowed_payment_method_types=["card", "twint"])
    with translation.override("de-ch"):
        html = moocher.payment_form(get(), payment)
    (fields,) = Elements(html).found["pui-stripe"]
    assert fields["mode"] == "payment"
    assert (fields["amount"], fields["currency"]) == ("1200", "chf")
    assert (fields["locale"], fields["types"]) == ("de", "card,twint")
    assert fields["publishable-key"] == PUBLISHABLE_KEY
    assert fields["script"] == "https://js.stripe.com/endive/stripe.js"
    assert SECRET_KEY not in html
    inputs = {each.get("name") for each in Elements(html).found["input"]}
    assert {"confirmation_token", "save_method", "allow_unattended"} <= inputs
    assert "save_method" not in new_moocher(can_save=False).payment_form(get(), payment)


def test_amounts_are_not_written_as_people_write_them(payment: Payment, settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    payment.amount = Decimal("1234.00")
    (fields,) = Elements(new_moocher().payment_form(get(), payment)).found["pui-stripe"]
    assert fields["amount"] == "123400"


def test_stripes_page_needs_no_script(payment: Payment) -> None:
    moocher = new_moocher(page="checkout")
    html = moocher.payment_form(get(), payment)
    assert "pui-stripe" not in html
    assert not moocher.get_form(get(), payment, {}).fields
    assert "pui-stripe" not in moocher.setup_form(get(), "/methods/")
    assert not moocher.get_setup_form(get(), {}).fields


def test_the_form_to_save_a_card_has_no_amount() -> None:
    html = new_moocher().setup_form(get(), "/methods/stripe/")
    (fields,) = Elements(html).found["pui-stripe"]
    assert (fields["mode"], fields["types"], fields["currency"]) == ("setup", "card", "chf")
    assert fields["future-usage"] == "on_session"
    assert not fields["amount"]
    (form,) = Elements(html).found["form"]
    assert form["action"] == "/methods/stripe/"
    assert isinstance(new_moocher().get_setup_form(get(), {}), TokenForm)


@pytest.mark.parametrize("token", ["pm_1234567", "ctoken_1/../2", "ctoken_12\n34", "ctoken_" * 99])
def test_what_is_no_token_is_refused(payment: Payment, token: str) -> None:
    form = new_moocher().get_form(get(), payment, {"confirmation_token": token})
    assert not form.is_valid()


def test_amounts_that_stripe_cannot_take_are_refused_with_a_sentence() -> None:
    moocher = new_moocher()
    refused = moocher.refuse(Payment(amount=Decimal("1.255"), currency="KWD"))
    assert refused == "This amount cannot be paid with this payment method. Try another one."
    assert moocher.refuse(Payment(amount=Decimal("1.250"), currency="KWD")) is None
    assert moocher.refuse(Payment(amount=Decimal("12.50"), currency="CHF")) is None


def test_a_step_in_place_says_where_its_secret_is_asked_for(attempt: Attempt) -> None:
    moocher = new_moocher()
    assert moocher.instructions(get(), attempt) == ""
    attempt.state = Attempt.State.REQUIRES_ACTION
    html = moocher.instructions(get(), attempt)
    elements = Elements(html).found
    (step,) = elements["pui-stripe-step"]
    assert "start" not in step
    assert step["page"] == f"/payments/{attempt.payment_id}/"
    (form,) = elements["form"]
    assert form["action"] == f"/payments/{attempt.payment_id}/moochers/stripe/step/"
    attempt.action_url = "https://hooks.stripe.com/3ds"
    assert moocher.instructions(get(), attempt) == ""


def test_a_card_that_is_being_saved_has_such_a_step_too(user: User) -> None:
    moocher = new_moocher()
    customer = Customer.objects.for_user(user, psp="stripe", account="acct_1234")
    consent = Consent(text="Save it.", version="1", given_at=timezone.now())
    method = customer.start_saving(moocher="stripe", consent=consent)
    assert moocher.setup_instructions(get(), method) == ""
    method.psp_reference = "seti_1234"
    elements = Elements(moocher.setup_instructions(get(), method)).found
    assert elements["form"][0]["action"] == reverse("payments_ui:method_step", args=[method.pk])
    assert elements["pui-stripe-step"][0]["page"] == reverse("payments_ui:method", args=[method.pk])
    method.action_url = "https://checkout.stripe.com/c/pay/cs_test_1"
    assert moocher.setup_instructions(get(), method) == ""


def test_a_step_begins_by_itself_only_in_answer_to_the_customers_press(attempt: Attempt) -> None:
    attempt.state = Attempt.State.REQUIRES_ACTION
    pressed = RequestFactory().post("/", headers={"HX-Request": "true"})
    (step,) = Elements(new_moocher().instructions(pressed, attempt)).found["pui-stripe-step"]
    assert "start" in step
