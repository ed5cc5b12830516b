"""The ways through the house, as `docs/explanation/architecture.md` shows them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import FrameType

import pytest
from django.template import engines
from django.test import Client, RequestFactory
from pytest_django import Settings

import payments_ui
from payments_ui import views
from payments_ui.core.psp_port import psps
from payments_ui.testing.moochers import InProcessMoocher, listed
from payments_ui.testing.psp import SandboxPSP
from scripts.pictures import IMAGES, flows, pictures, source
from tests.fakes import finish
from tests.fixtures import MakeShopper, make_shopper, psp
from tests.shopping import Shopper, attempt_of, report, stored, url

__all__ = ["make_shopper", "psp"]

PACKAGE = Path(payments_ui.__file__).parent
CORE = PACKAGE / "core"
FLOWS = {flow.name: flow for flow in flows()}
TOOLS = tuple(source()["tools"])

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def files_passed() -> Iterator[list[str]]:
    """Yield the files of the package in which a function is called meanwhile, tools left out."""
    files: list[str] = []

    def note(frame: FrameType, event: str, _arg: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or frame.f_code.co_name == "<module>" or PACKAGE not in path.parents:
            return
        name = path.relative_to(PACKAGE).as_posix()
        if name not in files and not name.startswith((*TOOLS, "testing/")):
            files.append(name)

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


@pytest.fixture(autouse=True, scope="module")
def everything_is_loaded() -> None:
    """Load what is imported on demand: to load it is no part of a flow."""
    psps()
    for module in iter_modules(views.__path__, f"{views.__name__}."):
        import_module(module.name)


@pytest.fixture
def shopper(settings: Settings, psp: SandboxPSP, make_shopper: MakeShopper) -> Shopper:
    """Return a customer with htmx, on a site with the sandbox's own moocher."""
    moocher = InProcessMoocher(identifier="cards", account="")
    moocher.pay_at(psp.url)
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    return make_shopper(js=True)


def test_from_the_tag_to_the_list(shopper: Shopper) -> None:
    shopper.owe("5.00", "7.00")
    template = engines["django"].from_string("{% load payments_ui %}{% pending_charges %}")
    request = RequestFactory().get("/")
    request.user = shopper.user
    # The first rendering of a process loads the URLs, too.
    template.render({}, request)
    with files_passed() as files:
        assert "12.00" in template.render({}, request)
    assert set(files) == set(FLOWS["tag"].files)


def test_from_the_pay_button_to_the_receipt(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    form = {**shopper.form(payment), "card": "card_approve"}
    with files_passed() as files:
        shopper.post(url("moocher", payment, "cards"), form)
    assert stored(payment).charged_at
    assert set(files) == set(FLOWS["pay"].files)


def test_from_a_webhook_to_the_signal(shopper: Shopper, psp: SandboxPSP) -> None:
    psp.plan.add("processing")
    payment = shopper.begin("5.00")
    shopper.pay(payment, card="card_approve")
    finish(psp, attempt_of(payment))
    with files_passed() as files:
        report(Client(), attempt_of(payment))
    assert stored(payment).charged_at
    assert attempt_of(payment).signal_sent_at
    assert set(files) == set(FLOWS["webhook"].files)


def test_a_refund(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shopper.pay(payment, card="card_approve")
    charged = stored(payment)
    with files_passed() as files:
        refund = charged.refund("1.00", reason="broken")
    assert refund.state == refund.State.SUCCEEDED
    assert set(files) == set(FLOWS["refund"].files)


@pytest.mark.parametrize("name", sorted(pictures()))
def test_a_picture_is_what_its_source_says(name: str) -> None:
    assert (IMAGES / name).read_text("utf-8") == pictures()[name], "Run `make pictures`"


def test_every_room_of_the_picture_exists() -> None:
    rooms = [room for layer in source()["layers"] for room in layer["rooms"]]
    assert [
        name for name in rooms if not ((PACKAGE / name).exists() or (CORE / name).exists())
    ] == []


def test_every_room_is_on_the_map() -> None:
    contributing = (IMAGES.parent.parent / "CONTRIBUTING.md").read_text("utf-8")
    rooms = {path.parent.name for path in PACKAGE.rglob("*.py")} - {"payments_ui", "commands"}
    assert [room for room in sorted(rooms) if f" {room}/ " not in contributing] == []
