"""Settings: one dict, ``PAYMENTS_UI``, read at each access.

Every key stands here with its type and its default; ``payments_ui.checks`` reports what
is unknown or wrong. Nothing is copied at start, so ``override_settings`` works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.conf import settings as django_settings

T = TypeVar("T")


class Settings:
    """Typed, lazy view of ``settings.PAYMENTS_UI``."""

    @property
    def CURRENCY(self) -> str:
        """ISO 4217 code of line items that name no currency. Change it before going live."""
        return self._get("CURRENCY", "CHF")

    @property
    def MOOCHERS(self) -> Sequence[str]:
        """Dotted paths to moocher instances. Their order is the order customers see."""
        return self._get("MOOCHERS", ())

    @property
    def BASE_TEMPLATE(self) -> str:
        """Template the kit's whole pages extend. It offers the blocks ``title`` and ``content``."""
        return self._get("BASE_TEMPLATE", "payments_ui/pages/base.html")

    @property
    def PAYEE(self) -> str:
        """Who is paid. Customers see it before they pay and on the receipt."""
        return self._get("PAYEE", "")

    @property
    def PAYEE_ADDRESS(self) -> str:
        """Postal address of the payee, lines separated by newlines. Shown on the receipt."""
        return self._get("PAYEE_ADDRESS", "")

    @property
    def LIVE(self) -> bool:
        """Default of the tags' ``live`` parameter. Live widgets ask for news by themselves."""
        return self._get("LIVE", False)

    @property
    def LIVE_INTERVAL(self) -> int:
        """Seconds between two questions of a live page. Hidden tabs do not ask."""
        return self._get("LIVE_INTERVAL", 30)

    @property
    def PAGE_SIZE(self) -> int:
        """Rows of a list before it is paged. The tags' ``limit`` overrides it."""
        return self._get("PAGE_SIZE", 20)

    @property
    def CSS(self) -> str | bool:
        """``"default"``, ``"layer"`` (all in one cascade layer) or ``False`` (bring your own)."""
        return self._get("CSS", "default")

    @property
    def CLASSES(self) -> str | Mapping[str, str]:
        """A preset (``plain``, ``bootstrap5``, ``tailwind``) or a map from slot to CSS classes."""
        return self._get("CLASSES", "plain")

    @property
    def HX_NONCE(self) -> bool:
        """Emit ``hx-nonce`` for hosts that use htmx 4's hx-csp extension. Scripts can read it."""
        return self._get("HX_NONCE", False)

    @property
    def ALLOW_SANDBOX(self) -> bool:
        """Let the sandbox moocher run where ``DEBUG`` is off. It takes no real money."""
        return self._get("ALLOW_SANDBOX", False)

    @property
    def ATTEMPTS_PER_HOUR(self) -> int:
        """Attempts one user may start within an hour. A brake on card testing."""
        return self._get("ATTEMPTS_PER_HOUR", 20)

    @property
    def PAYER(self) -> str:
        """Dotted path to a function of the request: whose charges it shows and pays.

        It returns a user, a ``payments_ui.payer.Payer`` or ``None``. Empty: the request's user.
        """
        return self._get("PAYER", "")

    @property
    def PENDING_DAYS(self) -> int:
        """Days without an attempt after which ``expire_payments`` gives a pending payment up."""
        return self._get("PENDING_DAYS", 14)

    @property
    def TRANSFER_DAYS(self) -> int:
        """The same for one whose customer announced a bank transfer, which takes its time."""
        return self._get("TRANSFER_DAYS", 60)

    @property
    def FORM_MAX_AGE(self) -> int:
        """Seconds a rendered payment form stays valid. Later it is shown again for review."""
        return self._get("FORM_MAX_AGE", 3600)

    @property
    def FORM_PACK(self) -> str:
        """Crispy template pack of the kit's forms; empty: the host's, else a neutral one."""
        return self._get("FORM_PACK", "")

    @property
    def TRIGGERS(self) -> bool:
        """Let ``migrate`` put triggers on the books that refuse what no code may do to them."""
        return self._get("TRIGGERS", True)

    def _get(self, key: str, default: T) -> T:
        given = getattr(django_settings, "PAYMENTS_UI", None)
        # The system checks say so where it is no dict.
        value: T = given.get(key, default) if isinstance(given, Mapping) else default
        return value


settings = Settings()

#: Names of all settings, for the system checks.
KNOWN = tuple(name for name in vars(Settings) if name.isupper())
