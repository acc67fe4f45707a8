//! What the demo prints at its end: the archive, its latest months, and what to run next.

use crate::cli::OutcomeArgs;
use crate::commands::shared::facts::from_here;
use crate::commands::shared::month_marks::mark_months;
use crate::commands::shared::numbers::{grouped, grouped_count};
use crate::commands::shared::outcome::exact;
use crate::commands::shared::output::{print_line, print_view, provenance};
use crate::commands::shared::terminal::screen;
use crate::error::Result;
use crate::escape::{escape_control, shell_word};
use crate::export::manifest::Provenance;
use crate::export::terminal::{DECIMALS, Role, Screen, unknown_costs, wrap};
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::language::Language;
use crate::report::month_states::MonthStates;
use crate::report::period::{Calendar, Period};
use crate::report::scope::{ScopeDefaults, ScopeRequest};
use crate::report::{Dimension, Ledger, Scope, Span, cost};
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::Path;

/// The width of a command with what it shows.
const NEXT_WIDTH: usize = 74;

/// Prints the contents of the archive, the cost of the months from the closed one on, and commands to try.
///
/// # Errors
/// Those of SQLite; [`crate::error::Error::Output`] when standard output cannot be written.
pub(super) fn print(archive: &Archive, closed: &Period, zone: Tz, args: OutcomeArgs) -> Result<()> {
    if args.quiet && !args.format.is_json() {
        return Ok(());
    }
    let screen = screen(None, false, zone);
    let scope = Scope::resolve(&ScopeRequest::default(), &ScopeDefaults::default(), archive)?;
    let total = cost::total(&Ledger::open(archive.connection(), scope.clone())?)?.total();
    let contents = archive.stats(SystemClock.now())?;
    if args.format.is_json() {
        let made = Made {
            archive: archive.path().to_string_lossy().into_owned(),
            runs: contents.runs,
            pipelines: contents.pipelines,
            total_cost_usd: exact(total),
            closed_period: &closed.label,
        };
        return print_line(&serde_json::to_string(&made).expect("a demo is valid JSON"));
    }
    let total = total.map_or("no known cost".to_owned(), |total| {
        format!("{} USD", Language::English.number(&total.to_fixed(DECIMALS)))
    });
    let (runs, pipelines) = (grouped(contents.runs), grouped_count(contents.pipelines, "pipeline"));
    let headline =
        format!("{runs} generated runs of {pipelines} in {}: {total}.\n", from_here(archive.path()));
    print_line(&wrap(headline.split(' '), screen.table_width()))?;
    print_months(archive, &Scope { span: Span { from: closed.start, until: None }, ..scope }, &screen)?;
    print_view(&next(archive.path(), &screen))
}

/// The archive as JSON.
#[derive(Serialize)]
struct Made<'a> {
    archive: String,
    runs: u64,
    pipelines: u64,
    total_cost_usd: Option<Box<RawValue>>,
    closed_period: &'a str,
}

fn print_months(archive: &Archive, scope: &Scope, screen: &Screen) -> Result<()> {
    let ledger = Ledger::open(archive.connection(), scope.clone())?;
    let mut table = cost::report(&ledger, &[Dimension::Period(Calendar::Month)])?;
    let months = table.rows.len();
    let provenance = provenance("report cost".to_owned(), scope, archive)?;
    let unknown = unknown_costs(&table);
    let (legend, _) = mark_months(&MonthStates::of(&[(scope, archive)])?, &mut table);
    let notes = legend.into_iter().chain(unknown).collect();
    // The total of some months would be taken for that of the year.
    table.totals = None;
    let by = vec![format!("month, last {months}")];
    let provenance = Provenance { by, from: None, notes, ..provenance };
    let options =
        WriteOptions { provenance: Some(provenance), ..WriteOptions::plain(Format::Terminal(*screen)) };
    write_table(&table, &options, &Destination::StandardOutput)
}

/// Commands to copy, each with what it shows where there is room.
fn next(path: &Path, screen: &Screen) -> String {
    let commands = [
        (format!("export RUNLEDGER_DB={}", shell_word(Path::new(&from_here(path)))), ""),
        ("runledger report cost --by pipeline".to_owned(), "what is most expensive"),
        ("runledger alert".to_owned(), "what is overdue or stuck"),
        ("runledger report html --output demo.html".to_owned(), "all of it on one page"),
    ];
    // The last command needs a feature.
    let commands = if cfg!(feature = "page") { &commands[..] } else { &commands[..commands.len() - 1] };
    let widest = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (number, (command, shows)) in commands.iter().enumerate() {
        let label = if number == 0 { "\nNext   " } else { "       " };
        let shows = if screen.table_width() < NEXT_WIDTH { "" } else { shows };
        let shows = Role::Dim.paint(shows, screen.color);
        // The path of the archive can have any characters.
        let command = escape_control(command);
        lines.push(format!("{label}{command:widest$}   {shows}").trim_end().to_owned());
    }
    lines.join("\n")
}
