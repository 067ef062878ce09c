"""What governance staff and owners see and decide."""
