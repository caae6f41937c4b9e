"""What runs an engine as a process, and several of them on one port."""
