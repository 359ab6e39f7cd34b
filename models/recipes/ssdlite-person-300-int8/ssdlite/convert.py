"""TensorFlow graph -> ONNX with one size of input and clear names."""

import subprocess
import sys
from pathlib import Path

import onnx

OPSET = 13
SIDE = 300
INPUT = "image_tensor"
OUTPUTS = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]


def convert(graph: Path, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "tf2onnx.convert", "--graphdef", str(graph),
         "--inputs", f"{INPUT}:0[1,{SIDE},{SIDE},3]", "--outputs", ",".join(f"{o}:0" for o in OUTPUTS),
         "--opset", str(OPSET), "--output", str(out)],
        check=True,
    )
    model = onnx.load(out)
    rename(model.graph, {f"{name}:0": name for name in [INPUT, *OUTPUTS]})
    # tf2onnx writes there where the file lay: the package would tell of the machine that made it.
    model.graph.ClearField("doc_string")
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return out


def rename(graph, names: dict[str, str]) -> None:
    """Renames tensors, also where the bodies of loops use them."""
    for node in graph.node:
        for side in (node.input, node.output):
            for n, name in enumerate(side):
                side[n] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename(attribute.g, names)
    for value in [*graph.input, *graph.output, *graph.value_info]:
        value.name = names.get(value.name, value.name)
