"""The kit's tags in the site's templates: a misspelt parameter is found before a visitor does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.template.base import Lexer, Token, TokenType
from django.utils.regex_helper import _lazy_re_compile

from payments_ui.core.checks import TAG, nearest

from .host import django_engines

_PARAMETER = _lazy_re_compile(r"(\w+)=")
_SUFFIXES = frozenset({".html", ".htm", ".txt", ".xml"})
_OURS = Path(__file__).resolve().parent.parent


def accepted() -> Mapping[str, frozenset[str]]:
    """What each tag of ``{% load payments_ui %}`` takes."""
    from payments_ui.components.charges_badge import ChargesBadge
    from payments_ui.components.pay_button import PayButton
    from payments_ui.components.payment_history import PaymentHistory
    from payments_ui.components.pending_charges import PendingCharges

    return {
        "payments_ui_assets": frozenset({"htmx"}),
        "pending_charges": PendingCharges.accepts,
        "pay_button": PayButton.accepts,
        "charges_badge": ChargesBadge.accepts,
        "payment_history": PaymentHistory.accepts,
    }


@register(TAG)
def check_templates(**kwargs: Any) -> list[CheckMessage]:
    """Templates that load the kit's tags give them parameters they take."""
    if not apps.is_installed("payments_ui.core"):
        return []
    tags = accepted()
    return [message for path in _files() for message in _check(path, tags)]


def _files() -> Iterator[Path]:
    folders = {Path(folder) for backend in django_engines() for folder in backend.template_dirs}
    theirs = (folder for folder in folders if not folder.resolve().is_relative_to(_OURS))
    for folder in sorted(theirs):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)


def _check(path: Path, tags: Mapping[str, frozenset[str]]) -> Iterable[CheckMessage]:
    source = path.read_text(encoding="utf-8", errors="replace")
    if "payments_ui" not in source:
        return
    tokens = [token for token in Lexer(source).tokenize() if token.token_type == TokenType.BLOCK]
    # Other libraries may have tags of these names.
    if any(_loads(token.split_contents()) for token in tokens):
        for token in tokens:
            yield from _check_tag(path, token, tags)


def _loads(bits: list[str]) -> bool:
    return bits[:1] == ["load"] and "payments_ui" in bits


def _check_tag(
    path: Path, token: Token, tags: Mapping[str, frozenset[str]]
) -> Iterable[CheckMessage]:
    tag, *bits = token.split_contents()
    if tag not in tags:
        return
    for bit in bits[:-2] if bits[-2:-1] == ["as"] else bits:
        match = _PARAMETER.match(bit)
        name = match[1] if match else bit
        if not match or name not in tags[tag]:
            text = f"{{% {tag} %}} in {path}, line {token.lineno}, does not take {name!r}."
            yield Error(text, hint=nearest(name, tags[tag]), id="payments_ui.E030")
