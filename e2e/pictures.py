"""Pictures for the documents: PAYMENTS_UI_PICTURES=1 takes them anew."""

from __future__ import annotations

import os
from io import BytesIO

from PIL import Image
from playwright.sync_api import Locator, Page

from e2e.stage import ROOT

TAKEN = "PAYMENTS_UI_PICTURES" in os.environ
_FOLDER = ROOT / "docs" / "images"


def keep(of: Page | Locator, name: str) -> None:
    """Write a picture, where pictures are taken, as small as one in a repository should be."""
    if TAKEN:
        picture = Image.open(BytesIO(of.screenshot(caret="initial")))
        # Nobody sees the colours that are left out.
        picture.convert("RGB").quantize(96).save(_FOLDER / f"{name}.png", optimize=True)
