//! The blocks of a page: what it tells a reader to type, and what it says that is shown then. Knows no shell.

/// A page of the documentation.
pub(crate) struct Page {
    /// Its path in the repository.
    pub(crate) path: String,
    /// What is to be typed, in order.
    pub(crate) blocks: Vec<Block>,
    /// What is wrong with the page itself.
    pub(crate) faults: Vec<String>,
}

/// Lines that are pasted together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    pub(crate) commands: String,
    /// What is shown then, where the page says it.
    pub(crate) shown: Option<String>,
}

impl Page {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut page = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            faults: Vec::new(),
        };
        let mut lines = (1..).zip(text.lines());
        // Whether nothing but empty lines came since the last block of commands.
        let mut follows = false;
        while let Some((number, line)) = lines.next() {
            let Some(name) = line.trim_start().strip_prefix("```") else {
                follows &= line.trim().is_empty();
                continue;
            };
            let indent = line.len() - line.trim_start().len();
            let mut content = String::new();
            let closed = lines.by_ref().any(|(_, line)| {
                let closes = line.trim() == "```";
                if !closes {
                    content.push_str(line.get(indent..).unwrap_or_default());
                    content.push('\n');
                }
                closes
            });
            if !closed {
                page.fault(number, "the block is never closed");
            }
            page.take(number, name.trim(), content, follows);
            follows = name.trim() == "sh";
        }
        page
    }

    fn take(&mut self, line: usize, name: &str, content: String, follows: bool) {
        match (name, self.blocks.last_mut()) {
            ("sh", _) => self.blocks.push(Block {
                line,
                commands: content,
                shown: None,
            }),
            ("text", Some(block)) if follows => block.shown = Some(content),
            ("text", _) => self.fault(
                line,
                "a block `text` is what the block `sh` just before it shows",
            ),
            ("", _) => self.fault(
                line,
                "a block has a name: `sh` for what is typed, `text` for what it shows",
            ),
            ("bash" | "shell" | "zsh", _) => self.fault(
                line,
                "write `sh`, or `console` for what cannot be typed in a test",
            ),
            _ => {}
        }
    }

    fn fault(&mut self, line: usize, what: &str) {
        self.faults.push(format!("{}:{line}: {what}", self.path));
    }
}

#[test]
fn commands_are_told_from_what_they_show_and_from_what_is_not_typed() {
    let text = "```sh\none\n```\n\n```text\n1\n```\n- in a list\n\n  ```sh\n  two\n    deep\n  ```\n```ini\nx\n```\n";
    let page = Page::parse("page.md", text);
    assert_eq!(page.faults, [""; 0]);
    let block = |line, commands: &str, shown: Option<&str>| Block {
        line,
        commands: commands.to_owned(),
        shown: shown.map(str::to_owned),
    };
    let expected = [
        block(1, "one\n", Some("1\n")),
        block(10, "two\n  deep\n", None),
    ];
    assert_eq!(page.blocks, expected);
}

#[test]
fn a_block_that_nobody_would_type_by_mistake_is_a_fault() {
    let text =
        "```\nrelatch\n```\n```bash\nrelatch\n```\n```sh\nx\n```\nSays:\n```text\ny\n```\n```sh\n";
    let page = Page::parse("page.md", text);
    let places: Vec<_> = page.faults.iter().map(|fault| &fault[..10]).collect();
    assert_eq!(
        places,
        ["page.md:1:", "page.md:4:", "page.md:11", "page.md:14"]
    );
}
