"""Reads the night that `bench_edf.rs` wrote with pyedflib, edfio and MNE; one JSON line each.

Run: python bench_edf.py night.edf   (pip install edfio mne pyEDFlib)
"""

import json
import resource
import sys
import time
import warnings

import edfio
import mne
import pyedflib

warnings.simplefilter("ignore")
mne.set_log_level("ERROR")
CHANNELS = ["EEG Fpz-Cz", "EOG horizontal", "EMG submental"]
ROUNDS = 15


def by_pyedflib(path):
    file = pyedflib.EdfReader(path)
    labels = file.getSignalLabels()
    values = [file.readSignal(labels.index(label)) for label in CHANNELS]
    file.close()
    return sum(len(value) for value in values)


def by_edfio(path):
    file = edfio.read_edf(path)
    return sum(len(file.get_signal(label).data) for label in CHANNELS)


def by_mne(path):
    raw = mne.io.read_raw_edf(path, include=CHANNELS, preload=True)
    return raw._data.size


for reader in (by_pyedflib, by_edfio, by_mne):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        samples = reader(sys.argv[1])
        best = min(best, time.perf_counter() - start)
    print(
        json.dumps(
            {
                "what": f"{reader.__name__[3:]}: open, read 3 channels, f64",
                "batch": samples // len(CHANNELS),
                "threads": 1,
                "samples_per_s": round(samples / best),
                "ms": round(best * 1e3, 3),
                "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )
