"""Shots, templates and overrides: one image request for each product and shot."""
