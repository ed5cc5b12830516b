"""Settings: one dict, ``PAYMENTS_UI``, read at each access.

Every key stands here with its type and its default; ``payments_ui.checks`` reports what
is unknown or wrong. Nothing is copied at start, so ``override_settings`` works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from django.conf import settings as django_settings

T = TypeVar("T")

#: All kinds of mail to customers.
MAILS = (
    *("receipt", "payment_failed", "confirmation", "card_expires"),
    *("transfer_details", "refund_sent", "please_pay", "notice"),
)


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
    def HELP_URL(self) -> str:
        """Where customers find help: a path, or a URL with https, mailto or tel.

        Each error links to it as "Contact us".
        """
        return self._get("HELP_URL", "")

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
    def ASK_UNATTENDED(self) -> bool:
        """Ask who saves a payment method whether it may be charged without them, by a box."""
        return self._get("ASK_UNATTENDED", True)

    @property
    def PAYER(self) -> str:
        """Dotted path to a function of the request: whose charges it shows and pays.

        It returns a user, a ``payments_ui.payer.Payer`` or ``None``. Empty: the request's user.
        """
        return self._get("PAYER", "")

    @property
    def BASE_URL(self) -> str:
        """The site's own address, as in ``https://shop.example``: for PSPs, and links in mails.

        ``process_payments`` needs it, since no request says where the site is.
        """
        return self._get("BASE_URL", "")

    @property
    def PROCESSORS(self) -> Sequence[str]:
        """Dotted paths to what ``process_payments`` charges with, in the order of being tried.

        Functions of a payment that return a ``Result``, or classes whose instances are such.
        """
        return self._get("PROCESSORS", ("payments_ui.flows.processors.SavedMethod",))

    @property
    def BILLING_SCHEDULE(self) -> str:
        """Dotted path to a function that says whether what a user owes is billed now.

        Shipped, in ``payments_ui.core.billing.schedules``: ``monthly`` (by the day the user
        joined), ``on_the_first``, ``nightly``, ``only_above``.
        """
        return self._get("BILLING_SCHEDULE", "payments_ui.core.billing.schedules.monthly")

    @property
    def BILLING_MINIMUM(self) -> Mapping[str, Decimal | int | str]:
        """By currency: no user is billed below that, what is owed waits. Else 500 minor units."""
        return self._get("BILLING_MINIMUM", {})

    @property
    def BILLING_AMOUNT(self) -> Mapping[str, Decimal | int | str]:
        """By currency: from that on a user is billed at once, whatever the schedule says."""
        return self._get("BILLING_AMOUNT", {})

    @property
    def CHARGE_INACTIVE(self) -> bool:
        """Charge users whose ``is_active`` is off, too; else what they owe stays in the books."""
        return self._get("CHARGE_INACTIVE", False)

    @property
    def RETRY_AFTER_DAYS(self) -> Sequence[int]:
        """Days between the tries of a payment that could not be charged without its user.

        As many further tries as there are numbers: by default four in all, within 14 days.
        """
        return self._get("RETRY_AFTER_DAYS", (3, 5, 6))

    @property
    def RETRY_HOURS(self) -> tuple[int, int]:
        """From and until which hour of the user's day such tries are planned, and made.

        One that could not be made in these hours for two days is made at any hour.
        """
        return self._get("RETRY_HOURS", (8, 20))

    @property
    def CARD_LIMITS(self) -> Mapping[int, int]:
        """Days, and how many declines within them are the most for one card.

        Below what Visa and Mastercard allow; they count together whoever has saved the card.
        """
        return self._get("CARD_LIMITS", {1: 4, 30: 15})

    @property
    def CHARGE_NOTICE(self) -> str:
        """Dotted path to a function of a payment and a saved payment method, called before a try.

        It returns a ``ChargeNotice``: how long before the charge its user is told by mail, and
        whether a law wants it; or ``None``. Shipped, in ``payments_ui.core.billing.notices``:
        ``india`` (a day for cards issued there), ``a_day``, ``none``.
        """
        return self._get("CHARGE_NOTICE", "payments_ui.core.billing.notices.india")

    @property
    def MAILS(self) -> Sequence[str]:
        """The kinds of mail that ``send_mails`` and ``process_payments`` send to customers."""
        return self._get("MAILS", MAILS)

    @property
    def LANGUAGE_OF(self) -> str:
        """Dotted path to a function of a user: the language code of their mails.

        Empty, and where it returns nothing: ``LANGUAGE_CODE``.
        """
        return self._get("LANGUAGE_OF", "")

    @property
    def LINK_DAYS(self) -> int:
        """Days for which a link in a mail shows its payment to who is not signed in."""
        return self._get("LINK_DAYS", 7)

    @property
    def TIME_ZONE_OF(self) -> str:
        """Dotted path to a function of a user: the name of their time zone, as "Europe/Zurich".

        Empty, and where it returns nothing: the site's.
        """
        return self._get("TIME_ZONE_OF", "")

    @property
    def PENDING_DAYS(self) -> int:
        """Days without an attempt after which ``expire_payments`` gives a pending payment up."""
        return self._get("PENDING_DAYS", 14)

    @property
    def TRANSFER_DAYS(self) -> int:
        """The same for one whose customer announced a bank transfer, which takes its time."""
        return self._get("TRANSFER_DAYS", 60)

    @property
    def TRANSFER_TOLERANCE(self) -> int:
        """Minor units by which a bank transfer may be short: such a rest is written off."""
        return self._get("TRANSFER_TOLERANCE", 0)

    @property
    def KEEP_DAYS(self) -> int:
        """Days after which ``prune_history`` deletes runs that have ended, and rows of mails.

        At least 90: until then a mail may be due that was sent already.
        """
        return self._get("KEEP_DAYS", 400)

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

    @property
    def RUN_BATCH(self) -> int:
        """Payers in a batch of a run, which one worker at a time charges."""
        return self._get("RUN_BATCH", 200)

    @property
    def RUN_LEASE(self) -> int:
        """Seconds without a sign of life after which a worker's batch is another worker's."""
        return self._get("RUN_LEASE", 120)

    @property
    def RUN_TIME_BOX(self) -> int:
        """Seconds that a task works, below the queue's own limit; then it calls for the rest."""
        return self._get("RUN_TIME_BOX", 60)

    @property
    def RUN_BACKEND(self) -> str:
        """The alias in Django's ``TASKS`` whose workers charge. Its backend has to run them."""
        return self._get("RUN_BACKEND", "default")

    @property
    def RUN_QUEUE(self) -> str:
        """The name of the queue there."""
        return self._get("RUN_QUEUE", "default")

    @property
    def RATE_LIMITS(self) -> Mapping[str, float]:
        """Payments a second that unattended charging begins, by moocher, in all workers together.

        One that is not named may begin 20.
        """
        return self._get("RATE_LIMITS", {})

    @property
    def RATE_LIMIT_CACHE(self) -> str:
        """The alias of a cache that all machines share, such as Redis, to keep ``RATE_LIMITS``.

        Empty: the database keeps them.
        """
        return self._get("RATE_LIMIT_CACHE", "")

    def _get(self, key: str, default: T) -> T:
        given = getattr(django_settings, "PAYMENTS_UI", None)
        # The system checks say so where it is no dict.
        value: T = given.get(key, default) if isinstance(given, Mapping) else default
        return value


settings = Settings()

#: Names of all settings, for the system checks.
KNOWN = tuple(name for name in vars(Settings) if name.isupper())
