"""Everything in this folder needs torch: without it nothing here is collected, and CI's full environment runs it all."""

from __future__ import annotations

import importlib.util

HERE = importlib.util.find_spec("torch") is not None
collect_ignore_glob = [] if HERE else ["test_*.py"]

if HERE:
    import torch

    torch.set_num_threads(1)  # tiny models: several threads wait for each other longer than they compute
