"""A faithful local stand-in for the image API, for first runs and tests."""

STATE_DIR = ".flux_assets/simulator"
"""Shared by all simulators of a working folder, so that one finishes what another began."""
