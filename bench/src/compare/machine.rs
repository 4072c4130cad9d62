//! What the operating system says about this process and machine.

use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The machine that a comparison ran on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// Operating system and architecture.
    pub(crate) platform: String,
    /// Processors that this process may use.
    pub(crate) processors: usize,
    /// Model of the processor, where the system tells.
    pub(crate) model: Option<String>,
    /// Bytes of memory, where the system tells.
    pub(crate) memory_bytes: Option<u64>,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == "model name").then(|| value.trim().to_owned())
        });
        Self {
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            model,
            memory_bytes: kilobytes("/proc/meminfo", "MemTotal:"),
        }
    }
}

/// A field of a `/proc` file that is given in kB, in bytes.
fn kilobytes(path: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kilobytes: u64 = line[field.len()..]
        .trim()
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    Some(kilobytes * 1024)
}

/// Bytes of memory that this process has resident now.
pub(crate) fn resident_bytes() -> Option<u64> {
    kilobytes("/proc/self/status", "VmRSS:")
}

/// Processor time that this process has used so far, user and system, in milliseconds.
pub(crate) fn processor_millis() -> Option<f64> {
    /// Linux counts in hundredths of a second whatever the kernel's own tick is.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may contain anything; fields are counted from behind it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) * 1000.0 / TICKS_PER_SECOND)
}

/// Watches how much memory this process has resident, and keeps the most.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Starts to watch.
    pub(crate) fn start() -> Self {
        let (peak, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (shared_peak, shared_stop) = (Arc::clone(&peak), Arc::clone(&stop));
        let watch = move || {
            while !shared_stop.load(Ordering::Relaxed) {
                shared_peak.fetch_max(resident_bytes().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        let thread = std::thread::Builder::new()
            .name("memory-watch".into())
            .spawn(watch)
            .ok();
        Self { peak, stop, thread }
    }

    /// The most bytes seen so far; `None` where the system does not tell.
    pub(crate) fn peak(&self) -> Option<u64> {
        Some(self.peak.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only sleeps and reads a file.
            let _ = thread.join();
        }
    }
}
