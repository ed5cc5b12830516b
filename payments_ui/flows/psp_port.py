"""What the core asks of PSPs, answered by the site's moochers."""

from __future__ import annotations

from payments_ui.moochers import registry

from . import compare_ledgers, refund


class MoocherPort:
    """The ``payments_ui.core.psp_port.PSPPort`` that ``AppConfig.ready`` registers."""

    signal_sender = staticmethod(registry.sender)
    can_refund = staticmethod(refund.can_send)
    send_refund = staticmethod(refund.send)
    compare_ledger = staticmethod(compare_ledgers.compare)
