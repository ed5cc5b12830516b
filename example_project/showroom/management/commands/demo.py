"""``manage.py demo``: everything that Hillshade needs, with one command."""

from __future__ import annotations

import os
import signal
import socket
import sys
from argparse import ArgumentParser
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.urls import reverse

from payments_ui.testing.psp import SandboxPSP
from showroom import data
from showroom.people import PASSWORD


class Command(BaseCommand):
    help = "Prepare the demo's data, start the offline card company, and serve Hillshade."
    # Checks would delay the start; the tests run `manage.py check`.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="loopback address to serve")
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="port; the company takes the next",
        )
        parser.add_argument("--reset", action="store_true", help="delete all data first")

    def handle(self, *, host: str, port: int, reset: bool, **options: Any) -> None:
        check_loopback(host)
        for number in (port, port + 1):
            check_free(host, number)
        if port != settings.PORT:
            restart(port)
        if reset:
            forget()
        self.prepare()
        with SandboxPSP(
            port=port + 1,
            ledger=str(settings.SANDBOX_LEDGER),
            api_key=settings.SANDBOX_API_KEY,
            webhook_secret=settings.SANDBOX_WEBHOOK_SECRET,
        ) as psp:
            address = f"http://{host}:{port}"
            psp.stripe.listen(address + reverse("payments_ui:webhook", args=["stripe"]))
            self.welcome(f"{address}/", psp.url)
            # SIGTERM ends the demo through SystemExit, so that the company closes its books.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            call_command("runserver", f"{host}:{port}", use_reloader=False, skip_checks=True)

    def prepare(self) -> None:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        if data.load():
            self.stdout.write("Created customers, and some weeks of use.")

    def welcome(self, url: str, psp_url: str) -> None:
        self.stdout.write(
            f"""
  Hillshade is at         {url}
  You are signed in as    Ada; switch to another person on the account page
  The clerk's admin is at {url}admin/ (clara, password {PASSWORD})
  Choose what the offline card company does at {psp_url}/
  Pay with Stripe itself: {url}showroom/stripe/ says how
  Stop with Ctrl-C; the data stay in {settings.VAR_DIR}
"""
        )


def check_loopback(host: str) -> None:
    """Raise ``CommandError`` unless the address is loopback: the demo signs visitors in."""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise CommandError(f"Serve the demo, which needs no password, on loopback, not on {host}.")


def check_free(host: str, port: int) -> None:
    """Raise ``CommandError`` before anything starts if the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            hint = "Choose another: PORT=8010 make demo, or demo --port 8010."
            raise CommandError(f"Port {port} is in use. {hint}") from error


def restart(port: int) -> None:
    """Replace this process by one whose settings know the port."""
    os.environ["HILLSHADE_PORT"] = str(port)
    os.environ["HILLSHADE_SANDBOX_URL"] = f"http://127.0.0.1:{port + 1}"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 (this very command)


def forget() -> None:
    """Delete the demo's two databases."""
    for database in (settings.DATABASES["default"]["NAME"], settings.SANDBOX_LEDGER):
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
