"""The config layer of voxgate."""
