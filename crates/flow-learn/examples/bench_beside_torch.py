#!/usr/bin/env python3
"""Runs our benches and those of PyTorch and zennit by turns and gives ratios, one JSON line each.

    python bench_beside_torch.py --peer bench_torch.py [--what train,infer,lrp_eps,lrp_ab,lrp_three]
        [--batches 32,64,128] [--threads 2,1] [--secs 3] [--rounds 2] [--bin target/release/examples]

`--peer` is the project's PyTorch bench (its line format is shared); it needs torch and zennit in the
Python that runs this. `lrp_three` is the paper's ε = 0.01, ε = 100 and αβ(1,0) from one forward pass;
the peer's is the time of two ε runs and one αβ run, each with its own. Ours and the peer's child
processes alternate, so that a noisy machine is as noisy for both; of each, the round with the highest
rate counts. `--cpu` counts the seconds that processes ran instead of wall-clock seconds: on a machine
that others use, with one thread, that is the number that means something.
"""
import argparse
import json
import os
import subprocess
import sys

WRAP = ('import sys,time,json;sys.path.insert(0,sys.argv[1]);'
        'time.perf_counter=time.process_time if sys.argv[6]=="cpu" else time.perf_counter;'
        'import importlib;peer=importlib.import_module(sys.argv[2]);'
        'w,b,t=sys.argv[3].split(":");'
        'print(json.dumps(peer.child(w,int(b),int(t),float(sys.argv[4]))))')

# Big activations mapped anew in each step cost PyTorch a fifth of its rate in page faults: it gets an
# allocator that keeps them, on large pages.
AT_ITS_BEST = {
    'MALLOC_MMAP_THRESHOLD_': str(1 << 30), 'MALLOC_TRIM_THRESHOLD_': str(1 << 34),
    'MALLOC_TOP_PAD_': str(1 << 28), 'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1', 'THP_MEM_ALLOC_ENABLE': '1',
}


def last_line(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise SystemExit(f'{command[:2]}: {done.stderr.strip()[-400:]}')
    return json.loads(lines[-1])


def ours(options, what, batch, threads):
    bench = 'bench_relevance' if what.startswith('lrp') else 'bench_learn'
    line = last_line([os.path.join(options.bin, bench), 'child', what, batch, threads, options.secs])
    if options.cpu:
        line['samples_per_s'] = round(int(batch) / line['cpu_ms'] * 1e3, 1)
    return line


def peer(options, what, batch, threads):
    if what == 'lrp_three':
        epsilon, alpha_beta = (peer(options, rule, batch, threads) for rule in ('lrp_eps', 'lrp_ab'))
        seconds = 2 / epsilon['samples_per_s'] + 1 / alpha_beta['samples_per_s']
        peak = max(epsilon['peak_rss_mb'], alpha_beta['peak_rss_mb'])
        return {'samples_per_s': round(1 / seconds, 1), 'peak_rss_mb': peak}
    folder, name = os.path.split(os.path.abspath(options.peer))
    clock = 'cpu' if options.cpu else 'wall'
    env = dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
    env.pop('OPENBLAS_CORETYPE', None)
    env.update(AT_ITS_BEST)
    job = f'{what}:{batch}:{threads}'
    module = os.path.splitext(name)[0]
    return last_line([sys.executable, '-c', WRAP, folder, module, job, options.secs, '', clock], env)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--peer', required=True)
    parser.add_argument('--bin', default='target/release/examples')
    parser.add_argument('--what', default='train,infer,lrp_eps,lrp_ab,lrp_three')
    parser.add_argument('--batches', default='32,64,128')
    parser.add_argument('--threads', default='2,1')
    parser.add_argument('--secs', default='3')
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--cpu', action='store_true')
    options = parser.parse_args()
    for what in options.what.split(','):
        for threads in options.threads.split(','):
            for batch in options.batches.split(','):
                pairs = [(ours(options, what, batch, threads), peer(options, what, batch, threads))
                         for _ in range(options.rounds)]
                rate = lambda line: line['samples_per_s']
                mine, theirs = (max(side, key=rate) for side in zip(*pairs))
                print(json.dumps({
                    'what': what, 'batch': int(batch), 'threads': int(threads),
                    'clock': 'cpu' if options.cpu else 'wall',
                    'samples_per_s': mine['samples_per_s'], 'torch_samples_per_s': theirs['samples_per_s'],
                    'ratio': round(rate(mine) / rate(theirs), 2),
                    'peak_rss_mb': mine['peak_rss_mb'], 'torch_peak_rss_mb': theirs['peak_rss_mb'],
                }), flush=True)


if __name__ == '__main__':
    main()
