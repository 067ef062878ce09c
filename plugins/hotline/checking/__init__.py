"""Checking: supervision (督办), follow-up calls (回访), ratings, quality checks (质检)."""
