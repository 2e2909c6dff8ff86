//! `cohort`: who is recorded in the simulated study.

use std::borrow::Cow;

use flow_contract::{Descriptor, Kind, Literal, NodeError, OutputPort, ParamSpec, ParamType, Task};
use flow_simulate::{Medication, Sex, nights};

use crate::recordings::RECORDINGS;
use crate::table::TableBuilder;

/// See the module's page.
pub struct Cohort;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "cohort",
    revision: 1,
    summary: "Lists the recordings of the Sleep-EDF telemetry study: 22 subjects, two nights each.",
    example: r#"[node.nights]
kind = "cohort"
subjects = 3                                    # six nights
"#,
    inputs: &[],
    outputs: &[OutputPort {
        name: Cow::Borrowed("recordings"),
        ty: RECORDINGS,
        doc: "One row a recording: recording, subject, night, age, sex, medication, lights_off.",
    }],
    params: &[ParamSpec {
        name: "subjects",
        ty: ParamType::Int { min: 1, max: 22 },
        default: Some(Literal::Int(22)),
        unit: "subjects",
        doc: "How many subjects, in the order of the subject table.",
    }],
    seeded: false,
    open_ports: false,
};

impl Kind for Cohort {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn run(&self, task: &mut Task<'_>) -> Result<(), NodeError> {
        let nights: Vec<_> = nights()
            .into_iter()
            .take(2 * task.params.count("subjects"))
            .collect();
        let column = |of: &dyn Fn(&flow_simulate::Night) -> String| -> Vec<String> {
            nights.iter().map(of).collect()
        };
        let ages: Vec<i64> = nights
            .iter()
            .map(|night| i64::from(night.age_years))
            .collect();
        let number: Vec<i64> = nights.iter().map(|night| i64::from(night.night)).collect();
        let table = TableBuilder::new()
            .text("recording", &column(&|night| night.recording.clone()))
            .text("subject", &column(&|night| format!("{:02}", night.subject)))
            .int("night", &number)
            .int("age", &ages)
            .text("sex", &column(&|night| sex(night.sex).to_owned()))
            .text(
                "medication",
                &column(&|night| medication(night.medication).to_owned()),
            )
            .text(
                "lights_off",
                &column(&|night| {
                    let clock = night.lights_off;
                    format!("{:02}:{:02}", clock.hour, clock.minute)
                }),
            );
        task.give("recordings", table.parquet()?);
        Ok(())
    }
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
    }
}

fn medication(medication: Medication) -> &'static str {
    match medication {
        Medication::Placebo => "placebo",
        Medication::Temazepam => "temazepam",
    }
}
