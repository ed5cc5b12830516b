"""What must not be kept: secrets in texts, and people who leave."""
