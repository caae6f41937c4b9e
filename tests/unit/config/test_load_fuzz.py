"""Whatever file and environment hold: a configuration, or an error that says what is wrong."""

from __future__ import annotations

import json
from collections import Counter

from support.config_fuzz import ConfigFuzz
from voxgate.config.advice import config_warnings
from voxgate.config.load import parse_config
from voxgate.config.model_tree import changed_keys, to_tree
from voxgate.errors import ConfigError

FUZZ_INPUTS = 500
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""


def fuzzed(n_inputs: int, seed: int) -> Counter[str]:
    """Load documents and environments with something wrong in them; return what came of it.

    A configuration that is taken is whole: written out and read again, it is the same. What
    ``check-config`` and ``serve`` say of it next can be said, too.
    """
    fuzz, kinds = ConfigFuzz(seed), Counter[str]()
    for _ in range(n_inputs):
        text, environ = fuzz.next()
        try:
            config = parse_config(text, "a.yaml", environ).config
        except ConfigError as error:
            kinds["refused" if _is_complete(error) else "refused without a reason"] += 1
            continue
        kinds["taken"] += 1
        written = json.dumps(to_tree(config))
        assert parse_config(written, "again.yaml", {}).config == config
        assert all(map(str, config_warnings(config, environ)))
        changed_keys(config)
    return kinds


def _is_complete(error: ConfigError) -> bool:
    return bool(str(error)) and all(problem.key and problem.rule for problem in error.problems)


def test_a_configuration_comes_back_whole_or_is_refused() -> None:
    """Keys and values swapped, cut and doubled; tags, aliases, merges and deep nesting; variables
    with names and values that nobody meant."""
    kinds = fuzzed(FUZZ_INPUTS, seed=5)

    assert kinds["taken"] + kinds["refused"] == FUZZ_INPUTS
    assert min(kinds["taken"], kinds["refused"]) > FUZZ_INPUTS // 20
