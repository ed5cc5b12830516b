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

from bench import table
from bench.table import Row

#: Bytes, gzipped as web servers do.
MOST_BYTES = 12_000
_LEVEL = 6
_BUILDS = ("default", "layer")


def rows(quick: bool) -> Iterator[Row]:
    """The promises about CSS and JavaScript."""
    for build in _BUILDS:
        size = sum(map(_gzipped, _assets(build)))
        yield table.number(f"CSS ({build}) and JS, bytes gzipped", size, MOST_BYTES)


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
