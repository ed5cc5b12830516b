"""What the books need of a database: locks, exact fields, typed errors."""
