"""The converted graph -> the float model of this package.

* height and width of the input become dynamic;
* the explicit Pad nodes become attributes of the Conv or MaxPool behind them
  (MaxPool pads with -inf by definition, so the -inf constant, which would ruin
  a quantised graph, is gone);
* the class head is cut to the person class, and the head convolution of each
  stride is parted in one for the score and one for the box distributions, so
  that each has its own range when quantised;
* input and outputs get clear names.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

CLASSES = 80
PERSON = 0
BINS = 11
SIDES = 4
INPUT = "image"


def _initialisers(graph):
    return {i.name: numpy_helper.to_array(i) for i in graph.initializer}


def _producer(graph, tensor):
    return next(n for n in graph.node if tensor in n.output)


def _consumers(graph, tensor):
    return [n for n in graph.node if tensor in n.input]


def _attribute(node, name):
    return next((a for a in node.attribute if a.name == name), None)


def fold_pads(graph) -> int:
    """Moves every Pad into the Conv or MaxPool that follows it."""
    values = _initialisers(graph)
    folded = 0
    for pad in [n for n in graph.node if n.op_type == "Pad"]:
        amounts = values[pad.input[1]].tolist()
        constant = float(values[pad.input[2]]) if len(pad.input) > 2 and pad.input[2] else 0.0
        users = _consumers(graph, pad.output[0])
        assert amounts[:2] == [0, 0] and amounts[4:6] == [0, 0], pad.name
        for user in users:
            expected = {"Conv": 0.0, "MaxPool": float("-inf")}[user.op_type]
            assert constant == expected, (pad.name, user.op_type, constant)
            old = _attribute(user, "pads")
            if old is not None:
                assert not any(old.ints), user.name
                user.attribute.remove(old)
            auto = _attribute(user, "auto_pad")
            if auto is not None:
                assert auto.s in (b"VALID", b"NOTSET"), user.name
                user.attribute.remove(auto)
            user.attribute.append(helper.make_attribute("pads", amounts[2:4] + amounts[6:8]))
            user.input[0] = pad.input[0]
        graph.node.remove(pad)
        folded += 1
    return folded


def _add_constant(graph, name, array):
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


# stride -> (scores, boxes) in the converted graph, as their lengths show:
# 2704, 676 and 169 cells at 416x416.
SOURCE_OUTPUTS = {
    8: ("Identity:0", "Identity_3:0"),
    16: ("Identity_1:0", "Identity_4:0"),
    32: ("Identity_2:0", "Identity_5:0"),
}


def cut_heads(graph) -> None:
    """Replaces the three heads (Conv, Split, Sigmoid, Reshape, Transpose) by
    person-only ones with the outputs scores_<stride> and boxes_<stride>."""
    values = _initialisers(graph)
    shape = {
        "scores": _add_constant(graph, "shape_scores", np.array([1, 1, -1], np.int64)),
        "boxes": _add_constant(graph, "shape_boxes", np.array([1, SIDES * BINS, -1], np.int64)),
    }
    outputs = []
    for stride, (scores, _boxes) in SOURCE_OUTPUTS.items():
        transpose = _producer(graph, scores)
        reshape = _producer(graph, transpose.input[0])
        sigmoid = _producer(graph, reshape.input[0])
        assert sigmoid.op_type == "Sigmoid", sigmoid.op_type
        split = _producer(graph, sigmoid.input[0])
        assert values[split.input[1]].tolist() == [CLASSES, SIDES * BINS]
        conv = _producer(graph, split.input[0])
        assert conv.op_type == "Conv"
        weight, bias = values[conv.input[1]], values[conv.input[2]]
        assert weight.shape[0] == CLASSES + SIDES * BINS
        for kind, channels in (("scores", slice(PERSON, PERSON + 1)), ("boxes", slice(CLASSES, None))):
            name = f"{kind}_{stride}"
            node = helper.make_node(
                "Conv",
                [conv.input[0],
                 _add_constant(graph, f"head_{name}_weight", weight[channels]),
                 _add_constant(graph, f"head_{name}_bias", bias[channels])],
                [f"head_{name}"], name=f"head_{name}",
            )
            node.attribute.extend(conv.attribute)
            graph.node.append(node)
            tensor = f"head_{name}"
            if kind == "scores":
                graph.node.append(helper.make_node("Sigmoid", [tensor], [f"sigmoid_{name}"], name=f"sigmoid_{name}"))
                tensor = f"sigmoid_{name}"
            graph.node.append(helper.make_node("Reshape", [tensor, shape[kind]], [f"flat_{name}"], name=f"flat_{name}"))
            graph.node.append(helper.make_node("Transpose", [f"flat_{name}"], [name], name=name, perm=[0, 2, 1]))
            width = 1 if kind == "scores" else SIDES * BINS
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, f"cells_{stride}", width]))
    del graph.output[:]
    graph.output.extend(sorted(outputs, key=lambda o: (o.name.split("_")[0] != "scores", int(o.name.split("_")[1]))))


def order_nodes(graph) -> None:
    """Keeps the nodes and constants that lead to an output, ordered by a walk from
    the outputs: tf2onnx gives another order in every run."""
    producer = {o: n for n in graph.node for o in n.output}
    ordered, done = [], set()

    def visit(tensor):
        node = producer.get(tensor)
        if node is None or id(node) in done:
            return
        done.add(id(node))
        for source in node.input:
            visit(source)
        ordered.append(node)

    for output in graph.output:
        visit(output.name)
    needed = {i for n in ordered for i in n.input}
    constants = [i for i in graph.initializer if i.name in needed]
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in ordered]
    for node in copies:
        attributes = sorted(node.attribute, key=lambda a: a.name)
        del node.attribute[:]
        node.attribute.extend(attributes)
    del graph.node[:]
    graph.node.extend(copies)
    del graph.initializer[:]
    graph.initializer.extend(constants)
    del graph.value_info[:]


def plain_names(graph) -> None:
    """conv_0, leakyrelu_0, ... instead of the names three converters left."""
    rename, count = {graph.input[0].name: INPUT}, {}
    fixed = {o.name for o in graph.output}
    for node in graph.node:
        kind = node.op_type.lower()
        if not node.name.startswith(("head_", "sigmoid_", "flat_", "scores_", "boxes_")):
            node.name = f"{kind}_{count.setdefault(kind, 0)}"
            count[kind] += 1
        if len(node.output) == 1 and node.output[0] not in fixed:
            rename[node.output[0]] = node.name
        if node.op_type == "Conv" and not node.name.startswith("head_"):
            rename[node.input[1]] = f"{node.name}_weight"
            if len(node.input) > 2:
                rename[node.input[2]] = f"{node.name}_bias"
    constants = {i.name for i in graph.initializer}
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in constants:
                rename.setdefault(name, f"{node.name}_constant_{position}")
    for node in graph.node:
        node.input[:] = [rename.get(i, i) for i in node.input]
        node.output[:] = [rename.get(o, o) for o in node.output]
    for constant in graph.initializer:
        constant.name = rename.get(constant.name, constant.name)
    sorted_constants = sorted((onnx.TensorProto.FromString(i.SerializeToString()) for i in graph.initializer),
                              key=lambda i: i.name)
    del graph.initializer[:]
    graph.initializer.extend(sorted_constants)


def prepare(raw: Path, out: Path) -> Path:
    model = onnx.load(raw)
    graph = model.graph
    graph.name = "nanodet-g"
    folded = fold_pads(graph)
    cut_heads(graph)
    order_nodes(graph)
    plain_names(graph)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, "height", "width"]))
    model.producer_name, model.producer_version = "standclear-recipe", "1"
    # tf2onnx declares ai.onnx.ml too, which nothing here uses.
    kept = [o for o in model.opset_import if o.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)
    print(f"prepared: {folded} Pad nodes folded, {len(graph.node)} nodes")
    return out


def check_against_source(raw: Path, prepared: Path, work: Path) -> None:
    """The prepared model has to say what the converted one says, at any shape."""
    model = onnx.load(raw)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[2].dim_param, dims[3].dim_param = "height", "width"
    onnx.save(model, work / "dynamic.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    before = ort.InferenceSession(str(work / "dynamic.onnx"), options)
    after = ort.InferenceSession(str(prepared), options)
    rng = np.random.default_rng(3)
    for height, width in [(416, 416), (480, 640), (384, 640), (256, 416), (736, 1280)]:
        feed = rng.standard_normal((1, 3, height, width), np.float32)
        for stride, (scores, boxes) in SOURCE_OUTPUTS.items():
            a = before.run([scores, boxes], {before.get_inputs()[0].name: feed})
            b = after.run([f"scores_{stride}", f"boxes_{stride}"], {INPUT: feed})
            assert b[0].shape == (1, (height // stride) * (width // stride), 1), b[0].shape
            np.testing.assert_allclose(b[0], a[0][..., PERSON:PERSON + 1], atol=1e-5)
            np.testing.assert_allclose(b[1], a[1], atol=1e-3)
    print("prepared model equals the converted one at every shape")
