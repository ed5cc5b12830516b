"""Hillshade's product: contour sheets of mountains that do not exist."""
