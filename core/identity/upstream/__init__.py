"""The hub as relying party: identity providers above it through which people may sign in."""
