"""A site where every view asks for a login unless it says otherwise: webhooks must still arrive."""

from __future__ import annotations

from tests.settings import *

MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
