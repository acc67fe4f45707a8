//! Runs a test in its own process, when it changes state that all threads of a process share.

use std::process::Command;

/// The variable in the new process that names the test to run.
const TEST: &str = "TEST_IN_ITS_OWN_PROCESS";

/// Runs `body` in a new process of this binary that runs only the test `name` of the module `module_path!()`.
pub fn in_own_process(module_path: &str, name: &str, body: impl FnOnce()) {
    let (_crate_name, module) = module_path.split_once("::").unwrap();
    let test = format!("{module}::{name}");
    if std::env::var(TEST).is_ok_and(|running| running == test) {
        return body();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args([&test, "--exact", "--nocapture"]).env(TEST, &test).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    // A filter that matches no test succeeds too.
    assert!(output.status.success() && out.contains("1 passed"), "{test}\n{out}\n{err}");
}
