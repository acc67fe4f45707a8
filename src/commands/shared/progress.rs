//! This is the progress that people see: a bar on a terminal, a line now and then elsewhere.

use crate::sync::{Observer, Phase, Progress};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Says nothing.
pub struct NoProgress;

impl Observer for NoProgress {
    fn advanced(&mut self, _: &Progress) {}
}

/// What suits the standard error.
pub fn observer() -> Box<dyn Observer> {
    if std::io::stderr().is_terminal() {
        Box::new(Bar { bar: ProgressBar::no_length(), phase: None })
    } else {
        Box::new(Lines { last: Instant::now() })
    }
}

struct Bar {
    bar: ProgressBar,
    phase: Option<Phase>,
}

impl Observer for Bar {
    fn advanced(&mut self, progress: &Progress) {
        if self.phase != Some(progress.phase) {
            self.phase = Some(progress.phase);
            self.bar.finish_and_clear();
            self.bar = ProgressBar::new(progress.total.unwrap_or(0)).with_message(words(progress.phase));
            self.bar.set_style(style(progress.total.is_some()));
        }
        // More may have come than the API counted when the walk began.
        if let Some(total) = progress.total {
            self.bar.set_length(total.max(progress.done));
        }
        self.bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{msg} {wide_bar} {human_pos}/{human_len} runs, {rate}/s, {eta} left"
    } else {
        "{msg} {spinner} {human_pos} runs, {rate}/s"
    };
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    };
    ProgressStyle::with_template(template).expect("the template is well formed").with_key("rate", rate)
}

struct Lines {
    last: Instant,
}

impl Observer for Lines {
    fn advanced(&mut self, progress: &Progress) {
        if self.last.elapsed() < LINE_EVERY {
            return;
        }
        self.last = Instant::now();
        let mut line = format!("{}: {}", words(progress.phase), progress.done);
        if let Some(total) = progress.total {
            let _ = write!(line, " of {total}");
        }
        // Nobody may be listening; the sync goes on all the same.
        let _ = writeln!(std::io::stderr(), "{line} runs, {} requests", progress.requests);
    }
}

fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Walk => "reading the run list",
        Phase::Unsettled => "asking for unsettled runs",
        Phase::Vanished => "asking for runs that the list lacks",
        Phase::Fetch => "asking for runs",
    }
}
