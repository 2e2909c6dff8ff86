//! Fast kernels against the textbook, over a grid of shapes and at random.

use super::plan::{ConvPlan, OutputGradient, gradient_rows};
use super::simd::Level;
use super::*;
use crate::random::{Purpose, Stream};
use proptest::prelude::*;

fn noise<T: Real>(n: u64, len: usize) -> Vec<T> {
    let mut stream = Stream::new(n, Purpose::Weights(77));
    (0..len)
        .map(|_| T::from_f64(2.0 * stream.unit() - 1.0))
        .collect()
}

/// Whether two lists agree to a few roundings of a sum of `terms` products.
fn close<T: Real>(found: &[T], wanted: &[T], unit: f64, terms: usize, what: &str) {
    assert_eq!(found.len(), wanted.len());
    let tolerance = unit * (terms as f64 + 8.0);
    for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let off = (found.to_f64() - wanted.to_f64()).abs();
        assert!(off <= tolerance, "{what} at {at}: {found} not {wanted}");
    }
}

fn shape(channels: [usize; 3], time: usize, taps: [usize; 4]) -> Option<ConvShape> {
    let ([in_channels, out_channels, groups], [kernel, stride, padding, dilation]) =
        (channels, taps);
    let (in_channels, out_channels) = (in_channels * groups, out_channels * groups);
    let shape = ConvShape {
        batch: 3,
        in_channels,
        out_channels,
        time,
        kernel,
        stride,
        padding,
        dilation,
        groups,
    };
    (shape.out_time() > 0).then_some(shape)
}

/// All three directions of a convolution against the textbook, at every level.
fn check<T: Real>(s: &ConvShape, unit: f64) {
    let x: Vec<T> = noise(1, s.batch * s.in_len());
    let weight: Vec<T> = noise(2, s.weight_len());
    let bias: Vec<T> = noise(3, s.out_channels);
    let mut dz: Vec<T> = noise(4, s.batch * s.out_len());
    check_gradients(s, unit, &x, &weight, &dz);
    // Few numbers that are not zero: the other way to compute gradients.
    dz.iter_mut()
        .enumerate()
        .filter(|(n, _)| n % 41 != 7)
        .for_each(|(_, dz)| *dz = T::ZERO);
    check_gradients(s, unit, &x, &weight, &dz);
    let mut wanted = vec![T::ZERO; dz.len()];
    textbook::conv_forward(s, &x, &weight, Some(&bias), &mut wanted);
    let mut z = noise(5, dz.len());
    conv_forward(s, &x, &weight, Some(&bias), &mut z);
    close(&z, &wanted, unit, s.in_channels * s.kernel, "z");
    wanted.iter_mut().for_each(|z| *z = z.max(T::ZERO));
    for level in Level::all() {
        let plan = ConvPlan::new(level, *s, &weight, Some(&bias)).forward_packed();
        for (z, x) in z.chunks_mut(s.out_len()).zip(x.chunks(s.in_len())) {
            plan.forward(x, z, true, |_, _| {});
        }
        close(&z, &wanted, unit, s.in_channels * s.kernel, "relu(z)");
    }
}

fn check_gradients<T: Real>(s: &ConvShape, unit: f64, x: &[T], weight: &[T], dz: &[T]) {
    let mut wanted = vec![T::ZERO; x.len()];
    textbook::conv_input_gradient(s, weight, dz, &mut wanted);
    let mut dx = noise(5, x.len());
    conv_input_gradient(s, weight, dz, &mut dx);
    close(&dx, &wanted, unit, s.out_channels * s.kernel, "dx");
    let (mut dw, mut db) = (vec![T::ZERO; weight.len()], vec![T::ZERO; s.out_channels]);
    textbook::conv_weight_gradient(s, x, dz, &mut dw, Some(&mut db));
    let (mut dweight, mut dbias) = (noise(6, dw.len()), noise(7, db.len()));
    conv_weight_gradient(s, x, dz, &mut dweight, Some(&mut dbias));
    let terms = s.batch * s.out_time();
    close(&dweight, &dw, unit, terms, "dw");
    close(&dbias, &db, unit, terms, "db");
    for level in Level::all() {
        let what = |of: &str| format!("{of} by {level:?}");
        let [dx, dweight, dbias] = level_gradients(level, s, x, weight, dz);
        close(&dx, &wanted, unit, s.out_channels * s.kernel, &what("dx"));
        close(&dweight, &dw, unit, terms, &what("dw"));
        close(&dbias, &db, unit, terms, &what("db"));
    }
}

/// The gradients to input, weight and bias by the instructions of a level, `dz` taken as dense.
fn level_gradients<T: Real>(
    level: Level,
    s: &ConvShape,
    x: &[T],
    weight: &[T],
    dz: &[T],
) -> [Vec<T>; 3] {
    let plan = ConvPlan::new(level, *s, weight, None).back_packed();
    let rows = gradient_rows(s);
    let mut laid = vec![T::ZERO; s.out_channels * rows.stride];
    let mut dx = noise(8, x.len());
    let (mut dweight, mut dbias) = (vec![T::ZERO; weight.len()], vec![T::ZERO; s.out_channels]);
    let samples = x.chunks(s.in_len()).zip(dx.chunks_mut(s.in_len()));
    for ((x, dx), dz) in samples.zip(dz.chunks(s.out_len())) {
        for (into, row) in laid.chunks_mut(rows.stride).zip(dz.chunks(s.out_time())) {
            into[rows.offset..][..row.len()].copy_from_slice(row);
        }
        plan.input_gradient(OutputGradient::Dense(&laid), dx);
        plan.weight_gradient(x, OutputGradient::Dense(&laid), &mut dweight, &mut dbias);
    }
    [dx, dweight, dbias]
}

#[test]
fn convolutions_are_those_of_the_textbook_over_the_grid() {
    for channels in [
        [1, 1, 1],
        [3, 8, 1],
        [5, 7, 1],
        [8, 16, 1],
        [2, 3, 2],
        [1, 1, 4],
        [16, 13, 1],
    ] {
        for time in [1, 4, 16, 47, 48, 49, 100] {
            for taps in [
                [1, 1, 0, 1],
                [3, 1, 0, 1],
                [5, 1, 2, 1],
                [3, 2, 1, 1],
                [3, 1, 2, 2],
                [2, 3, 4, 1],
            ] {
                if let Some(s) = shape(channels, time, taps) {
                    check::<f32>(&s, 1e-7);
                    check::<f64>(&s, 2e-16);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn convolutions_are_those_of_the_textbook_on_odd_shapes(
        channels in [1_usize..12, 1..20, 1..4],
        time in 1_usize..150,
        taps in [1_usize..8, 1..4, 0..6, 1..4],
    ) {
        if let Some(s) = shape(channels, time, taps) {
            check::<f32>(&s, 1e-7);
        }
    }

    #[test]
    fn maxima_are_those_of_the_textbook(time in 1_usize..90, kernel in 1_usize..40, stride in 1_usize..5) {
        prop_assume!(kernel <= time);
        for (kernel, stride) in [(kernel, stride), (time, time), (2.min(time), 2)] {
            let s = PoolShape { rows: 3, time, kernel, stride };
            // Few values, so that there are ties.
            let x: Vec<f32> = noise::<f32>(1, 3 * time).iter().map(|x| (3.0 * x).round()).collect();
            let (mut out, mut winner) = (vec![0.0; 3 * s.out_time()], vec![9; 3 * s.out_time()]);
            let (mut wanted, mut first) = (out.clone(), winner.clone());
            textbook::max_pool_forward(&s, &x, &mut wanted, &mut first);
            max_pool_forward(&s, &x, &mut out, &mut winner);
            prop_assert_eq!(&out, &wanted);
            prop_assert_eq!(&winner, &first);
        }
    }
}

#[test]
fn levels_of_one_class_give_the_same_bytes() {
    let s = shape([11, 13, 1], 131, [3, 1, 0, 1]).unwrap();
    let (x, weight): (Vec<f32>, Vec<f32>) = (noise(1, s.in_len()), noise(2, s.weight_len()));
    let rows = gradient_rows(&s);
    let dz: Vec<f32> = noise(4, s.out_channels * rows.stride);
    let fused = |level: &Level| level.is_fused();
    let mut all = Level::all().into_iter().filter(fused).map(|level| {
        let plan = ConvPlan::new(level, s, &weight, None)
            .forward_packed()
            .back_packed();
        let (mut z, mut dx) = (vec![0.0; s.out_len()], vec![0.0; s.in_len()]);
        let (mut dw, mut db) = (vec![0.0; s.weight_len()], vec![0.0; s.out_channels]);
        plan.forward(&x, &mut z, false, |_, _| {});
        plan.input_gradient(OutputGradient::Dense(&dz), &mut dx);
        plan.weight_gradient(&x, OutputGradient::Dense(&dz), &mut dw, &mut db);
        [z, dx, dw, db].concat()
    });
    let first = all.next();
    assert!(all.all(|other| Some(other) == first));
}

#[test]
fn every_level_keeps_nan_and_the_sign_of_zero_behind_a_relu() {
    fn check<T: Real>() {
        // 50 numbers, so that some lie in a cut tile.
        let s = shape([1, 1, 1], 50, [1, 1, 0, 1]).unwrap();
        let odd = [
            f64::NAN,
            -0.0,
            0.0,
            -1.0,
            f64::INFINITY,
            -f64::INFINITY,
            2.0,
        ];
        let x: Vec<T> = odd.into_iter().cycle().take(50).map(T::from_f64).collect();
        for level in Level::all() {
            // The bias is −0, which adding leaves as it is.
            let (weight, bias) = ([T::ONE], [-T::ZERO]);
            let mut z = vec![T::ONE; 50];
            let plan = ConvPlan::new(level, s, &weight, Some(&bias)).forward_packed();
            plan.forward(&x, &mut z, true, |_, _| {});
            for (z, x) in z.iter().zip(&x).map(|(z, x)| (z.to_f64(), x.to_f64())) {
                let wanted = if x < 0.0 { 0.0 } else { x };
                let same = z.to_bits() == wanted.to_bits() || z.is_nan() && x.is_nan();
                assert!(same, "{level:?}: {z} for {x}");
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn no_sample_gives_nothing_and_one_what_it_gives_among_many() {
    let many = shape([3, 5, 1], 40, [3, 1, 1, 1]).unwrap();
    let (x, weight): (Vec<f32>, Vec<f32>) =
        (noise(1, 3 * many.in_len()), noise(2, many.weight_len()));
    let run = |samples: std::ops::Range<usize>| {
        let s = ConvShape {
            batch: samples.len(),
            ..many
        };
        let x = &x[samples.start * s.in_len()..samples.end * s.in_len()];
        let (mut z, mut dx) = (vec![9.0; s.batch * s.out_len()], vec![9.0; x.len()]);
        let (mut dw, mut db) = (vec![9.0; weight.len()], vec![9.0; s.out_channels]);
        conv_forward(&s, x, &weight, None, &mut z);
        conv_input_gradient(&s, &weight, &z, &mut dx);
        conv_weight_gradient(&s, x, &z, &mut dw, Some(&mut db));
        [z, dx, [dw, db].concat()]
    };
    let [_, _, gradient] = run(0..0);
    assert!(gradient.iter().all(|&sum| sum == 0.0));
    let ([all_z, all_dx, _], [one_z, one_dx, _]) = (run(0..3), run(1..2));
    assert_eq!(one_z, all_z[one_z.len()..][..one_z.len()]);
    assert_eq!(one_dx, all_dx[one_dx.len()..][..one_dx.len()]);
}

#[test]
#[should_panic(expected = "one bias a row of outputs")]
fn a_bias_too_short_is_never_read_past_its_end() {
    let s = shape([1, 9, 1], 40, [3, 1, 0, 1]).unwrap();
    let (x, weight): (Vec<f32>, Vec<f32>) = (noise(1, 3 * s.in_len()), noise(2, s.weight_len()));
    conv_forward(
        &s,
        &x,
        &weight,
        Some(&[1.0]),
        &mut vec![0.0; 3 * s.out_len()],
    );
}

#[test]
fn threads_do_not_change_a_byte() {
    let s = ConvShape {
        batch: 21,
        ..shape([5, 9, 1], 200, [3, 1, 0, 1]).unwrap()
    };
    let (x, weight): (Vec<f32>, Vec<f32>) = (noise(1, 21 * s.in_len()), noise(2, s.weight_len()));
    let block = ConvBlock {
        conv: s,
        relu: true,
        pool: BlockPool::Max {
            kernel: 2,
            stride: 2,
        },
        mask: Some(noise(3, 21 * 9).into()),
    };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (out, saved) = block.forward(&x, &weight, None);
            let at = BlockPoint {
                x: &x,
                weight: &weight,
                out: &out,
                saved: &saved,
            };
            let back = block.backward(&at, &out, WantsInput::Yes);
            (out.clone(), back.dx, back.dweight, back.dbias)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(7));
}

/// The block layer by layer with the textbook's loops: output and gradients.
fn slow_block(
    block: &ConvBlock<f64>,
    x: &[f64],
    weight: &[f64],
    bias: &[f64],
    dout: &[f64],
) -> [Vec<f64>; 4] {
    let s = &block.conv;
    let mut z = vec![0.0; s.batch * s.out_len()];
    textbook::conv_forward(s, x, weight, Some(bias), &mut z);
    let time = s.out_time();
    let (kernel, stride) = match block.pool {
        BlockPool::None => (1, 1),
        BlockPool::Max { kernel, stride } => (kernel, stride),
        BlockPool::GlobalMax => (time, time),
    };
    let pool = PoolShape {
        rows: s.batch * s.out_channels,
        time,
        kernel,
        stride,
    };
    let active: Vec<f64> = z
        .iter()
        .map(|z| if block.relu { z.max(0.0) } else { *z })
        .collect();
    let mut out = vec![0.0; pool.rows * pool.out_time()];
    let mut winner = vec![0; out.len()];
    textbook::max_pool_forward(&pool, &active, &mut out, &mut winner);
    let mask = |at: usize| {
        block
            .mask
            .as_ref()
            .map_or(1.0, |mask| mask[at / pool.out_time()])
    };
    let mut dz = vec![0.0; z.len()];
    for (at, &winner) in winner.iter().enumerate() {
        let place = at / pool.out_time() * time + winner as usize;
        if !block.relu || z[place] > 0.0 {
            dz[place] += dout[at] * mask(at);
        }
    }
    out.iter_mut()
        .enumerate()
        .for_each(|(at, out)| *out *= mask(at));
    let mut dx = vec![0.0; x.len()];
    textbook::conv_input_gradient(s, weight, &dz, &mut dx);
    let (mut dw, mut db) = (vec![0.0; weight.len()], vec![0.0; s.out_channels]);
    textbook::conv_weight_gradient(s, x, &dz, &mut dw, Some(&mut db));
    [out, dx, dw, [db].concat()]
}

#[test]
fn blocks_are_those_of_their_layers() {
    let pools = [
        BlockPool::None,
        BlockPool::GlobalMax,
        BlockPool::Max {
            kernel: 2,
            stride: 2,
        },
        BlockPool::Max {
            kernel: 3,
            stride: 2,
        },
    ];
    for pool in pools {
        for (relu, masked) in [(true, true), (true, false), (false, true)] {
            for taps in [[3, 1, 0, 1], [3, 1, 1, 1], [4, 2, 0, 1]] {
                let conv = shape([3, 5, 1], 61, taps).unwrap();
                // No factor is 0, so that no winner is hidden.
                let mask = masked.then(|| vec![1.25; conv.batch * conv.out_channels].into());
                let block = ConvBlock {
                    conv,
                    relu,
                    pool,
                    mask,
                };
                let x = noise(1, conv.batch * conv.in_len());
                let (weight, bias) = (noise(2, conv.weight_len()), noise(3, conv.out_channels));
                let (out, saved) = block.forward(&x, &weight, Some(&bias));
                let dout = noise(4, out.len());
                let at = BlockPoint {
                    x: &x,
                    weight: &weight,
                    out: &out,
                    saved: &saved,
                };
                let back = block.backward(&at, &dout, WantsInput::Yes);
                let slow = slow_block(&block, &x, &weight, &bias, &dout);
                for (n, found) in [&out, &back.dx, &back.dweight, &back.dbias]
                    .into_iter()
                    .enumerate()
                {
                    close(found, &slow[n], 1e-15, 61, ["out", "dx", "dw", "db"][n]);
                }
                assert!(block.backward(&at, &dout, WantsInput::No).dx.is_empty());
            }
        }
    }
}

#[test]
fn dense_layers_are_those_of_the_textbook() {
    for (inputs, outputs) in [(1, 1), (7, 5), (256, 64), (64, 5)] {
        let s = DenseShape {
            batch: 4,
            inputs,
            outputs,
        };
        let (x, weight, bias) = (
            noise(1, 4 * inputs),
            noise(2, inputs * outputs),
            noise(3, outputs),
        );
        let (mut z, mut wanted) = (vec![0.0; 4 * outputs], vec![0.0; 4 * outputs]);
        dense_forward(&s, &x, &weight, Some(&bias), &mut z);
        textbook::dense_forward(&s, &x, &weight, Some(&bias), &mut wanted);
        close::<f64>(&z, &wanted, 2e-16, inputs, "z");
    }
}
