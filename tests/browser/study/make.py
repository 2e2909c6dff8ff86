"""Makes the fixed numbers of the page: `relevance epsilon(….).parquet` and `history.parquet`.

Needs flow (its path is the argument), numpy and pyarrow. True stages are those of the study's simulated nights."""
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

flow = sys.argv[1]
STAGES = ["W", "N1", "N2", "N3", "R"]
# Which modality a stage is told by: EEG, EOG, EMG.
CARRIES = {"W": [2, 1, 3], "N1": [2, 3, 1], "N2": [4, 2, 1], "N3": [5, 1, 1], "R": [2, 4, 1.5]}
random = np.random.default_rng(7)

subprocess.run([flow, "run", "--quiet", "epochs", "nights"], check=True)
nights = json.loads(subprocess.run([flow, "show", "nights", "--json", "--rows", "99"], check=True, capture_output=True).stdout)
rows = []
for night in nights[0]["first"]:
    name = night["recording"]
    subprocess.run([flow, "export", f"epochs[recording={name}].epochs", "--to", "npz", "--out", "/tmp/e.npz", "--force"], check=True, capture_output=True)
    epochs = np.load("/tmp/e.npz")
    for index, (stage, onset) in enumerate(zip(epochs["stage"], epochs["onset"])):
        truth = STAGES[stage]
        predicted = truth if random.random() < 0.75 else STAGES[random.integers(5)]
        weights = np.array(CARRIES[predicted], float) * np.exp(random.normal(0, 0.25, 3))
        weights[0] *= 1 + 0.01 * (night["age"] - 45)
        weights[2] *= 1.4 if night["medication"] == "temazepam" else 1
        rows.append((name, night["subject"], index, float(onset), truth, predicted, weights))
for epsilon, power in [("0.01", 1.0), ("1", 1.3), ("100", 2.0)]:
    absolute = np.array([row[6] ** power for row in rows]) * (1e-19 if epsilon == "100" else 1.0)
    columns = {name: [row[at] for row in rows] for at, name in enumerate(["recording", "subject", "epoch", "onset", "true", "predicted"])}
    for channel, modality in enumerate(["EEG", "EOG", "EMG"]):
        columns[f"absolute_{modality}"] = absolute[:, channel]
    for channel, modality in enumerate(["EEG", "EOG", "EMG"]):
        columns[f"signed_{modality}"] = absolute[:, channel] * [0.5, 0.2, -0.1][channel]
    pq.write_table(pa.table(columns), f"relevance epsilon({epsilon}).parquet", compression="zstd")
number = np.arange(1, 13)
loss = 1.6 * np.exp(-number / 6)
history = dict(loss=loss, accuracy=1 - loss / 2, validation_loss=loss + 0.2 + 0.02 * (number % 3), validation_accuracy=0.95 - loss / 2, best=number == 11)
pq.write_table(pa.table(history), "history.parquet", compression="snappy")
