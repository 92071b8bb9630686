//! Uploads on a disk that loses its power at any moment.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::media::forgetful_disk::ForgetfulDisk;

const ID: MediaId = MediaId([0xab; 16]);

/// The row of the database, each change of which is kept.
#[derive(Default)]
struct Row {
    offset: u64,
    is_complete: bool,
}

fn open() -> Files<ForgetfulDisk> {
    let disk = ForgetfulDisk::default();
    disk.stop_after(usize::MAX);
    Files::open(disk, PathBuf::from("/media"), true).unwrap()
}

fn content(size: usize) -> Vec<u8> {
    // No byte is 0, which a lost one may be read as.
    (0..size).map(|at| u8::try_from(at % 251).unwrap() + 1).collect()
}

/// Uploads what is missing, in blocks of which every third one is synchronised.
fn upload(files: &Files<ForgetfulDisk>, row: &mut Row, whole: &[u8], block: usize) -> io::Result<()> {
    let size = whole.len() as u64;
    let (file, mut length) = match files.resume(ID, row.offset, size)? {
        Unfinished::Finished => {
            row.is_complete = true;
            return Ok(());
        }
        Unfinished::Open(file, length) => (file, length),
    };
    assert_eq!(length, row.offset, "what was confirmed is there");
    let mut kept = vec![0; usize::try_from(length).unwrap()];
    files.disk.read_at(&file, &mut kept, 0)?;
    assert!(whole.starts_with(&kept), "and is what was sent");
    for (number, piece) in whole[kept.len()..].chunks(block).enumerate() {
        files.disk.write_at(&file, piece, length)?;
        length += piece.len() as u64;
        if number % 3 == 2 {
            files.sync(&file)?;
            row.offset = length;
        }
    }
    files.sync(&file)?;
    files.finish(ID)?;
    row.is_complete = true;
    Ok(())
}

fn is_whole(files: &Files<ForgetfulDisk>, whole: &[u8]) -> bool {
    let Some(file) = files.read(ID, whole.len() as u64).unwrap() else { return false };
    let mut found = vec![0; whole.len()];
    files.disk.read_at(&file, &mut found, 0).unwrap();
    found == whole
}

/// Uploads while the power goes after each of these numbers of operations.
fn upload_with_cuts(size: usize, block: usize, cuts: &[usize], seed: u64) {
    let (files, whole, mut row) = (open(), content(size), Row::default());
    let mut rng = StdRng::seed_from_u64(seed);
    for steps in cuts {
        files.disk.stop_after(*steps);
        let uploaded = if row.is_complete { Ok(()) } else { upload(&files, &mut row, &whole, block) };
        assert_eq!(uploaded.is_ok(), row.is_complete);
        files.disk.crash(&mut rng);
        if row.is_complete {
            assert!(is_whole(&files, &whole));
        }
    }
    if !row.is_complete {
        upload(&files, &mut row, &whole, block).unwrap();
    }
    files.disk.crash(&mut rng);
    assert!(is_whole(&files, &whole));
    files.remove(ID).unwrap();
    files.disk.crash(&mut rng);
    files.remove(ID).unwrap();
    let shards = files.list_shards().unwrap();
    assert!(shards.iter().all(|shard| files.list_files(shard).unwrap().is_empty()), "nothing is left");
}

#[test]
fn an_upload_survives_a_crash_at_each_of_its_steps() {
    for steps in 0..40 {
        for seed in 0..8 {
            upload_with_cuts(40, 7, &[steps], seed);
        }
    }
}

proptest! {
    #[test]
    fn an_upload_survives_any_crashes(
        size in 1_usize..200,
        block in 1_usize..50,
        cuts in prop::collection::vec(0_usize..60, 0..6),
        seed: u64,
    ) {
        upload_with_cuts(size, block, &cuts, seed);
    }
}

#[test]
fn what_lies_beyond_the_offset_is_cut_and_what_is_missing_lowers_it() {
    let (files, whole, mut row) = (open(), content(10), Row::default());
    assert!(matches!(files.resume(ID, 0, 10), Ok(Unfinished::Open(_, 0))));
    files.disk.write_at(&0, &[9; 8], 0).unwrap();
    assert!(matches!(files.resume(ID, 3, 10), Ok(Unfinished::Open(_, 3))));
    assert_eq!(files.disk.bytes(&0).unwrap(), 3);
    assert!(matches!(files.resume(ID, 5, 10), Ok(Unfinished::Open(_, 3))), "two are lost");
    files.remove(ID).unwrap();
    assert!(matches!(files.resume(ID, 5, 10), Ok(Unfinished::Open(_, 0))), "all are lost");
    upload(&files, &mut row, &whole, 4).unwrap();
    assert!(matches!(files.resume(ID, 7, 10), Ok(Unfinished::Finished)), "whatever the database says");
    assert!(files.read(ID, 11).unwrap().is_none(), "a file of another size is not the file");
}

#[test]
fn a_large_file_is_removed_in_steps() {
    const STEP: u64 = 1024 * 1024;
    let (files, large) = (open(), usize::try_from(STEP).unwrap() * 2 + 5);
    assert!(!files.shrink(ID, STEP), "there is none");
    for is_finished in [false, true] {
        let mut row = Row::default();
        if is_finished {
            upload(&files, &mut row, &content(large), large / 2).unwrap();
        } else {
            let Unfinished::Open(file, _) = files.resume(ID, 0, large as u64).unwrap() else {
                panic!("it is finished")
            };
            files.disk.write_at(&file, &content(large), 0).unwrap();
        }
        let mut steps = 0;
        while files.shrink(ID, STEP) {
            steps += 1;
            let shards = files.list_shards().unwrap();
            let found: Vec<_> = shards.iter().flat_map(|shard| files.list_files(shard).unwrap()).collect();
            assert_eq!(found[0].bytes, large as u64 - steps * STEP);
            assert!(files.read(ID, large as u64).unwrap().is_none(), "a part of it is not the file");
        }
        assert_eq!(steps, 2);
        files.remove(ID).unwrap();
    }
    assert!(files.list_shards().unwrap().iter().all(|shard| files.list_files(shard).unwrap().is_empty()));
}

#[test]
fn files_are_found_where_they_are() {
    let (files, whole, mut row) = (open(), content(10), Row::default());
    upload(&files, &mut row, &whole, 4).unwrap();
    let other = MediaId([1; 16]);
    files.resume(other, 0, 5).unwrap();
    files.disk.create(Path::new("/media/up/notes.txt")).unwrap();
    files.disk.make_directory(Path::new("/media/lost+found")).unwrap();
    let shards = files.list_shards().unwrap();
    let found: Vec<_> = shards.iter().flat_map(|shard| files.list_files(shard).unwrap()).collect();
    let brief: Vec<_> = found.iter().map(|found| (found.id, found.bytes, found.is_finished)).collect();
    assert_eq!(brief, [(other, 0, false), (ID, 10, true)]);
}
