"""People and units as SCIM 2.0 has them (RFC 7643), for applications that keep them elsewhere."""
