"""What tells the caller's speech from everything else on a line, with no reference to help."""
