//! Whether bytes from outside have the form that the study says they have.
//!
//! The form is told by an output's `type`, or, where it has none, by the end of the file's name. What
//! a form looks like only the catalog knows.

use std::path::Path;

use flow_contract::{Catalog, Content, Form, NodeError, Produced};

/// What an output must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Of a form, because the study says so.
    Form(Form),
    /// What the end of its path says.
    Extension,
}

/// Checks the whole of what was given on a port; `path` is where the command wrote it.
///
/// # Errors
/// In words: which port, what it should be, and why it is not.
pub(crate) fn check(
    catalog: &dyn Catalog,
    wants: Wants,
    given: &Produced,
    (port, path): (&str, &str),
) -> Result<(), NodeError> {
    let extension = match wants {
        Wants::Form(Form::File) => return Ok(()),
        Wants::Form(form) => form.extension().to_owned(),
        Wants::Extension => {
            let extension = Path::new(path).extension().unwrap_or_default();
            extension.to_string_lossy().to_lowercase()
        }
    };
    let checked = match given {
        Produced::Bytes(bytes) => catalog.check_format(&extension, bytes),
        Produced::Staged(file) => {
            let bytes = Content::map(file);
            let bytes = bytes
                .map_err(|error| NodeError::new(format!("reading output `{port}`: {error}")))?;
            catalog.check_format(&extension, &bytes)
        }
    };
    checked.map_err(|why| refused(wants, &extension, port, path).because(why))
}

fn refused(wants: Wants, extension: &str, port: &str, path: &str) -> NodeError {
    match wants {
        Wants::Form(form) => NodeError::new(format!("output `{port}` is not {}", words(form)))
            .help("give it another `type` in `outputs`, or `type = \"file\"` for any bytes"),
        Wants::Extension => {
            let what = format!("output `{port}`, `{path}`, is no whole {extension} file");
            let help = format!(
                "write what its name says, or take any bytes by `{port} = {{ path = \"{path}\", type = \"file\" }}`"
            );
            NodeError::new(what).help(help)
        }
    }
}

fn words(form: Form) -> &'static str {
    match form {
        Form::Tensors => "tensors as safetensors",
        Form::Table => "a table as Parquet",
        Form::Figure => "a figure as SVG",
        Form::Picture => "a picture as PNG",
        Form::Document => "a document as JSON",
        Form::File => "a file",
    }
}
