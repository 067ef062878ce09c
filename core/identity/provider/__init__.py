"""The OpenID Provider: other programs ask the hub who somebody is (ADR 0040)."""
