"""Handles stored reports of PSPs again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import Event
from payments_ui.flows import command_result, notices, psp_call
from payments_ui.management import command_output
from payments_ui.moochers.registry import moochers


@dataclass
class RedeliverResult(command_result.CommandResult):
    """What a run did, or with ``--dry-run`` would do."""

    events: int = 0
    handled: int = 0


class Command(BaseCommand):
    help = (
        "Ask the PSPs again about what their stored reports name, and book the answers: after a "
        "fault in an adapter, or in a receiver of yours. Handling a report twice changes nothing. "
        "Exit code 2 if a PSP did not answer or something failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "event_id", nargs="*", help="The PSP's own ids; all where none is given."
        )
        parser.add_argument("--moocher", metavar="IDENTIFIER", help="Of one moocher only.")
        parser.add_argument("--days", type=int, default=30, help="Not older than that; 30 days.")
        parser.add_argument(
            "--unmatched", action="store_true", help="Only those that were about nothing known."
        )
        command_output.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        moocher = options["moocher"]
        if moocher not in {None, *moochers()}:
            raise CommandError(f"No moocher is named {moocher!r}. Listed: {', '.join(moochers())}.")
        psp_call.forbid_transaction()
        since = timezone.now() - dt.timedelta(days=options["days"])
        events = Event.objects.filter(amount=None, received_at__gte=since)
        if moocher is not None:
            events = events.filter(moocher=moocher)
        if options["event_id"]:
            events = events.filter(event_id__in=options["event_id"])
        if options["unmatched"]:
            events = events.filter(state=Event.State.UNMATCHED)
        result = RedeliverResult()
        for event in (event for page in batches(events, "pk") for event in page):
            result.events += 1
            if not options["dry_run"] and result.is_answering(event.moocher):
                _handle(event, result)
        lines = [f"{result.events} events, {result.handled} handled."]
        command_output.finish(self, result, lines, as_json=options["json"])


def _handle(event: Event, result: RedeliverResult) -> None:
    with result.count_errors(event):
        try:
            result.handled += notices.look_again(event)
        except psp_call.PSPUnavailableError:
            result.note(event.moocher, answered=False)
            raise
        result.note(event.moocher, answered=True)
