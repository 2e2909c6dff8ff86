//! Each convolution of the paper's network alone, in each direction, and what the machine could do.

use super::measure::noise;
use super::{CHANNELS, Job, TIME};
use flow_learn::kernels::{
    BlockPoint, BlockPool, ConvBlock, ConvShape, WantsInput, conv_forward, give,
};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PAIRS: BlockPool = BlockPool::Max {
    kernel: 2,
    stride: 2,
};

/// Channels in and out, taps and pool of each convolution, in order.
const LAYERS: &[(usize, usize, usize, BlockPool)] = &[
    (CHANNELS, 16, 5, BlockPool::None),
    (16, 16, 5, PAIRS),
    (16, 32, 3, BlockPool::None),
    (32, 32, 3, PAIRS),
    (32, 32, 3, BlockPool::None),
    (32, 32, 3, PAIRS),
    (32, 256, 3, BlockPool::None),
    (256, 256, 3, BlockPool::GlobalMax),
];

fn block(batch: usize, time: usize, layer: (usize, usize, usize, BlockPool)) -> ConvBlock<f32> {
    let (in_channels, out_channels, kernel, pool) = layer;
    let (stride, padding, dilation, groups) = (1, 0, 1, 1);
    let conv = ConvShape {
        batch,
        in_channels,
        out_channels,
        time,
        kernel,
        stride,
        padding,
        dilation,
        groups,
    };
    ConvBlock {
        conv,
        relu: true,
        pool,
        mask: None,
    }
}

/// Products and sums of one pass over a batch, in either direction.
fn flop(conv: &ConvShape) -> f64 {
    (2 * conv.batch * conv.weight_len() * conv.out_time()) as f64
}

/// The best rate of a plain product of matrices, `[256, 256] · [256, 768]` for each sample.
pub fn gemm(job: &Job) -> Result<(), Box<dyn Error>> {
    let block = block(job.batch, 768, (256, 256, 1, BlockPool::None));
    let (x, weight) = (
        noise(job.batch * block.conv.in_len()),
        noise(block.conv.weight_len()),
    );
    let mut z = vec![0.0; job.batch * block.conv.out_len()];
    let seconds = best(job.limit, || {
        conv_forward(&block.conv, &x, &weight, None, &mut z);
    });
    println!(
        "{{\"what\":\"gemm\",\"batch\":{},\"threads\":{},\"gflops\":{:.1}}}",
        job.batch,
        job.threads,
        flop(&block.conv) / seconds / 1e9
    );
    Ok(())
}

/// GFLOP/s of each convolution with its ReLU and pool: forward, to the weights, to the input.
///
/// The last layer's way back takes the winners of a global maximum only, one time a channel, so its
/// rates there are those of the work a dense gradient would be.
pub fn layers(job: &Job) -> Result<(), Box<dyn Error>> {
    let mut time = TIME;
    for (place, &layer) in LAYERS.iter().enumerate() {
        let block = block(job.batch, time, layer);
        time = block.out_time();
        let seconds = passes(&block, job.limit / (3 * LAYERS.len() as u32));
        print(job, place, flop(&block.conv), &seconds);
    }
    Ok(())
}

/// Seconds of a batch through one layer.
struct Seconds {
    forward: f64,
    /// To the weights alone.
    weight: f64,
    /// To weights and input; the first layer has no use for the latter.
    both: f64,
}

fn passes(block: &ConvBlock<f32>, limit: Duration) -> Seconds {
    let x = noise(block.conv.batch * block.conv.in_len());
    let weight = noise(block.conv.weight_len());
    let (out, saved) = block.forward(&x, &weight, None);
    let at = BlockPoint {
        x: &x,
        weight: &weight,
        out: &out,
        saved: &saved,
    };
    let forward = || {
        let (out, saved) = block.forward(&x, &weight, None);
        give(out);
        Arc::into_inner(saved).into_iter().for_each(give);
    };
    let back = |wants| {
        let gradient = block.backward(&at, &out, wants);
        give(gradient.dx);
        give(gradient.dweight);
    };
    Seconds {
        forward: best(limit, forward),
        weight: best(limit, || back(WantsInput::No)),
        both: best(limit, || back(WantsInput::Yes)),
    }
}

fn print(job: &Job, place: usize, flop: f64, seconds: &Seconds) {
    // A difference of two times may be noise; 0 where it says nothing.
    let rate = |seconds: f64| {
        if seconds > 0.0 {
            flop / seconds / 1e9
        } else {
            0.0
        }
    };
    let input = if place == 0 {
        0.0
    } else {
        seconds.both - seconds.weight
    };
    let ms = |seconds: f64| seconds * 1e3;
    println!(
        "{{\"what\":\"layer{}\",\"batch\":{},\"threads\":{},\"mflop_a_sample\":{:.2},\
         \"forward_gflops\":{:.0},\"dw_gflops\":{:.0},\"dx_gflops\":{:.0},\
         \"forward_ms\":{:.2},\"dw_ms\":{:.2},\"dx_ms\":{:.2}}}",
        place + 1,
        job.batch,
        job.threads,
        flop / job.batch as f64 / 1e6,
        rate(seconds.forward),
        rate(seconds.weight),
        rate(input),
        ms(seconds.forward),
        ms(seconds.weight),
        ms(input),
    );
}

/// The shortest of many runs, in seconds.
fn best(limit: Duration, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let end = Instant::now() + limit;
    while Instant::now() < end || best == f64::MAX {
        let from = Instant::now();
        work();
        best = best.min(from.elapsed().as_secs_f64());
    }
    best
}
