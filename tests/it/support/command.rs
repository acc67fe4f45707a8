//! A finished command and the rows that it printed.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Output};

/// A finished command: exit code, standard output and standard error.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(!err.contains("panicked"), "{err}");
        Ran { code: output.status.code().expect("no signal ended it"), out, err }
    }
}

impl Ran {
    /// Asserts that it was rejected with this code and text, and an empty standard output.
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        for words in words {
            assert!(self.err.contains(words), "{words:?} is not in {}", self.err);
        }
    }

    /// Standard output of a command that must succeed with an empty standard error.
    pub fn out(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The same, as JSON.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }
}

/// Runs a command to its end.
pub fn ran(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

/// The rows of a CSV, as maps from column to cell.
pub fn rows_of_csv(csv: impl AsRef<[u8]>) -> Vec<BTreeMap<String, String>> {
    ::csv::Reader::from_reader(csv.as_ref()).deserialize().map(Result::unwrap).collect()
}
