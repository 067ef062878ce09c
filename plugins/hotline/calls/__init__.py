"""Calls: the port to the telephone exchange, the records of calls, the operator's desk."""
