"""Measurements of the hub: `make bench`, or `python -m bench door --quick`."""
