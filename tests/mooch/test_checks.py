"""System checks of listed moochers of django-mooch: what a site has to provide, and the fix."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import modify_settings, override_settings
from django.urls import include, path
from django.views.decorators.cache import never_cache
from mooch.banktransfer import BankTransferMoocher
from mooch.base import BaseMoocher
from mooch.postfinance import PostFinanceMoocher

from payments_ui.core.models import Payment
from payments_ui.core.on_demand import TAG
from payments_ui.mooch.middleware import MoochMiddleware
from payments_ui.moochers import registry
from payments_ui.moochers.base import Moocher
from tests import urls

OURS = "payments_ui.mooch.middleware.MoochMiddleware"
ours = Moocher(identifier="ours", title="Ours")
nothing = object()
bank = BankTransferMoocher(model=Payment, autocharge=False)
postfinance = PostFinanceMoocher(
    model=Payment, pspid="site", live=False, sha1_in="in", sha1_out="out"
)
#: A site's own moocher, with its own template.
homemade = type("Homemade", (BaseMoocher,), {})(identifier="homemade", title="Home made")


class OursExtended(MoochMiddleware):
    """A site's own subclass."""


def found() -> dict[str, CheckMessage]:
    """Return what the checks say, by number."""
    messages = run_checks(tags=[TAG])
    assert all(message.hint for message in messages)
    return {str(message.id).removeprefix("payments_ui."): message for message in messages}


def listed(*names: str) -> dict[str, Any]:
    return {"MOOCHERS": [f"{__name__}.{name}" for name in names]}


@pytest.fixture(autouse=True)
def _mooch_is_installed(settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "mooch"]


def test_the_app_whose_moocher_is_listed_is_installed() -> None:
    with modify_settings(MIDDLEWARE={"append": OURS}, INSTALLED_APPS={"remove": ["mooch"]}):
        for names, told in ((("bank",), {"E029"}), (("homemade",), set()), (("ours",), set())):
            with override_settings(PAYMENTS_UI=listed(*names)):
                assert set(found()) == told


def test_moochers_of_django_mooch_need_the_middleware() -> None:
    with override_settings(PAYMENTS_UI=listed("bank")):
        assert OURS in str(found()["E022"].hint)
        with modify_settings(MIDDLEWARE={"append": "shop.middleware.Missing"}):
            assert set(found()) == {"E022"}
        for each in (OURS, f"{__name__}.OursExtended"):
            with modify_settings(MIDDLEWARE={"append": each}):
                assert found() == {}


def careless(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view as a host should not: nothing tells what is inside."""

    def wrapper(request: Any) -> Any:
        return view(request)

    return wrapper


class Mount:
    """A URLconf with one of django-mooch's views, decorated."""

    def __init__(self, view: Callable[..., Any]) -> None:
        self.urlpatterns = [*urls.urlpatterns, path("pay/", include([path("it/", view)]))]


@pytest.mark.parametrize(
    ("decorate", "is_hidden"),
    [
        (lambda view: view, False),
        (never_cache, False),
        (partial, False),
        (careless, True),
        (lambda view: never_cache(careless(view)), True),
        (lambda view: careless(never_cache(view)), True),
        (lambda view: partial(careless(view)), True),
        (lambda view: careless(print), False),
    ],
)
def test_a_view_that_is_hidden_from_the_middleware_is_told(
    settings: Any, decorate: Callable[..., Any], is_hidden: bool
) -> None:
    settings.PAYMENTS_UI = listed("bank", "ours")
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, OURS]
    settings.ROOT_URLCONF = Mount(decorate(bank.confirm_view))
    assert set(found()) == ({"W026"} if is_hidden else set())
    if is_hidden:
        assert "'pay/it/' leads to BankTransferMoocher.confirm_view" in found()["W026"].msg


LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


@pytest.mark.parametrize(
    ("order", "moochers", "is_told"),
    [
        ([LOGIN, OURS], listed("bank"), True),
        ([OURS, LOGIN], listed("bank"), False),
        ([LOGIN, OURS], listed("ours"), False),
    ],
)
def test_a_login_before_the_middleware_is_told(
    settings: Any, order: list[str], moochers: dict[str, Any], is_told: bool
) -> None:
    settings.PAYMENTS_UI = moochers
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *order]
    assert set(found()) == ({"W027"} if is_told else set())


@modify_settings(MIDDLEWARE={"append": OURS})
@override_settings(PAYMENTS_UI=listed("postfinance"))
def test_what_an_interface_cannot_protect_is_told() -> None:
    (message,) = found().values()
    assert message.id == "payments_ui.W023"
    assert "PostFinanceMoocher" in message.msg


@modify_settings(MIDDLEWARE={"append": OURS})
def test_what_the_old_stripe_interface_cannot_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Importing django-mooch's own needs the requests library.
    like_stripe = type("StripeMoocher", (BankTransferMoocher,), {"__module__": "mooch.stripe"})
    like_stripe = type("Stripe", (like_stripe,), {"__module__": __name__})
    monkeypatch.setattr("payments_ui.mooch.moocher.BankTransferMoocher", PostFinanceMoocher)
    made = like_stripe(model=Payment, autocharge=False)
    monkeypatch.setattr(f"{__name__}.nothing", made)
    with override_settings(PAYMENTS_UI=listed("nothing")):
        registry._load.cache_clear()
        assert set(found()) == {"W024"}
        registry._load.cache_clear()
