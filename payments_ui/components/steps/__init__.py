"""The steps from the list to the receipt: a class each, named as its template."""
