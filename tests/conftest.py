"""How hard the property tests look: quickly in `make check`, thoroughly elsewhere."""

import os

from hypothesis import settings

for name, examples in {"quick": 60, "thorough": 500, "nightly": 10_000}.items():
    settings.register_profile(name, max_examples=examples, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
