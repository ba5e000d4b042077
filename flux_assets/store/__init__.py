"""Where objects live: the protocol and key layout, S3 and a directory."""
