"""Share of power between two frequencies, for each epoch of a recording: mean for each stage."""

import csv
import json
import sys

import numpy


def tensors(path):
    """The tensors of a safetensors file: a length, a JSON header, then the bytes."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    kinds = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "I8": "i1"}
    found = {}
    for name, about in header.items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            flat = numpy.frombuffer(data[begin:end], kinds[about["dtype"]])
            found[name] = flat.reshape(about["shape"])
    return found


def kept_stages(parquet, csv_file):
    """Stage of every kept epoch: of the Parquet table where something here reads it, else of the CSV."""
    try:
        from pyarrow.parquet import read_table
    except ImportError:
        print("no pyarrow here: the stages are read from CSV")
        with open(csv_file) as file:
            return [row["stage"] for row in csv.DictReader(file) if row["kept"] == "true"]
    print("the stages are read from Parquet")
    table = read_table(parquet, columns=["stage", "kept"]).to_pydict()
    return [stage for stage, kept in zip(table["stage"], table["kept"]) if kept]


epochs_path, table_path, stages_path, out_path = sys.argv[1:]
with open("flow.json") as file:
    params = json.load(file)["params"]

signals = tensors(epochs_path)["x"][:, 0, :].astype(float)  # [epoch, time] of the first channel
power = numpy.abs(numpy.fft.rfft(signals - signals.mean(axis=1, keepdims=True))) ** 2
hertz = numpy.fft.rfftfreq(signals.shape[1], 1 / params["rate_hz"])
within = (hertz >= params["low_hz"]) & (hertz < params["high_hz"])
share = power[:, within].sum(axis=1) / power.sum(axis=1)

stages = numpy.array(kept_stages(table_path, stages_path))
print(f"{len(share)} epochs, {len(stages)} kept stages")

with open(out_path, "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["stage", "epochs", "share"])
    for stage in sorted(set(stages)):
        mine = share[stages == stage]
        table.writerow([stage, len(mine), f"{mine.mean():.6f}"])
