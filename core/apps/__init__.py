"""Manifests, slots, the door, and the life of apps at run time."""
