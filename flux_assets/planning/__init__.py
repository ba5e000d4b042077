"""What a refresh buys, why, and what it costs; free, since nothing that sends is loaded."""
