"""How Sphinx builds the documentation; nothing is fetched while it does."""

from __future__ import annotations

from importlib.metadata import version as version_of

import django
from django.conf import settings

# The reference is made from the docstrings, and models are read by a configured Django only.
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "crispy_forms",
        "payments_ui",
        "payments_ui.core",
        "payments_ui.importing",
    ],
    ROOT_URLCONF="payments_ui.urls",
    USE_TZ=True,
)
django.setup()

project = "django-payments-ui"
author = "the django-payments-ui authors"
copyright = "2026, the django-payments-ui authors"
version = release = version_of("django-payments-ui")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # Every model has these two of Django's.
    "exclude-members": "DoesNotExist, MultipleObjectsReturned",
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# Types of Python, Django and other packages are named, and not linked: nothing is fetched.
nitpick_ignore_regex = [(r"py:.*", r".*")]

html_theme = "furo"
html_title = f"django-payments-ui {version}"
