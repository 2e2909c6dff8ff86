//! Folders that outlive a failed or killed attempt at a key.
//!
//! Whoever holds the claim on a key may write to its folder; nothing in it is ever a result.

use std::fs;
use std::path::PathBuf;

use flow_contract::Key;

use crate::store::Store;

impl Store {
    /// Where attempts at this key may leave what lets the next one go on; it need not exist.
    #[must_use]
    pub fn scratch(&self, key: &Key) -> PathBuf {
        self.folder.join("scratch").join(key.to_string())
    }

    /// Removes the folder of a key whose result is recorded.
    pub fn clear_scratch(&self, key: &Key) {
        // What can't be removed is in nobody's way: the key is never computed again, and `gc` removes it.
        let _ = fs::remove_dir_all(self.scratch(key));
    }
}
