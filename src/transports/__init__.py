"""The transports layer of voxgate."""
