"""The one place where the database and the PSP meet. No PSP is asked inside a transaction."""
