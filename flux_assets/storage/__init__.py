"""Where bytes lie: the store, its keys and tables; `sources/`: the shop's own files."""
