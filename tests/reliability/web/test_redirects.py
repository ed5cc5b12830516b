"""No URL that somebody hands in leads a browser to another site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import ActionRequired
from payments_ui.core.models import Attempt
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import cards, charge_of
from tests.fixtures import MakeShopper
from tests.reliability.frame import Trial, scenario
from tests.shopping import IN_PLACE, Shopper, dom, url

from .texts import TRICKS

LEADING = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url")
LINKS = ("href", "action", "formaction", "src", "hx-get", "hx-post")
SITE = "http://testserver/some/page/"
#: What an application may call a URL that it goes on to.
NAMES = ("next", "back", "success_url", "failure_url", "return_url", "url", "action_url", "attempt")


def as_browsers_do(text: str) -> str:
    """Where a browser on the site goes: it mends what it can (WHATWG URL)."""
    text = re.sub("[\t\n\r]", "", text.strip("".join(map(chr, range(33)))))
    path, mark, rest = text.partition("?")
    return urljoin(SITE, path.replace("\\", "/") + mark + rest)


def is_off_site(target: str) -> bool:
    found = urlsplit(as_browsers_do(target))
    if found.scheme not in ("http", "https") or found.hostname != "testserver":
        return True
    goes_on = parse_qs(found.query).get("next", []) if found.path == "/login/" else []
    return any(is_off_site(one) for one in goes_on)


def targets(response: Any) -> Iterator[str]:
    yield from (response[name] for name in LEADING if name in response)
    if response.get("Content-Type", "").startswith("text/html"):
        for node in dom(response):
            yield from (node.attrs[name] for name in LINKS if name in node.attrs)


def as_header(trick: str) -> str:
    # Servers take no line ends and no NUL in a header.
    return re.sub("[\r\n\x00]", "", trick).encode("latin-1", "ignore").decode("latin-1")


def requests(shopper: Shopper, psp: SandboxPSP, trick: str) -> Iterator[tuple[str, Any]]:
    """Every place that takes a URL, or might."""
    named, header = dict.fromkeys(NAMES, trick), as_header(trick)
    payment = shopper.begin("5.00")
    pages = (url("charges"), url("payment", payment), url("payments"))
    for path in (*pages, url("moocher", payment, "cards"), url("return", payment, "cards")):
        for browser, who in ((Client(), "visitor"), (shopper.client, "owner")):
            yield f"{who} {path} query", browser.get(path, named)
            for name in ("HX-Current-URL", "Referer"):
                headers = {**IN_PLACE, name: header}
                yield f"{who} {path} {name}", browser.get(path, headers=headers)
                yield f"{who} POST {path} {name}", Client().post(path, headers=headers)
    yield from paying(shopper, psp, named, header)
    payment = shopper.begin("1.00")
    for name in ("lineitems", "cancellation"):
        yield f"POST {name}", shopper.post(url(name, payment), named)
    hosts = {"Host": header, "X-Forwarded-Host": header}
    for name, value in hosts.items():
        yield name, Client().get(url("charges"), headers={name: value})


def paying(
    shopper: Shopper, psp: SandboxPSP, named: dict[str, str], header: str
) -> Iterator[tuple[str, Any]]:
    """Leave for the PSP from a page that says where it is, and come back with parameters."""
    payment = shopper.begin()
    psp.plan.add("processing")
    form = {**named, **shopper.form(payment)}
    paid = shopper.client.post(
        url("moocher", payment, "cards"), form, headers={"Referer": header, "HX-Current-URL": ""}
    )
    yield "POST paying", paid
    attempt = Attempt.objects.open().get(payment=payment)
    back = charge_of(psp, attempt).return_url
    more = "".join(f"&{name}={quote(value)}" for name, value in named.items() if name != "attempt")
    yield "return, no session", Client().get(back + more)
    yield "return", shopper.client.get(back + more, follow=True)
    yield "attempt_cancellation", shopper.post(url("attempt_cancellation", payment), named)


@scenario(
    38,
    "Redirect tricks",
    provoked="40 URLs that lead off the site, in every place that takes a URL or might: query, "
    "form, HX-Current-URL, Referer, Host, the PSP's return",
    promised="no Location, HX-Redirect or link leads to another site",
    databases=("sqlite",),
)
def test_no_request_leads_to_another_site(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "ATTEMPTS_PER_HOUR": 1000}
    shopper = make_shopper()
    for trick in TRICKS if trial.full else TRICKS[2:12:5]:
        for place, response in requests(shopper, psp, trick):
            trial.tried()
            trial.check(response.status_code < 500, f"{place}, {trick!r}: {response.status_code}")
            led = [target for target in targets(response) if is_off_site(target)]
            trial.check(not led, f"{place}, {trick!r}: leads to {led}")


@scenario(
    38,
    "Redirect tricks of a PSP",
    provoked="the same URLs as the address of a PSP's page, from a PSP with one address and from "
    "one of any",
    promised="nothing but a web page with a host is gone to; the first one's customers stay there",
    databases=("sqlite",),
)
def test_a_psp_leads_to_web_pages_only(
    trial: Trial,
    make_shopper: MakeShopper,
    psp: SandboxPSP,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "ATTEMPTS_PER_HOUR": 1000}
    for trick in TRICKS if trial.full else TRICKS[::8]:
        for js in (True, False):
            trial.tried()
            shopper = make_shopper(js=js)
            says = ActionRequired(url=trick)
            monkeypatch.setattr(cards, "charge", lambda *args, says=says, **options: says)
            monkeypatch.setattr(cards, "ask", lambda attempt, says=says: says)
            payment = shopper.begin("5.00")
            answers = [shopper.pay(payment), shopper.get(url("payment", payment))]
            if not js:
                answers.append(shopper.client.get(answers[0]["Location"]))
            trial.check(all(one.status_code < 500 for one in answers), f"{trick!r}: an error")
            led = [target for one in answers for target in targets(one) if is_off_site(target)]
            wrong = [target for target in led if not is_plain_web_page(target)]
            trial.check(not wrong, f"{trick!r} leads to {wrong}")
    trial.check(not asked_elsewhere(), "the sandbox's customers were led away")


def is_plain_web_page(target: str) -> bool:
    found = urlsplit(target)
    is_plain = re.fullmatch(r"https?://[!-~]+", target, re.ASCII) and "\\" not in target
    return bool(is_plain and found.hostname and not found.username)


def asked_elsewhere() -> Iterable[str]:
    """Tricks that the sandbox's moocher would follow."""
    from payments_ui.exceptions import MoocherError
    from payments_ui.moochers.sandbox.charges import outcome

    charge: dict[str, Any] = {"id": f"ch_{'0' * 32}", "account": "a", "live": False}
    charge |= {"reference": "r", "amount": 1, "currency": "CHF", "card": "", "decline_code": ""}
    charge |= {"status": "requires_action", "expires_at": 1}
    followed = []
    with SandboxPSP(api_key="key", webhook_secret="secret") as company:
        for trick in (
            *TRICKS,
            f"{company.url}@elsewhere.example/pay/",
            f"{company.url}.example/pay/",
        ):
            try:
                outcome(charge | {"action_url": trick}, reference="r", origin=company.url)
            except MoocherError:
                continue
            followed.append(trick)
    return followed
