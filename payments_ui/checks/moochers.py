"""The listed moochers: they load, and what they need is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from payments_ui.conf import settings
from payments_ui.core.checks import RULES, TAG

if TYPE_CHECKING:
    from payments_ui.moochers.base import Moocher


@register(TAG)
def check_moochers(**kwargs: Any) -> list[CheckMessage]:
    """Every path leads to a moocher with an identifier of its own; then what each needs."""
    try:
        listed = _listed()
    except Exception as error:  # noqa: BLE001 - the site's own module may raise anything
        hint = "Each of MOOCHERS is the dotted path to a moocher instance, as in site.pay.bank."
        text = str(error) if str(error).startswith("MOOCHERS") else f"MOOCHERS: {error!r}"
        return [Error(text, hint=hint, id="payments_ui.E020")]
    return [message for each in listed for message in (*each.check(), *_form_action(each))]


@register(TAG, deploy=True)
def check_deployed_moochers(**kwargs: Any) -> list[CheckMessage]:
    """What each listed moocher needs in production, as ``check --deploy`` asks."""
    try:
        return [message for moocher in _listed() for message in moocher.check_deployed()]
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
