"""What the commands that work through many payments have in common."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from .resilience import Breaker

logger = logging.getLogger("payments_ui")


@dataclass
class Report:
    """What a run did; one failure never stops the rest."""

    errors: int = 0
    #: Moochers whose PSP gave no answer several times in a row: left alone for this run.
    not_answering: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)

    @property
    def is_clean(self) -> bool:
        """Whether all that was to be done could be done."""
        return not self.errors and not self.not_answering

    def as_dict(self) -> dict[str, Any]:
        """The figures, for programs."""
        return asdict(self)

    @contextmanager
    def going_on(self, what: object) -> Iterator[None]:
        """Log and count what goes wrong inside, and go on."""
        try:
            yield
        except Exception:
            logger.exception("It went wrong, and the others go on: %s", what)
            self.errors += 1

    def answers(self, moocher: str) -> bool:
        """Whether its PSP is worth being asked in this run."""
        return not self._breakers[moocher].is_open

    def note(self, moocher: str, *, answered: bool) -> None:
        """Its PSP was asked."""
        self._breakers[moocher].note(answered=answered)
        if not self.answers(moocher):
            logger.error("Moocher %s does not answer: left alone for this run", moocher)
            self.not_answering.append(moocher)
