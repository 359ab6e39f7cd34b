"""TensorFlow.js graph -> ONNX, through tf2onnx."""

import subprocess
import sys
from pathlib import Path

OPSET = 13


def convert(tfjs_json: Path, out: Path) -> Path:
    """Converts `tfjs_json` (with its .bin beside it) to the ONNX file `out`."""
    subprocess.run(
        [sys.executable, "-m", "tf2onnx.convert", "--tfjs", str(tfjs_json),
         "--opset", str(OPSET), "--output", str(out)],
        check=True,
    )
    return out
