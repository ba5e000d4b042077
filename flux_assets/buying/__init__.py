"""One request's way from claim to stored picture, and many at once."""
