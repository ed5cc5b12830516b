"""Which mails there are, and what is known of one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class MailKind(models.TextChoices):
    """What a mail is about. The keys are those of the setting ``MAILS`` and of the templates."""

    RECEIPT = "receipt", pgettext_lazy("mail", "receipt")
    PAYMENT_FAILED = "payment_failed", pgettext_lazy("mail", "payment failed")
    CONFIRMATION = "confirmation", pgettext_lazy("mail", "payment to be confirmed")
    CARD_EXPIRES = "card_expires", pgettext_lazy("mail", "card expires")
    TRANSFER_DETAILS = "transfer_details", pgettext_lazy("mail", "transfer details")
    REFUND_SENT = "refund_sent", pgettext_lazy("mail", "refund sent")
    PLEASE_PAY = "please_pay", pgettext_lazy("mail", "please pay")
    NOTICE = "notice", pgettext_lazy("mail", "notice before a charge")


#: Which a customer may decline: no law and no contract needs them.
OPTIONAL = frozenset({MailKind.RECEIPT, MailKind.CARD_EXPIRES, MailKind.REFUND_SENT})


class MailState(models.TextChoices):
    """What is known of a mail."""

    #: A process is sending it; where it died, whether it was sent is not known.
    CLAIMED = "claimed", pgettext_lazy("mail", "being sent")
    SENT = "sent", pgettext_lazy("mail", "sent")
    #: The mail server was not reached: it is sent later.
    NOT_SENT = "not_sent", pgettext_lazy("mail", "not sent yet")
    #: No server was reached, however often it was tried.
    GIVEN_UP = "given_up", pgettext_lazy("mail", "could not be sent")
    #: When it was to be sent, what it says was not true any more.
    DROPPED = "dropped", pgettext_lazy("mail", "no longer needed")
    #: The server had it, and then something went wrong: it is not sent again.
    UNKNOWN = "unknown", pgettext_lazy("mail", "sent or not, not known")
