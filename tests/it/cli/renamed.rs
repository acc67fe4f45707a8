//! Renamed flags, settings, reports, `--by` values and environment variables.

use super::{Ran, archived, command_with, run};
use runledger::internal::renamed::{NameKind, RENAMED, Renamed};
use std::fs;

/// Asserts that the command rejected the old name and printed the new one.
fn assert_names_the_replacement(renamed: &Renamed, ran: &Ran) {
    let message = renamed.error().to_string();
    assert!(message.contains(renamed.old) && message.contains(renamed.new), "{message}");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{renamed:?}: {ran:?}");
    assert!(ran.err.contains(&message), "{renamed:?}: {ran:?}");
}

#[test]
fn every_old_name_exits_2_and_names_its_replacement() {
    let workspace = archived(5);
    let settings = workspace.file("runledger.toml");
    for renamed in RENAMED.iter() {
        let old = renamed.old;
        match renamed.kind {
            NameKind::Flag => {
                let joined = format!("{old}=3");
                for args in [&["export", "parquet", old, "3"][..], &["export", "parquet", &joined]] {
                    assert_names_the_replacement(renamed, &run(command_with(&workspace, args)));
                }
            }
            NameKind::Variable => {
                let mut command = command_with(&workspace, &["report", "cost"]);
                command.env(old, "started");
                assert_names_the_replacement(renamed, &run(command));
            }
            NameKind::Setting => {
                for text in [format!("{old} = \"started\"\n"), format!("[[{old}]]\n")] {
                    fs::write(&settings, text).unwrap();
                    let ran = run(command_with(&workspace, &["report", "cost"]));
                    assert_names_the_replacement(renamed, &ran);
                }
                fs::remove_file(&settings).unwrap();
            }
            NameKind::Report => {
                let ran = run(command_with(&workspace, &["report", old]));
                assert_names_the_replacement(renamed, &ran);
            }
            NameKind::Dimension => {
                let ran = run(command_with(&workspace, &["report", "cost", "--by", old]));
                assert_names_the_replacement(renamed, &ran);
            }
        }
    }
}

#[test]
fn every_kind_of_name_has_a_renamed_one() {
    let kinds =
        [NameKind::Flag, NameKind::Variable, NameKind::Setting, NameKind::Report, NameKind::Dimension];
    for kind in kinds {
        assert!(RENAMED.iter().any(|renamed| renamed.kind == kind), "{kind:?}");
    }
}
