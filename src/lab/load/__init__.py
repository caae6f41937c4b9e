"""The load tool: many callers at once, a server that stamps what it gets, and what came of both.

Scripts, sounds, matching and figures are pure; callers, servers and processes are thin shells around
them.
"""
