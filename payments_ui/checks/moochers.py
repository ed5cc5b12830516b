"""The listed moochers: they load, and what they need is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning

from payments_ui.conf import settings
from payments_ui.core.checks import RULES

if TYPE_CHECKING:
    from payments_ui.moochers.base import Moocher

#: How many of the newest line items tell in which currencies a site charges.
_NEWEST = 1000


def check_moochers(**kwargs: Any) -> list[CheckMessage]:
    """Every path leads to a moocher with an identifier of its own; then what each needs."""
    try:
        listed = _listed()
    except Exception as error:  # noqa: BLE001 - the site's own module may raise anything
        hint = "Each of MOOCHERS is the dotted path to a moocher instance, as in site.pay.bank."
        text = str(error) if str(error).startswith("MOOCHERS") else f"MOOCHERS: {error!r}"
        return [Error(text, hint=hint, id="payments_ui.E020")]
    return [message for each in listed for message in (*each.check(), *_form_action(each))]


def check_deployed_moochers(**kwargs: Any) -> list[CheckMessage]:
    """What each listed moocher needs in production, as ``check --deploy`` asks."""
    try:
        return [message for moocher in _listed() for message in moocher.check_deployed()]
    except Exception:  # noqa: BLE001 - E020 says so
        return []


def check_can_pay(**kwargs: Any) -> list[CheckMessage]:
    """Some moocher is listed, and one takes the site's currency."""
    if not settings.MOOCHERS:
        text = "PAYMENTS_UI lists no MOOCHERS: customers see what they owe and cannot pay it."
        hint = 'List the dotted path of one, as in "MOOCHERS": ["shop.moochers.bank_transfer"].'
        return [Warning(text, hint=hint, id="payments_ui.W031")]
    if not RULES["CURRENCY"].is_valid(settings.CURRENCY):
        # Another check says so.
        return []
    return _without_moocher({settings.CURRENCY}, "PAYMENTS_UI['CURRENCY'] is")


def check_charged_currencies(
    databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """What the site charges can be paid. Runs with ``check --database default``."""
    if not apps.is_installed("payments_ui.core"):
        # Another check says so.
        return []
    from payments_ui.core.models import LineItem
    from payments_ui.core.triggers.on_migrate import has_tables

    charged: set[str] = set()
    for using in filter(has_tables, databases or ()):
        newest = LineItem.objects.using(using).order_by("-pk")
        charged.update(newest.values_list("currency", flat=True)[:_NEWEST])
    return _without_moocher(charged - {settings.CURRENCY}, "There are line items in")


def _without_moocher(currencies: Iterable[str], where: str) -> list[CheckMessage]:
    taken = [moocher.currencies for moocher in without_errors()]
    if not taken or None in taken:
        return []
    known = frozenset[str]().union(*filter(None, taken))
    return [
        Warning(
            f"{where} {currency!r}, and no listed moocher takes it.",
            hint=f"List a moocher that does, or charge in one of {', '.join(sorted(known))}.",
            id="payments_ui.W032",
        )
        for currency in sorted(set(currencies) - known)
    ]


def without_errors() -> list[Moocher]:
    """The listed moochers; none where they do not load, which another check says."""
    try:
        return _listed()
    except Exception:  # noqa: BLE001 - E020 says so
        return []


def _listed() -> list[Moocher]:
    if not apps.is_installed("payments_ui.core") or not RULES["MOOCHERS"].is_valid(
        settings.MOOCHERS
    ):
        # Other checks say so.
        return []
    from payments_ui.moochers.registry import moochers

    return list(moochers().values())


def _form_action(moocher: Moocher) -> Iterable[CheckMessage]:
    allowed = _allowed_targets()
    if allowed is None or allowed & {"*", "https:"}:
        return
    for origin in moocher.form_action_origins:
        if origin not in allowed:
            text = f"The Content-Security-Policy blocks forms to {origin} ({moocher.identifier!r})."
            hint = f'Add "{origin}" to the directive form-action.'
            yield Warning(text, hint=hint, id="payments_ui.W025")


def _allowed_targets() -> set[str] | None:
    """What form-action allows, by Django's setting or django-csp's; ``None``: everything."""
    csp = getattr(django_settings, "CONTENT_SECURITY_POLICY", None) or {}
    policies = [getattr(django_settings, "SECURE_CSP", None), csp.get("DIRECTIVES")]
    for policy in policies:
        if isinstance(policy, Mapping) and "form-action" in policy:
            values = policy["form-action"] or ()
            return set(values.split() if isinstance(values, str) else map(str, values))
    return None
