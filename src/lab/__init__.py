"""The lab layer of voxgate."""
