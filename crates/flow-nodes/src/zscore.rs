//! `z-score`: each channel of a recording to mean 0 and standard deviation 1.

use std::borrow::Cow;

use flow_contract::{Arity, Descriptor, Foresight, InputPort, Kind, NodeError, OutputPort, Task};
use flow_stats::zscore::{Layout, ZscoreError, standardise};

use crate::recordings::{EPOCHS, Recorded, ZSCORED};
use crate::tensor::TensorsBuilder;

/// See the module's page.
pub struct ZScore;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "z-score",
    revision: 1,
    summary: "Z-scores each channel over the kept epochs of a recording, SD with N − 1.",
    example: r#"[node.zscored]
kind = "z-score"
epochs = { file = "epochs.safetensors" }
"#,
    inputs: &[InputPort {
        name: Cow::Borrowed("epochs"),
        ty: EPOCHS,
        arity: Arity::One,
        doc: "Epochs of one recording.",
    }],
    outputs: &[OutputPort {
        name: Cow::Borrowed("epochs"),
        ty: ZSCORED,
        doc: "The same epochs, `x` without unit.",
    }],
    params: &[],
    seeded: false,
    open_ports: false,
};

impl Kind for ZScore {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn foresight(&self) -> Option<Foresight> {
        Some(crate::foresight::z_score)
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let file = {
            let input = task.input("epochs")?;
            let recorded = Recorded::read(input, "", "")?;
            let (count, channels) = (recorded.count(), recorded.channels.len());
            let mut x = recorded.x.to_vec();
            standardise(&mut x, Layout::epochs(count, channels, recorded.time))
                .map_err(|error| in_words(&error, &recorded).at(&input.name))?;
            recorded
                .names(TensorsBuilder::new())
                .fact("channels", recorded.channels.join("\t"))
                .f32("x", &[count, channels, recorded.time], &x)
                .f64("onset", &[count], &recorded.onset)
                .u8("stage", &[count], &recorded.stage)
                .build()?
        };
        task.give("epochs", file);
        Ok(())
    }
}

fn in_words(error: &ZscoreError, recorded: &Recorded<'_>) -> NodeError {
    match error {
        ZscoreError::Flat { channel, value } => NodeError::new(format!(
            "channel {} is flat at {value} {}",
            recorded.channels[*channel], recorded.units[*channel]
        ))
        .because("a flat channel has no standard deviation to divide by")
        .help(
            "check the electrode, choose another signal in `channels`, or leave the recording out",
        ),
        ZscoreError::NotFinite { channel, sample } => {
            let (epoch, sample) = (sample / recorded.time, sample % recorded.time);
            let onset = recorded.onset.get(epoch).copied().unwrap_or_default();
            NodeError::new(format!(
                "channel {} is not finite at sample {sample} of the epoch at {onset} s",
                recorded.channels[*channel]
            ))
        }
        error => NodeError::new(error),
    }
}
