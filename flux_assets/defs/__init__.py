"""The Dagster shell: assets, resources and jobs over the core."""
