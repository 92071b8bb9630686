//! A disk in memory that keeps after a crash only what was synchronised, and any part of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::disk::{DirectoryEntry, Disk};

/// The disk.
#[derive(Default)]
pub(super) struct ForgetfulDisk(Mutex<State>);

#[derive(Default)]
struct State {
    now: Names,
    kept: Names,
    /// Renames of which no directory was synchronised: they are kept as a whole or not at all.
    renames: Vec<(PathBuf, PathBuf)>,
    contents: Vec<Content>,
    /// Operations until the machine stops.
    steps_left: usize,
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, usize>,
    directories: BTreeSet<PathBuf>,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    kept: Vec<u8>,
}

impl ForgetfulDisk {
    /// Lets the machine stop after so many operations.
    pub(super) fn stop_after(&self, steps: usize) {
        self.0.lock().unwrap().steps_left = steps;
    }

    /// Forgets what may be forgotten when the power goes.
    pub(super) fn crash(&self, rng: &mut StdRng) {
        let mut state = self.0.lock().unwrap();
        for (from, to) in std::mem::take(&mut state.renames) {
            if rng.random() {
                state.keep_rename(&from, &to);
            }
        }
        // Other names that are not synchronised are there or not.
        let names: BTreeSet<PathBuf> = state.now.files.keys().chain(state.kept.files.keys()).cloned().collect();
        for name in names.into_iter().filter(|_| rng.random()) {
            let (now, kept) = (state.now.files.get(&name), state.kept.files.get(&name));
            let is_renamed = now.is_some_and(|file| state.kept.files.values().any(|kept| kept == file))
                || kept.is_some_and(|file| state.now.files.values().any(|now| now == file));
            if !is_renamed {
                state.keep_name(&name);
            }
        }
        state.now = state.kept.clone();
        for content in &mut state.contents {
            let length = if rng.random() { content.now.len() } else { content.kept.len() };
            let byte = |at: usize| {
                let (now, kept) = (content.now.get(at).copied(), content.kept.get(at).copied());
                if now == kept || rng.random() { now.or(kept).unwrap_or(0) } else { kept.unwrap_or(0) }
            };
            content.kept = (0..length).map(byte).collect();
            content.now = content.kept.clone();
        }
        state.steps_left = usize::MAX;
    }

    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.0.lock().unwrap();
        state.steps_left = state.steps_left.checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        Ok(state)
    }
}

impl State {
    fn keep_rename(&mut self, from: &Path, to: &Path) {
        if let Some(file) = self.kept.files.remove(from) {
            self.kept.files.insert(to.to_owned(), file);
        }
    }

    fn keep_name(&mut self, name: &Path) {
        match self.now.files.get(name) {
            Some(file) => self.kept.files.insert(name.to_owned(), *file),
            None => self.kept.files.remove(name),
        };
    }

    fn content(&mut self, file: usize) -> &mut Content {
        &mut self.contents[file]
    }
}

fn is_in(path: &Path, directory: &Path) -> bool {
    path.parent() == Some(directory)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for ForgetfulDisk {
    type File = usize;

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        state.now.directories.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<usize> {
        let mut state = self.step()?;
        if state.now.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.contents.len();
        state.contents.push(Content::default());
        state.now.files.insert(path.to_owned(), file);
        Ok(file)
    }

    fn open(&self, path: &Path, _: bool) -> io::Result<usize> {
        self.step()?.now.files.get(path).copied().ok_or_else(not_found)
    }

    fn bytes(&self, file: &usize) -> io::Result<u64> {
        Ok(self.step()?.content(*file).now.len() as u64)
    }

    fn write_at(&self, file: &usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.step()?;
        let content = &mut state.content(*file).now;
        let (from, to) = (index(offset), index(offset) + bytes.len());
        content.resize(content.len().max(to), 0);
        content[from..to].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, file: &usize, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.step()?;
        let from = index(offset);
        bytes.copy_from_slice(&state.content(*file).now[from..from + bytes.len()]);
        Ok(())
    }

    fn read_cached(&self, _: &usize, _: &mut [u8], _: u64) -> usize {
        0
    }

    fn cut(&self, file: &usize, bytes: u64) -> io::Result<()> {
        self.step()?.content(*file).now.truncate(index(bytes));
        Ok(())
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        let mut state = self.step()?;
        let content = state.content(*file);
        content.kept = content.now.clone();
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let (done, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.renames).into_iter().partition(|(from, to)| is_in(from, path) || is_in(to, path));
        state.renames = open;
        for (from, to) in done {
            state.keep_rename(&from, &to);
        }
        let names: BTreeSet<PathBuf> = state.now.files.keys().chain(state.kept.files.keys()).cloned().collect();
        for name in names.iter().filter(|name| is_in(name, path)) {
            state.keep_name(name);
        }
        let State { now, kept, .. } = &mut *state;
        kept.directories.extend(now.directories.iter().filter(|directory| is_in(directory, path)).cloned());
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let file = state.now.files.remove(from).ok_or_else(not_found)?;
        state.now.files.insert(to.to_owned(), file);
        state.renames.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?.now.files.remove(path).map(|_| ()).ok_or_else(not_found)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let state = self.step()?;
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let files = state.now.files.iter().map(|(at, file)| (at, false, state.contents[*file].now.len() as u64));
        let all = files.chain(state.now.directories.iter().map(|at| (at, true, 0)));
        let listed = all.filter(|(at, ..)| is_in(at, path));
        Ok(listed
            .map(|(at, is_directory, bytes)| DirectoryEntry {
                name: name(at),
                is_directory,
                bytes,
                changed: SystemTime::UNIX_EPOCH,
            })
            .collect())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}
