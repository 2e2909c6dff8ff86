//! Writes every synthetic figure as SVG and PNG into the folder named on the command line.

#[path = "../tests/figures/synthetic/mod.rs"]
mod synthetic;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: gallery FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    for (name, figure) in synthetic::cases() {
        let figure = figure?;
        std::fs::write(folder.join(format!("{name}.svg")), &figure.svg)?;
        std::fs::write(folder.join(format!("{name}.png")), figure.png(2.0)?)?;
    }
    Ok(())
}
