"""The review server: people look at the pictures, and decide. It runs without Dagster."""
