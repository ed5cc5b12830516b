"""A sentence that a redirect takes along: without JavaScript, every action ends in one.

It travels in the URL, signed for its user, and is said as long as the books are as they were when
it was true: who pays and then presses Back is not told that nothing was charged.
"""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest

from payments_ui.components import heartbeat
from payments_ui.core import queries
from payments_ui.payer import check_may_pay, payer_of

#: The parameter of the URL.
NAME = "notice"
_SALT = "payments_ui.notice"
#: Seconds: a browser asks for the page it is redirected to much sooner.
_MAX_AGE = 600


def sign(request: HttpRequest, text: str) -> str:
    """``text`` as the parameter's value, for the request's payer and the books as they are now."""
    user = check_may_pay(request).user
    said = [str(user.pk), queries.version(user), text]
    return signing.dumps(said, salt=_SALT, compress=True)


def read(request: HttpRequest) -> str:
    """The sentence that led to this page; empty where there is none that is still true."""
    payer = payer_of(request)
    try:
        said = signing.loads(request.GET.get(NAME, ""), salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        return ""
    *facts, text = said
    is_true = payer is not None and facts == [str(payer.user.pk), heartbeat.seen(request)]
    return text if is_true else ""
