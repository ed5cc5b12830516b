"""What is measured, a module for each part of the kit: ``rows(size)`` yields its rows."""
