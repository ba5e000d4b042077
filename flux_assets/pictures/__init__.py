"""What a picture is: bytes, preview, lineage, likeness; `photos/`: the product's own photo."""
