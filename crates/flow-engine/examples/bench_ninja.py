#!/usr/bin/env python3
"""Runs the same DAGs with ninja and with `run_study`, and prints times and ratios as JSON lines.

usage: bench_ninja.py RUN_STUDY [--large]     (RUN_STUDY: target/release/examples/run_study)

fan N: root -> N x (cat root in/i > out) -> join, N + 2 tasks; chain N: head -c 4 seed, then N - 1 copies that
differ in a comment (flow computes equal recipes once), and an edit of the seed after byte 4. Each time is the best of several; ninja and flow take turns. peak_rss is the largest
single process. ninja needs to be on PATH (Debian: ninja-build). 100,000 is measured unchanged only, with --large.
"""
import json, os, shutil, subprocess, sys, tempfile, time

RUN = os.path.abspath(sys.argv[1])


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def once(argv, cwd):
    begin = time.monotonic()
    child = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    words = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begin
    if status:
        sys.exit(f"{argv}: {words}")
    return seconds, usage.ru_maxrss // 1024, words.strip()


def sources(ws, scenario, n):
    shutil.rmtree(ws, ignore_errors=True)
    os.makedirs(f"{ws}/in"), os.makedirs(f"{ws}/out"), os.makedirs(f"{ws}/c")
    write(f"{ws}/seed.txt", "seed 0\n")
    if scenario == "fan":
        for i in range(n):
            write(f"{ws}/in/{i}.txt", f"leaf {i}\n")


def ninja(ws, scenario, n):
    out = ["rule sh\n  command = $cmd\n  restat = 1\n"]
    def build(target, inputs, command):
        out.append(f"build {target}: sh {' '.join(inputs)}\n  cmd = {command}\n")
    if scenario == "fan":
        build("root.txt", ["seed.txt"], "cp seed.txt root.txt")
        for i in range(n):
            build(f"out/{i}.txt", ["root.txt", f"in/{i}.txt"], f"cat root.txt in/{i}.txt > out/{i}.txt")
        build("join.txt", [f"out/{i}.txt" for i in range(n)], "ls out | wc -l > join.txt && cat out/*.txt >> join.txt")
    else:
        build("c/1.txt", ["seed.txt"], "head -c 4 seed.txt > c/1.txt")
        for i in range(2, n + 1):
            build(f"c/{i}.txt", [f"c/{i-1}.txt"], f"cp c/{i-1}.txt c/{i}.txt # {i}")
    write(f"{ws}/build.ninja", "\n".join(out))
    return ["ninja", "-j2", "--quiet"]


def flow(ws, scenario, n):
    out = ['[study]\nname = "bench"\n']
    def node(name, shell, inputs, more=""):
        ports = ", ".join(f"{port} = {source}" for port, source in inputs)
        out.append(f'[node.{name}]\nkind = "command"\nshell = "{shell}"\ninputs = {{ {ports} }}\n'
                   f'outputs = {{ out = "out.txt" }}\n{more}\n')
    if scenario == "fan":
        node("root", "cp {seed} out.txt", [("seed", '{ file = "seed.txt" }')])
        node("leaf", "cat {root} {own} > out.txt", [("root", '"root.out"'), ("own", '{ file = "in/$i.txt" }')],
             f'for_each = {{ i = "0..{n}" }}\n')
        node("join", "ls leaf | wc -l > out.txt && cat leaf/* >> out.txt", [("leaf", '"leaf.out"')],
             'publish = { out = "join.txt" }\n')
    else:
        node("c1", "head -c 4 {seed} > out.txt", [("seed", '{ file = "seed.txt" }')])
        for i in range(2, n + 1):
            node(f"c{i}", f"cp {{before}} out.txt # {i}", [("before", f'"c{i-1}.out"')])
    write(f"{ws}/pipeline.toml", "\n".join(out))
    return [RUN, ".", "--jobs", "2", "--snapshot"]


def tell(**line):
    print(json.dumps(line), flush=True)


def compare(scenario, n, colds, noops):
    base = tempfile.mkdtemp(prefix="flow-bench-")
    tools = {"ninja": ninja, "flow": flow}
    argv, cold, noop, rss, said = {}, {}, {}, {}, {}
    for _ in range(colds):
        for tool, generate in tools.items():
            ws = f"{base}/{tool}"
            sources(ws, scenario, n)
            argv[tool] = generate(ws, scenario, n)
            seconds, _, said[tool] = once(argv[tool], ws)
            cold[tool] = min(cold.get(tool, 1e9), seconds)
    tell(scenario=scenario, n=n, what="cold", **cold, ratio=cold["flow"] / cold["ninja"], said=said["flow"])
    # The first unchanged run may still have files that are too young for a snapshot.
    for _ in range(2):
        time.sleep(0.05)
        once(argv["flow"], f"{base}/flow")
    for _ in range(noops):
        for tool in tools:
            seconds, mib, said[tool] = once(argv[tool], f"{base}/{tool}")
            noop[tool], rss[tool] = min(noop.get(tool, 1e9), seconds), mib
    full = min(once([RUN, ".", "--jobs", "2"], f"{base}/flow")[0] for _ in range(3))
    tell(scenario=scenario, n=n, what="unchanged", **noop, ratio=noop["flow"] / noop["ninja"], said=said["flow"],
         flow_without_snapshot=full, rss_mib=rss)
    if scenario == "chain":
        edited = {}
        for round in range(5):
            for tool in tools:
                write(f"{base}/{tool}/seed.txt", f"seed {round + 1}\n")
                seconds, _, said[tool] = once(argv[tool], f"{base}/{tool}")
                edited[tool] = min(edited.get(tool, 1e9), seconds)
        tell(scenario=scenario, n=n, what="edit that changes nothing downstream", **edited,
             ratio=edited["flow"] / edited["ninja"], said=said["flow"])
    shutil.rmtree(base)


compare("fan", 1000, 3, 15)
compare("chain", 500, 2, 10)
compare("fan", 10000, 1, 7)
if "--large" in sys.argv:
    compare("fan", 100000, 1, 3)
