"""Who is billed when, without a click of theirs."""
