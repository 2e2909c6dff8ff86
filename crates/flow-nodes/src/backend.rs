//! The param `backend` of the kinds that compute with a network.

use flow_contract::{Literal, NodeError, ParamProblem, ParamSpec, ParamType, Params, Task, Value};
use flow_learn::backend::BackendClass;
use flow_learn::kernels::numeric_class;

/// What computes.
pub const BACKEND_PARAM: ParamSpec = ParamSpec {
    name: NAME,
    ty: ParamType::Choice(&["cpu", "wgpu", "cuda"]),
    default: Some(Literal::Text(CPU)),
    unit: "",
    doc: "What computes: the cores, or a GPU by `wgpu` (Vulkan, Metal, DirectX) or `cuda`, in a flow built with that feature.",
};

const NAME: &str = "backend";
const CPU: &str = "cpu";

/// What is wrong with a param `backend` before anything runs: this build may lack it.
///
/// # Errors
/// Which feature flow has to be built with.
pub fn check_backend(name: &str, value: &Value) -> Result<(), ParamProblem> {
    let asked = value.as_text().filter(|_| name == NAME);
    match asked.filter(|asked| *asked != CPU && BackendClass::of_gpu(asked, 0).is_none()) {
        None => Ok(()),
        Some(asked) => Err(ParamProblem {
            param: name.to_owned(),
            what: lacks(asked),
            help: build(asked),
        }),
    }
}

/// The class of a recipe: on the cores `cpu_class`, and how they round where it isn't as usual.
pub fn backend_class(params: &Params, cpu_class: impl Into<String>) -> Option<String> {
    Some(match params.text(NAME) {
        CPU => rounded(cpu_class.into(), numeric_class()),
        gpu => format!("{gpu}-f32"),
    })
}

/// A machine without fused multiply-add gives other bytes, so it has recipes of its own in a shared cache.
fn rounded(class: String, rounding: &str) -> String {
    match rounding {
        "fused" => class,
        other => format!("{class}-{other}"),
    }
}

/// The backend a task is to compute with.
///
/// # Errors
/// Where the build lacks it, or the machine the GPU.
pub fn backend(task: &Task<'_>) -> Result<BackendClass, NodeError> {
    let asked = task.params.text(NAME);
    if asked == CPU {
        return Ok(BackendClass::default());
    }
    let place = task.gpus().first().map_or(0, |gpu| gpu.place);
    let backend = BackendClass::of_gpu(asked, place)
        .ok_or_else(|| NodeError::new(lacks(asked)).help(build(asked)))?;
    backend.check().map_err(|error| {
        NodeError::new(error)
            .help("run it where a GPU and its driver are, or say backend = \"cpu\"")
    })?;
    Ok(backend)
}

fn lacks(asked: &str) -> String {
    format!("this flow was built without the feature `{asked}`")
}

fn build(asked: &str) -> String {
    format!("build it by `cargo build --release --features {asked}`, or say backend = \"{CPU}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_that_round_otherwise_have_recipes_of_their_own() {
        let class = |rounding| rounded("kernels-f32".to_owned(), rounding);
        assert_eq!(class("fused"), "kernels-f32");
        assert_eq!(class("separate"), "kernels-f32-separate");
    }

    #[test]
    fn a_backend_that_this_build_lacks_is_refused_with_the_feature_to_build() {
        assert_eq!(check_backend("backend", &Value::from("cpu")), Ok(()));
        assert_eq!(check_backend("network", &Value::from("cuda")), Ok(()));
        for (gpu, has) in [
            ("wgpu", cfg!(feature = "wgpu")),
            ("cuda", cfg!(feature = "cuda")),
        ] {
            let checked = check_backend("backend", &Value::from(gpu));
            assert_eq!(checked.is_ok(), has, "{gpu}");
            let help = checked.err().map(|problem| problem.help);
            let named = help.is_none_or(|help| help.contains(&format!("--features {gpu}")));
            assert!(named, "{gpu}");
        }
    }
}
