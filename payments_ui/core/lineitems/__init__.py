"""Line items: one charge to a user each."""
