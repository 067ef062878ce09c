"""The apps: one package each, found by entry point."""
