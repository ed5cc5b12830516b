"""Hillshade: a render farm for mountains that do not exist."""
