//! This is a process of its own for a test that changes what all threads of a process share.

use std::process::Command;

/// Set in the new process to the name of the test that it runs.
const TEST: &str = "TEST_IN_ITS_OWN_PROCESS";

/// Runs `body` in a new process of this binary, which runs the test `name` of the module `module_path!()` alone.
pub fn in_own_process(module_path: &str, name: &str, body: impl FnOnce()) {
    let (_crate_name, module) = module_path.split_once("::").unwrap();
    let test = format!("{module}::{name}");
    if std::env::var(TEST).is_ok_and(|running| running == test) {
        return body();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args([&test, "--exact", "--nocapture"]).env(TEST, &test).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    // A name that no test has would succeed too.
    assert!(output.status.success() && out.contains("1 passed"), "{test}\n{out}\n{err}");
}
