"""A host that lists django-mooch's own moochers, unmodified, and mounts their views its own way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, reverse
from django.views.decorators.cache import never_cache
from mooch.banktransfer import BankTransferMoocher
from mooch.base import BaseMoocher, require_POST_m
from mooch.postfinance import PostFinanceMoocher
from mooch.stripe import StripeMoocher

from payments_ui.core.models import Payment
from tests import urls

COMMON = {"model": Payment, "success_url": "/thanks/", "failure_url": "/sorry/"}

transfer = BankTransferMoocher(autocharge=False, **COMMON)
trusting = BankTransferMoocher(
    autocharge=True, identifier="trusting", app_name="trusting", **COMMON
)
postfinance = PostFinanceMoocher(
    pspid="shop", live=False, sha1_in="secret in", sha1_out="secret out", **COMMON
)
stripe = StripeMoocher(publishable_key="pk", secret_key="sk", **COMMON)
#: A site's own moocher, written for django-mooch.
homemade = type("Homemade", (BaseMoocher,), {})(identifier="homemade", title="Home made")
ALL = [f"tests.mooch.site.{name}" for name in ("transfer", "trusting", "postfinance", "stripe")]


class CustomersMoocher(BaseMoocher):  # type: ignore[misc]
    """Like stripe_customers of django-user-payments: it charges what a test says."""

    identifier = "customers"
    title = "Saved card"
    answer: Callable[..., HttpResponse]

    def get_urls(self) -> list[Any]:
        return [
            path("customers_charge/", self.charge_view, name="customers_charge"),
            path("customers_return/", self.return_view, name="customers_return"),
        ]

    def payment_form(self, request: HttpRequest, payment: Payment) -> str:
        action = reverse("customers:customers_charge")
        return f'<form method="post" action="{action}"><input name="id" value="{payment.pk.hex}">'

    @require_POST_m  # type: ignore[untyped-decorator]
    def charge_view(self, request: HttpRequest) -> HttpResponse:
        payment = Payment.objects.get(pk=request.POST["id"])
        payment.payment_service_provider = self.identifier
        payment.transaction = "asked"
        payment.save()
        return self.answer(payment)

    def return_view(self, request: HttpRequest) -> HttpResponse:
        return self.answer(Payment.objects.get(pk=request.GET["id"]))


customers = CustomersMoocher(app_name="customers", **COMMON)


def middleware(others: list[str]) -> list[str]:
    """Add the kit's middleware where it belongs: who it is must be known, a login not asked for."""
    after = others.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1
    return [*others[:after], "payments_ui.mooch.middleware.MoochMiddleware", *others[after:]]


def noted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view as hosts do."""

    @wraps(view, assigned=())
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    return wrapper


mooch = [
    path("deep/confirm/", noted(partial(transfer.confirm_view)), name="banktransfer_confirm"),
    path("success/", never_cache(postfinance.success_view), name="postfinance_success"),
    path("postsale/", postfinance.postsale_view, name="postfinance_postsale"),
    path("charge/", stripe.charge_view, name="stripe_charge"),
]
urlpatterns = [
    *urls.urlpatterns,
    path("anywhere/", include((mooch, "mooch"))),
    path("trusting/", include((trusting.urls, "trusting"))),
    path("customers/", include((customers.urls, "customers"))),
    path("sorry/", lambda request: HttpResponse("Sorry"), name="sorry"),
]
