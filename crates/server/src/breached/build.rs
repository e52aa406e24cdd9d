//! Makes the filter of a list: hashes in their order, as they are distributed, in little memory; words in any order, all of
//! them in memory.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use relatch_core::password::fuse::{self, Shape};

use super::{BODY, MAGIC, PARTS, cut, key};

/// Longer than any password may be, and any line of a list of hashes is.
const LONGEST_LINE: u64 = 4096;

/// How large a fingerprint is: how often a good password is taken for a breached one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Width {
    /// One byte: one in 256.
    One,
    /// Two bytes: one in 65,536.
    Two,
}

/// A filter that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Built {
    /// Passwords in it.
    pub(crate) entries: u64,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}

/// Why none was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The list cannot be read.
    #[error("the list cannot be read")]
    List(#[source] io::Error),
    /// A line of a list of hashes is none.
    #[error("line {0} of the list is no SHA-1 in hexadecimal, as the lines before it are")]
    Line(u64),
    /// A list of hashes that is not sorted.
    #[error("line {0} of the list is out of order: sort it first (`LC_ALL=C sort`)")]
    Order(u64),
    /// The list has nothing in it.
    #[error("the list is empty")]
    Empty,
    /// No filter fits, which is all but impossible.
    #[error("no filter fits these passwords")]
    Unfitting,
    /// The filter cannot be written.
    #[error("{path} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes the filter of what `list` holds, in the place of whatever is at `path`.
///
/// # Errors
/// [`BuildError`]; then what was there stays.
pub(crate) fn build(list: impl Read, path: &Path, width: Width) -> Result<Built, BuildError> {
    let fault = |source| BuildError::File {
        path: path.to_owned(),
        source,
    };
    let unfinished = path.with_added_extension("new");
    let mut writing = Writing::begin(&unfinished, width).map_err(fault)?;
    let built = read(list, &mut writing)
        .and_then(|()| writing.finish().map_err(fault))
        .and_then(|built| {
            fs::rename(&unfinished, path).map_err(fault)?;
            Ok(built)
        });
    if built.is_err() {
        // What went wrong before is what counts.
        let _ = fs::remove_file(&unfinished);
    }
    built
}

fn read(list: impl Read, writing: &mut Writing<'_>) -> Result<(), BuildError> {
    let mut lines = Lines {
        reader: BufReader::with_capacity(1 << 16, list),
        line: Vec::new(),
        number: 0,
    };
    if !lines.next()? {
        return Err(BuildError::Empty);
    }
    match hash_of(&lines.line) {
        Some(_) => read_hashes(lines, writing),
        None => read_words(lines, writing),
    }
}

/// One part after the other: hashes come in order.
fn read_hashes(mut lines: Lines<impl Read>, writing: &mut Writing<'_>) -> Result<(), BuildError> {
    let (mut part, mut last) = (Vec::new(), 0);
    loop {
        let key = hash_of(&lines.line).ok_or(BuildError::Line(lines.number))?;
        if key < last {
            return Err(BuildError::Order(lines.number));
        }
        if key >> 56 != last >> 56 {
            writing.part(last >> 56, &mut part)?;
        }
        part.push(key);
        last = key;
        if !lines.next()? {
            return writing.part(last >> 56, &mut part);
        }
    }
}

fn read_words(mut lines: Lines<impl Read>, writing: &mut Writing<'_>) -> Result<(), BuildError> {
    let mut keys = Vec::new();
    loop {
        keys.push(key(&lines.line));
        if !lines.next()? {
            break;
        }
    }
    keys.sort_unstable();
    for part in keys.chunk_by(|one, other| one >> 56 == other >> 56) {
        let first = part.first().copied().unwrap_or_default();
        writing.part(first >> 56, &mut part.to_vec())?;
    }
    Ok(())
}

/// The lines that are not empty.
struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    /// Takes the next one; whether there is one.
    fn next(&mut self) -> Result<bool, BuildError> {
        loop {
            self.line.clear();
            let mut limited = self.reader.by_ref().take(LONGEST_LINE);
            let read = limited.read_until(b'\n', &mut self.line);
            if read.map_err(BuildError::List)? == 0 {
                return Ok(false);
            }
            self.number += 1;
            while self
                .line
                .last()
                .is_some_and(|end| matches!(end, b'\n' | b'\r'))
            {
                self.line.pop();
            }
            if !self.line.is_empty() {
                return Ok(true);
            }
        }
    }
}

/// The beginning of a hash, with or without how often it was seen.
fn hash_of(line: &[u8]) -> Option<u64> {
    let hash = line.split(|byte| *byte == b':').next()?;
    let whole = hash.len() == 40 && hash.iter().all(u8::is_ascii_hexdigit);
    let first = std::str::from_utf8(hash.get(..16)?).ok()?;
    whole.then(|| u64::from_str_radix(first, 16).ok())?
}

/// A file on its way: parts in their order, the head at last.
struct Writing<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    width: Width,
    shapes: Vec<(u64, Shape)>,
    entries: u64,
    end: u64,
}

impl<'a> Writing<'a> {
    fn begin(path: &'a Path, width: Width) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&[0; BODY])?;
        Ok(Self {
            path,
            file,
            width,
            shapes: Vec::with_capacity(PARTS),
            entries: 0,
            end: BODY as u64,
        })
    }

    /// Adds the part of that number, and takes its keys.
    fn part(&mut self, number: u64, keys: &mut Vec<u64>) -> Result<(), BuildError> {
        keys.sort_unstable();
        keys.dedup();
        self.skip_to(usize::try_from(number).unwrap_or(PARTS));
        let (shape, fingerprints) = fuse::build(keys).ok_or(BuildError::Unfitting)?;
        self.entries += keys.len() as u64;
        keys.clear();
        self.shapes.push((self.end, shape));
        let width = self.width.bytes();
        self.end += (fingerprints.len() * width) as u64;
        let write = |file: &mut BufWriter<File>| {
            fingerprints.iter().try_for_each(|fingerprint| {
                let bytes = cut(*fingerprint, width);
                file.write_all(bytes.get(..width).unwrap_or_default())
            })
        };
        write(&mut self.file).map_err(|source| BuildError::File {
            path: self.path.to_owned(),
            source,
        })
    }

    /// Parts without a key.
    fn skip_to(&mut self, number: usize) {
        while self.shapes.len() < number.min(PARTS) {
            self.shapes.push((self.end, Shape::EMPTY));
        }
    }

    fn finish(mut self) -> io::Result<Built> {
        self.skip_to(PARTS);
        let mut head = MAGIC.to_vec();
        for number in [self.width.bytes() as u64, self.entries] {
            head.extend(number.to_be_bytes());
        }
        for (offset, shape) in &self.shapes {
            let sizes = u64::from(shape.segment) << 32 | u64::from(shape.segments);
            for number in [*offset, shape.seed, sizes] {
                head.extend(number.to_be_bytes());
            }
        }
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&head)?;
        let file = self.file.into_inner()?;
        file.sync_all()?;
        Ok(Built {
            entries: self.entries,
            bytes: self.end,
        })
    }
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}
