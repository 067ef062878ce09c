"""SCIM 2.0 over HTTP (RFC 7644), for applications that provision people: `/scim/v2`."""
