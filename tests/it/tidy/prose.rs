//! Wording and line width of the texts that people read: Markdown, help and comments.

use super::files_below;
use clap::Command;
use runledger::internal::commands::Cli;
use std::fs;

/// Words and phrases that the house style replaces by plainer ones. Code spans may contain them.
const AVOIDED: [&str; 20] = [
    "whoever",
    "nobody",
    "somebody",
    "anybody",
    "is told",
    "are told",
    "is meant",
    "cannot be meant",
    "held against",
    "so many",
    "what else",
    "stands beside",
    "lies beside",
    "for ever",
    "in one step",
    "look-alike",
    "dearest",
    "thereby",
    "likewise",
    "whereby",
];

/// The opening of a paragraph that delays its subject.
const AVOIDED_OPENER: &str = "This is ";

const MARKDOWN_WIDTH: usize = 100;
const COMMENT_WIDTH: usize = 120;

/// Lines of prose that belong together.
#[derive(Debug, Default)]
struct Paragraph {
    /// The number of its first line, from 1.
    line: usize,
    lines: Vec<String>,
}

/// Whether the check leaves a file alone: migrations that were released, and recorded output.
fn is_skipped(name: &str) -> bool {
    let skipped = ["migrations/V1__", "migrations/V2__", "tests/golden/", "tests/fixtures/"];
    skipped.iter().any(|start| name.starts_with(start))
}

/// What starts a comment in a file, longer markers first. `None`: the check does not read its comments.
fn comment_markers(name: &str) -> Option<&'static [&'static str]> {
    match name.rsplit_once('.')?.1 {
        "rs" => Some(&["//!", "///", "//"]),
        "sql" => Some(&["--"]),
        "sh" | "toml" | "yml" => Some(&["#"]),
        _ => None,
    }
}

/// The text of a line that only contains a comment. `None`: the line is code, or names an interpreter.
fn comment<'a>(line: &'a str, markers: &[&str]) -> Option<&'a str> {
    let line = line.trim_start();
    if line.starts_with("#!") {
        return None;
    }
    markers.iter().find_map(|marker| line.strip_prefix(*marker))
}

/// Whether a line of prose starts a new paragraph: a list item, a heading, a table row or a quotation.
fn starts_paragraph(line: &str) -> bool {
    let number = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    number || ["- ", "* ", "#", "|", "> "].iter().any(|start| line.starts_with(start))
}

/// The paragraphs of a text outside of fenced code. A line that is `None` is no prose and ends a paragraph.
fn paragraphs<'a>(lines: impl Iterator<Item = Option<&'a str>>) -> Vec<Paragraph> {
    let mut paragraphs = Vec::new();
    let mut paragraph = Paragraph::default();
    let mut is_fenced = false;
    for (index, line) in lines.enumerate() {
        let text = line.unwrap_or_default().trim();
        let is_fence = text.starts_with("```");
        let is_prose = !text.is_empty() && !is_fence && !is_fenced;
        if line.is_none() {
            is_fenced = false;
        } else if is_fence {
            is_fenced = !is_fenced;
        }
        if !is_prose || starts_paragraph(text) {
            paragraphs.push(std::mem::take(&mut paragraph));
        }
        if is_prose {
            if paragraph.lines.is_empty() {
                paragraph.line = index + 1;
            }
            paragraph.lines.push(text.to_owned());
        }
    }
    paragraphs.push(paragraph);
    paragraphs.retain(|paragraph| !paragraph.lines.is_empty());
    paragraphs
}

/// The text with spaces in place of its code spans. Its length in bytes does not change.
fn without_code(text: &str) -> String {
    let marks = text.matches('`').count();
    let parts = text.split('`').enumerate().map(|(index, part)| {
        // The mark of an unclosed span is a character like any other.
        if index % 2 == 1 && index < marks { " ".repeat(part.len()) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// The avoided words in a paragraph, each with the number of its line.
fn avoided_words(paragraph: &Paragraph) -> Vec<(usize, &'static str)> {
    let text = without_code(&paragraph.lines.join(" ")).to_ascii_lowercase();
    let is_inside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut found = Vec::new();
    for word in AVOIDED {
        for (at, _) in text.match_indices(word) {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            if is_inside(before.chars().next_back()) || is_inside(after.chars().next()) {
                continue;
            }
            let mut end = 0;
            let ends = paragraph.lines.iter().map(|line| {
                end += line.len() + 1;
                end
            });
            found.push((paragraph.line + ends.take_while(|end| *end <= at).count(), word));
        }
    }
    let opening = paragraph.lines[0].trim_start_matches(['-', '*', '#', '>', '|', ' ']);
    if opening.starts_with(AVOIDED_OPENER) {
        found.push((paragraph.line, AVOIDED_OPENER.trim_end()));
    }
    found
}

/// The hits in the paragraphs of a file or a help text, as `file:line: word`.
fn hits(name: &str, paragraphs: &[Paragraph]) -> Vec<String> {
    let found = paragraphs.iter().flat_map(avoided_words);
    found.map(|(line, word)| format!("{name}:{line}: {word}")).collect()
}

/// Whether a line of Markdown may be wide: tables, HTML and addresses do not wrap.
fn may_be_wide(line: &str) -> bool {
    line.trim_start().starts_with(['|', '<']) || line.contains("](") || line.contains("://")
}

/// The wide lines of Markdown, as `file:line: width`.
fn wide_markdown(name: &str, paragraphs: &[Paragraph]) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in paragraphs {
        for (index, line) in paragraph.lines.iter().enumerate() {
            let width = line.split('`').step_by(2).map(|part| part.chars().count()).sum::<usize>();
            if width > MARKDOWN_WIDTH && !may_be_wide(line) {
                found.push(format!("{name}:{}: {width} columns", paragraph.line + index));
            }
        }
    }
    found
}

/// The wide comment lines of a file, as `file:line: width`.
fn wide_comments(name: &str, text: &str, markers: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let width = line.chars().count();
        if width > COMMENT_WIDTH && comment(line, markers).is_some() && !line.contains("://") {
            found.push(format!("{name}:{}: {width} columns", index + 1));
        }
    }
    found
}

/// A command and all its subcommands, recursively.
fn commands(command: &Command) -> Vec<&Command> {
    [command].into_iter().chain(command.get_subcommands().flat_map(commands)).collect()
}

#[test]
fn markdown_uses_plain_words_and_wraps_at_100_columns() {
    let mut found = Vec::new();
    let mut count = 0;
    for (name, path) in files_below("") {
        if is_skipped(&name) || !name.ends_with(".md") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let paragraphs = paragraphs(text.lines().map(Some));
        found.extend(hits(&name, &paragraphs));
        found.extend(wide_markdown(&name, &paragraphs));
        count += 1;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(count > 10, "only {count} files were found");
}

#[test]
fn comments_use_plain_words_and_fit_120_columns() {
    let mut found = Vec::new();
    let mut count = 0;
    for (name, path) in files_below("") {
        let Some(markers) = comment_markers(&name).filter(|_| !is_skipped(&name)) else { continue };
        let text = fs::read_to_string(path).unwrap();
        found.extend(hits(&name, &paragraphs(text.lines().map(|line| comment(line, markers)))));
        found.extend(wide_comments(&name, &text, markers));
        count += 1;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(count > 100, "only {count} files were found");
}

#[test]
fn the_help_of_every_command_uses_plain_words() {
    let mut found = Vec::new();
    for command in commands(&Cli::definition()) {
        let name = format!("{} --help", command.get_bin_name().unwrap());
        let help = command.clone().render_long_help().to_string();
        found.extend(hits(&name, &paragraphs(help.lines().map(Some))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_prose_check_finds_words_across_lines_and_outside_of_code() {
    let text = "One line, so\nmany words.\n\n- `nobody` is code\n- Nobody reads.\n\n```\nfor ever\n```\n";
    let found = hits("a.md", &paragraphs(text.lines().map(Some)));
    assert_eq!(found, ["a.md:1: so many", "a.md:5: nobody"]);

    let text = "//! This is a module.\n\nfn code() {\n    // Likewise.\n    let text = \"whoever\";\n}\n";
    let markers = comment_markers("a.rs").unwrap();
    let found = hits("a.rs", &paragraphs(text.lines().map(|line| comment(line, markers))));
    assert_eq!(found, ["a.rs:1: This is", "a.rs:4: likewise"]);

    let wide = format!("{}\n| {} |\n", "word ".repeat(21), "word ".repeat(21));
    let found = wide_markdown("a.md", &paragraphs(wide.lines().map(Some)));
    assert_eq!(found, ["a.md:1: 104 columns"]);
}
