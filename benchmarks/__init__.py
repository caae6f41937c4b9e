"""What voxgate costs: time per frame, delay and memory per call, held against their limits."""
