//! A machine for tests of the whole program: the binary, a folder, and a sandbox API in the test's process.

use chrono::{TimeDelta, Utc};
use runledger::internal::sandbox::{Call, Model, Options, Outcome, Plan, Sandbox};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The binary under test.
pub const RUNLEDGER: &str = env!("CARGO_BIN_EXE_runledger");

pub struct Machine {
    pub sandbox: Sandbox,
    _runtime: Runtime,
    folder: TempDir,
}

/// A finished command: exit code, standard output and standard error.
#[derive(Debug)]
pub struct Ended {
    /// `None`: an uncaught signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// Asserts that it ended with this code and text, and printed a hint.
    pub fn refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(words), "{words:?} is not in {self:?}");
        assert!(
            (self.stderr.contains("\n  hint:  ") || self.stderr.contains("\"hint\":\"")),
            "there is no hint:  {self:?}"
        );
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// Asserts that it ended with this code.
    pub fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl Machine {
    /// A sandbox with `runs` runs in thirty days.
    pub fn of(runs: usize) -> Machine {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        // The hours that a test lets pass end before now: the watermark does not follow runs from the future.
        let end = Utc::now() - TimeDelta::hours(6);
        let plan = Plan { runs, span: TimeDelta::days(30), ..Plan::ending_at(end) };
        let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
        Machine { sandbox, _runtime: runtime, folder: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary with these arguments, and the sandbox as its API.
    pub fn command<'a>(&self, archive: &Path, arguments: impl AsRef<[&'a str]>) -> Command {
        let mut command = with_default_hangup(RUNLEDGER);
        command.args(arguments.as_ref()).arg("--db").arg(archive);
        self.set_environment(&mut command);
        command
    }

    /// The binary, under a shell that limits the file size, in blocks of 512 bytes.
    pub fn limited<'a>(&self, blocks: u32, archive: &Path, arguments: impl AsRef<[&'a str]>) -> Command {
        self.under_shell(&format!("ulimit -f {blocks}"), archive, arguments)
    }

    /// The binary, in the process of a shell that has run a command.
    pub fn under_shell<'a>(&self, before: &str, archive: &Path, arguments: impl AsRef<[&'a str]>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before} && exec \"$@\""), "sh", RUNLEDGER]);
        command.args(arguments.as_ref()).arg("--db").arg(archive);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        command
            .current_dir(self.folder())
            .env("NEKT_API_KEY", self.sandbox.api_key())
            .env("RUNLEDGER_API_URL", self.sandbox.url())
            .env_remove("RUNLEDGER_DB")
            .stdin(Stdio::null());
    }

    /// Runs the binary to its end.
    pub fn run<'a>(&self, archive: &Path, arguments: impl AsRef<[&'a str]>) -> Ended {
        self.command(archive, arguments).output().unwrap().into()
    }

    /// Runs a whole sync and asserts its exit code.
    pub fn synced(&self, archive: &Path, code: i32) -> Ended {
        self.run(archive, SYNC).with(code)
    }

    /// An hour in which runs end, costs arrive or are corrected, runs start, and one is deleted.
    pub fn let_an_hour_pass(&self) {
        let mut model = self.sandbox.model();
        model.advance(TimeDelta::hours(1));
        let running = model.in_progress();
        for id in &running[1..] {
            model.finish(*id, Outcome::Success);
        }
        model.delete(running[0]);
        let waiting = model.costs_unknown();
        for id in waiting.iter().step_by(2) {
            model.settle(*id);
        }
        let corrected: Vec<_> = model.ids().skip(5).step_by(7).take(4).collect();
        for id in corrected {
            model.change(id, |run| {
                run.insert("el_cost_usd".to_owned(), json!(0.123456789));
                run.insert("of_late".to_owned(), json!({"a": [1, null]}));
            });
        }
        for _ in 0..12 {
            model.add();
        }
    }
}

/// A sync of many small pages.
pub const SYNC: [&str; 6] = ["sync", "--page-size", "10", "--concurrency", "1", "--quiet"];

/// A process that any thread can kill, including one that handles its requests.
#[derive(Clone, Default)]
pub struct Victim(Arc<Mutex<Option<Child>>>);

impl Victim {
    /// Starts it. Concurrent calls wait until it has started.
    pub fn start(&self, command: &mut Command) -> Running {
        let mut place = self.0.lock().unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        *place = Some(child);
        Running { stderr, victim: self.clone() }
    }

    /// Kills it with SIGKILL.
    pub fn kill(&self) {
        self.0.lock().unwrap().as_mut().expect("it was started").kill().unwrap();
    }

    /// Sends it a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.0.lock().unwrap().as_ref().expect("it was started").id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
        assert!(sent.success());
    }

    pub fn id(&self) -> u32 {
        self.0.lock().unwrap().as_ref().expect("it was started").id()
    }
}

/// A victim that is running.
pub struct Running {
    stderr: std::process::ChildStderr,
    victim: Victim,
}

impl Running {
    /// Waits until it ends. Meanwhile others can kill it.
    pub fn wait(mut self) -> Ended {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let mut place = self.victim.0.lock().unwrap();
        let status = place.as_mut().expect("it was started").wait().unwrap();
        Ended { code: status.code(), stdout: String::new(), stderr }
    }
}

/// Whether a request is for a page of the run list.
pub fn is_page(call: &Call) -> bool {
    call.path == "/api/v1/runs/"
}

/// A program for which SIGHUP has the system's default. Tests under `nohup` inherit that it is ignored.
pub fn with_default_hangup(program: &str) -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=HUP", program]);
        command
    } else {
        Command::new(program)
    }
}
