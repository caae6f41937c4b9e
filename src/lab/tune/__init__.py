"""Proposes thresholds from an operator's own recordings: ``voxgate tune``.

Folder -> calls -> labels, given or found -> search on some of the calls -> check on the others ->
proposal, or why there is none. ``docs/tune.md`` is the public description.
"""
