"""Tokens with which people let their own programs act for them at the hub's interface."""
