"""What Starflock costs, measured: see docs/benchmarks.md."""
