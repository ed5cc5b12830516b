"""Line items, payments, attempts and their journal: the books, usable with no UI."""
