#!/usr/bin/env python3
"""Runs our benches and those of PyTorch and zennit by turns and gives ratios, one JSON line each.

    cargo build --release -p flow-learn --example bench_learn
    python crates/flow-learn/examples/bench_beside_torch.py [--what train,infer,lrp_eps,lrp_ab,lrp_three]
        [--batches 32,64,128] [--threads 2,1] [--secs 3] [--rounds 2] [--layouts rows,channels_last] [--cpu]

The Python that runs this needs torch and zennit. `lrp_three` is the paper's ε = 0.01, ε = 100 and αβ(1,0) from
one forward pass; the peer's is the time of two ε runs and one αβ run, each with its own. `layers` gives each
convolution's share of the machine's best rate for products of matrices, which is measured in the same run by our
kernel and by PyTorch. Ours and the peer's processes alternate, so that a noisy machine is as noisy for both; of
each, the round with the highest rate counts. The peer's layout is the one that was faster at the first batch.
`--cpu` counts the seconds that processes ran instead of wall-clock seconds: on a machine that others use, with one
thread, that is the number that means something.

A ratio has `holds`: whether it reaches what flow is to reach, with a peak of memory below the peer's.
"""
import argparse
import json
import os
import subprocess
import sys

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bench_torch.py')
TARGETS = {'train': 1.4, 'infer': 1.2, 'lrp_eps': 3, 'lrp_ab': 6, 'lrp_three': 6}

# Big activations mapped anew in each step cost PyTorch a fifth of its rate in page faults: it gets an
# allocator that keeps them, on large pages.
AT_ITS_BEST = {
    'MALLOC_MMAP_THRESHOLD_': str(1 << 30), 'MALLOC_TRIM_THRESHOLD_': str(1 << 34),
    'MALLOC_TOP_PAD_': str(1 << 28), 'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1', 'THP_MEM_ALLOC_ENABLE': '1',
}
# What would choose instructions or threads for it.
LEFT_ALONE = ('OPENBLAS_CORETYPE', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')


def lines(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f'{command[:3]}: {done.stderr.strip()[-400:]}')
    return [json.loads(line) for line in done.stdout.strip().splitlines()]


class Bench:
    """Both sides, with the options of this run."""

    def __init__(self, options):
        self.options = options
        self.peers = {}
        self.layouts = {}

    def ours(self, what, batch, threads):
        command = [os.path.join(self.options.bin, 'bench_learn'), 'child', what, batch, threads, self.options.secs]
        line = lines(command)[-1]
        if self.options.cpu and 'cpu_ms' in line:
            line['samples_per_s'] = round(int(batch) / line['cpu_ms'] * 1e3, 1)
        return line

    def peer(self, what, batch, threads):
        """The line of the faster layout."""
        env = {name: value for name, value in os.environ.items() if name not in LEFT_ALONE}
        env.update(AT_ITS_BEST)
        words = [what, batch, threads, self.options.secs]
        cpu = ['--cpu'] if self.options.cpu else []
        layouts = self.layouts.get((what, threads), self.options.layouts.split(','))
        line = max((lines([sys.executable, PEER, *words, layout, *cpu], env)[-1] for layout in layouts), key=rate)
        self.layouts[what, threads] = [line['layout']]
        self.peers.setdefault((what, batch, threads), []).append(line)
        return line

    def three(self, batch, threads):
        """The peer's two ε and one αβ, from what was measured or else now."""
        best = [max(self.peers.get((rule, batch, threads)) or [self.peer(rule, batch, threads)], key=rate)
                for rule in ('lrp_eps', 'lrp_ab')]
        seconds = 2 / rate(best[0]) + 1 / rate(best[1])
        return {'samples_per_s': round(1 / seconds, 1), 'peak_rss_mb': max(line['peak_rss_mb'] for line in best)}

    def ratio(self, what, batch, threads):
        peer = (lambda: self.three(batch, threads)) if what == 'lrp_three' else (
            lambda: self.peer(what, batch, threads))
        rounds = [(self.ours(what, batch, threads), peer()) for _ in range(self.options.rounds)]
        mine, theirs = (max(side, key=rate) for side in zip(*rounds))
        ratio = rate(mine) / rate(theirs)
        lean = mine['peak_rss_mb'] < theirs['peak_rss_mb']
        return {
            'what': what, 'batch': int(batch), 'threads': int(threads), 'clock': 'cpu' if self.options.cpu else 'wall',
            'samples_per_s': mine['samples_per_s'], 'torch_samples_per_s': theirs['samples_per_s'],
            'ratio': round(ratio, 2), 'target': TARGETS[what], 'holds': ratio >= TARGETS[what] and lean,
            'peak_rss_mb': mine['peak_rss_mb'], 'torch_peak_rss_mb': theirs['peak_rss_mb'],
            'faults_per_step': mine['faults_per_step'], 'torch_faults_per_step': theirs.get('faults_per_step'),
            'torch_layout': theirs.get('layout'),
        }

    def layers(self, batch, threads):
        """Each layer's line with its shares of the best rate of either side's product of matrices."""
        own = self.ours('gemm', batch, threads)['gflops']
        peer = max(self.peer_gemm(threads))
        peak = max(own, peer)
        command = [os.path.join(self.options.bin, 'bench_learn'), 'child', 'layers', batch, threads, '6']
        yield {'what': 'gemm', 'threads': int(threads), 'gflops': own, 'torch_gflops': peer}
        for line in lines(command):
            for way in ('forward', 'dw', 'dx'):
                line[f'{way}_share'] = round(line[f'{way}_gflops'] / peak, 2)
            yield line

    def peer_gemm(self, threads):
        return [lines([sys.executable, PEER, 'gemm', '0', threads, self.options.secs])[-1]['gflops']
                for _ in range(self.options.rounds)]


def rate(line):
    return line.get('samples_per_s', 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', default='target/release/examples')
    parser.add_argument('--what', default='train,infer,lrp_eps,lrp_ab,lrp_three')
    parser.add_argument('--batches', default='32,64,128')
    parser.add_argument('--threads', default='2,1')
    parser.add_argument('--secs', default='3')
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--layouts', default='rows,channels_last')
    parser.add_argument('--cpu', action='store_true')
    options = parser.parse_args()
    bench = Bench(options)
    for what in options.what.split(','):
        for threads in options.threads.split(','):
            for batch in options.batches.split(','):
                if what == 'layers':
                    found = bench.layers(batch, threads)
                else:
                    found = [bench.ratio(what, batch, threads)]
                for line in found:
                    print(json.dumps(line), flush=True)


if __name__ == '__main__':
    main()
