"""The moocher. Its PSP is a person with a bank statement, so it sends no requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments_ui import money
from payments_ui.core.attempts.outcomes import Cancelled, Outcome, Pending
from payments_ui.moochers.base import AttemptUrls, Moocher

from . import qr_codes, references
from .accounts import Account, Creditor

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt, Payment


class BankTransferMoocher(Moocher):
    """Asks for a transfer to ``accounts``, a mapping of currency to ``Account``.

    Whatever would keep a QR code from being drawn raises ``ImproperlyConfigured`` here, when
    the site starts, and never in front of a customer.

    Charging opens the waiting state: the attempt stays open until an arrival is booked or the
    customer gives up. Money that arrives later is kept as surplus.
    """

    identifier = "banktransfer"
    title = gettext_lazy("Bank transfer")
    description = gettext_lazy("From your banking app; takes one to three bank working days.")
    live = True
    manual = True
    reads_statements = True
    template_name = "payments_ui/moochers/banktransfer.html"
    instructions_template_name = "payments_ui/moochers/banktransfer_instructions.html"
    #: ``accounts`` says the currencies.
    options = Moocher.options - {"currencies"}

    def __init__(
        self, *, creditor: Creditor, accounts: Mapping[str, Account], **options: Any
    ) -> None:
        super().__init__(**options)
        self.creditor = creditor
        self.accounts = dict(accounts)
        self.currencies = frozenset(self.accounts)
        if not self.accounts:
            raise ImproperlyConfigured("A bank transfer needs at least one account")
        for currency, account in self.accounts.items():
            reference = references.make(UUID(int=1), account)
            try:
                self._code(account, qr_codes.MOST, currency, reference)
            except ValueError as exc:
                raise ImproperlyConfigured(f"Bank transfer in {currency}: {exc}") from exc

    def refuse(self, payment: Payment) -> str | None:
        """As the contract says; also amounts that no bank takes."""
        reason = super().refuse(payment)
        if reason is None and not qr_codes.LEAST <= payment.amount <= qr_codes.MOST:
            reason = _("Available from %(least)s to %(most)s.") % {
                "least": money.format_amount(qr_codes.LEAST, payment.currency),
                "most": money.format_amount(qr_codes.MOST, payment.currency),
            }
        return reason

    def pay_label(self, amount: str) -> str:
        """Charges nothing, so its button does not say "pay"."""
        return _("Get the transfer details")

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """From now on the attempt waits for a transfer with its reference."""
        return Pending(psp_reference=self.reference(attempt))

    def ask(self, attempt: Attempt) -> Outcome:
        """It waits until an arrival is booked."""
        return Pending(psp_reference=self.reference(attempt))

    def cancel(self, attempt: Attempt) -> Outcome:
        """Always confirmed, as no PSP was asked. A transfer under way still finds its attempt."""
        return Cancelled(psp_reference=self.reference(attempt))

    def calling_off(self, attempt: Attempt) -> str:
        """A transfer that was made yesterday arrives tomorrow."""
        return _(
            "If you have already transferred the money, do not pay again: we will match your "
            "transfer as soon as it arrives."
        )

    def reference(self, attempt: Attempt) -> str:
        """Return the attempt's reference; once given to a customer, it stays."""
        return attempt.psp_reference or references.make(attempt.pk, self.accounts[attempt.currency])

    def instructions(self, request: HttpRequest, attempt: Attempt) -> str:
        """Show the transfer's details, or say that the site's account has changed since.

        Of a transfer that came short, those for what is missing.
        """
        details: dict[str, object] = {}
        account = self.accounts.get(attempt.currency)
        if account is not None and references.fits(reference := self.reference(attempt), account):
            details = {
                "moocher": self,
                "attempt": attempt,
                "account": account,
                "reference": references.display(reference),
                "reference_to_copy": reference,
                "amount_to_copy": str(attempt.missing),
                "code": self._code(account, attempt.missing, attempt.currency, reference),
            }
        return render_to_string(self.instructions_template_name, details, request=request)

    def details(self, attempt: Attempt) -> Sequence[tuple[str, str]]:
        """What is missing, account, reference, who is paid; none where the account has changed."""
        account = self.accounts.get(attempt.currency)
        if account is None or not references.fits(reference := self.reference(attempt), account):
            return ()
        return (
            (_("Amount"), money.format_amount(attempt.missing, attempt.currency)),
            (_("Account (IBAN)"), account.formatted),
            (_("Reference for your transfer"), references.display(reference)),
            (_("Payable to"), ", ".join([self.creditor.name, *self.creditor.address])),
        )

    def _code(
        self, account: Account, amount: Decimal, currency: str, reference: str
    ) -> qr_codes.Code:
        return qr_codes.make(
            account=account,
            creditor=self.creditor,
            amount=amount,
            currency=currency,
            reference=reference,
        )
