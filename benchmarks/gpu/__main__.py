"""`python -m benchmarks.gpu [--device cuda] [--output FILE]`: all checks of this folder, in under 9 minutes.

Needs torch and what the methods, models and metrics import, neither Ray nor MLflow, and no network. Writes one JSON
file; ends with exit status 1 where a deviation is above its limit.
"""

import argparse
import json
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu import agree, steps

Check = Callable[[torch.device], Iterator[tuple[str, dict[str, Any]]]]
CHECKS: dict[str, Check] = {
    "methods": agree.methods,
    "models": agree.models,
    "corruptions": agree.corruptions,
    "metrics": agree.metrics,
    "resumes": steps.resumes,
    "waits": steps.waits,
    "times": steps.times,
}


def main() -> None:
    """Runs the checks and writes what they say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--device", default="cuda", help="cuda; cpu tries the checks themselves")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    parser.add_argument("--only", nargs="*", choices=list(CHECKS), default=list(CHECKS))
    chosen = parser.parse_args()
    if chosen.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: torch sees no GPU here; --device cpu tries the checks themselves")
    device = torch.device(chosen.device, 0) if chosen.device == "cuda" else torch.device(chosen.device)
    _reproducible()
    said: dict[str, Any] = {"machine": _machine(device)}
    for name in chosen.only:
        if name == "times":
            _quick()
        said[name] = {}
        for _ in _run(name, device, said[name]):
            chosen.output.write_text(json.dumps(said, indent=1) + "\n")
    wrong = [f"{check}: {name}" for check in chosen.only for name, each in said[check].items() if not _right(each)]
    print(f"{chosen.output}: {len(wrong)} above their limit{''.join(f'{chr(10)}  {each}' for each in wrong)}")
    sys.exit(1 if wrong else 0)


def _run(name: str, device: torch.device, said: dict[str, Any]) -> Iterator[None]:
    """Fills in what one check says, and yields after each of its parts; an error ends that check alone."""
    start = time.perf_counter()
    try:
        for key, value in CHECKS[name](device):
            said[key] = value
            print(f"{time.perf_counter() - start:6.1f} s  {name:11s} {key}: {value}", flush=True)
            yield
    except Exception as error:  # noqa: BLE001  the other checks say what they can
        said[f"after {list(said)[-1] if said else 'nothing'}"] = {"error": f"{type(error).__name__}: {error}"}
        traceback.print_exc()
        yield


def _right(each: dict[str, Any]) -> bool:
    return "error" not in each and each.get("value", 0.0) <= each.get("limit", 0.0)


def _reproducible() -> None:
    """Has the GPU compute as exactly as the CPU does, and the same each time."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True


def _quick() -> None:
    """Has the GPU compute as it does for a user, where times are measured."""
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.benchmark = True


def _machine(device: torch.device) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"device": name, "torch": torch.__version__, "python": platform.python_version()}


if __name__ == "__main__":
    main()
