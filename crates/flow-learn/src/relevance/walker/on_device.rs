//! The walker on a device: batches go there and come back, the rest is as on the CPU.

use super::super::device::DeviceWalk;
use super::{Begin, Walker, Way, settle};
use crate::backend::{BackendClass, NoDevice};
use crate::kernels::Real;
use crate::relevance::{Explanations, RelevanceError, Start, Target, class, finite};

impl Walker<f32> {
    /// The same walker, its batches walked by this backend.
    ///
    /// Methods that a walker of `f32` walks in `f64` stay on the CPU.
    ///
    /// # Errors
    /// [`NoDevice`] where the machine has none for it.
    pub fn on(mut self, backend: BackendClass) -> Result<Self, NoDevice> {
        backend.check()?;
        if !backend.has_kernels() {
            let paths = self.ways.iter().map(|way| &way.path);
            let walk = DeviceWalk::new(&self.program, paths, backend.device());
            self.device = Some(Box::new(walk));
        }
        Ok(self)
    }
}

impl<T: Real> Walker<T> {
    /// `[batch, classes]`.
    pub(super) fn device_logits(&self, walk: &DeviceWalk, x: &[T]) -> Vec<T> {
        walk.forward(narrowed(x))
            .logits()
            .iter()
            .map(widened)
            .collect()
    }

    /// As [`Walker::explain_into`], without the methods that stay on the CPU; `into` has room.
    pub(super) fn device_explain(
        &self,
        walk: &DeviceWalk,
        x: &[T],
        target: Target<'_>,
        start: Start<'_, T>,
        into: &mut Explanations<T>,
    ) -> Result<(), RelevanceError> {
        let classes = self.program.classes;
        let trail = walk.forward(narrowed(x));
        into.logits = trail.logits().iter().map(widened).collect();
        for (sample, logits) in into.logits.chunks(classes).enumerate() {
            finite(sample, logits, || "a logit".to_owned())?;
            into.targets[sample] = class(target, sample, logits);
        }
        let begins: Vec<T> = begins(start, &into.logits, &into.targets);
        for (n, way) in self.ways.iter().enumerate() {
            let (found, exponents) = walk.back(n, &trail, narrowed(&begins));
            let len = self.program.in_len;
            let rule = &mut into.rules[n];
            let samples = found.chunks(len).zip(rule.relevance.chunks_mut(len));
            let each = samples.zip(exponents).zip(&mut rule.exponents);
            for (sample, (((found, into), exponent), left)) in each.enumerate() {
                *left = way.put(&x[sample * len..][..len], found, exponent, into);
                finite(sample, into, || format!("`{}`", way.name))?;
            }
        }
        Ok(())
    }
}

impl<T: Real> Way<T> {
    /// Writes what came back of one sample; returns the exponent that is left.
    fn put(&self, x: &[T], found: &[f32], exponent: i32, into: &mut [T]) -> i32 {
        match &self.gradient {
            None => {
                let found: Vec<T> = found.iter().map(widened).collect();
                settle(&found, exponent, into)
            }
            Some((method, _)) => {
                for ((into, x), &gradient) in into.iter_mut().zip(x).zip(found) {
                    *into = T::from_f64(method.value(x.to_f64(), f64::from(gradient)));
                }
                0
            }
        }
    }
}

/// What every sample's walk starts with, `[batch, classes]`.
fn begins<T: Real>(start: Start<'_, T>, logits: &[T], targets: &[usize]) -> Vec<T> {
    let classes = logits.len() / targets.len().max(1);
    let mut all = vec![T::ZERO; logits.len()];
    for (sample, row) in all.chunks_mut(classes.max(1)).enumerate() {
        let target = targets[sample];
        let logit = logits[sample * classes + target];
        Begin {
            start,
            sample,
            target,
            logit,
        }
        .fill(row);
    }
    all
}

fn narrowed<T: Real>(values: &[T]) -> Vec<f32> {
    values.iter().map(|value| value.to_f64() as f32).collect()
}

fn widened<T: Real>(value: &f32) -> T {
    T::from_f64(f64::from(*value))
}
