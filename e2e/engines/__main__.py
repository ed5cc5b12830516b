"""Say which engines this machine has; 1 where one is missing."""

from __future__ import annotations

import sys

from playwright.sync_api import sync_playwright

from e2e.engines.found import ENGINES, NoEngineError, of_system, path_of_playwright


def main() -> int:
    """Name each engine's browser, or what to do."""
    missing = 0
    with sync_playwright() as playwright:
        for engine in ENGINES:
            path = path_of_playwright(engine, playwright)
            program = None if path else of_system(engine)
            if program:
                path = program.browser
            if path:
                print(f"{engine}: {path}")  # noqa: T201 - what this command is for
            else:
                print(NoEngineError(engine), file=sys.stderr)  # noqa: T201
                missing += 1
    return min(missing, 1)


if __name__ == "__main__":
    raise SystemExit(main())
