//! This is the test of files and folders that may not be read or written.

use crate::support::machine::{Ended, Machine, RUNLEDGER, SYNC};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn what_this_user_may_not_write_is_named_and_stays_as_it_is() {
    let machine = Machine::of(30);
    // Root may write anything, so the commands are run as nobody, from places that anybody reaches.
    let program = machine.file("runledger");
    fs::copy(RUNLEDGER, &program).unwrap();
    let home = machine.file("home");
    fs::create_dir(&home).unwrap();
    let archive = home.join("a.db");
    machine.synced(&archive, 0);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(machine.folder(), 0o755);
    let run = |arguments: &[&str]| -> Ended {
        let mut command = machine.command(&archive, arguments);
        let mut as_nobody = Command::new(&program);
        as_nobody.args(command.get_args()).current_dir("/");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => as_nobody.env(name, value),
                None => as_nobody.env_remove(name),
            };
        }
        command.stdin(Stdio::null());
        if is_root() {
            as_nobody.uid(NOBODY).gid(NOBODY);
        }
        as_nobody.output().unwrap().into()
    };
    let before = fs::read(&archive).unwrap();

    // The folder, and with it the lock, cannot be written.
    mode(&home, 0o555);
    fs::remove_file(home.join("a.db.lock")).unwrap();
    run(&SYNC).refused(6, "its lock");
    // A reader needs the log's index beside the file.
    run(&["status"]).refused(6, "this user may not write to it");
    // The file cannot be written.
    mode(&home, 0o777);
    mode(&archive, 0o444);
    run(&SYNC).refused(6, "it is read-only");
    run(&["status"]).with(0);
    // Nor read.
    mode(&archive, 0);
    run(&SYNC).refused(6, "it cannot be read");
    run(&["status"]).refused(6, "it cannot be read");
    mode(&archive, 0o644);
    assert_eq!(fs::read(&archive).unwrap(), before);

    // Nor a folder for an export.
    mode(&home, 0o555);
    let output = home.join("out");
    let ended = machine_output(&run, output.to_str().unwrap());
    ended.refused(7, "Permission denied");
    mode(&home, 0o777);
}

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn machine_output(run: &dyn Fn(&[&str]) -> Ended, output: &str) -> Ended {
    run(&["report", "--list", "--output", output])
}
