#!/usr/bin/env python3
"""Estimates the constants of src/chain.rs from the 44 telemetry hypnograms and prints them as Rust.

    python3 estimate_chain.py st_stage_sequences.csv > chain_constants.rs

The CSV has a column `stages` with one string per night over W 1 2 3 R (3 holds R&K 3 and 4; movement, `?` and
unscored epochs left out, so a position is time only roughly) and a column `drug`. Printed are counts over all nights;
no night can be rebuilt from them.
"""
import csv
import sys
from collections import Counter
from itertools import groupby

STAGES = "W123R"
PARTS = [1 / 8, 3 / 8, 11 / 16, 1.0]  # ends of the parts of the night, fractions of the time after sleep onset
BINS = [1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 37, 49, 65, 90, 140]  # last epochs of the duration bins


def part_of(position, length):
    return next(i for i, end in enumerate(PARTS) if position < end * length or i == len(PARTS) - 1)


def bin_of(length):
    return next((i for i, end in enumerate(BINS) if length <= end), len(BINS) - 1)


def rust(name, doc, kind, rows):
    print(f"/// {doc}\npub(crate) const {name}: {kind} = {rows};\n".replace("'", ""))


def main(path):
    nights = list(csv.DictReader(open(path)))
    moves = [[[0] * 5 for _ in STAGES] for _ in PARTS]
    bouts = [[[0] * len(BINS) for _ in STAGES] for _ in PARTS]
    latency, final_wake = [0] * len(BINS), [0] * len(BINS)
    per_drug = {"Placebo": [Counter(), Counter(), 0], "Temazepam": [Counter(), Counter(), 0]}
    for night in nights:
        runs = [(stage, len(list(group))) for stage, group in groupby(night["stages"])]
        drug = per_drug[night["drug"]]
        drug[2] += 1
        if runs[0][0] == "W":
            latency[bin_of(runs.pop(0)[1])] += 1
        if runs[-1][0] == "W":
            final_wake[bin_of(runs.pop()[1])] += 1
        total, at = sum(length for _, length in runs), 0
        for i, (stage, length) in enumerate(runs):
            part, row = part_of(at, total), STAGES.index(stage)
            bouts[part][row][bin_of(length)] += 1
            if i + 1 < len(runs):
                moves[part][row][STAGES.index(runs[i + 1][0])] += 1
            drug[0][stage] += 1
            drug[1][stage] += length
            at += length
    rust("PART_ENDS", "Ends of the parts of the night, as fractions of the time after sleep onset.", "[f64; 4]", PARTS)
    rust("BIN_ENDS", "Last epoch of each duration bin; a bin starts after the one before. One wake bout of 175 epochs is in the last bin.", f"[u32; {len(BINS)}]", BINS)
    rust("MOVES", "Bouts of stage (row W 1 2 3 R) followed by stage (column), per part of the night.", "[[[u32; 5]; 5]; 4]", moves)
    rust("BOUTS", "Bouts per duration bin, per part of the night and stage W 1 2 3 R.", f"[[[u32; {len(BINS)}]; 5]; 4]", bouts)
    rust("LATENCY", "First wake bouts (lights off to first sleep) per duration bin.", f"[u32; {len(BINS)}]", latency)
    rust("FINAL_WAKE", "Last wake bouts per duration bin.", f"[u32; {len(BINS)}]", final_wake)
    for stage in STAGES:
        said = [f"{d}: {c[0][stage] / c[2]:.1f} bouts a night of {c[1][stage] / c[0][stage]:.2f} epochs" for d, c in per_drug.items()]
        print(f"// {stage}: " + "; ".join(said))


main(sys.argv[1])
