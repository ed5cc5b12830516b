"""Who is billed when, where nobody presses a button."""
