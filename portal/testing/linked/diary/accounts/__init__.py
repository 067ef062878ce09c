"""The accounts of the work diary."""
