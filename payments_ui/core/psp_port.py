"""What the core asks of the layer that knows PSPs, stated here and registered there, once.

The core works with no interface: then no PSP can be asked, and a person sends refunds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from django.utils.module_loading import import_string

from payments_ui.exceptions import MoocherError

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt
    from payments_ui.core.audit import Finding
    from payments_ui.core.paymentmethods.model import PaymentMethod
    from payments_ui.core.refunds.model import Refund
    from payments_ui.core.suspense.event import Event


class PSPPort(Protocol):
    """Everything for which the books need the layer that can ask a PSP."""

    def signal_sender(self, moocher: str, /) -> object:
        """Return the ``sender`` of a charge's signals: the moocher with this identifier."""

    def is_in_use(self, attempt: Attempt, /) -> bool:
        """Whether payments are charged today as this attempt was: same PSP, account and mode."""

    def can_refund(self, attempt: Attempt, /) -> bool:
        """Whether the PSP that took this attempt's money can be asked to give it back."""

    def send_refund(self, refund: Refund, /) -> Refund:
        """Ask the PSP for a committed refund and record its answer; return it as stored then."""

    def forget_payment_method(self, method: PaymentMethod, /) -> PaymentMethod:
        """Have the PSP give up a removed payment method; return it as it is stored then."""

    def handle_again(self, event: Event, /) -> bool:
        """Look again into what a stored report is about; whether it is processed now."""

    def statement_moochers(self) -> list[tuple[str, str]]:
        """Identifier and title of the moochers whose bank's statements can be imported."""

    def import_statement(self, data: bytes, moocher: str, /, *, by: str) -> list[str]:
        """Book a bank's statement; return a line for each entry. Raises ``PaymentsUIError``."""

    def compare_ledger(self, moocher: str, using: str, /) -> Iterator[Finding]:
        """Compare the PSP's list of charges with the books in the database ``using``.

        ``moocher`` is an identifier, or "all". Raises ``MoocherError`` where no such moocher
        can list its charges.
        """


class NoPSPs:
    """The core alone: signals are sent by the identifier, and people send money back."""

    def signal_sender(self, moocher: str) -> object:
        """Return the identifier."""
        return moocher

    def is_in_use(self, attempt: Attempt) -> bool:
        """Nothing says otherwise."""
        return True

    def can_refund(self, attempt: Attempt) -> bool:
        """No PSP can be asked."""
        return False

    def send_refund(self, refund: Refund) -> Refund:
        """Leave the refund requested."""
        return refund

    def forget_payment_method(self, method: PaymentMethod) -> PaymentMethod:
        """Leave it as it is."""
        return method

    def handle_again(self, event: Event) -> bool:
        """No PSP can be asked."""
        return False

    def statement_moochers(self) -> list[tuple[str, str]]:
        """There are none."""
        return []

    def import_statement(self, data: bytes, moocher: str, *, by: str) -> list[str]:
        """Raise ``MoocherError``."""
        raise MoocherError("Add payments_ui to INSTALLED_APPS: the core alone reads no statements")

    def compare_ledger(self, moocher: str, using: str) -> Iterator[Finding]:
        """Raise ``MoocherError``."""
        raise MoocherError("Add payments_ui to INSTALLED_APPS: the core alone can ask no PSP")


_registered: PSPPort | str = NoPSPs()


def register(path: str) -> None:
    """Let an instance of the class at this dotted path answer from now on.

    ``AppConfig.ready`` of the interface calls it. The class is imported when it is first asked.
    """
    global _registered
    _registered = path


def psps() -> PSPPort:
    """Return what was registered."""
    global _registered
    if isinstance(_registered, str):
        port: PSPPort = import_string(_registered)()
        _registered = port
    return _registered
