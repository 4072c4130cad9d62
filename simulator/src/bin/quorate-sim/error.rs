//! Why a command has no result.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug)]
pub(crate) enum SimError {
    /// A file cannot be written.
    Write { path: PathBuf, source: io::Error },
    /// Standard output is closed.
    Output(io::Error),
    /// Ctrl-C cannot be listened for.
    Signal(io::Error),
    /// The options name a replica that the run does not have.
    NoReplica { replica: u16, replicas: usize },
}

impl SimError {
    /// What could not be written where.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// 2 for a wrong option, 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NoReplica { .. } => 2,
            _ => 1,
        })
    }
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, source } => write!(f, "cannot write {}: {source}", path.display()),
            Self::Output(source) => write!(f, "cannot write to the terminal: {source}"),
            Self::Signal(source) => write!(f, "cannot listen for Ctrl-C: {source}"),
            Self::NoReplica { replica, replicas } => write!(
                f,
                "this seed has no replica {replica}: they are 0 to {}",
                replicas - 1
            ),
        }
    }
}

impl std::error::Error for SimError {}
