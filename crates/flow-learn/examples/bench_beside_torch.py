#!/usr/bin/env python3
"""Runs our benches and those of PyTorch and zennit by turns and gives ratios, one JSON line each.

    cargo build --release -p flow-learn --example bench_learn
    python crates/flow-learn/examples/bench_beside_torch.py [--what train,infer,lrp_eps,lrp_ab,lrp_three]
        [--batches 32,64,128] [--threads 2,1] [--secs 3] [--rounds 2] [--peers rows,channels_last] [--cpu]

The Python that runs this needs torch and zennit. `lrp_three` is the paper's ε = 0.01, ε = 100 and αβ(1,0) from
one forward pass; the peer's is the time of two ε runs and one αβ run, each with its own. `layers` gives each
convolution's share of the machine's best rate for products of matrices, which is measured in the same run by our
kernel and by PyTorch. Ours and the peer's processes alternate, so that a noisy machine is as noisy for both; of
each, the round with the highest rate counts. Of several peers the one counts that was fastest at the first batch.
A peer is a layout of `bench_torch.py` beside this file, or another bench of the paper's network, `FILE.py`, that
answers `FILE.py --child WHAT:BATCH:THREADS --secs S` by such a line; it runs as it comes, without an allocator of
our choice.
`--cpu` counts the seconds that processes ran instead of wall-clock seconds: on a machine that others use, with one
thread, that is the number that means something.

A ratio has `holds`: whether it reaches what flow is to reach, with a peak of memory below the peer's.
"""
import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile

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


TURN = os.path.join(tempfile.gettempdir(), 'flow-bench.lock')


def lines(command, env=None):
    """The lines of a measurement, which runs while no other bench that takes the same lock does."""
    with open(TURN, 'w') as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f'{command[:3]}: {done.stderr.strip()[-400:]}')
    return [json.loads(line) for line in done.stdout.strip().splitlines()]


class Bench:
    """Both sides, with the options of this run."""

    def __init__(self, options):
        self.options = options
        self.measured = {}
        self.fastest = {}

    def ours(self, what, batch, threads):
        command = [os.path.join(self.options.bin, 'bench_learn'), 'child', what, batch, threads, self.options.secs]
        line = lines(command)[-1]
        if self.options.cpu and 'cpu_ms' in line:
            line['samples_per_s'] = round(int(batch) / line['cpu_ms'] * 1e3, 1)
        return line

    def peer(self, what, batch, threads):
        """The line of the fastest peer."""
        peers = self.fastest.get((what, threads), self.options.peers.split(','))
        found = {peer: self.line_of(peer, what, batch, threads) for peer in peers}
        name = max(found, key=lambda peer: rate(found[peer]))
        self.fastest[what, threads] = [name]
        line = {**found[name], 'peer': os.path.basename(name)}
        self.measured.setdefault((what, batch, threads), []).append(line)
        return line

    def line_of(self, peer, what, batch, threads):
        env = {name: value for name, value in os.environ.items() if name not in LEFT_ALONE}
        if peer.endswith('.py'):
            env.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
            words = [peer, '--child', f'{what}:{batch}:{threads}', '--secs', self.options.secs]
        else:
            env.update(AT_ITS_BEST)
            words = [PEER, what, batch, threads, self.options.secs, peer, *['--cpu'] * self.options.cpu]
        return lines([sys.executable, *words], env)[-1]

    def three(self, batch, threads):
        """The peer's two ε and one αβ, from what was measured or else now."""
        best = [max(self.measured.get((rule, batch, threads)) or [self.peer(rule, batch, threads)], key=rate)
                for rule in ('lrp_eps', 'lrp_ab')]
        seconds = 2 / rate(best[0]) + 1 / rate(best[1])
        return {'peer': best[0]['peer'], 'samples_per_s': round(1 / seconds, 1),
                'peak_rss_mb': max(line['peak_rss_mb'] for line in best)}

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
            'peer': theirs['peer'],
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
    parser.add_argument('--peers', default='rows,channels_last')
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
