//! Whether what a page shows is what was shown.

/// Whatever a page leaves out, in a line or as a line.
const ANYTHING: &str = "…";

/// Whether `said` reads as `page` does, where `…` is any text within a line, and alone in a line any lines.
pub(crate) fn agrees(page: &str, said: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.trim_end().lines();
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    lines_agree(&lines(page), &lines(said))
}

fn lines_agree(page: &[String], said: &[String]) -> bool {
    match (page, said) {
        ([], []) => true,
        ([any, rest @ ..], _) if any.trim() == ANYTHING => {
            (0..=said.len()).any(|skipped| lines_agree(rest, &said[skipped..]))
        }
        ([], _) | (_, []) => false,
        ([line, rest @ ..], [other, others @ ..]) => {
            line_agrees(line, other) && lines_agree(rest, others)
        }
    }
}

fn line_agrees(page: &str, said: &str) -> bool {
    let Some((first, rest)) = page.split_once(ANYTHING) else {
        return page == said;
    };
    let Some(said) = said.strip_prefix(first) else {
        return false;
    };
    let mut starts = said.char_indices().map(|(at, _)| at).chain([said.len()]);
    starts.any(|at| line_agrees(rest, &said[at..]))
}

#[test]
fn what_is_left_out_may_be_anything_and_the_rest_is_compared() {
    for (page, said) in [
        ("one\n", "one"),
        ("id …, of …", "id 7, of ada"),
        ("…", ""),
        ("a\n…\nz", "a\nz"),
        ("a\n…\nz", "a\nb\nz\nz"),
        ("{…\"x\":1…}", "{\"y\":2,\"x\":1}"),
    ] {
        assert!(agrees(page, said), "{page:?} {said:?}");
    }
    for (page, said) in [
        ("one", "one\ntwo"),
        ("one\ntwo", "one"),
        ("", "one"),
        ("id …, of bob", "id 7, of ada"),
        ("a\n…\nz", "a\nb"),
    ] {
        assert!(!agrees(page, said), "{page:?} {said:?}");
    }
}
