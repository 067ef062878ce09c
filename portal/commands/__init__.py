"""Groups of the `yimen` command, and what all commands stand on."""
