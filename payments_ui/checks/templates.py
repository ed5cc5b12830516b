"""The kit's tags in the site's templates: a misspelt parameter is found before a visitor does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.template.base import Lexer, Token, TokenType
from django.utils.regex_helper import _lazy_re_compile

from payments_ui.core.checks import TAG, nearest

from .host import django_engines

_PARAMETER = _lazy_re_compile(r"(\w+)=")
_SUFFIXES = frozenset({".html", ".htm", ".txt", ".xml"})
_OWN = "payments_ui"
_OURS = Path(__file__).resolve().parent.parent


Tags = Mapping[str, Collection[str]]


def accepted() -> Mapping[str, Tags]:
    """What each tag of a component takes, by the tag library that has it, the site's too."""
    found: dict[str, Tags] = {}
    for backend in django_engines():
        for name, library in backend.engine.template_libraries.items():
            widgets = {
                tag: compiler.component_class.accepts
                for tag, compiler in library.tags.items()
                if hasattr(compiler, "component_class")
            }
            if widgets:
                found[name] = widgets
    return {
        name: {**tags, "payments_ui_assets": {"htmx"}} if name == _OWN else tags
        for name, tags in found.items()
    }


@register(TAG)
def check_templates(**kwargs: Any) -> list[CheckMessage]:
    """Templates that load a library with widgets give their tags parameters they take."""
    libraries = accepted()
    return [message for path in _files() for message in _check(path, libraries)]


def _files() -> Iterator[Path]:
    folders = {Path(folder) for backend in django_engines() for folder in backend.template_dirs}
    theirs = (folder for folder in folders if not folder.resolve().is_relative_to(_OURS))
    for folder in sorted(theirs):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)


def _check(path: Path, libraries: Mapping[str, Tags]) -> Iterable[CheckMessage]:
    source = path.read_text(encoding="utf-8", errors="replace")
    if not any(name in source for name in libraries):
        return
    tokens = [token for token in Lexer(source).tokenize() if token.token_type == TokenType.BLOCK]
    loads = [bits for bits in (token.split_contents() for token in tokens) if bits[0] == "load"]
    # Other libraries may have tags of these names.
    tags = {
        tag: parameters
        for name, of_library in libraries.items()
        if any(name in bits for bits in loads)
        for tag, parameters in of_library.items()
    }
    for token in tokens:
        yield from _check_tag(path, token, tags)


def _check_tag(path: Path, token: Token, tags: Tags) -> Iterable[CheckMessage]:
    tag, *bits = token.split_contents()
    if tag not in tags:
        return
    for bit in bits[:-2] if bits[-2:-1] == ["as"] else bits:
        match = _PARAMETER.match(bit)
        name = match[1] if match else bit
        if not match or name not in tags[tag]:
            text = f"{{% {tag} %}} in {path}, line {token.lineno}, does not take {name!r}."
            yield Error(text, hint=nearest(name, tags[tag]), id="payments_ui.E030")
