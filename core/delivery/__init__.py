"""Messages to an address outside the hub, through the outbox."""
