"""The float model in half the space, without a change: its weights came as 16-bit floats, so they are stored as
such, and made 32 bits wide when the model is loaded. It computes in 32 bits."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def store(source: Path, out: Path) -> Path:
    model = onnx.load(source)
    graph, casts = model.graph, []
    for constant in graph.initializer:
        wide = numpy_helper.to_array(constant)
        if wide.dtype != np.float32 or wide.size < 2:
            continue
        half = wide.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), wide):
            raise SystemExit(f"{constant.name} is not of 16-bit floats; it cannot be stored as such without a change")
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], name=f"wide_{name}", to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)
    return out
