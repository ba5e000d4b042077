"""The vendor's API: what a call looks like, how it is made, how fast; and its simulator."""
