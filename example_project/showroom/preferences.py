"""What a visitor switched in the footer, kept in one cookie that holds nothing personal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse

COOKIE = "showroom"
VALUES = {
    "look": ("plain", "bootstrap", "tailwind"),
    "htmx": ("2", "4", "none", "beta"),  # beta: the htmx 4 that django-htmx ships
    "theme": ("system", "light", "dark"),
}


@dataclass(frozen=True)
class Preferences:
    """One value of each switch; the first of its values is the default."""

    look: str = "plain"
    htmx: str = "2"
    theme: str = "system"

    @classmethod
    def of(cls, request: HttpRequest) -> Preferences:
        """Read the cookie; whatever it holds that we never wrote is ignored."""
        return cls().switched(dict(parse_qsl(request.COOKIES.get(COOKIE, ""))))

    def switched(self, changes: dict[str, str]) -> Preferences:
        """Return a copy with the valid ones among ``changes``."""
        valid = {name: v for name, v in changes.items() if v in VALUES.get(name, ())}
        return Preferences(**(asdict(self) | valid))

    def keep(self, response: HttpResponse) -> HttpResponse:
        """Write the cookie."""
        year = 365 * 24 * 3600
        response.set_cookie(
            COOKIE, urlencode(asdict(self)), max_age=year, httponly=True, samesite="Lax"
        )
        return response


def current(request: HttpRequest) -> Preferences:
    """Return the preferences that the middleware read."""
    return getattr(request, "preferences", Preferences())
