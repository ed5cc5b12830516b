"""System checks of the settings: a mistake is found when the site starts, with the fix."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy

from payments_ui.conf import KNOWN
from payments_ui.core.checks import RULES, check_middleware
from payments_ui.core.on_demand import TAG


def found(settings: Any, value: Any) -> dict[str | None, tuple[str, str | None]]:
    """Return text and hint by id of what is wrong with the settings themselves."""
    settings.PAYMENTS_UI = value
    messages = run_checks(tags=[TAG])
    return {
        message.id: (message.msg, message.hint)
        for message in messages
        if (message.id or "") < "payments_ui.E010"
    }


def test_every_setting_has_a_rule() -> None:
    assert set(RULES) == set(KNOWN)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"CURRENCY": "JPY", "MOOCHERS": (), "PAYEE": gettext_lazy("We"), "CSS": "layer"},
        {"CSS": False, "CLASSES": {"button": "btn"}, "LIVE": True, "LIVE_INTERVAL": 5},
        {"HELP_URL": "/contact/"},
        {"HELP_URL": "mailto:billing@example.com"},
        {"HELP_URL": reverse_lazy("contact")},
        {"PAGE_SIZE": 100, "ATTEMPTS_PER_HOUR": 1, "FORM_MAX_AGE": 60, "FORM_PACK": "uni_form"},
    ],
)
def test_settings_that_can_work_are_not_complained_about(settings: Any, value: Any) -> None:
    assert found(settings, value) == {}


def test_the_defaults_keep_the_rules(settings: Any) -> None:
    from payments_ui.conf import settings as pui

    settings.PAYMENTS_UI = {}
    for name, rule in RULES.items():
        assert rule.is_valid(getattr(pui, name)), name


@pytest.mark.parametrize("value", ["CHF", ["CURRENCY"], 7])
def test_settings_are_a_dict(settings: Any, value: Any) -> None:
    text, hint = found(settings, value)["payments_ui.E001"]
    assert type(value).__name__ in text
    assert hint
    assert "dict" in hint


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("CURENCY", "CURRENCY"),
        ("currency", "CURRENCY"),
        ("MOOCHER", "MOOCHERS"),
        ("live_intervall", "LIVE_INTERVAL"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_known_one(
    settings: Any, key: str, near: str
) -> None:
    text, hint = found(settings, {key: 1})["payments_ui.E002"]
    assert repr(key) in text
    assert hint == f"Did you mean {near!r}?"


def test_a_key_like_no_other_is_told_with_all_known_ones(settings: Any) -> None:
    _text, hint = found(settings, {"STRIPE_SECRET": 1, 7: 2})["payments_ui.E002"]
    assert hint == f"Known names: {', '.join(sorted(KNOWN))}."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("MOOCHERS", "site.pay.bank"), ("MOOCHERS", [object()]), ("MOOCHERS", None)),
        *(("BASE_TEMPLATE", ""), ("BASE_TEMPLATE", 7), ("PAYEE", None), ("PAYEE_ADDRESS", ["A"])),
        *(("LIVE", "yes"), ("HX_NONCE", 1), ("ALLOW_SANDBOX", None), ("FORM_PACK", False)),
        *(("LIVE_INTERVAL", 0), ("LIVE_INTERVAL", 1.5), ("LIVE_INTERVAL", True)),
        *(("PAGE_SIZE", 0), ("PAGE_SIZE", 101), ("PAGE_SIZE", "20"), ("FORM_MAX_AGE", -1)),
        *(("CSS", True), ("CSS", "layers"), ("CSS", None), ("ATTEMPTS_PER_HOUR", None)),
        *(("HELP_URL", "javascript:alert()"), ("HELP_URL", "//example.com/"), ("HELP_URL", None)),
        *(("CLASSES", None), ("CLASSES", {"button": 7})),
    ],
)
def test_a_value_that_cannot_work_is_told_with_what_it_has_to_be(
    settings: Any, key: str, value: Any
) -> None:
    text, hint = found(settings, {key: value})["payments_ui.E003"]
    assert f"[{key!r}] is {value!r}" in text
    assert hint == f"Set it to {RULES[key].expected}."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("BILLING_MINIMUM", value) for value in ("5", {"XXQ": "5"}, {"CHF": "x"}, {"CHF": "-1"})),
        *(("RETRY_HOURS", value) for value in (8, (8,), (20, 8), (8, 25))),
    ],
)
def test_when_to_charge_is_said_in_a_form_that_can_work(
    settings: Any, key: str, value: Any
) -> None:
    assert any(key in text for text, _hint in found(settings, {key: value}).values())


@pytest.mark.parametrize("currency", ["XXQ", "chf", "", None, 756, ["CHF"]])
def test_an_unknown_currency_is_told(settings: Any, currency: Any) -> None:
    text, hint = found(settings, {"CURRENCY": currency})["payments_ui.E004"]
    assert repr(currency) in text
    assert hint
    assert "ISO 4217" in hint


class Elsewhere:
    """A router that puts everything into a database of its own."""

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        return "books"


def test_books_outside_of_the_default_database_are_told(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Elsewhere()]
    text, hint = found(settings, {})["payments_ui.E005"]
    assert text == "DATABASE_ROUTERS send the books to the database 'books'."
    assert "'default'" in (hint or "")


@pytest.mark.parametrize(
    "path",
    [
        "payments_ui.middleware.PrivatePagesMiddleware",
        "payments_ui.mooch.middleware.MoochMiddleware",
    ],
)
def test_the_middleware_without_the_interface_is_told(settings: Any, path: str) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "payments_ui"]
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    assert check_middleware() == []
    settings.MIDDLEWARE += [path]
    (message,) = check_middleware()
    assert (message.id, path in message.msg) == ("payments_ui.W033", True)
    settings.INSTALLED_APPS += ["payments_ui"]
    assert check_middleware() == []
