"""What the commands that work through many payments have in common."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from .resilience import CircuitBreaker

logger = logging.getLogger("payments_ui")


@dataclass
class CommandResult:
    """What a command did; an error never stops the rest of it."""

    errors: int = 0
    #: Moochers whose PSP gave no answer several times in a row: left alone by this command.
    not_answering: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._breakers: dict[str, CircuitBreaker] = defaultdict(CircuitBreaker)

    @property
    def is_clean(self) -> bool:
        """Whether all that was to be done could be done."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """What could not be done, for people."""
        failed = [f"{self.errors} failed, the log says why"] if self.errors else []
        return [f"{name} does not answer" for name in self.not_answering] + failed

    def as_dict(self) -> dict[str, object]:
        """The figures, for programs."""
        return asdict(self)

    @contextmanager
    def count_errors(self, subject: object) -> Iterator[None]:
        """Log and count what is raised inside, so that the run goes on."""
        try:
            yield
        except Exception:
            logger.exception("%s failed; the run goes on with the next one", subject)
            self.errors += 1

    def is_answering(self, moocher: str) -> bool:
        """Whether its PSP is worth being asked by this command."""
        return not self._breakers[moocher].is_open

    def note(self, moocher: str, *, answered: bool) -> None:
        """Count a request to its PSP."""
        self._breakers[moocher].note(answered=answered)
        if not self.is_answering(moocher):
            logger.error(
                "The PSP of moocher %s does not answer: it is left alone for this run", moocher
            )
            self.not_answering.append(moocher)
