"""Slipway beside other inference engines, on the same machine in the same run: see docs/benchmarks.md."""
