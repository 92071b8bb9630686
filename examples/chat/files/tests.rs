//! Files on the disk of this device.

use super::*;

const LIMIT: u64 = 1 << 30;

#[test]
fn a_file_is_kept_encrypted_until_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("cat.jpg");
    std::fs::write(&source, vec![7; 100_000]).unwrap();
    let files = Files::open(dir.path().join("files")).unwrap();
    let mut outgoing = files.encrypt(&source, 2, LIMIT).unwrap();
    assert_eq!((outgoing.file.file_name.as_str(), outgoing.file.size), ("cat.jpg", 100_000));
    assert_eq!(outgoing.file.file_type, "image/jpeg");
    // The source may change now.
    std::fs::remove_file(&source).unwrap();
    let kept = Files::open(dir.path().join("files")).unwrap().outgoing().unwrap();
    assert_eq!((kept.len(), &kept[0].client_id), (1, &outgoing.client_id));
    let sealed = std::fs::read(files.sealed(&outgoing.client_id)).unwrap();
    assert_eq!(sealed.len() as u64, outgoing.upload.size());

    // As the partner gets it.
    outgoing.file.id = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let mut saved = Vec::new();
    for _ in 0..2 {
        std::fs::write(files.part(&outgoing.file.id), &sealed).unwrap();
        saved.push(files.decrypt(&outgoing.file, dir.path()).unwrap());
    }
    assert_eq!(saved, [dir.path().join("cat.jpg"), dir.path().join("cat (2).jpg")]);
    assert!(saved.iter().all(|path| std::fs::read(path).unwrap() == vec![7; 100_000]));
    std::fs::write(files.part(&outgoing.file.id), &sealed[1..]).unwrap();
    assert!(files.decrypt(&outgoing.file, dir.path()).is_err());
    assert!(!files.part(&outgoing.file.id).exists(), "it has to come again");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing half is left");

    files.forget(&outgoing.client_id).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("files")).unwrap().count(), 0);
}

#[test]
fn a_ciphertext_without_its_state_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.sealed"), "half").unwrap();
    std::fs::write(dir.path().join("y.part"), "half").unwrap();
    let files = Files::open(dir.path().to_owned()).unwrap();
    assert_eq!(files.outgoing().unwrap().len(), 0);
    assert!(!dir.path().join("x.sealed").exists() && dir.path().join("y.part").exists());
    assert!(files.encrypt(dir.path(), 2, LIMIT).is_err(), "a directory");
    assert!(files.encrypt(&dir.path().join("none"), 2, LIMIT).is_err());
}
