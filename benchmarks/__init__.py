"""What voxgate costs: time per frame and memory per call, held against their limits."""
