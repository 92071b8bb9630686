//! The result of all parts.

use serde::Serialize;

use super::Media;
use super::beside::Messages;
use super::crowd::Crowd;
use super::speed::{Over, Speed};
use crate::place::Store;

/// The result; parts that were not measured are absent.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    store: Store,
    #[serde(flatten)]
    media: Media,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speed: Option<Speed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<Crowd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) messages: Option<Messages>,
}

impl Outcome {
    pub(super) fn new(store: Store, media: &Media) -> Self {
        Self { workload: "media", store, media: media.clone(), speed: None, memory: None, messages: None }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Media { mib, connections, rounds, .. } = self.media;
        write!(f, "media server/{} {mib} MiB × {connections}, {rounds} rounds, ", self.store.as_str())?;
        write!(f, "median (min–max); ratios are of the server to each")?;
        if let Some(speed) = &self.speed {
            write!(f, "\n{speed}")?;
        }
        if let Some(memory) = &self.memory {
            write!(f, "\n  {memory}")?;
        }
        self.messages.as_ref().map_or(Ok(()), |messages| write!(f, "\n{messages}"))
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let absent = "  nginx is not installed: not compared";
        writeln!(
            f,
            "  upload, on the disk  {:.0} MiB/s, {:.0} CPU-ms a GiB",
            self.upload.mib_per_s, self.upload.cpu_ms_per_gib
        )?;
        writeln!(f, "    bare               {}", self.upload_bare)?;
        match &self.upload_nginx {
            Some(nginx) => writeln!(f, "    nginx, not synced  {nginx}")?,
            None => writeln!(f, "{absent}")?,
        }
        writeln!(
            f,
            "  download             {:.0} MiB/s, {:.0} CPU-ms a GiB",
            self.download.mib_per_s, self.download.cpu_ms_per_gib
        )?;
        writeln!(f, "    bare               {}", self.download_bare)?;
        writeln!(f, "    tower-http         {}", self.download_serve_file)?;
        if let Some(nginx) = &self.download_nginx {
            writeln!(f, "    nginx, sendfile    {nginx}")?;
        }
        write!(f, "  other programs {:.2} cores", self.other_cores)
    }
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mib_per_s, cpu_ms_per_gib, speed_ratio, cpu_ratio } = self;
        write!(f, "{mib_per_s:.0} MiB/s, {cpu_ms_per_gib:.0} CPU-ms a GiB; ratio {speed_ratio:.3}, CPU {cpu_ratio:.3}")
    }
}
