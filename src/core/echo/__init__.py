"""The echo layer of voxgate."""
