"""Readers and a writer of corruption benchmarks in their published layouts."""
