"""The order of the stages, and what is asked of the API and of the journal between them; nothing else knows it."""
