"""What the core asks of PSPs, answered by the site's moochers."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError
from payments_ui.moochers import registry

from . import compare_ledgers, notices, payment_methods, refund


class MoocherPort:
    """The ``payments_ui.core.psp_port.PSPPort`` that ``AppConfig.ready`` registers."""

    signal_sender = staticmethod(registry.sender)
    can_refund = staticmethod(refund.can_send)
    send_refund = staticmethod(refund.send)
    forget_payment_method = staticmethod(payment_methods.forget)
    handle_again = staticmethod(notices.handle_again)
    compare_ledger = staticmethod(compare_ledgers.compare)

    def is_in_use(self, attempt: Attempt) -> bool:
        """Whether payments are charged today as this attempt was: same PSP, account and mode."""
        return registry.serving(attempt) is not None

    def statement_moochers(self) -> list[tuple[str, str]]:
        """Identifier and title of the moochers whose bank's statements can be imported."""
        listed = registry.moochers().values()
        return [(each.identifier, str(each.title)) for each in listed if each.reads_statements]

    def import_statement(self, data: bytes, moocher: str, *, by: str) -> list[str]:
        """Book a bank's statement; return a line for each entry. Raises ``PaymentsUIError``."""
        try:
            # An extra: most sites have no bank whose statements they import.
            book = import_string("payments_ui.flows.import_statement.import_statement")
        except ImproperlyConfigured as error:
            raise MoocherError(str(error)) from error
        lines: list[str] = book(registry.moochers()[moocher], data, by=by).lines
        return lines
