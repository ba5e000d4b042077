"""The Dagster shell: assets, checks, sensors, resources and executors over the core."""
