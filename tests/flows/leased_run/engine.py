"""A backend of Django's Tasks that a test holds in its hands: it runs nothing until told to."""

from __future__ import annotations

import random
from importlib import import_module
from types import ModuleType
from typing import Any

import django

#: Django's own from 6.0 on, and the same for 5.2.
LIBRARY = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
_base: ModuleType = import_module(f"{LIBRARY}.backends.base")
# Its backends follow the settings of a test.
import_module(f"{LIBRARY}.signals")


class HeldBackend(_base.BaseTaskBackend):  # type: ignore[name-defined,misc]
    """Keeps what is enqueued in ``bells``."""

    supports_async_task = False
    bells: list[tuple[Any, tuple[str, ...]]] = []
    is_down = False

    def enqueue(self, task: Any, args: tuple[str, ...], kwargs: dict[str, Any]) -> None:
        self.validate_task(task)
        if HeldBackend.is_down:
            raise ConnectionError("the queue is down")
        assert not kwargs
        self.bells.append((task, args))


def answer_all(*, lose: float = 0, double: float = 0, seed: int = 1) -> int:
    """Let workers do what they were told, in any order, some of it twice and some never."""
    dice = random.Random(seed)  # noqa: S311
    answered = 0
    while HeldBackend.bells:
        place = dice.randrange(len(HeldBackend.bells))
        task, args = HeldBackend.bells[place]
        if dice.random() >= double:
            del HeldBackend.bells[place]
        if dice.random() >= lose:
            task.func(*args)
            answered += 1
    return answered
