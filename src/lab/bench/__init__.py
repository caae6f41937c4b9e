"""Compares gates on simulated calls: ``voxgate bench``.

Matrix of conditions -> simulated call -> every gate on the same call -> verdicts -> report.
``docs/bench.md`` describes the matrix and the gates.
"""
