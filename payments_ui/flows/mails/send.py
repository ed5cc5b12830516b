"""Sending a mail once: claimed by a row that is committed, then handed to Django's mail."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import django
from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import router
from django.template.loader import select_template
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from payments_ui import languages
from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.mails.states import OPTIONAL, MailKind, MailState
from payments_ui.core.models import Mail
from payments_ui.core.privacy.redaction import ANONYMIZED, redact, without_addresses
from payments_ui.flows import psp_call
from payments_ui.flows.tokens import StopToken

from .texts import Text

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("payments_ui")


def send(
    kind: MailKind,
    about: object,
    user: AbstractBaseUser,
    text: Callable[[], Text],
    *,
    is_needed: Callable[[], bool] = lambda: True,
    again_after: dt.timedelta | None = None,
) -> Mail | None:
    """Send this mail, unless it was sent, or is being sent; ``None`` where it is not sent now.

    ``text`` is called in the user's language and time zone. A mail of a kind that ``MAILS`` does
    not list, or of a user without an address, is not sent. Where no mail server is reached it is
    sent by a later run; where one had it, and then failed, it is not sent again, unless
    ``again_after`` says so: see ``Mail.objects.claim``. ``is_needed`` is asked last of all, with
    the server waiting: what has been paid meanwhile is no news. Outside of transactions, since the
    claim has to be committed.
    """
    psp_call.forbid_transaction()
    if kind not in settings.MAILS:
        return None
    # Read again: they may have left, or moved, since the page of mails was read. Not by a replica,
    # which may not know it yet.
    user.refresh_from_db(using=router.db_for_write(type(user)))
    address = address_of(user)
    if not address:
        return None
    claimed = Mail.objects.claim(kind, about, user, again_after=again_after)
    if claimed is None:
        return None
    state, problem = _send(kind, user, address, text, is_needed)
    claimed.record(state, problem)
    return claimed


def address_of(user: AbstractBaseUser) -> str:
    """Where the user's mails go, or empty; who was anonymized has none."""
    address = str(getattr(user, user.get_email_field_name(), "") or "")
    return "" if address.endswith(f"@{ANONYMIZED}.invalid") else address


def language_of(user: AbstractBaseUser) -> str:
    """The language of the user's mails, by ``LANGUAGE_OF``, else the site's."""
    known: str | None = import_string(settings.LANGUAGE_OF)(user) if settings.LANGUAGE_OF else None
    return known or django_settings.LANGUAGE_CODE


def compose(
    kind: MailKind, user: AbstractBaseUser, address: str, text: Callable[[], Text]
) -> EmailMultiAlternatives:
    """The mail by the templates: a site's ``payments_ui/mails/<kind>.txt`` goes before ours."""
    zone = clock.zone_of(user) or None
    in_zone = timezone.override(zone or timezone.get_default_timezone_name())
    with translation.override(language_of(user)), in_zone:
        said = text()
        stop_url = ""
        if kind in OPTIONAL:
            path = reverse("payments_ui:mail_stop", kwargs={"token": StopToken.make(user, kind)})
            stop_url = urljoin(settings.BASE_URL, path)
        context = {
            **said.about,
            "text": said,
            "user": user,
            "payee": settings.PAYEE,
            "payee_address": settings.PAYEE_ADDRESS.splitlines(),
            "stop_url": stop_url,
            # That of the catalog which answers: the active one may have no translation.
            "language": languages.tag(languages.spoken()),
            "is_right_to_left": languages.is_rtl(languages.spoken()),
        }
        render = partial(_render, kind, context)
        # Marked by its kind, so that a customer's mail program sorts it; never an auto-reply.
        headers = {"Auto-Submitted": "auto-generated", "Content-Language": context["language"]}
        if stop_url:
            headers["List-Unsubscribe"] = f"<{stop_url}>"
            if stop_url.startswith("https:"):
                # RFC 8058: mail programs then show a button of their own, which posts there.
                headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message = EmailMultiAlternatives(
            subject=" ".join(said.subject.split()),
            body=render("txt"),
            to=[address],
            headers=headers,
        )
        message.attach_alternative(render("html"), "text/html")
    return message


def _render(kind: MailKind, context: dict[str, Any], ending: str) -> str:
    names = [f"payments_ui/mails/{kind}.{ending}", f"payments_ui/mails/mail.{ending}"]
    rendered: str = select_template(names).render(context)
    return rendered.strip() + "\n"


def _send(
    kind: MailKind,
    user: AbstractBaseUser,
    address: str,
    text: Callable[[], Text],
    is_needed: Callable[[], bool],
) -> tuple[MailState, str]:
    with ExitStack() as opened:
        try:
            message = compose(kind, user, address, text)
            connection = opened.enter_context(closing(_connection()))
            connection.open()
            if not is_needed():
                return MailState.DROPPED, "What it says is not true any more"
        except Exception as error:
            logger.exception("A mail could not be sent: %s to user %s", kind, user.pk)
            return MailState.NOT_SENT, _problem(error)
        try:
            connection.send_messages([message])
        except Exception as error:
            logger.exception("Whether a mail was sent is not known: %s to user %s", kind, user.pk)
            return MailState.UNKNOWN, _problem(error)
    return MailState.SENT, ""


def _problem(error: Exception) -> str:
    """What went wrong, for the journal, which keeps it for good: servers name who is refused."""
    return without_addresses(redact(f"{type(error).__name__}: {error}"))


def _connection() -> Any:
    """Django's mail, whichever way the site has set it up."""
    if django.VERSION >= (6, 1):
        return mail.mailers.default
    return mail.get_connection()
