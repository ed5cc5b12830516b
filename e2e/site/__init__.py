"""What the tests add to the example's site: a director, and hosts that are hard on the kit."""
