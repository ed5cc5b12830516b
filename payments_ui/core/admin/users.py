"""The site's own admin of users: a refused delete names the way to remove a user's data."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth import get_user_model

_PAGES = ("delete_confirmation", "delete_selected_confirmation")


def name_the_way_out(site: AdminSite) -> None:
    """Have the pages that refuse to delete a user name ``anonymize_user``.

    Pages of the site's own, whether an attribute or a template names them, stay as they are. Called
    when the site makes its URLs: by then every admin is registered, in whatever order.
    """
    user_model: Any = get_user_model()
    opts = user_model._meta
    with suppress(NotRegistered):
        user_admin = site.get_model_admin(user_model)
        for page in _PAGES:
            attribute = f"{page}_template"
            if getattr(user_admin, attribute) is None:
                # Where Django looks for a page of this model, or of its app. It looks when the page
                # is shown: to make URLs, no process needs to load its template engines.
                theirs = (f"{opts.app_label}/{opts.model_name}", opts.app_label)
                names = [f"admin/{folder}/{page}.html" for folder in theirs]
                setattr(user_admin, attribute, [*names, f"payments_core/admin/user_{page}.html"])
