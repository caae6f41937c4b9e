"""The core layer of voxgate."""
