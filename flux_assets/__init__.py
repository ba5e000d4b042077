"""Turns product catalogs into pictures with the Flux 2 Max image API, inside Dagster."""
