//! `doctor`: looks at the machine, the files, the store and a running server, and says what is wrong, why that matters
//! and what mends it. Changes nothing, but for an object in a bucket of files, which it removes again.

#[cfg(feature = "s3")]
mod bucket;
mod disk;
mod files;
mod finding;
mod frames;
mod keys;
mod machine;
mod outside;
mod running;
mod store;
mod way;

use std::path::Path;
use std::process::ExitCode;

use fluent_backend::Config;
use serde_json::json;

use super::say;
use finding::{Finding, Level};

/// What `doctor` is asked.
#[derive(clap::Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object instead of lines for people.
    #[arg(long)]
    json: bool,
    /// The address by which clients reach this server, `https://chat.example.org`: what they would meet there is tried.
    #[arg(long, value_name = "URL")]
    public_url: Option<url::Url>,
}

/// Prints all findings. The program ends with 0 when all is well, with 1 after warnings, and with 2 after errors.
pub(crate) async fn doctor(config: &Config, file: Option<&Path>, args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut findings = configuration(config);
    findings.extend(files::look(config, file));
    findings.extend(disk::look(config));
    findings.extend(machine::look(config));
    findings.extend(keys::look(config));
    #[cfg(feature = "s3")]
    findings.extend(Box::pin(bucket::look(config)).await);
    findings.extend(Box::pin(store::look(config)).await);
    findings.extend(running::look(config).await);
    if let Some(url) = &args.public_url {
        let (is_ours, found) = Box::pin(outside::look(url)).await;
        findings.extend(found);
        if is_ours {
            findings.extend(Box::pin(way::look(config, url)).await);
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if args.json {
        say(&json!({"errors": errors, "warnings": warnings, "findings": findings}).to_string());
    } else {
        for finding in &findings {
            say(&finding.text());
        }
        say(&summary(errors, warnings));
    }
    Ok(match (errors, warnings) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(1),
        _ => ExitCode::from(2),
    })
}

fn configuration(config: &Config) -> Vec<Finding> {
    let warnings = config.warnings();
    if warnings.is_empty() {
        return vec![Finding::fine("configuration", "valid")];
    }
    warnings.into_iter().map(|warning| Finding::warning("configuration", warning)).collect()
}

fn summary(errors: usize, warnings: usize) -> String {
    let counted = |count, what: &str| match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
}
