#!/usr/bin/env python3
"""One measurement of the paper's network in PyTorch or zennit on the CPU, as one JSON line.

    python bench_torch.py WHAT BATCH THREADS SECONDS [LAYOUT] [--cpu]

WHAT is `train` (forward, weighted cross-entropy, backward, Adam), `infer`, `lrp_eps` (ε = 0.01), `lrp_ab`
(αβ(1,0)) or `gemm` (the product of two 4096 × 4096 matrices). LAYOUT is how maps lie in memory: `rows`
(`Conv1d`, each channel's samples side by side) or `channels_last` (`Conv2d` of height 1, each sample's
channels side by side). `--cpu` counts the seconds that the process ran instead of those on the wall.

The line has the fields of `bench_learn`'s. `bench_beside_torch.py` runs both.
"""
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn

SIZE = 4096
# Channels out and taps of each convolution; a number alone is a pool.
FEATURES = [(16, 5), (16, 5), 2, (32, 3), (32, 3), 2, (32, 3), (32, 3), 2, (256, 3), (256, 3)]


class Kind:
    """The layers of one layout."""

    def __init__(self, layout):
        self.flat = layout == 'channels_last'

    def input(self, batch):
        x = torch.randn(batch, 3, 3000)
        return x.unsqueeze(2).contiguous(memory_format=torch.channels_last) if self.flat else x

    def conv(self, inputs, outputs, taps):
        return nn.Conv2d(inputs, outputs, (1, taps)) if self.flat else nn.Conv1d(inputs, outputs, taps)

    def pool(self, width):
        return nn.MaxPool2d((1, width)) if self.flat else nn.MaxPool1d(width)

    def dropout(self):
        return nn.Dropout2d(0.01) if self.flat else nn.Dropout1d(0.01)

    def settled(self, net):
        return net.to(memory_format=torch.channels_last) if self.flat else net


def network(kind):
    """The sleep classifier of Ellis et al. 2021: 255,061 parameters."""
    layers, channels, width = [], 3, 3000
    for feature in FEATURES:
        if feature == 2:
            layers += [kind.pool(2), kind.dropout()]
            width //= 2
            continue
        outputs, taps = feature
        layers += [kind.conv(channels, outputs, taps), nn.ReLU()]
        channels, width = outputs, width - taps + 1
    head = [nn.Dropout(0.01), nn.Linear(channels, 64), nn.ReLU(), nn.Dropout(0.01), nn.Linear(64, 64), nn.ReLU(),
            nn.Dropout(0.05), nn.Linear(64, 5)]
    net = nn.Sequential(*layers, kind.pool(width), nn.Flatten(), *head)
    assert sum(weights.numel() for weights in net.parameters()) == 255_061
    return kind.settled(net)


def training(net, x):
    labels = torch.arange(len(x)) % 5
    weights = torch.tensor([0.8, 1.9, 0.5, 1.3, 1.1])
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)
    loss_of = nn.CrossEntropyLoss(weight=weights)
    net.train()

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss_of(net(x), labels).backward()
        optimiser.step()
    return step


def inference(net, x):
    net.eval()

    @torch.inference_mode()
    def step():
        net(x)
    return step


def relevance(net, x, rule):
    from zennit.composites import LayerMapComposite
    from zennit.rules import Pass
    from zennit.types import Activation, Convolution
    net.eval().requires_grad_(False)
    composite = LayerMapComposite([(Activation, Pass()), (Convolution, rule), (nn.Linear, rule)])
    composite.register(net)

    def step():
        # zennit's own walk: one pass forward, relevance 1 at each sample's predicted class, and back.
        at = x.detach().requires_grad_(True)
        logits = net(at)
        start = nn.functional.one_hot(logits.detach().argmax(1), logits.shape[1]).to(logits)
        torch.autograd.grad(logits, at, start)
    return step


def step_of(what, batch, layout):
    if what == 'gemm':
        a, b, into = (torch.randn(SIZE, SIZE) for _ in range(3))
        return lambda: torch.mm(a, b, out=into)
    kind = Kind(layout)
    net, x = network(kind), kind.input(batch)
    if what in ('train', 'infer'):
        return {'train': training, 'infer': inference}[what](net, x)
    from zennit.rules import AlphaBeta, Epsilon
    return relevance(net, x, {'lrp_eps': Epsilon(0.01), 'lrp_ab': AlphaBeta(1.0, 0.0)}[what])


def timed(step, seconds, clock):
    """Seconds of each step, once two have warmed it up."""
    step(), step()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = clock()
        step()
        times.append(clock() - begin)
    return times


def main():
    words = [word for word in sys.argv[1:] if word != '--cpu']
    what, batch, threads, seconds = words[0], int(words[1]), int(words[2]), float(words[3])
    layout = words[4] if len(words) > 4 else 'rows'
    clock = time.process_time if '--cpu' in sys.argv else time.perf_counter
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    step = step_of(what, batch, layout)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    times = timed(step, seconds, clock)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    median = statistics.median(times)
    line = {'what': what, 'batch': batch, 'threads': threads, 'layout': layout}
    if what == 'gemm':
        line['gflops'] = round(2 * SIZE ** 3 / min(times) / 1e9, 1)
    else:
        line['samples_per_s'] = round(batch / median, 1)
    line.update(median_ms=round(median * 1e3, 2), min_ms=round(min(times) * 1e3, 2), reps=len(times),
                faults_per_step=round((usage.ru_minflt - before) / (len(times) + 2), 2),
                peak_rss_mb=round(usage.ru_maxrss / 1024))
    print(json.dumps(line))


if __name__ == '__main__':
    main()
