"""Float model -> u8 activations and 7-bit weights, as the other recipe does for CPUs (see there why 7).

Only what the convolutions and their additions do: what makes boxes of their answers, and removes
duplicates, stays in float.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from .convert import INPUT
from .picture import tensor


class Pictures(CalibrationDataReader):
    def __init__(self, pictures):
        self.feeds = iter([{INPUT: tensor(picture)} for picture in pictures])

    def get_next(self):
        return next(self.feeds, None)


def quantise(source: Path, out: Path, pictures) -> Path:
    quantize_static(
        str(source), str(out), Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
        reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "Clip", "Add"], calibrate_method=CalibrationMethod.MinMax,
        extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
    )
    model = onnx.load(out)
    order_nodes(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return out


def needs(node) -> set[str]:
    """Tensors that a node reads, also those that the body of a loop takes from outside."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                names |= needs(inner)
    return names


def order_nodes(graph) -> None:
    """Each node behind those it reads from: the quantizer forgets what loops take from outside."""
    made = {output for node in graph.node for output in node.output}
    known, waiting, ordered = set(), list(graph.node), []
    while waiting:
        ready = [node for node in waiting if not (needs(node) & made) - known]
        if not ready:
            raise SystemExit("the nodes of the quantised model depend on each other in a circle")
        # All that is ready at once: the order does not hang on the quantizer's.
        ordered += ready
        known.update(output for node in ready for output in node.output)
        waiting = [node for node in waiting if not any(node is it for it in ready)]
    del graph.node[:]
    graph.node.extend(ordered)
