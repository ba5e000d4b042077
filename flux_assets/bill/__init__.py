"""What keeps the bill right: the ledger, when a call may be sent again, caps, the stop."""
