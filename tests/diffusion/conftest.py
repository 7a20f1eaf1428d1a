"""Everything in this folder needs torch: without it nothing here is collected, and CI's full environment runs it all."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]
