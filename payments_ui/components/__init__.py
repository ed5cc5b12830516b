"""Widgets: what they show and which template shows it. They read, and never write."""
