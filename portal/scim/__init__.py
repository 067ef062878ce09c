"""SCIM 2.0 over HTTP (RFC 7644), for applications that provision people: `/scim/v2`.

What answers is loaded when the first application asks: its models are a sixth of a start.
"""

from typing import Final

PREFIX: Final = "/scim/"
