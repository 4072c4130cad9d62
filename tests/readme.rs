//! What the README promises about itself. Its program is compiled and run as a test of the
//! documentation (see `src/lib.rs`).

const README: &str = include_str!("../README.md");

/// The lines of all code blocks in a language.
fn blocks(language: &str) -> Vec<Vec<&'static str>> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == language {
                blocks.push(block);
            }
        }
    }
    blocks
}

#[test]
fn the_program_is_short_and_really_runs() {
    // A block marked `no_run` or `ignore` would be in another language.
    let programs = blocks("rust");
    assert_eq!(programs.len(), 1);
    assert!(programs[0].len() <= 25, "{} lines", programs[0].len());
    assert!(
        programs[0]
            .iter()
            .any(|line| line.contains("async fn main"))
    );
    assert_eq!(README.matches("```rust").count(), 1);
}

#[test]
fn there_are_exactly_two_commands() {
    let [shell] = &blocks("sh")[..] else {
        panic!("one block of commands");
    };
    let command = |line: &&'static str| line.split('#').next().unwrap_or_default().trim();
    let commands: Vec<_> = shell.iter().map(command).collect();
    assert_eq!(
        commands,
        ["cargo compare", "cargo test --workspace --release"]
    );
}

#[test]
fn the_first_command_exists_and_ci_runs_the_second() {
    let aliases = include_str!("../.cargo/config.toml");
    assert!(aliases.contains("compare = \"run --release -p quorate-bench"));
    let ci = include_str!("../.ci/run");
    assert!(
        ci.lines()
            .any(|line| line == "cargo test --workspace --release")
    );
}
