"""Models of ChatTTS's exact layout with random weights, for tests and benchmarks."""
