"""Networks side by side: what each would say alone."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.echo.recurrent_network import RecurrentNetwork, packaged_weights
from voxgate.core.guard.frame_features import FEATURE_COUNT
from voxgate.core.guard.joint_networks import JointNetworks, JointWeights
from voxgate.core.guard.speech_evidence import AverageNetwork, packaged_speech_weights

ROWS = np.random.default_rng(1).standard_normal((200, FEATURE_COUNT)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2])
def test_side_by_side_they_say_what_each_says_alone(count: int) -> None:
    """To the bit, frame after frame: two calls that share the weights do not share a state."""
    weights = packaged_speech_weights()[:count]
    joint_weights = JointWeights(weights)
    one_call, other_call = JointNetworks(joint_weights), JointNetworks(joint_weights)
    alone = [AverageNetwork([RecurrentNetwork(each) for each in weights]) for _ in range(2)]
    for row in ROWS:
        assert one_call.process(row) == alone[0].process(row)
        assert other_call.process(-row) == alone[1].process(-row)


def test_networks_of_several_shapes_are_refused() -> None:
    """Nothing of them fits together; and of none there is no average."""
    with pytest.raises(ValueError, match="not of one shape"):
        JointWeights((*packaged_speech_weights(), packaged_weights()))
    with pytest.raises(ValueError, match="0 networks"):
        JointWeights(())
