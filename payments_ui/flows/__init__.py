"""Where the books meet a PSP, and nowhere else. No PSP is asked inside a transaction."""
