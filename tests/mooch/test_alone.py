"""The folder can be read alone, and deleted: a registration is all that knows it."""

from __future__ import annotations

from pathlib import Path

import grimp

import payments_ui

PACKAGE = Path(payments_ui.__file__).parent


def test_only_the_registration_names_it() -> None:
    graph = grimp.build_graph("payments_ui")
    folder = {"payments_ui.mooch", *graph.find_descendants("payments_ui.mooch")}
    importers = {
        each for module in folder for each in graph.find_modules_that_directly_import(module)
    }
    assert importers - folder == set()
    naming = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "payments_ui.mooch." in path.read_text("utf-8") and PACKAGE / "mooch" not in path.parents
    ]
    assert naming == ["apps.py"]
