"""What must be right before pictures are bought, and the first one bought to learn the rest."""
