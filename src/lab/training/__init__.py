"""Trains the network of the near-end detector, and tunes the thresholds on its verdicts.

Simulated calls -> what the network would see of each agent turn -> weights -> thresholds.
Everything random comes from seeds. Only the training of the weights itself needs PyTorch.
"""

from __future__ import annotations

__all__ = ["TrainingPlan", "TrainingReport", "run_training"]

from .training_run import TrainingPlan, TrainingReport, run_training
