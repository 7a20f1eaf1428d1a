"""Everything in this folder needs torch: without it nothing here is collected, and CI's full environment runs it all.

Where `WORDBRUSH_FULL` says that torch is meant to be here, its absence fails the run instead of emptying it.
"""

from __future__ import annotations

import importlib.util
import os

HERE = importlib.util.find_spec("torch") is not None
if os.environ.get("WORDBRUSH_FULL") and not HERE:
    raise ModuleNotFoundError("WORDBRUSH_FULL is set, and torch is not installed", name="torch")
collect_ignore_glob = [] if HERE else ["test_*.py"]

if HERE:
    import torch

    torch.set_num_threads(1)  # tiny models: several threads wait for each other longer than they compute
