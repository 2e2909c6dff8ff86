//! What a killed training goes on from: a sealed file in the task's scratch folder.
//!
//! The file is `<digest>\n<key>\n<state>`; the digest is of all that follows it, and the key is the
//! recipe's. It is written aside, synced and renamed, so that it is whole or the one before. A file whose
//! seal does not hold, or that was made for another recipe, is never read as a state.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flow_contract::{Digest, Task};

/// Length of a digest or key in hexadecimal.
const HEX: usize = 64;

/// The checkpoint of one training.
pub struct Checkpoint {
    folder: PathBuf,
    key: String,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// No attempt got as far as a first checkpoint.
    Nothing,
    /// A file that is no whole checkpoint of this training.
    Damaged,
    /// The state of the training.
    State(Vec<u8>),
}

impl Checkpoint {
    /// The checkpoint of a task, where the task may keep one.
    pub fn of(task: &Task<'_>) -> Option<Self> {
        Self::in_folder(task.scratch()?)
    }

    /// The checkpoint in a folder named by the recipe's key.
    fn in_folder(folder: &Path) -> Option<Self> {
        Some(Self {
            key: folder.file_name()?.to_str()?.to_owned(),
            folder: folder.to_owned(),
        })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("training")
    }

    /// What the last attempt left.
    pub fn read(&self) -> Kept {
        match fs::read(self.file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::Nothing,
            Err(_) => Kept::Damaged,
            Ok(bytes) => self.unsealed(&bytes).map_or(Kept::Damaged, Kept::State),
        }
    }

    fn unsealed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (seal, sealed) = bytes.split_at_checked(HEX + 1)?;
        let whole = seal == format!("{}\n", Digest::of(sealed)).as_bytes();
        let state = sealed.strip_prefix(format!("{}\n", self.key).as_bytes())?;
        whole.then(|| state.to_vec())
    }

    /// Puts a state in the place of the one before.
    ///
    /// # Errors
    /// When the disk does not take it; the one before then stays.
    pub fn write(&self, state: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let sealed = [self.key.as_bytes(), b"\n", state].concat();
        let aside = self.folder.join("training.new");
        let mut file = File::create(&aside)?;
        file.write_all(format!("{}\n", Digest::of(&sealed)).as_bytes())?;
        file.write_all(&sealed)?;
        file.sync_data()?;
        fs::rename(aside, self.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_checkpoint_of_the_same_recipe_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::in_folder(&folder.path().join("abc")).unwrap();
        assert_eq!(checkpoint.read(), Kept::Nothing);
        checkpoint.write(b"first").unwrap();
        checkpoint.write(b"second").unwrap();
        assert_eq!(checkpoint.read(), Kept::State(b"second".to_vec()));

        let whole = fs::read(checkpoint.file()).unwrap();
        for cut in [0, 1, HEX + 2, whole.len() - 1] {
            fs::write(checkpoint.file(), &whole[..cut]).unwrap();
            assert_eq!(checkpoint.read(), Kept::Damaged, "cut at {cut}");
        }
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        fs::write(checkpoint.file(), flipped).unwrap();
        assert_eq!(checkpoint.read(), Kept::Damaged);

        let other = Checkpoint::in_folder(&folder.path().join("abd")).unwrap();
        other.write(b"x").unwrap();
        fs::write(other.file(), whole).unwrap();
        assert_eq!(
            other.read(),
            Kept::Damaged,
            "a checkpoint of another recipe"
        );
    }
}
