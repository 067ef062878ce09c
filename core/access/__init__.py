"""Roles, grants, scopes, decisions and their explanation."""
