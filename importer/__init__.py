"""Bulk invoice importer: read → match → parse → check → plan → submit → record → report."""

__version__ = "0.1.0"
