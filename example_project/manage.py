#!/usr/bin/env python
"""Hillshade's command line. ``python manage.py demo`` starts everything."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run a management command with the demo's settings."""
    # Lets a checkout run the package beside it; an installed package is found anyway.
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hillshade.demo_settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
