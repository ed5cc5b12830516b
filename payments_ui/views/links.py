"""Links in mails: to one payment, signed out; and to decline a kind of mail."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from payments_ui.conf import settings
from payments_ui.core.mails.states import OPTIONAL, MailKind
from payments_ui.core.models import MailStop, Payment
from payments_ui.flows.tokens import LinkToken, StopToken

from . import access


@access.for_anybody
@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Admit this browser to one pending payment, and lead it there.

    So the token stays in no history of the page, and no other site hears of it. A link that is
    wrong, has expired, or whose payment is paid or given up is the same 404.
    """
    try:
        pk, until = LinkToken.read(token)
    except (signing.BadSignature, ValueError) as error:
        raise Http404 from error
    if not Payment.objects.pending().filter(pk=pk).exists():
        raise Http404
    access.let_in(request, pk, until=until)
    response = HttpResponseRedirect(reverse("payments_ui:payment", kwargs={"pk": pk}))
    response["Referrer-Policy"] = "no-referrer"
    return response


@access.for_anybody
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mail_stop(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether a kind of mail is not wanted any more; POST declines it, or wants it again.

    Mail programs post here by themselves where their user says so (RFC 8058), with no cookie and
    from no page of ours; no form of another site can, which knows no token. So the token is all
    that is believed, whoever is signed in, and POST leads nowhere else. GET changes nothing, since
    programs that look for harmful links follow this one.
    """
    try:
        user_pk, kind = StopToken.read(token)
        user = get_user_model()._default_manager.get(pk=user_pk)
    except (signing.BadSignature, ValueError, ValidationError, get_user_model().DoesNotExist) as e:
        raise Http404 from e
    if kind not in OPTIONAL:
        raise Http404
    if request.method == "POST":
        MailStop.objects.set(user, kind, wanted="wanted" in request.POST)
    context = {
        "kind": MailKind(kind).label,
        "is_stopped": MailStop.objects.filter(user=user.pk, kind=kind).exists(),
        "base_template": settings.BASE_TEMPLATE,
        "title": _("Mails"),
    }
    return render(request, "payments_ui/pages/mail_stop.html", context)
