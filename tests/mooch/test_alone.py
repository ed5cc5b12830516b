"""The folder can be read alone, and deleted: a registration is all that knows it."""

from __future__ import annotations

import grimp


def test_only_the_registration_imports_it() -> None:
    graph = grimp.build_graph("payments_ui")
    folder = {"payments_ui.mooch", *graph.find_descendants("payments_ui.mooch")}
    importers = {
        each for module in folder for each in graph.find_modules_that_directly_import(module)
    }
    assert importers - folder == {"payments_ui.apps"}
