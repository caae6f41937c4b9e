"""The providers layer of voxgate."""
