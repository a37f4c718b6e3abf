//! `ecs-operator crds`.

use std::{
    error::Error,
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
};

use ecs_operator::api::crd;

/// Where the CRDs go.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write one file a CRD into this folder instead of printing them.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints or writes the CRDs.
pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    for crd in crd::all()? {
        let text = crd::yaml(&crd)?;
        match &arguments.output {
            None => match write!(std::io::stdout(), "{text}") {
                // Whoever reads has read enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            },
            Some(folder) => {
                let name = crd.pointer("/spec/names/plural").and_then(serde_json::Value::as_str).unwrap_or("crd");
                let file = folder.join(format!("{name}.yaml"));
                fs::create_dir_all(folder)
                    .and_then(|()| fs::write(&file, text))
                    .map_err(|error| format!("{} can't be written: {error}", file.display()))?;
            }
        }
    }
    Ok(())
}
