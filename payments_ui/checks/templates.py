"""The kit's tags in the site's templates: a mistake is found before a visitor finds it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error
from django.template.base import Lexer, Token, TokenType
from django.utils.regex_helper import _lazy_re_compile

from payments_ui.components import assets
from payments_ui.conf import settings
from payments_ui.core.checks import nearest

from .host import django_engines

_PARAMETER = _lazy_re_compile(r"(\w+)=")
_SUFFIXES = frozenset({".html", ".htm", ".txt", ".xml"})
_OWN = "payments_ui"
_BASE_TEMPLATE = "payments_ui/pages/base.html"
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


def check_templates(**kwargs: Any) -> list[CheckMessage]:
    """Templates that load a library with widgets give their tags parameters they take."""
    libraries = accepted()
    tokens = ((path, *found) for path in _files() for found in _tags_in(path, libraries))
    return [message for path, token, takes in tokens for message in _check(path, token, takes)]


def check_assets(**kwargs: Any) -> list[CheckMessage]:
    """The site's static files have what ``{% payments_ui_assets %}`` links."""
    own = {_OWN: {"payments_ui_assets": {"htmx"}}}
    asks = {
        token.contents.partition("htmx=")[2][:1]
        for path in _files()
        for token, _takes in _tags_in(path, own)
    }
    if settings.BASE_TEMPLATE == _BASE_TEMPLATE:
        asks.add("2")
    # True asks for 2; what a variable asks for is seen when the page is rendered.
    versions = {2 if ask == "T" else int(ask) for ask in asks if ask in ("2", "4", "T")}
    return [
        Error(
            f"{{% payments_ui_assets %}} links {path}, which no static files finder finds.",
            hint='Add "django_htmx" to INSTALLED_APPS, or leave htmx=… out and bring your own htmx.'
            if path in assets.HTMX.values()
            else "Keep AppDirectoriesFinder in STATICFILES_FINDERS: it finds the files of apps.",
            id="payments_ui.E017",
        )
        for path in assets.files(*sorted(versions))
        if not finders.find(path)
    ]


def _files() -> Iterator[Path]:
    folders = {Path(folder) for backend in django_engines() for folder in backend.template_dirs}
    theirs = (folder for folder in folders if not folder.resolve().is_relative_to(_OURS))
    for folder in sorted(theirs):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)


def _tags_in(path: Path, libraries: Mapping[str, Tags]) -> Iterator[tuple[Token, Collection[str]]]:
    """The tags of these libraries in a template that loads them, each with what it takes."""
    source = path.read_text(encoding="utf-8", errors="replace")
    if not any(name in source for name in libraries):
        return
    tokens = [token for token in Lexer(source).tokenize() if token.token_type == TokenType.BLOCK]
    loads = [bits for bits in (token.split_contents() for token in tokens) if bits[0] == "load"]
    # Other libraries may have tags of these names.
    tags = {
        tag: takes
        for name, of_library in libraries.items()
        if any(name in bits for bits in loads)
        for tag, takes in of_library.items()
    }
    for token in tokens:
        tag = token.split_contents()[0]
        if tag in tags:
            yield token, tags[tag]


def _check(path: Path, token: Token, takes: Collection[str]) -> Iterable[CheckMessage]:
    tag, *bits = token.split_contents()
    for bit in bits[:-2] if bits[-2:-1] == ["as"] else bits:
        match = _PARAMETER.match(bit)
        name = match[1] if match else bit
        if not match or name not in takes:
            text = f"{{% {tag} %}} in {path}, line {token.lineno}, does not take {name!r}."
            yield Error(text, hint=nearest(name, takes), id="payments_ui.E030")
