"""Whoever is refused to delete a user reads how the personal data are removed instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.template.response import TemplateResponse
from django.test import RequestFactory

from payments_ui.core.admin.payments import PaymentAdmin
from payments_ui.core.models import Payment


@pytest.fixture
def site() -> AdminSite:
    """Return an admin that knows the books, and users in its own way."""
    site = AdminSite()
    site.register(Payment, PaymentAdmin)
    site.register(User, ModelAdmin)
    return site


def pages(site: AdminSite) -> tuple[str, str]:
    """Return the templates of the pages for one user and for several, with the site's URLs made."""
    assert site.get_urls()
    user_admin: Any = site.get_model_admin(User)
    request = RequestFactory().get("/")
    one = user_admin.delete_confirmation_template
    many = user_admin.delete_selected_confirmation_template
    found: list[Any] = [
        TemplateResponse(request, each).resolve_template(each) for each in (one, many)
    ]
    first, second = found
    return first.template.name, second.template.name


def test_any_admin_of_the_sites_users_names_the_way_out(site: AdminSite) -> None:
    assert pages(site) == (
        "payments_core/admin/user_delete_confirmation.html",
        "payments_core/admin/user_delete_selected_confirmation.html",
    )


def test_a_page_of_the_sites_own_stays(site: AdminSite, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "admin/delete_confirmation.html"
    monkeypatch.setattr(ModelAdmin, "delete_confirmation_template", own)
    assert pages(site)[0] == own


@pytest.mark.parametrize("folder", ["admin/auth", "admin/auth/user"])
def test_a_template_of_the_sites_own_stays(
    site: AdminSite, folder: str, tmp_path: Path, settings: Any
) -> None:
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path]}]
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "delete_selected_confirmation.html").write_text("Own")
    assert pages(site) == (
        "payments_core/admin/user_delete_confirmation.html",
        f"{folder}/delete_selected_confirmation.html",
    )


def test_a_site_that_shows_no_users_is_fine(site: AdminSite) -> None:
    site.unregister(User)
    assert site.get_urls()
