"""What is made of stored pictures where products are sold; it buys nothing and may run any time."""
