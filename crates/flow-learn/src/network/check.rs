//! Shapes from layer to layer.

use super::{Layer, Network, NetworkError, Op};
use crate::kernels::{ConvShape, PoolShape};
use std::fmt;

/// The largest size a layer may be given: far above any real network.
const MOST: usize = 1 << 24;
/// The most numbers of one sample between two layers, and of one layer's weights. No machine that this runs on
/// trains more, places of numbers fit into 32 bits, and products of two such counts into 64.
const MOST_NUMBERS: usize = 1 << 31;

/// The shape of one sample between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `[channels, time]`.
    Map {
        /// Channels.
        channels: usize,
        /// Length.
        time: usize,
    },
    /// `[units]`.
    Vector {
        /// Numbers.
        units: usize,
    },
}

impl Shape {
    /// Numbers in one sample.
    pub fn numbers(&self) -> usize {
        match *self {
            Self::Map { channels, time } => channels * time,
            Self::Vector { units } => units,
        }
    }

    /// Channels of a map, units of a vector: what a batch norm has one parameter for.
    pub fn channels(&self) -> usize {
        match *self {
            Self::Map { channels, .. } => channels,
            Self::Vector { units } => units,
        }
    }

    /// Length of a map, 1 for a vector.
    pub fn time(&self) -> usize {
        match *self {
            Self::Map { time, .. } => time,
            Self::Vector { .. } => 1,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { channels, time } => write!(f, "[{channels} channels, {time} samples]"),
            Self::Vector { units } => write!(f, "[{units} units]"),
        }
    }
}

impl Network {
    /// The shape after each layer, in forward order.
    ///
    /// # Errors
    /// The first layer that can't take what it gets, or whose numbers make no sense.
    pub fn shapes(&self) -> Result<Vec<Shape>, NetworkError> {
        if self.layers.is_empty() || self.channels == 0 || self.time == 0 {
            return Err(NetworkError::Empty);
        }
        self.names_differ()?;
        let mut shape = self.input();
        if count([self.channels, self.time]).is_none() {
            return Err(NetworkError::InputTooLarge { gets: shape });
        }
        let mut shapes = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let step = Step {
                entry: index + 1,
                layer,
                gets: shape,
            };
            shape = step.after()?;
            step.small_enough(shape)?;
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// The number of classes: the length of the vector that comes out.
    ///
    /// # Errors
    /// As [`Network::shapes`]; [`NetworkError::NoLogits`] where a map comes out.
    pub fn classes(&self) -> Result<usize, NetworkError> {
        match self.shapes()?.last() {
            Some(&Shape::Vector { units }) => Ok(units),
            Some(&gets) => Err(NetworkError::NoLogits { gets }),
            None => Err(NetworkError::Empty),
        }
    }

    /// The shape of the input.
    pub fn input(&self) -> Shape {
        Shape::Map {
            channels: self.channels,
            time: self.time,
        }
    }

    /// The number of trained numbers: weights and biases, not the running moments of batch norms.
    ///
    /// # Errors
    /// As [`Network::shapes`].
    pub fn parameters(&self) -> Result<usize, NetworkError> {
        let mut gets = self.input();
        let mut sum = 0;
        for (layer, after) in self.layers.iter().zip(self.shapes()?) {
            sum += match layer.op {
                Op::Conv {
                    filters,
                    kernel,
                    groups,
                    bias,
                    ..
                } => filters * (gets.channels() / groups) * kernel + usize::from(bias) * filters,
                Op::Dense { units, bias } => units * (gets.numbers() + usize::from(bias)),
                Op::BatchNorm { .. } => 2 * gets.channels(),
                _ => 0,
            };
            gets = after;
        }
        Ok(sum)
    }

    fn names_differ(&self) -> Result<(), NetworkError> {
        let mut names: Vec<_> = self.layers.iter().map(|layer| &layer.name).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(NetworkError::TwiceNamed {
                name: pair[0].clone(),
            }),
            None => Ok(()),
        }
    }
}

/// The product of these sizes, where it is at most [`MOST_NUMBERS`].
fn count<const N: usize>(sizes: [usize; N]) -> Option<usize> {
    let product = sizes.into_iter().try_fold(1, usize::checked_mul);
    product.filter(|numbers| *numbers <= MOST_NUMBERS)
}

/// One layer and the shape it gets.
struct Step<'a> {
    entry: usize,
    layer: &'a Layer,
    gets: Shape,
}

impl Step<'_> {
    fn after(&self) -> Result<Shape, NetworkError> {
        match self.layer.op {
            Op::Conv { .. } => self.after_conv(),
            Op::Dense { units, .. } => self.after_dense(units),
            Op::MaxPool { kernel, stride } | Op::AveragePool { kernel, stride } => {
                self.after_pool(kernel, stride)
            }
            Op::GlobalMaxPool | Op::GlobalAveragePool => self
                .map()
                .map(|(channels, _)| Shape::Vector { units: channels }),
            Op::Flatten => self.map().map(|_| Shape::Vector {
                units: self.gets.numbers(),
            }),
            Op::Dropout { rate } => self.rate(rate).map(|()| self.gets),
            Op::SpatialDropout { rate } => {
                self.rate(rate)?;
                self.map().map(|_| self.gets)
            }
            Op::LeakyRelu { slope } => self.single("slope", slope),
            Op::Elu { alpha } => self.single("alpha", alpha),
            Op::BatchNorm { epsilon } => {
                self.range("epsilon", epsilon, epsilon > 0.0, "above 0")?;
                self.single("epsilon", epsilon)
            }
            Op::Relu | Op::Gelu => Ok(self.gets),
        }
    }

    fn after_conv(&self) -> Result<Shape, NetworkError> {
        self.map()?;
        let Some(shape) = self.layer.op.conv_shape(self.gets) else {
            return Ok(self.gets);
        };
        let ConvShape {
            in_channels: channels,
            out_channels: filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } = shape;
        self.positive("filters", filters)?;
        self.positive("kernel", kernel)?;
        self.positive("stride", stride)?;
        self.positive("dilation", dilation)?;
        self.positive("groups", groups)?;
        let bounded = padding <= MOST;
        self.range("padding", padding as f64, bounded, "0 to 16777216")?;
        if channels % groups != 0 || filters % groups != 0 {
            let (entry, name) = self.place();
            return Err(NetworkError::Groups {
                entry,
                name,
                channels,
                filters,
                groups,
            });
        }
        let span = (dilation * (kernel - 1) + 1).saturating_sub(2 * padding);
        self.long_enough(span, shape.out_time())?;
        Ok(Shape::Map {
            channels: filters,
            time: shape.out_time(),
        })
    }

    fn after_dense(&self, units: usize) -> Result<Shape, NetworkError> {
        self.positive("units", units)?;
        match self.gets {
            Shape::Vector { .. } => Ok(Shape::Vector { units }),
            Shape::Map { .. } => {
                Err(self.wrong("a vector (put a global pool or `flatten` before it)"))
            }
        }
    }

    fn after_pool(&self, kernel: usize, stride: usize) -> Result<Shape, NetworkError> {
        let (channels, time) = self.map()?;
        self.positive("window", kernel)?;
        self.positive("stride", stride)?;
        let out = PoolShape {
            rows: 1,
            time,
            kernel,
            stride,
        }
        .out_time();
        self.long_enough(kernel, out)?;
        Ok(Shape::Map {
            channels,
            time: out,
        })
    }

    fn map(&self) -> Result<(usize, usize), NetworkError> {
        match self.gets {
            Shape::Map { channels, time } => Ok((channels, time)),
            Shape::Vector { .. } => Err(self.wrong("channels over time")),
        }
    }

    fn wrong(&self, wanted: &'static str) -> NetworkError {
        let (entry, name) = self.place();
        NetworkError::WrongShape {
            entry,
            name,
            wanted,
            gets: self.gets,
        }
    }

    fn long_enough(&self, span: usize, out_time: usize) -> Result<(), NetworkError> {
        if out_time > 0 {
            return Ok(());
        }
        let (entry, name) = self.place();
        Err(NetworkError::TooShort {
            entry,
            name,
            span,
            gets: self.gets,
        })
    }

    /// Whether the numbers it gives and its weights can be held, and counted without overflow.
    fn small_enough(&self, gives: Shape) -> Result<(), NetworkError> {
        let weights = match self.layer.op {
            Op::Conv { kernel, groups, .. } => {
                count([gives.channels(), self.gets.channels() / groups, kernel])
            }
            Op::Dense { units, .. } => count([units, self.gets.numbers()]),
            _ => Some(0),
        };
        if weights.is_some() && count([gives.channels(), gives.time()]).is_some() {
            return Ok(());
        }
        let (entry, name) = self.place();
        Err(NetworkError::TooLarge {
            entry,
            name,
            gets: self.gets,
            gives,
        })
    }

    fn positive(&self, what: &'static str, value: usize) -> Result<(), NetworkError> {
        let holds = (1..=MOST).contains(&value);
        self.range(what, value as f64, holds, "1 to 16777216")
    }

    fn rate(&self, rate: f64) -> Result<(), NetworkError> {
        self.range(
            "rate",
            rate,
            rate >= 0.0 && (rate as f32) < 1.0,
            "at least 0 and below 1",
        )
    }

    /// Refuses what single precision makes infinite or 0, or holds only in part.
    fn single(&self, what: &'static str, value: f64) -> Result<Shape, NetworkError> {
        let holds = value == 0.0 || (value as f32).is_normal();
        self.range(
            what,
            value,
            holds,
            "0 or between 1.2e-38 and 3.4e38, either sign",
        )?;
        Ok(self.gets)
    }

    fn range(
        &self,
        what: &'static str,
        value: f64,
        holds: bool,
        wanted: &'static str,
    ) -> Result<(), NetworkError> {
        if holds {
            return Ok(());
        }
        let (entry, name) = self.place();
        Err(NetworkError::OutOfRange {
            entry,
            name,
            what,
            value,
            wanted,
        })
    }

    fn place(&self) -> (usize, String) {
        (self.entry, self.layer.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_of_the_paper_has_255061_parameters() {
        let network = Network::ellis2021(3, 3000, 5);
        assert_eq!(network.products(), Ok(97_236_480));
        assert_eq!(network.parameters(), Ok(255_061));
        assert_eq!(network.classes(), Ok(5));
        let maps = network.shapes().unwrap();
        assert_eq!(
            maps[20],
            Shape::Map {
                channels: 256,
                time: 367
            }
        );
    }

    #[test]
    fn the_layer_that_does_not_fit_is_named() {
        let network = Network::of(3, 9, [Op::conv(4, 5), Op::max_pool(2), Op::conv(4, 3)]);
        let error = network.shapes().unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer 3 `layer2` spans 3 samples, gets [4 channels, 2 samples]"
        );
    }

    #[test]
    fn a_dense_layer_on_a_map_is_refused_with_the_mend() {
        let error = Network::of(3, 9, [Op::dense(4)]).shapes().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("put a global pool or `flatten` before it")
        );
    }

    #[test]
    fn a_rate_of_one_is_refused() {
        let network = Network::of(3, 9, [Op::Dropout { rate: 1.0 }]);
        assert!(matches!(
            network.shapes(),
            Err(NetworkError::OutOfRange { what: "rate", .. })
        ));
    }

    #[test]
    fn groups_must_divide_both_sides() {
        let op = Op::Conv {
            filters: 4,
            kernel: 1,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 2,
            bias: true,
        };
        assert!(matches!(
            Network::of(3, 9, [op]).shapes(),
            Err(NetworkError::Groups { .. })
        ));
    }

    #[test]
    fn what_no_machine_holds_is_refused() {
        let wide = |channels, time, entries: &[&str]| Network::parse(channels, time, entries);
        let refused = |entries: &[&str]| wide(1, 10, entries).unwrap_err().to_string();
        assert_eq!(
            refused(&["conv 2 k3 p1000000000000"]),
            "layer 1 `layer1`: padding is 1000000000000, must be 0 to 16777216"
        );
        assert_eq!(
            refused(&["conv 16777216 k3 p16777216"]),
            "layer 1 `layer1` gets [1 channels, 10 samples] and gives [16777216 channels, 33554440 samples]: \
             more than 2147483648 numbers or weights"
        );
        let weights = ["conv 16777216 k1", "flatten", "dense 16777216"];
        assert!(refused(&weights).starts_with("layer 3 `layer2` gets [167772160 units]"));
        let input = wide(1 << 31, 1 << 33, &["flatten"]).unwrap_err();
        assert!(matches!(input, NetworkError::InputTooLarge { .. }));
    }
}
