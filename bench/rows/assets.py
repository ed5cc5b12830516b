"""What a page with widgets makes a browser load, htmx apart."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import engines
from django.test import RequestFactory, override_settings

from bench.results import Number
from bench.sizes import Size

#: Bytes, gzipped as web servers do.
MOST_BYTES = 12_000
_LEVEL = 6
_BUILDS = ("default", "layer")


def rows(size: Size) -> Iterator[Number]:
    """The rows about CSS and JavaScript."""
    for build in _BUILDS:
        value = sum(map(_gzipped, _assets(build)))
        title = f"CSS ({build}) and JavaScript: bytes, gzipped"
        yield Number(key=f"assets-{build}", title=title, value=value, limit=MOST_BYTES)


def _assets(build: str) -> Iterator[Path]:
    template = engines["django"].from_string("{% load payments_ui %}{% payments_ui_assets %}")
    with override_settings(PAYMENTS_UI={**settings.PAYMENTS_UI, "CSS": build}):
        html = template.render({}, RequestFactory().get("/"))
    urls = re.findall(rf'(?:href|src)="{settings.STATIC_URL}([^"]+)"', str(html))
    assert {Path(url).suffix for url in urls} == {".css", ".js"}, html
    for url in urls:
        found = finders.find(url)
        assert isinstance(found, str), url
        yield Path(found)


def _gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), _LEVEL))
