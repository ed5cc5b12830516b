"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``seconds`` and ``least`` rounds of a row; the others are numbers of line items."""

    name: str
    #: Whether times are worth judging.
    is_timed: bool
    seconds: float
    least: int
    #: Users with 500 line items each, who are in everybody's way.
    crowd: int
    #: Of one user: what is a lot to read, and what is a lot to bind.
    many: int
    bound: int
    #: Recorded, or audited, in one go.
    batch: int
    audited: int
    #: Of others, at which growth is measured.
    others: tuple[int, int]
    #: Of the user, at which growth is measured: where they are read, and where each is written.
    read: tuple[int, int]
    written: tuple[int, int]


LARGE = Size(
    name="large",
    is_timed=True,
    seconds=3,
    least=3,
    crowd=20,
    many=100_000,
    bound=10_000,
    batch=10_000,
    audited=100_000,
    others=(10_000, 3_000_000),
    read=(10_000, 1_000_000),
    written=(5_000, 50_000),
)
#: To see that each row does its work.
SMALL = Size(
    name="small",
    is_timed=False,
    seconds=0,
    least=0,
    crowd=1,
    many=300,
    bound=300,
    batch=50,
    audited=200,
    others=(500, 2_000),
    read=(100, 400),
    written=(50, 200),
)
