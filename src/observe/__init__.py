"""The observe layer of voxgate."""
