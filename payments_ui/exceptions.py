"""Every error of the kit: a type, a code, and a sentence a customer can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class PaymentsUIError(Exception):
    """Root of the kit's errors.

    ``code`` is stable and for programs; ``message`` is translated and safe to show to
    a customer. ``detail`` is for developers and logs, and is never shown to customers.
    """

    code = "error"
    message: _StrPromise | str = _("Something went wrong. Nothing was charged.")

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail or str(self.message)


class LineItemError(PaymentsUIError):
    """The line item cannot be recorded or changed."""

    code = "line_item"


class InvalidAmountError(LineItemError, ValueError):
    """The amount is no exact, finite decimal number within the field's digits."""

    code = "invalid_amount"
    message = _("This amount is not valid.")


class QuantityError(LineItemError, ValueError):
    """The amount is not quantity times unit price, or one of the two is missing."""

    code = "quantity"
    message = _("The amount is not the quantity times the unit price.")


class InvalidCurrencyError(LineItemError, ValueError):
    """The currency is no ISO 4217 code of money."""

    code = "invalid_currency"
    message = _("This currency is not known.")


class InvalidTitleError(LineItemError, ValueError):
    """The title is empty or too long."""

    code = "invalid_title"
    message = _("An item needs a title of at most 200 characters.")


class KeyConflictError(LineItemError):
    """The same user and key were recorded before with another amount or currency."""

    code = "key_conflict"
    message = _("This use was already recorded with another amount.")


class UsesRefusedError(LineItemError):
    """Some uses of ``record_many`` could not be recorded; the others are."""

    code = "uses_refused"
    message = _("Some items could not be recorded.")
    #: Errors that are kept, however many there are.
    KEPT = 100

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        #: How many uses were recorded now, were known, and were refused.
        self.new = self.known = self.count = 0
        #: The first errors, by the number of the row, counted from 0.
        self.errors: dict[int, Exception] = {}

    def add(self, number: int, error: Exception) -> None:
        """Count one more refused row."""
        self.count += 1
        if len(self.errors) < self.KEPT:
            self.errors[number] = error

    def __str__(self) -> str:
        shown = [f"row {number}: {error}" for number, error in sorted(self.errors.items())[:3]]
        told = f"{self.new} new, {self.known} known, {self.count} refused"
        return "; ".join([self.detail or told, *shown])


class LineItemBoundError(LineItemError):
    """A line item that belongs to a payment is neither edited, moved nor deleted."""

    code = "line_item_bound"
    message = _("This item is part of a payment and can no longer be changed.")


class MixedCurrenciesError(PaymentsUIError):
    """The line items have several currencies: name a currency, or pick items of one currency."""

    code = "mixed_currencies"
    message = _("Your items are in several currencies. Please pay one currency at a time.")


class PaymentStateError(PaymentsUIError):
    """The payment's state does not allow this."""

    code = "payment_state"
    message = _("This payment has changed in the meantime.")


class AlreadyChargedError(PaymentStateError):
    """The payment is charged."""

    code = "already_charged"
    message = _("This payment is already paid. It was not charged again.")


class NotChargedError(PaymentStateError):
    """The payment is not charged."""

    code = "not_charged"
    message = _("This payment is not paid.")


class PaymentGoneError(PaymentStateError):
    """The payment was cancelled or undone; its line items are back in the pool."""

    code = "payment_gone"
    message = _("This payment was cancelled. Your items are back in your list.")


class AttemptOpenError(PaymentStateError):
    """An attempt is open at a PSP: its outcome must be known first."""

    code = "attempt_open"
    message = _(
        "We are still waiting for the answer to your last attempt. You will not be charged twice."
    )


class PartWithoutTransferError(PaymentStateError):
    """A part of the money arrived for a payment that waits for no bank transfer."""

    code = "part_without_transfer"
    message = _(
        "This is less than the payment asks for, and it waits for no transfer that could bring the "
        "rest."
    )


class AlreadyTriedError(PaymentStateError):
    """In this run another payment of the user was tried: this one waits for the next run."""

    code = "already_tried"


class RunStoppedError(PaymentsUIError):
    """The open run was stopped by a person, who has to resume it first."""

    code = "run_stopped"


class RunStateError(PaymentsUIError):
    """The run is in no state from which it can be stopped, or resumed."""

    code = "run_state"
    message = _("This run has ended, or is not in a state for that any more.")


class NoEngineError(PaymentsUIError):
    """No task queue is set up whose workers would hear of a run."""

    code = "no_engine"


class ReferenceTakenError(PaymentStateError):
    """Money with this bank reference was booked before."""

    code = "reference_taken"
    message = _("A payment with this bank reference was recorded before. Nothing was recorded now.")


class RefundRequiredError(PaymentStateError):
    """PSP money sits on this payment: give it back by a refund."""

    code = "refund_required"
    message = _("This payment was made through a payment service and must be refunded.")


class NoDisputeLostError(PaymentStateError):
    """No dispute of this payment was lost, or its items are owed again already."""

    code = "no_dispute_lost"
    message = _("No dispute of this payment was lost, or its items are owed again already.")


class RefundError(PaymentsUIError):
    """The money cannot be given back like this."""

    code = "refund"
    message = _("This cannot be refunded.")


class NothingToRefundError(RefundError):
    """No money arrived, or all of it was given back or used."""

    code = "nothing_to_refund"
    message = _("There is nothing left to refund.")


class RefundTooMuchError(RefundError):
    """The amount is more than what is left of the money that arrived."""

    code = "refund_too_much"
    message = _("This is more than what is left to refund. Nothing was sent.")


class RefundOpenError(RefundError):
    """A refund of the same money is on its way: its outcome must be known first."""

    code = "refund_open"
    message = _("A refund is already on its way. Please wait until it has arrived.")


class RefundChangedError(RefundError):
    """Something was refunded since the caller looked."""

    code = "refund_changed"
    message = _("Something was refunded in the meantime. Nothing was sent. Please look again.")


class PaymentDisputedError(RefundError):
    """The customer's bank disputes this money, or has taken it back: it cannot be given back."""

    code = "payment_disputed"
    message = _(
        "The customer's bank disputes this payment. A refund now could give the money back twice."
    )


class SuspenseError(PaymentsUIError):
    """The item that needs review cannot be resolved like this."""

    code = "suspense"
    message = _("This item cannot be resolved like this.")


class SuspenseClosedError(SuspenseError):
    """The item that needs review is resolved already."""

    code = "suspense_closed"
    message = _("This item is resolved already.")


class SuspenseMatchError(SuspenseError):
    """The money has another currency than the payment, or is less than it asks for."""

    code = "suspense_match"
    message = _("This money does not cover this payment.")


class PaymentMethodError(PaymentsUIError):
    """The saved payment method cannot be used, saved or changed like this."""

    code = "payment_method"
    message = _("This payment method cannot be used like this. Nothing was charged.")


class PaymentMethodGoneError(PaymentMethodError):
    """The payment method was removed, has expired, or belongs to another user."""

    code = "payment_method_gone"
    message = _(
        "This saved payment method can no longer be used. Nothing was charged. "
        "Please choose another one."
    )


class EvidenceError(PaymentsUIError):
    """Attempts, refunds, events and journal entries are evidence: never changed, never deleted."""

    code = "evidence"


class RuleBrokenError(PaymentsUIError):
    """The database refused a write that would have made the books wrong."""

    code = "rule_broken"
    message = _("The books would not add up, so nothing was changed. Please contact us.")


class IsolationLevelError(PaymentsUIError):
    """The database's isolation level lets a lock go on with rows that others have changed."""

    code = "isolation_level"


class TransactionRequiredError(PaymentsUIError):
    """A row is locked outside of a transaction, where the lock would be gone at once."""

    code = "transaction_required"


class StatementError(PaymentsUIError):
    """The file is no bank statement that can be read; nothing of it was booked."""

    code = "statement"
    message = _("This is no bank statement that we can read. Nothing was booked.")


class MoocherError(PaymentsUIError):
    """The moocher cannot do what was asked."""

    code = "moocher"
    message: _StrPromise | str = _(
        "This payment method is not available at the moment. Nothing was charged."
    )


class MoocherRefusedError(MoocherError):
    """The moocher cannot take this payment (currency, minimum); ``message`` says why."""

    code = "moocher_refused"
    message: _StrPromise | str

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RateLimitedError(MoocherError):
    """The PSP refused the request because it got too many, and did nothing."""

    code = "rate_limited"


class RequestRefusedError(MoocherError):
    """The PSP, or the moocher itself, refused a request as it stands, and did nothing of it.

    Such as a wrong API key, or an address it does not take. The admins have to mend it.
    """

    code = "request_refused"


class WebhookSignatureError(MoocherError):
    """The webhook is not signed by the PSP. Nothing of it is used or stored."""

    code = "webhook_signature"


class WebhookNotConfiguredError(MoocherError):
    """The site has no secret to verify this moocher's webhooks with, so it takes none."""

    code = "webhook_not_configured"


class WebhookTooLongError(WebhookSignatureError):
    """The webhook is longer than any PSP's. It is not read."""

    code = "webhook_too_long"


class TooManyAttemptsError(PaymentsUIError):
    """The user reached ``ATTEMPTS_PER_HOUR``."""

    code = "too_many_attempts"
    message = _(
        "There were too many attempts in a short time. Nothing was charged. "
        "Please wait an hour, or contact us."
    )


class MayNotPayError(PaymentsUIError):
    """``PAYER`` lets this user see the charges, and pay none of them."""

    code = "may_not_pay"
    message = _("You can see these items, but you cannot pay them. Nothing was charged.")


class PayerChangedError(PaymentsUIError):
    """The page showed the charges of another payer than ``PAYER`` names by now."""

    code = "payer_changed"
    message = _("You now see the items of another account. Nothing was charged.")


class AmountChangedError(PaymentsUIError):
    """The amount the customer saw is not the amount of the payment."""

    code = "amount_changed"
    message = _("The total has changed. Nothing was charged. Please check it before you pay.")


class FormExpiredError(PaymentsUIError):
    """The form is too old, or was made for another payment."""

    code = "form_expired"
    message = _("This form has expired. Nothing was charged. Please check it and pay again.")
