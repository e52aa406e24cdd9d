//! Small changes to an input, each of a kind that has broken a reader before.

use crate::{Target, chance::Chance};

/// Bytes that end, quote, nest or hide something in most formats.
const TELLING: &[u8] = b"\0\t\n\r \"'%&()+,-./:;<=>@[\\]^_{|}~\x7f\x80\xbf\xc0\xed\xf4\xff09AZaz";

/// Changes the input once.
pub(crate) fn change(input: &mut Vec<u8>, target: &Target<'_>, chance: &mut Chance) {
    match chance.below(9) {
        0 => flip_a_bit(input, chance),
        1 => set(input, chance.byte(), chance),
        2 => {
            let byte = chance.pick(TELLING).copied().unwrap_or_default();
            set(input, byte, chance);
        }
        3 => {
            let byte = chance.pick(TELLING).copied().unwrap_or_default();
            put(input, &[byte], chance);
        }
        4 => remove(input, chance),
        5 => repeat(input, chance),
        6 => input.truncate(chance.place(input.len())),
        7 => {
            let word = chance.pick(target.words).copied().unwrap_or_default();
            put(input, word.as_bytes(), chance);
        }
        _ => {
            let other = chance.pick(target.seeds).copied().unwrap_or_default();
            let (from, to) = span(other.len(), chance);
            put(input, other.get(from..to).unwrap_or_default(), chance);
        }
    }
}

fn flip_a_bit(input: &mut [u8], chance: &mut Chance) {
    let (place, bit) = (chance.place(input.len()), chance.below(8));
    if let Some(byte) = input.get_mut(place) {
        *byte ^= 1 << bit;
    }
}

fn set(input: &mut [u8], to: u8, chance: &mut Chance) {
    let place = chance.place(input.len());
    if let Some(byte) = input.get_mut(place) {
        *byte = to;
    }
}

fn put(input: &mut Vec<u8>, bytes: &[u8], chance: &mut Chance) {
    let place = chance.place(input.len() + 1);
    input.splice(place..place, bytes.iter().copied());
}

fn remove(input: &mut Vec<u8>, chance: &mut Chance) {
    let (from, to) = span(input.len(), chance);
    input.drain(from..to);
}

fn repeat(input: &mut Vec<u8>, chance: &mut Chance) {
    let (from, to) = span(input.len(), chance);
    let part = input.get(from..to).unwrap_or_default().to_vec();
    let times = if chance.below(8) == 0 { 64 } else { 1 };
    input.splice(to..to, part.repeat(times));
}

/// Some bytes of so many: mostly few.
fn span(length: usize, chance: &mut Chance) -> (usize, usize) {
    let from = chance.place(length);
    let most = if chance.below(4) == 0 { length } else { 8 };
    let to = from + chance.place(most.min(length.saturating_sub(from)) + 1);
    (from, to)
}
