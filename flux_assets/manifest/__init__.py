"""What is shown of each product and shot, what is missing, and whether the store agrees."""
