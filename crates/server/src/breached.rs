//! The filter of breached passwords in its file: read where it lies, three small reads a password, so that a list of a
//! thousand million takes no memory. What it answers is core's ([`fuse`]).

pub(crate) mod build;

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use relatch_core::password::{
    BreachedPasswords, Password,
    fuse::{Probe, Shape},
};

/// What a file begins with; the last byte is its version.
const MAGIC: &[u8; 8] = b"RELBREA\x01";

/// One filter for each first byte of a hash, so that none has to be made in one piece.
const PARTS: usize = 256;

/// Magic, bytes of a fingerprint, entries; then the parts.
const HEAD: usize = 24;

/// Offset, seed, segment, segments.
const PART: usize = 24;

/// Where the fingerprints begin.
const BODY: usize = HEAD + PARTS * PART;

/// A filter, open.
pub(crate) struct BreachedFilter {
    file: File,
    path: PathBuf,
    /// Bytes of a fingerprint: one or two.
    width: usize,
    parts: Vec<Part>,
}

struct Part {
    offset: u64,
    shape: Shape,
}

/// Why a filter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The file cannot be read.
    #[error("the filter of breached passwords {path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is something else, or was cut off.
    #[error(
        "{0} is no filter of breached passwords, or not a whole one: make it anew with `relatch passwords build-filter`"
    )]
    Malformed(PathBuf),
}

impl BreachedFilter {
    /// Opens a file.
    ///
    /// # Errors
    /// [`FilterError`].
    pub(crate) fn open(path: &Path) -> Result<Self, FilterError> {
        let fault = |source| FilterError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(fault)?;
        let length = file.metadata().map_err(fault)?.len();
        let mut head = vec![0; BODY];
        let malformed = || FilterError::Malformed(path.to_owned());
        match file.read_exact_at(&mut head, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(malformed());
            }
            Err(error) => return Err(fault(error)),
        }
        let (width, parts) = read_head(&head, length).ok_or_else(malformed)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            width,
            parts,
        })
    }

    fn find(&self, key: u64) -> std::io::Result<bool> {
        let part = self.parts.get(usize::from(key.to_be_bytes()[0]));
        let Some((part, probe)) = part.and_then(|part| Some((part, part.shape.probe(key)?))) else {
            return Ok(false);
        };
        let Probe {
            places,
            fingerprint,
        } = probe;
        let mut found = [0; 2];
        for place in places {
            let mut bytes = [0; 2];
            let at = part.offset + (place * self.width) as u64;
            let (bytes_read, _) = bytes.split_at_mut(self.width);
            self.file.read_exact_at(bytes_read, at)?;
            found = [found[0] ^ bytes[0], found[1] ^ bytes[1]];
        }
        Ok(found == cut(fingerprint, self.width))
    }
}

impl BreachedPasswords for BreachedFilter {
    /// A disk that fails must not keep everybody from choosing a password.
    fn has(&self, password: &Password) -> bool {
        self.find(key(password.expose())).unwrap_or_else(|error| {
            let path = self.path.display();
            tracing::error!(%error, %path, "the breached passwords cannot be read");
            false
        })
    }
}

/// What a password is looked up by: the beginning of its SHA-1, which is what lists are distributed with.
fn key(password: &[u8]) -> u64 {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password);
    let first = hash.as_ref().first_chunk();
    first.map_or(0, |first| u64::from_be_bytes(*first))
}

/// The bytes of a fingerprint that are kept.
fn cut(fingerprint: u16, width: usize) -> [u8; 2] {
    let [low, high] = fingerprint.to_le_bytes();
    [low, if width == 2 { high } else { 0 }]
}

/// The width of a fingerprint and the parts, if they make a file of that length.
fn read_head(head: &[u8], length: u64) -> Option<(usize, Vec<Part>)> {
    let (magic, rest) = head.split_first_chunk::<8>()?;
    let (width, rest) = number(rest)?;
    let (_entries, mut rest) = number(rest)?;
    let width = usize::try_from(width)
        .ok()
        .filter(|width| matches!(width, 1 | 2))?;
    if magic != MAGIC {
        return None;
    }
    let (mut parts, mut end) = (Vec::with_capacity(PARTS), BODY as u64);
    for _ in 0..PARTS {
        let (offset, seed, sizes);
        (offset, rest) = number(rest)?;
        (seed, rest) = number(rest)?;
        (sizes, rest) = number(rest)?;
        let shape = Shape {
            seed,
            segment: u32::try_from(sizes >> 32).ok()?,
            segments: u32::try_from(sizes & 0xffff_ffff).ok()?,
        };
        if offset != end || !(shape.is_empty() || shape.segment.is_power_of_two()) {
            return None;
        }
        end = end.checked_add((shape.len() as u64).checked_mul(width as u64)?)?;
        parts.push(Part { offset, shape });
    }
    (end == length).then_some((width, parts))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, time::Instant};

    use super::{
        build::{Built, Width, build},
        *,
    };

    fn made(list: &str, width: Width) -> (tempfile::TempDir, PathBuf, Built) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("filter");
        let built = build(Cursor::new(list), &path, width).expect("builds");
        (folder, path, built)
    }

    fn has(filter: &BreachedFilter, text: &str) -> bool {
        filter.has(&Password::attempt(text).expect("a password"))
    }

    #[test]
    fn words_and_the_hashes_of_words_make_the_same_filter() {
        let words = "correct horse\r\nbattery\n\ncorrect horse\n";
        // As `sha1sum` shows them, in order, with how often they were seen.
        let hashes = "2F9E53523B62ABC141A2B4D6019D23CBA835DBD0:3\n3F3C58AE42B9B422897FFC175014A2A4FCF16D7B:17\n";
        let [(_one, words, in_words), (_two, hashes, in_hashes)] =
            [words, hashes].map(|list| made(list, Width::Two));
        assert_eq!((in_words.entries, in_hashes), (2, in_words));
        let [words, hashes] = [words, hashes].map(|path| std::fs::read(path).expect("reads"));
        assert!(words == hashes);
        let (_folder, path, _) = made("correct horse\nbattery", Width::Two);
        let filter = BreachedFilter::open(&path).expect("opens");
        assert!(has(&filter, "correct horse") && has(&filter, "battery"));
        assert!(!has(&filter, "correct horsf") && !has(&filter, ""));
    }

    #[test]
    fn a_list_that_is_none_is_refused_and_leaves_what_was_there() {
        let (folder, path, _) = made("battery\n", Width::One);
        let hash = |first: char| format!("{first}{}\n", "A".repeat(39));
        for list in [
            String::new(),
            "\n\n".to_owned(),
            hash('1') + "no hash\n",
            hash('2') + &hash('1'),
        ] {
            assert!(build(Cursor::new(list), &path, Width::One).is_err());
        }
        assert!(has(&BreachedFilter::open(&path).expect("opens"), "battery"));
        let left = std::fs::read_dir(folder.path()).expect("lists").count();
        assert_eq!(left, 1, "nothing unfinished");
    }

    #[test]
    fn a_filter_takes_so_many_bits_and_is_so_often_wrong() {
        let words: Vec<_> = (0..100_000).map(|word| format!("word {word}")).collect();
        let list = words.join("\n");
        for (width, bits, wrong) in [(Width::One, 170, 160), (Width::Two, 340, 4)] {
            let (_folder, path, built) = made(&list, width);
            assert_eq!(built.entries, 100_000);
            let tenths = built.bytes * 80 / built.entries;
            assert!(tenths < bits, "{tenths} tenths of a bit an entry");
            let filter = BreachedFilter::open(&path).expect("opens");
            assert!((0..1_000).all(|word| has(&filter, &format!("word {word}"))));
            let begun = Instant::now();
            let others = (0..20_000).filter(|word| has(&filter, &format!("other {word}")));
            let found = others.count();
            assert!(found < wrong, "{found} of 20,000");
            println!(
                "{tenths} tenths of a bit, {found} wrong, {:?} each",
                begun.elapsed() / 20_000
            );
        }
    }

    #[test]
    fn what_is_no_whole_filter_is_refused() {
        let (_folder, path, _) = made("correct horse\n", Width::One);
        let whole = std::fs::read(&path).expect("reads");
        let mut other = whole.clone();
        other[7] = 2;
        let mut larger = whole.clone();
        larger.push(0);
        for bytes in [
            &whole[..whole.len() - 1],
            &whole[..100],
            b"",
            &other,
            &larger,
        ] {
            std::fs::write(&path, bytes).expect("writes");
            let refused = BreachedFilter::open(&path);
            assert!(matches!(refused, Err(FilterError::Malformed(_))));
        }
    }
}
