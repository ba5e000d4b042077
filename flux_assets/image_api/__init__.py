"""The vendor's HTTP API: what it says (protocol), calling it (client), and how fast (pace)."""
