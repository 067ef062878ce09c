"""The leader's reception (领导接访), and the window for what could not be done (办不成事)."""
