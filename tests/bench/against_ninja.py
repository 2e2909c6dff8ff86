#!/usr/bin/env python3
"""Builds the same DAGs with `flow` and with ninja, in one run, and prints times and ratios as JSON lines.

usage: against_ninja.py [--flow PATH] [--only fan-1000,chain-500,…] [--repeat 5] [--folder DIR]

    fan N     seed.txt → root → N × (root, in/i.txt) → join: N + 2 tasks, each a line for `sh -c`
    chain N   seed.txt → first 4 bytes → N - 1 × copy; an edit after byte 4 changes nothing downstream
    big       one source of 2 GiB, against `b3sum`

`cold` starts with no result, in a folder of its own each time, for nothing may be removed before it: ext4
without a journal passes over inodes freed in the last minutes one by one, and would charge one run for what
was cleared up after another. `noop` with all of them, `edit` after one source changed, `touch` after its
time did. Seconds are medians of wall clock; `rss_mb` is the largest single process, never less than this
script's own (`rss_floor_mb`), because the kernel counts from before `exec`. ninja looks at time stamps,
flow at contents. `spin_ms` is the time of a fixed computation before and after the runs: compare seconds only
where it is the same. Run it alone on the machine; needs `ninja` and `b3sum` from the system's packages.
"""
import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FLOW = os.path.join(HERE, "..", "..", "target", "release", "flow")
SCENARIOS = ["fan-1000", "fan-10000", "fan-100000", "chain-500", "big"]
GIB = 1 << 30


def measured(argv, folder):
    """Runs a command; seconds, the largest process's MB, and what it said."""
    with tempfile.TemporaryFile() as words:
        begin = time.monotonic()
        child = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        said = words.read().decode(errors="replace")
    if child.returncode != 0:
        sys.exit(f"{' '.join(argv)} in {folder} ended with {child.returncode}:\n{said[-2000:]}")
    return seconds, usage.ru_maxrss / 1000, said


def spin():
    """Milliseconds of a fixed computation: how fast the machine is just now, for machines that share their cores."""
    begin = time.monotonic()
    sum(i * i for i in range(500_000))
    return round((time.monotonic() - begin) * 1000, 1)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def commands(scenario, n):
    """The tasks of a scenario for ninja: inputs, output, shell line."""
    if scenario == "fan":
        yield ["seed.txt"], "root.txt", "cp seed.txt root.txt"
        for i in range(n):
            yield ["root.txt", f"in/{i}.txt"], f"out/{i}.txt", f"cat root.txt in/{i}.txt > out/{i}.txt"
        yield [f"out/{i}.txt" for i in range(n)], "join.txt", "ls out | wc -l > join.txt && find out -name '*.txt' | xargs cat >> join.txt"
    else:
        yield ["seed.txt"], "c/1.txt", "head -c 4 seed.txt > c/1.txt"
        for i in range(2, n + 1):
            yield [f"c/{i - 1}.txt"], f"c/{i}.txt", f"cp c/{i - 1}.txt c/{i}.txt"


def study(scenario, n):
    """The same tasks for flow; each link of the chain names its file, else all would be one result."""
    node = '\n[node.{}]\nkind = "command"\n{}inputs = {{ {} }}\nshell = "{}"\noutputs = {{ out = "{}.txt" }}\n'.format
    text = '[study]\nname = "bench"\n'
    if scenario == "fan":
        text += node("root", "", 'seed = { file = "seed.txt" }', "cp {seed} {out}", "root")
        each = f'for_each = {{ i = "0..{n}" }}\n'
        text += node("leaf", each, 'root = "root.out", own = { file = "in/$i.txt" }', "cat {root} {own} > {out}", "leaf")
        text += node("join", "", 'leaves = "leaf.out"', "ls leaves | wc -l > {out} && find leaves -mindepth 1 | xargs cat >> {out}", "join")
        return text + 'publish = { out = "join.txt" }\n'
    text += node("c_1", "", 'seed = { file = "seed.txt" }', "head -c 4 {seed} > {out}", 1)
    for i in range(2, n + 1):
        text += node(f"c_{i}", "", f'before = "c_{i - 1}.out"', "cp {before} {out}", i)
    return text + 'publish = { out = "last.txt" }\n'


def sources(scenario, n, folder):
    write(f"{folder}/seed.txt", "seed 0\n")
    if scenario == "fan":
        for i in range(n):
            write(f"{folder}/in/{i}.txt", f"leaf {i}\n")


class Flow:
    name = "flow"

    def __init__(self, path):
        self.argv = [path, "run", "--jobs", "2"]

    def lay(self, scenario, n, folder):
        write(f"{folder}/pipeline.toml", study(scenario, n))

    def forget(self, folder):
        shutil.rmtree(f"{folder}/cache", ignore_errors=True)
        shutil.rmtree(f"{folder}/reports", ignore_errors=True)

    def ran(self, said):
        return int(re.search(r"(\d+) ran, ", said).group(1))

    def result(self, scenario, n, folder):
        return f"{folder}/reports/{'join' if scenario == 'fan' else 'last'}.txt"


class Ninja:
    name = "ninja"
    argv = ["ninja", "-j2"]

    def lay(self, scenario, n, folder):
        text = "rule sh\n  command = $cmd\n  restat = 1\n"
        for inputs, output, line in commands(scenario, n):
            os.makedirs(os.path.dirname(f"{folder}/{output}"), exist_ok=True)
            text += f"build {output}: sh {' '.join(inputs)}\n  cmd = {line}\n"
        write(f"{folder}/build.ninja", text)

    def ran(self, said):
        done = re.findall(r"\[(\d+)/\d+\]", said)
        return int(done[-1]) if done else 0

    def result(self, scenario, n, folder):
        return f"{folder}/join.txt" if scenario == "fan" else f"{folder}/c/{n}.txt"


def edit(scenario, n, folder, turn):
    """Changes one source: a leaf's, or the end of the chain's seed."""
    if scenario == "fan":
        write(f"{folder}/in/{(n // 2 + turn) % n}.txt", f"changed {turn}\n")
    else:
        write(f"{folder}/seed.txt", f"seed {turn + 1}\n")


def phase(tool, folder, times, prepare=lambda turn: None):
    runs, before = [], spin()
    for turn in range(times):
        prepare(turn)
        runs.append(measured(tool.argv, folder))
    return row(tool, runs) | {"spin_ms": [before, spin()]}


def row(tool, runs):
    return {
        "seconds": round(statistics.median(seconds for seconds, _, _ in runs), 5),
        "rss_mb": round(max(rss for _, rss, _ in runs), 1),
        "ran": sorted({tool.ran(said) for _, _, said in runs}),
    }


def laid(tool, scenario, n, folder):
    os.makedirs(folder)
    sources(scenario, n, folder)
    tool.lay(scenario, n, folder)
    return folder


def against_ninja(scenario, n, flow, root, repeat):
    tools = (Ninja(), Flow(flow))
    colds = max(1, min(repeat, 5_000 // n))
    folders = {tool.name: [laid(tool, scenario, n, f"{root}/{tool.name}-{scenario}-{n}-{turn}") for turn in range(colds)] for tool in tools}
    runs = {tool.name: [] for tool in tools}
    for turn in range(colds):
        for tool in tools:
            runs[tool.name].append(measured(tool.argv, folders[tool.name][turn]))
    rows, results = {}, {}
    for tool in tools:
        folder = folders[tool.name][0]
        measured(tool.argv, folder)
        rows[tool.name] = {
            "cold": row(tool, runs[tool.name]),
            "noop": phase(tool, folder, repeat),
            "edit": phase(tool, folder, repeat, lambda turn: edit(scenario, n, folder, turn)),
        }
        with open(tool.result(scenario, n, folder)) as file:
            results[tool.name] = file.read()
    same = sorted(results["flow"].split()) == sorted(results["ninja"].split())
    for name in ("cold", "noop", "edit"):
        ninja, own = rows["ninja"][name], rows["flow"][name]
        say(
            scenario=scenario,
            tasks=n + 2 if scenario == "fan" else n,
            phase=name,
            ninja=ninja,
            flow=own,
            time_ratio=round(own["seconds"] / ninja["seconds"], 3),
            rss_ratio=round(own["rss_mb"] / ninja["rss_mb"], 2),
            same_result=same,
        )


def big(flow, root, repeat):
    folder = f"{root}/big"
    os.makedirs(folder)
    path = f"{folder}/big.bin"
    with open(path, "wb") as file:
        for i in range(2 * GIB >> 20):
            file.write(bytes([i % 251]) * (1 << 20))
    shell = "head -c 16 {big} | od -An -tx1 > {out}"
    text = f'[study]\nname = "big"\n[node.use]\nkind = "command"\nshell = "{shell}"\n'
    write(f"{folder}/pipeline.toml", text + 'inputs = { big = { file = "big.bin" } }\noutputs = { out = "out.txt" }\n')
    tool = Flow(flow)
    measured(["b3sum", "big.bin"], folder)
    sums = [measured(["b3sum", "big.bin"], folder)[0] for _ in range(repeat)]
    b3sum = statistics.median(sums)
    hashed = phase(tool, folder, repeat, lambda turn: tool.forget(folder))
    noop = phase(tool, folder, repeat)
    touched = phase(tool, folder, repeat, lambda turn: os.utime(path))
    for name, row in (("first", hashed), ("noop", noop), ("touch", touched)):
        say(scenario="big", bytes=2 * GIB, phase=name, b3sum_seconds=round(b3sum, 4), flow=row,
            time_ratio=round(row["seconds"] / b3sum, 3))
    shutil.rmtree(folder)


def startup(flow, root, repeat):
    runs = [measured([flow, "--version"], root)[0] for _ in range(4 * repeat)]
    say(scenario="startup", phase="flow --version", seconds=round(statistics.median(runs), 5))


def say(**fields):
    print(json.dumps(fields), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flow", default=FLOW)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", default=None, help="where to work; a new folder is made there")
    given = parser.parse_args()
    flow = os.path.abspath(given.flow)
    versions = [subprocess.check_output(argv, text=True).split()[-1] for argv in (["ninja", "--version"], [flow, "--version"])]
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    say(ninja=versions[0], flow=versions[1], cores=os.cpu_count(), rss_floor_mb=round(own, 1))
    with tempfile.TemporaryDirectory(prefix="against-ninja-", dir=given.folder) as root:
        startup(flow, root, given.repeat)
        for scenario in given.only.split(","):
            name, _, n = scenario.partition("-")
            if name == "big":
                big(flow, root, given.repeat)
            elif name in ("fan", "chain"):
                against_ninja(name, int(n), flow, root, given.repeat)
            else:
                sys.exit(f"`{scenario}` is none of {', '.join(SCENARIOS)}")


main()
