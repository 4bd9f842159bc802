"""Partner references: what each row wishes, what the API knows of its case, and how the one becomes the other."""
