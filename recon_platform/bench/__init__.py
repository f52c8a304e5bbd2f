"""Benchmarks: each a function that returns figures and a thin printer; `recon bench` is their door."""
