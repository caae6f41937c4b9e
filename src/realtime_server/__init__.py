"""The realtime_server layer of voxgate."""
