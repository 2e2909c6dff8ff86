"""Records what edfio, pyedflib and MNE read from the sample recordings, as numbers and checksums alone.

Run:  python -m venv v && v/bin/pip install edfio==0.4.18 mne==1.13.2 pyEDFlib==0.1.42 numpy==2.4.6
      v/bin/python readers.py "$FLOW_SAMPLE_DATA" > readers.json

Per file and signal, annotation signals left out, in file order. edfio: samples, rate, and "bits", the
wrapping sum of bits(v[i]) * (2 i + 1) modulo 2^64 over the f64 bits of the physical values, which is equal
only if every value is. pyedflib: whether its bits are edfio's, and how many signals more it sees. MNE: sum, minimum and maximum, as its
formula rounds otherwise. Signals whose numbers are the same in a row are written once with "times". MNE's values are divided by its unit factor; it reads one sampling rate at a time, so nothing
is resampled. Annotations: their number, the sums of onsets and durations (none counts as 0), and the
same checksum over the UTF-8 bytes of all texts, each followed by a newline, sorted by (onset, duration
or -1, text).
"""

import json
import pathlib
import sys
import tempfile
import warnings

import edfio
import mne
import numpy as np
import pyedflib

warnings.simplefilter("ignore")
mne.set_log_level("ERROR")


def weighted(bits):
    odd = 2 * np.arange(len(bits), dtype=np.uint64) + np.uint64(1)
    return f"{int(np.sum(bits * odd, dtype=np.uint64)):016x}"


def bits(values):
    return weighted(np.ascontiguousarray(values, dtype=np.float64).view(np.uint64))


def listed(annotations):
    annotations = sorted(annotations, key=lambda a: (a[0], -1 if a[1] is None else a[1], a[2]))
    texts = "".join(text + "\n" for _, _, text in annotations).encode()
    return {
        "count": len(annotations),
        "onsets": float(sum(onset for onset, _, _ in annotations)),
        "durations": float(sum(duration or 0 for _, duration, _ in annotations)),
        "texts": weighted(np.frombuffer(texts, dtype=np.uint8).astype(np.uint64)),
    }


def squeezed(signals):
    found = []
    for signal in signals:
        if found and {**found[-1], "times": 0} == {**signal, "times": 0}:
            found[-1]["times"] += 1
        else:
            found.append({**signal, "times": 1})
    return found


def by_edfio(path):
    read = edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf
    file = read(path)
    annotations = [(a.onset, a.duration, a.text) for a in file.annotations]
    start = None
    try:
        start = file.startdatetime.isoformat()
    except Exception:
        pass
    signals = [
        {"samples": len(signal.data), "rate_hz": float(signal.sampling_frequency), "bits": bits(signal.data)}
        for signal in file.signals
    ]
    return {
        "start": start,
        "signals": squeezed(signals),
        "annotations": listed(annotations),
    }


def by_pyedflib(path):
    file = pyedflib.EdfReader(str(path))
    signals = [bits(file.readSignal(place)) for place in range(file.signals_in_file)]
    file.close()
    read = edfio.read_bdf if path.suffix == ".bdf" else edfio.read_edf
    others = [bits(signal.data) for signal in read(path).signals]
    return {"agrees": signals[: len(others)] == others, "more": len(signals) - len(others)}


def by_mne(path):
    read = mne.io.read_raw_bdf if path.suffix == ".bdf" else mne.io.read_raw_edf
    bytes_ = path.read_bytes()
    count = int(bytes_[252:256])
    at = 256 + 216 * count
    rates = [int(bytes_[at + 8 * i : at + 8 * i + 8]) for i in range(count)]
    labels = [bytes_[256 + 16 * i : 272 + 16 * i].decode("latin-1").strip() for i in range(count)]
    kept = [i for i in range(count) if labels[i] not in ("EDF Annotations", "BDF Annotations")]
    found = {}
    for rate in sorted({rates[i] for i in kept}):
        of_rate = [i for i in kept if rates[i] == rate]
        others = sorted({labels[i] for i in range(count) if i not in of_rate})
        if any(labels[i] in others for i in of_rate):
            return {"error": "one label at two rates"}
        raw = read(path, stim_channel=False, exclude=others, preload=True)
        units = raw._raw_extras[0]["units"]
        for row, place in enumerate(of_rate):
            values = raw._data[row] / units[row]
            extremes = {"min": float(values.min()), "max": float(values.max())}
            found[place] = {"sum": float(values.sum())} | extremes
    with tempfile.TemporaryDirectory() as folder:  # MNE insists on a suffix in lower case
        alias = pathlib.Path(folder) / ("alias" + path.suffix.lower())
        alias.symlink_to(path.absolute())
        annotations = mne.read_annotations(alias)
    listed_ = listed([(float(a["onset"]), float(a["duration"]), str(a["description"])) for a in annotations])
    return {"signals": squeezed([found[place] for place in kept]), "annotations": listed_}


def attempt(reader, path):
    try:
        return reader(path)
    except BaseException as error:
        return {"error": f"{type(error).__name__}"}


def main(folder):
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (".edf", ".bdf")
    ]
    print("{")
    for path in paths:
        found = {reader.__name__[3:]: attempt(reader, path) for reader in (by_edfio, by_pyedflib, by_mne)}
        end = "," if path != paths[-1] else ""
        print(json.dumps(path.relative_to(folder).as_posix()) + ": " + json.dumps(found) + end)
    print("}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
