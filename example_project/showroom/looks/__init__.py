"""Three looks for one set of pages.

A real site has one look and writes its class names straight into its templates. Here the
templates write ``{{ ui.button }}`` where they would write ``btn btn-primary``, so that the
same pages can be seen in all three. Each module lists one look's class names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from showroom.looks import bootstrap, plain, tailwind


@dataclass(frozen=True)
class Look:
    """One look: its style sheets, its class names, and what the kit should use with it.

    ``form_pack`` is a crispy template pack; without one the kit brings its own.
    """

    label: str
    stylesheets: tuple[str, ...]
    classes: Mapping[str, str]
    kit_classes: str | Mapping[str, str]
    form_pack: str


PLAIN = tuple(f"hillshade/plain/{part}.css" for part in ("base", "frame", "things", "showroom"))

LOOKS = {
    "plain": Look("Plain", PLAIN, plain.CLASSES, "plain", ""),
    "bootstrap": Look(
        "Bootstrap 5",
        ("vendor/bootstrap/bootstrap.min.css", "hillshade/bootstrap.css"),
        bootstrap.CLASSES,
        "bootstrap5",
        "bootstrap5",
    ),
    "tailwind": Look(
        "Tailwind",
        ("vendor/tailwind/tailwind.min.css",),
        tailwind.CLASSES,
        tailwind.KIT,
        "",
    ),
}
