"""How Sphinx builds the documentation; nothing is fetched while it does."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "django-payments-ui"
author = "the django-payments-ui authors"
copyright = "2026, the django-payments-ui authors"
version = release = version_of("django-payments-ui")

extensions = ["myst_parser"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"django-payments-ui {version}"
