//! What is on the disk, and who may read it.

use super::*;

fn store() -> (tempfile::TempDir, FileStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = FileStore::new(folder.path().join("state/session.json"));
    (folder, store)
}

#[test]
fn what_was_written_last_is_read_and_nothing_else_is_left() {
    let (folder, store) = store();
    for slot in [Slot::Key, Slot::Session] {
        assert!(store.read(slot).expect("reads").is_none());
        for text in ["first", "second, and longer", "3"] {
            store.write(slot, &Secret::new(text)).expect("writes");
            let read = store.read(slot).expect("reads");
            assert_eq!(read, Some(Secret::new(text)));
        }
    }
    drop(store.try_lock().expect("locks"));
    let files = fs::read_dir(folder.path().join("state")).expect("a folder");
    let mut names: Vec<_> = files
        .map(|file| file.expect("a file").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["session.json", "session.json.key", "session.json.lock"]
    );
}

#[test]
fn one_at_a_time_has_the_lock() {
    let (_folder, store) = store();
    let held = store.try_lock().expect("locks").expect("is free");
    assert!(store.clone().try_lock().expect("locks").is_none());
    drop(held);
    assert!(store.try_lock().expect("locks").is_some());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_may_read_them() {
        let (_folder, store) = store();
        let secret = Secret::new("x");
        drop(store.try_lock().expect("locks"));
        // As a crash could leave it, with another mode.
        fs::write(store.beside("new"), "old").expect("writes");
        for _ in 0..2 {
            for slot in [Slot::Key, Slot::Session] {
                store.write(slot, &secret).expect("writes");
                assert_eq!(mode(&store.of(slot)), 0o600);
            }
        }
        assert_eq!(mode(&store.beside("lock")), 0o600);
        assert_eq!(mode(folder(&store.path)), 0o700);
    }

    #[test]
    fn what_others_can_read_is_not_read() {
        let (_folder, store) = store();
        store
            .write(Slot::Session, &Secret::new("x"))
            .expect("writes");
        for open in [0o640, 0o604, 0o660, 0o666] {
            let permissions = fs::Permissions::from_mode(open);
            fs::set_permissions(&store.path, permissions).expect("sets");
            let refused = store.read(Slot::Session);
            let said = refused.expect_err("is refused").to_string();
            assert!(said.contains("can be read by others"), "{said}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
        let store = FileStore::new("/proc/none/session.json");
        let refused = store.write(Slot::Session, &Secret::new("x"));
        let said = refused.expect_err("is refused").to_string();
        assert_eq!(said, "/proc/none/session.json cannot be written");
        assert!(store.try_lock().is_err());
    }
}
