"""What runs on a GPU gives the CPU's numbers, continues there bit for bit, waits for nothing, and how fast it is."""
