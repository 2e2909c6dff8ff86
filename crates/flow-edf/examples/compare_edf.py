"""Holds what `read_edf` reads against edfio, pyedflib and MNE, on every file of a folder and on a nine-hour night.

Run: cargo build --release -p flow-edf --examples
     python compare_edf.py target/release/examples/read_edf FOLDER   (pip install edfio mne pyEDFlib)

edfio and pyedflib must give the same bits for every sample, MNE the same values to a few roundings; edfio
and MNE the same annotations. What differs for a known reason is listed with it; anything else ends with 1.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from importlib.metadata import version

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "golden"))
from readers import attempt, by_edfio, by_mne, by_pyedflib  # noqa: E402

KNOWN = {
    ("stagpoint/annotations.edf", "edfio annotations"): "6 are lost: its pattern stops at line breaks in texts",
    ("stagpoint/annotations.edf", "MNE annotations"): "6 are lost: its pattern stops at line breaks in texts",
    ("stagpoint/Invalid_DataRecord_Count.edf", "MNE"): "divides by no records",
    ("test_legacy.edf", "pyedflib"): "takes an annotation signal of a plain file for another",
}


def unsqueezed(signals):
    return [signal for signal in signals for _ in range(signal["times"])]


def same_annotations(ours, theirs):
    near = lambda key: abs(ours[key] - theirs[key]) <= 1e-9 * abs(theirs[key])
    return ours["count"] == theirs["count"] and ours["texts"] == theirs["texts"] and near("onsets") and near("durations")


def differences(path, ours):
    edfio, pyedflib, mne = (attempt(reader, path) for reader in (by_edfio, by_pyedflib, by_mne))
    bits = [(s["samples"], s["rate_hz"], s["bits"]) for s in ours["signals"]]
    if "error" in edfio:
        yield "edfio"
    else:
        if bits != [(s["samples"], s["rate_hz"], s["bits"]) for s in unsqueezed(edfio["signals"])]:
            yield "edfio values"
        if not same_annotations(ours["annotations"], edfio["annotations"]):
            yield "edfio annotations"
    if pyedflib.get("error") == "OSError":
        refused.append(path.name)
    elif not (pyedflib.get("agrees") and pyedflib["more"] == 0):
        yield "pyedflib"
    if "error" in mne:
        yield "MNE"
    else:
        for mine, other in zip(ours["signals"], unsqueezed(mne["signals"]), strict=True):
            if any(abs(mine[key] - other[key]) > 1e-14 * mine["extent"] for key in ("min", "max")):
                yield "MNE values"
        if not same_annotations(ours["annotations"], mne["annotations"]):
            yield "MNE annotations"


refused = []
binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with tempfile.TemporaryDirectory() as scratch:
    night = pathlib.Path(scratch) / "night.edf"
    lines = [json.loads(subprocess.check_output([binary, "--night", str(night)]))]
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".edf", ".bdf"))
    read = subprocess.check_output([binary, *map(str, paths)], text=True)
    lines += [json.loads(line) for line in read.splitlines()]
    wrong = known = 0
    for line in lines:
        path = pathlib.Path(line["file"])
        for what in differences(path, line):
            reason = next((why for (end, which), why in KNOWN.items() if line["file"].endswith(end) and which == what), None)
            print(f"{path.name}: {what}: {reason or 'DIFFERS'}")
            known, wrong = known + bool(reason), wrong + (not reason)
    samples = sum(signal["samples"] for line in lines for signal in line["signals"])
    annotations = sum(line["annotations"]["count"] for line in lines)
tools = ", ".join(f"{name} {version(name)}" for name in ("edfio", "mne", "pyEDFlib"))
print(f"{len(lines)} files (one of them a nine-hour night), {samples} samples, {annotations} annotations; {tools}")
print(f"{wrong} differences, {known} known ones; pyedflib refuses {len(refused)} files that break the standard")
sys.exit(wrong > 0)
