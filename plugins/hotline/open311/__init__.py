"""Open311: what residents made public, for everybody's programs, and the ways to file by them.

The protocol is GeoReport v2 (https://wiki.open311.org/GeoReport_v2). `publishing` says what is
public at all; nothing else of an order leaves the hub.
"""
