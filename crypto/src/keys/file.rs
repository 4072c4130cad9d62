//! Key files.

use super::ReplicaKeys;
use crate::hex;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// What the first field of a key file says.
const FORMAT: &str = "quorate keys v1";
/// A key file has some 400 bytes; no more than this is read.
const LARGEST: u64 = 4096;

/// Why a key file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The operating system refused.
    #[error("key file {path}: cannot {action} it: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// There is a file already, and keys are never overwritten.
    #[error("key file {0} exists: move it away first if its keys are no longer needed")]
    Exists(PathBuf),
    /// Others than its owner can read the file.
    #[error(
        "key file {path} has mode {mode:o}, so others can read the private keys: run \
         `chmod 600 {path}`, and consider the keys known if others use this machine"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not what was saved.
    #[error("key file {path} is damaged: {reason}; restore it from a backup or make new keys")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A key file's content. The public key is there for people, and to notice damage.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    identity_public: String,
    voting_public: String,
    identity_secret: String,
    voting_secret: String,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.identity_secret.zeroize();
        self.voting_secret.zeroize();
    }
}

impl ReplicaKeys {
    /// Writes the keys to a new file, as JSON, readable by its owner only, and waits until it is
    /// on the disk.
    ///
    /// # Errors
    ///
    /// If the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        let content = Content {
            format: FORMAT.into(),
            identity_public: hex::encode(&self.identity_public()),
            voting_public: hex::encode(&self.voting_public()),
            identity_secret: hex::encode(self.identity_secret().as_ref()),
            voting_secret: hex::encode(self.voting_secret().as_ref()),
        };
        let text = serde_json::to_vec_pretty(&content).expect("strings become JSON");
        let text = Zeroizing::new(text);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return KeyFileError::Exists(path.into());
            }
            failed(path, "create")(error)
        })?;
        let written = file
            .write_all(&text)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all());
        written.map_err(|error| {
            // Half a key file helps nobody; if it cannot be removed either, the first error counts.
            let _ = fs::remove_file(path);
            failed(path, "write")(error)
        })
    }

    /// Reads the keys from a file that [`Self::save`] wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, others can read it too, or its content is not what was saved.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let file = File::open(path).map_err(failed(path, "open"))?;
        refuse_exposed(path, &file)?;
        let mut text = Zeroizing::new(Vec::with_capacity(LARGEST as usize));
        file.take(LARGEST)
            .read_to_end(&mut text)
            .map_err(failed(path, "read"))?;
        Self::parse(&text).map_err(|reason| KeyFileError::Damaged {
            path: path.into(),
            reason,
        })
    }

    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        // What the parser says of the text could quote a secret, so it is not passed on.
        let content: Content =
            serde_json::from_slice(text).map_err(|_| "it is not the JSON that was saved")?;
        if content.format != FORMAT {
            return Err("its format is not \"quorate keys v1\"");
        }
        let secret = |text: &str| hex::decode(text).map(Zeroizing::new);
        let secrets = secret(&content.identity_secret).zip(secret(&content.voting_secret));
        let (identity, voting) = secrets.ok_or("a private key is not 64 hexadecimal digits")?;
        let keys = Self::from_secrets(&identity, &voting)
            .ok_or("the private voting key is out of range")?;
        let public = (&content.identity_public, &content.voting_public);
        let (identity, voting) = (keys.identity_public(), keys.voting_public());
        if public != (&hex::encode(&identity), &hex::encode(&voting)) {
            return Err("its public keys do not belong to its private keys");
        }
        Ok(keys)
    }
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.into();
    move |error| KeyFileError::Io {
        path,
        action,
        error,
    }
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(failed(path, "inspect"))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.into(),
            mode,
        });
    }
    Ok(())
}

/// Elsewhere permissions are not bits of the file.
#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &File) -> Result<(), KeyFileError> {
    Ok(())
}
