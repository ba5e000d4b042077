"""A product's own photos: found, prepared for the image editor, and remembered."""
