"""Dispatching (派单): who is responsible for what, the dispatcher's desk, what a text is about, and
requests that repeat another."""
