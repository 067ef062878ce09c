"""Notices to people and units: the message centre."""
