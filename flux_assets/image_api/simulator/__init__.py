"""A faithful local stand-in for the image API, for first runs and tests."""
