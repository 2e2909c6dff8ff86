//! The plan as the engine and its users see it, over a catalog of toys.

#[cfg(test)]
mod kept;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod toys;
#[cfg(test)]
mod valid;
