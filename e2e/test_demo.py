"""The demo as a stranger starts it: something is paid within the first minute."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from e2e.charges import PAID, Charges
from e2e.stage import ROOT
from e2e.watch import Watch

PICTURE = ROOT / "docs" / "images" / "pending-charges.png"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """Start `manage.py demo`, which is what `make demo` does, and return its address."""
    port = free_port()
    command = [sys.executable, "example_project/manage.py", "demo", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if key[:6] != "DJANGO"}
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        env=environment | {"HILLSHADE_VAR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "Quit the server" not in said and (line := process.stdout.readline()):
        said += line
    assert process.poll() is None, said
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=20)


def free_port() -> int:
    """Return a port that is free, and the next one is, too."""
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture
def first_visitor(browser: Browser, demo: str) -> Iterator[Page]:
    """Somebody who opens the demo, and complains of nothing."""
    watch = Watch()
    context = browser.new_context(base_url=demo, device_scale_factor=1.5)
    watch.over(context)
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()
    assert watch.problems == []


def test_guided_tour_leads_to_something_paid(first_visitor: Page) -> None:
    page = first_visitor
    tour = page.get_by_role("complementary", name="Guided tour")
    tour.get_by_role("link", name="Render a sheet").click()
    page.get_by_label("Name").fill("Piz Nirgendwo")
    page.get_by_role("button", name="Render and add to my charges").click()
    expect(page.get_by_role("heading", name="Piz Nirgendwo is ready")).to_be_focused()
    page.goto("/dashboard/")
    charges = Charges(page)
    expect(charges.root.get_by_role("rowheader", name="Contour sheet")).not_to_have_count(0)
    charges.begin().pay_by_card().at(PAID)
    expect(tour.get_by_text("You have finished the tour.")).to_be_visible()


@pytest.mark.skipif("PAYMENTS_UI_PICTURES" not in os.environ, reason="PAYMENTS_UI_PICTURES=1")
def test_picture_for_the_readme(first_visitor: Page) -> None:
    page = first_visitor
    page.set_viewport_size({"width": 1080, "height": 720})
    page.goto("/dashboard/")
    Charges(page).at("To pay: CHF")
    PICTURE.parent.mkdir(exist_ok=True)
    picture = Image.open(BytesIO(page.screenshot(caret="initial")))
    # As small as a picture in a repository should be; nobody sees the colours that are left out.
    picture.convert("RGB").quantize(96).save(PICTURE, optimize=True)
