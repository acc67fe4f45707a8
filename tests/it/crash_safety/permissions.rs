//! Files and folders without read or write permission.

use crate::support::machine::{Ended, Machine, RUNLEDGER, SYNC};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn files_without_permission_are_named_and_unchanged() {
    let machine = Machine::of(30);
    // Root can write anything, so the commands run as `nobody`, from world-accessible folders.
    let program = machine.file("runledger");
    fs::copy(RUNLEDGER, &program).unwrap();
    let home = machine.file("home");
    fs::create_dir(&home).unwrap();
    let archive = home.join("a.db");
    machine.synced(&archive, 0);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(machine.folder(), 0o755);
    mode(&archive, 0o644);
    let run = |arguments: &[&str]| -> Ended {
        let mut command = machine.command(&archive, arguments);
        let mut unprivileged = Command::new(&program);
        // Another program may start it.
        let own = command.get_args().skip_while(|argument| *argument != arguments[0]);
        unprivileged.args(own).current_dir("/");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => unprivileged.env(name, value),
                None => unprivileged.env_remove(name),
            };
        }
        command.stdin(Stdio::null());
        if is_root() {
            unprivileged.uid(NOBODY).gid(NOBODY);
        }
        unprivileged.output().unwrap().into()
    };
    let before = fs::read(&archive).unwrap();

    // The folder, and with it the lock, is read-only.
    mode(&home, 0o555);
    fs::remove_file(home.join("a.db.lock")).unwrap();
    run(&SYNC).refused(6, "its lock");
    // A reader needs the log's index beside the file.
    run(&["status"]).refused(6, "the file is not writable for this user");
    // The file is read-only.
    mode(&home, 0o777);
    mode(&archive, 0o444);
    run(&SYNC).refused(6, "it is read-only");
    run(&["status"]).with(0);
    // The file is unreadable.
    mode(&archive, 0);
    run(&SYNC).refused(6, "it cannot be read");
    run(&["status"]).refused(6, "it cannot be read");
    mode(&archive, 0o644);
    assert_eq!(fs::read(&archive).unwrap(), before);

    // The folder of an export is read-only.
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
