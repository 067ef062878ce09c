"""The front door that people see: pages, assembly, command."""
