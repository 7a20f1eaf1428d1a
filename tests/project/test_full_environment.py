"""With torch and diffusers installed: they import together, and nothing of ours loads them behind a user's back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.diffusion, pytest.mark.timeout(300)]


def python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_diffusion_extra_imports_as_a_whole(tmp_path: Path) -> None:
    code = "import torch, torchvision, diffusers, transformers, accelerate, controlnet_aux\nfrom diffusers import StableDiffusionXLControlNetPipeline\nprint(torch.__version__)"
    assert python(code, tmp_path).strip()


def test_painting_never_loads_torch(tmp_path: Path) -> None:
    code = "import sys\nfrom bot.__main__ import main\nassert main(['paint', '学习', '--out', 'a.png', '--width', '512', '--height', '512', '--json']) == 0\nassert 'torch' not in sys.modules"
    assert json.loads(python(code, tmp_path))["engine"] == "painter"


def test_the_bots_own_modules_never_load_torch(tmp_path: Path) -> None:
    assert python("import sys, bot.app, bot.neighbour\nprint('torch' in sys.modules)", tmp_path).strip() == "False"


def test_doctor_works_beside_torch(tmp_path: Path) -> None:
    code = "import sys\nfrom bot.__main__ import main\nsys.exit(main(['doctor', '--json']))"
    findings = json.loads(python(code, tmp_path))["findings"]
    assert all(finding["state"] != "broken" for finding in findings)
