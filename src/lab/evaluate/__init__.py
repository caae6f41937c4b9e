"""Judges the gate on recordings with a reference: ``voxgate evaluate``.

Manifest -> recording -> the gate as the engine runs it -> verdicts -> summary. ``docs/evaluate.md``
is the public description of the format and of what counts as what.
"""
