//! A runner for text scripts: inputs and expected outputs, as a dialogue.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What a script talks to.
pub trait Script {
    /// Carries out one command: what stands after `>`, without the blanks around it. Returns what
    /// is to be compared, of any number of lines; blank lines in it and blanks at the ends of its
    /// lines do not count.
    fn command(&mut self, line: &str) -> String;
}

/// Runs every script of a folder, each against a fresh `make()`, in the order of their names.
///
/// A script is a file `*.script`, one scenario:
///
/// ```text
/// # A comment. It may stand anywhere but among expected outputs.
/// > add 3 4
/// counted 7
///
/// > add 1
/// > show
/// total 8
/// leading 7
/// ```
///
/// A line that begins with `>` is a command. The lines after it, up to the next command, comment
/// or blank line, are what it must answer: all of it, and nothing else.
///
/// With `UPDATE_SCRIPTS=1` in the environment the expected outputs are rewritten to what was
/// answered, and nothing fails; read the difference before you commit it.
///
/// # Panics
///
/// If an answer is not as expected, after all scripts have run: with the file, the line of the
/// command, and expected (`-`) and actual (`+`) lines. Also if the folder has no script, a script
/// no command, or an expected line no command before it.
///
/// # Example
///
/// ```no_run
/// use quorate_core::testing::{Script, run_scripts};
///
/// struct Sum(u64);
///
/// impl Script for Sum {
///     fn command(&mut self, line: &str) -> String {
///         match line.split_whitespace().collect::<Vec<_>>()[..] {
///             ["add", number] => self.0 += number.parse::<u64>().expect("a number"),
///             ["show"] => return format!("total {}", self.0),
///             _ => return format!("unknown command: {line}"),
///         }
///         String::new()
///     }
/// }
///
/// let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
/// run_scripts(folder.as_ref(), || Sum(0));
/// ```
pub fn run_scripts<S: Script>(dir: &Path, make: impl Fn() -> S) {
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    let mut failures = String::new();
    for path in scripts(dir) {
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let name = path.display().to_string();
        let outcome = run_script(&name, &text, &mut make());
        if update && outcome.rewritten != text {
            fs::write(&path, &outcome.rewritten)
                .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        } else if !update {
            failures.push_str(&outcome.difference);
        }
    }
    assert!(
        failures.is_empty(),
        "scripts were answered differently (UPDATE_SCRIPTS=1 rewrites them):\n{failures}"
    );
}

/// The scripts of a folder, by name.
fn scripts(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("cannot read folder {}: {error}", dir.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "script"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no script in {}", dir.display());
    paths
}

/// What became of one script.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Expected and actual answers where they differ; empty if nowhere.
    difference: String,
    /// The script with the actual answers.
    rewritten: String,
}

/// A command, where it stands, and what it must answer.
struct Exchange<'a> {
    number: usize,
    command: &'a str,
    expected: Vec<&'a str>,
}

fn run_script(name: &str, text: &str, script: &mut impl Script) -> Outcome {
    let (mut difference, mut rewritten) = (String::new(), String::new());
    let mut lines = text.lines().map(str::trim_end).enumerate().peekable();
    let mut commands = 0;
    while let Some((number, line)) = lines.next() {
        rewritten.push_str(line);
        rewritten.push('\n');
        let Some(command) = line.strip_prefix('>') else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "{name}:{}: no command asks for `{line}`",
                number + 1
            );
            continue;
        };
        commands += 1;
        let mut expected = Vec::new();
        let answers = |line: &str| !line.is_empty() && !line.starts_with(['>', '#']);
        while let Some((_, line)) = lines.next_if(|(_, line)| answers(line)) {
            expected.push(line);
        }
        let exchange = Exchange {
            number: number + 1,
            command: command.trim(),
            expected,
        };
        let answer = script.command(exchange.command);
        let found = answer.lines().map(str::trim_end);
        let found: Vec<_> = found.filter(|line| !line.is_empty()).collect();
        for line in &found {
            assert!(
                answers(line),
                "{name}:{}: an answer cannot begin with `>` or `#`: {line}",
                exchange.number
            );
            rewritten.push_str(line);
            rewritten.push('\n');
        }
        if found != exchange.expected {
            compare(name, &exchange, &found, &mut difference);
        }
    }
    assert!(commands > 0, "{name} has no command");
    Outcome {
        difference,
        rewritten,
    }
}

/// Adds the difference between expected and found lines: what is common at both ends as it is,
/// and between them first what was expected, then what was found.
fn compare(name: &str, exchange: &Exchange<'_>, found: &[&str], into: &mut String) {
    let expected = &exchange.expected;
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = expected.iter().zip(found).take_while(same).count();
    let (old, new) = (&expected[head..], &found[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same);
    let tail = tail.count();
    let _ = writeln!(into, "{name}:{}: > {}", exchange.number, exchange.command);
    let marked = [
        (' ', &expected[..head]),
        ('-', &old[..old.len() - tail]),
        ('+', &new[..new.len() - tail]),
        (' ', &old[old.len() - tail..]),
    ];
    for (mark, lines) in marked {
        for line in lines {
            let _ = writeln!(into, "  {mark} {line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Script, run_script};

    /// Says again what it is told, a line for each word.
    struct Echo;

    impl Script for Echo {
        fn command(&mut self, line: &str) -> String {
            line.replace(' ', "\n")
        }
    }

    fn run(text: &str) -> (String, String) {
        let outcome = run_script("x.script", text, &mut Echo);
        (outcome.difference, outcome.rewritten)
    }

    #[test]
    fn what_is_as_expected_is_left_alone() {
        let text = "# Two words.\n> a b\na\nb\n\n> c\nc\n# The end.\n>\n";
        assert_eq!(run(text), (String::new(), text.into()));
    }

    #[test]
    fn differences_are_shown_with_file_and_line() {
        let (difference, rewritten) = run("\n> a b c d\na\nx\nd\n\n> e\n");
        let expected = "x.script:2: > a b c d\n    a\n  - x\n  + b\n  + c\n    d\n\
                        x.script:7: > e\n  + e\n";
        assert_eq!(difference, expected);
        assert_eq!(rewritten, "\n> a b c d\na\nb\nc\nd\n\n> e\ne\n");
        assert_eq!(run(&rewritten).0, "");
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_a_difference() {
        assert_eq!(run("> a\n").0, "x.script:1: > a\n  + a\n");
        assert_eq!(run("> a\na\na\n").0, "x.script:1: > a\n    a\n  - a\n");
        assert_eq!(run(">\nb\n").0, "x.script:1: > \n  - b\n");
    }

    #[test]
    #[should_panic(expected = "x.script:2: no command asks for `stray`")]
    fn answers_need_a_command() {
        run("# Nothing.\nstray\n> a\na\n");
    }

    #[test]
    #[should_panic(expected = "x.script has no command")]
    fn a_script_asks_something() {
        run("# Nothing.\n");
    }
}
