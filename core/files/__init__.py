"""Attachments: checked, re-encoded, stored."""
