//! `runledger close`: closes a month, or lists the closed months.

mod evidence;
mod question;
mod text;

pub(super) use text::of_close;

use crate::cli::{JsonArgs, PeriodArgs, WidthArgs};
use crate::close::{ClosePreview, CloseRequest, close_month, preview_close};
use crate::commands::shared::allocation::warn_of_idle_rules;
use crate::commands::shared::facts::Moments;
use crate::commands::shared::numbers::{grouped, signed};
use crate::commands::shared::output::{print_plain_table, print_view};
use crate::commands::shared::scope::{booking, defaults};
use crate::commands::shared::terminal::screen;
use crate::commands::shared::view::View;
use crate::digest::to_hex;
use crate::error::Result;
use crate::report::allocation_check::Searched;
use crate::report::month_states::CLOSED;
use crate::report::period::{Calendar, Period};
use crate::report::scope::{ScopeDefaults, ScopeRequest};
use crate::report::{Cell, Table, month_cost};
use crate::run::Usd;
use crate::settings::Settings;
use crate::store::{Archive, Close, Frozen, Lock};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use std::path::Path;

/// `runledger close`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
A close freezes the month's zone, bounds, date basis, pipeline names, cost centers, plan,
purchased credits, invoice issuers, account, exchange rates and totals, and the moment of
knowledge. From then on, `--period 2026-01` always gives the same answers. `runledger restatements` lists what became
known later.

Examples:
  runledger close 2026-01 --dry-run --zone America/Sao_Paulo
  runledger close 2026-01 --by Ana --note 'invoice 4711'
  runledger close                     # list the closed months
  runledger close --restate 2026-01   # add a second close; both stay")]
pub struct CloseArgs {
    /// The month, such as 2026-01; without it, list the closed months
    #[arg(value_name = "MONTH", conflicts_with_all = ["wide", "width"])]
    pub period: Option<String>,

    /// Close a closed month again, as known now
    ///
    /// The new close names the one before it.
    #[arg(long, requires = "period")]
    pub restate: bool,

    /// Close despite objections, and record them
    ///
    /// Unsettled runs, for example.
    #[arg(long, requires = "period")]
    pub force: bool,

    /// Print what the close would freeze and what speaks against it
    ///
    /// Nothing is stored. Exit codes are those of the close.
    #[arg(long, requires = "period")]
    pub dry_run: bool,

    /// Close without asking at a terminal
    ///
    /// Without a terminal, and with --json, nothing is asked.
    #[arg(long, requires = "period", hide_short_help = true)]
    pub yes: bool,

    /// Record who closes the month
    #[arg(long, requires = "period", value_name = "NAME")]
    pub by: Option<String>,

    /// Record a remark
    #[arg(long, requires = "period", value_name = "TEXT")]
    pub note: Option<String>,

    /// Which month a run is in.
    #[command(flatten)]
    pub booking: PeriodArgs,

    /// List the closed months with every column, and instants in UTC
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub wide: bool,

    /// How wide it is.
    #[command(flatten)]
    pub width: WidthArgs,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Closes the month, or lists the closed months when `args` names none.
///
/// # Errors
/// As [`close_month`]; [`crate::error::Error::Locked`] when another command is writing to the archive.
pub(super) fn run(args: &CloseArgs, path: &Path, settings: &Settings) -> Result<()> {
    let Some(month) = &args.period else {
        let archive = Archive::open_for_reading(path)?;
        let closes = archive.closes()?;
        return match args.format.is_json() {
            true => {
                list(&closes.iter().map(|close| (Some(close.close_id), &close.frozen)).collect::<Vec<_>>())
            }
            false => list_for_people(&archive, &closes, args, settings),
        };
    };
    Period::require_label(month)?;
    let booking = booking(&args.booking)?;
    let request = CloseRequest {
        month: month.clone(),
        zone: booking.zone,
        date_basis: booking.date_basis,
        restate: args.restate,
        force: args.force,
        closed_by: args.by.clone(),
        note: args.note.clone(),
        shown_rows: None,
    };
    let closing = Closing { booking: &booking, defaults: defaults(&booking, settings)?, path, settings };
    if args.dry_run {
        return closing.preview(&request, args.format.is_json());
    }
    let screen = screen(None, false, None);
    if args.format.is_json() {
        let close = closing.close(&request)?;
        list(&[(Some(close.close_id), &close.frozen)])
    } else if !args.yes && question::can_be_asked(&screen) {
        let close = closing.close_after_yes(request)?;
        print_view(&text::headline(close.close_id, &close.frozen))
    } else {
        print_view(&of_close(&closing.close(&request)?, &screen))
    }
}

/// A close to make, with what the arguments and the settings say about it.
struct Closing<'a> {
    booking: &'a ScopeRequest,
    defaults: ScopeDefaults,
    path: &'a Path,
    settings: &'a Settings,
}

impl Closing<'_> {
    /// Closes the month, now.
    fn close(&self, request: &CloseRequest) -> Result<Close> {
        let now = SystemClock.now();
        // Opening for writing would create a missing archive.
        drop(Archive::open_for_reading(self.path)?);
        let lock = Lock::acquire(self.path, now)?;
        let archive = Archive::open(self.path, &lock)?;
        if request.shown_rows.is_none() {
            self.warn_of_idle_rules(&archive)?;
        }
        close_month(&archive, request, &self.defaults, now)
    }

    /// Shows what the close would freeze, asks, and closes the month as it was shown. The question holds no lock, so
    /// that a sync can run meanwhile.
    fn close_after_yes(&self, request: CloseRequest) -> Result<Close> {
        let preview = self.show(&request, &["Nothing is stored yet.", "A close is permanent."])?;
        preview.require_ready_in_view(&request)?;
        question::require_yes(&preview.frozen)?;
        let shown_rows = Some(preview.frozen.totals.rows_sha256);
        self.close(&CloseRequest { shown_rows, ..request })
    }

    /// Prints what the close would freeze, then fails as it would.
    fn preview(&self, request: &CloseRequest, as_json: bool) -> Result<()> {
        if as_json {
            let preview = self.read(|archive| {
                self.warn_of_idle_rules(archive)?;
                preview_close(archive, request, &self.defaults, SystemClock.now())
            })?;
            list(&[(None, &preview.frozen)])?;
            return preview.require_ready(request);
        }
        let next = format!("A close is permanent: {}", text::command(request));
        self.show(request, &["Nothing is stored yet.", &next])?.require_ready_in_view(request)
    }

    /// Prints a preview for people.
    fn show(&self, request: &CloseRequest, next: &[&str]) -> Result<ClosePreview> {
        self.read(|archive| {
            self.warn_of_idle_rules(archive)?;
            let now = SystemClock.now();
            let preview = preview_close(archive, request, &self.defaults, now)?;
            let frozen = &preview.frozen;
            let zone_from = evidence::origin_of_zone(self.booking, frozen.restates, self.settings, archive)?;
            let late = evidence::late_changes(archive, frozen.ends_at, now)?;
            let screen = screen(None, false, None);
            print_view(&text::of_preview(frozen, &zone_from, late, request, next, &screen))?;
            Ok(preview)
        })
    }

    /// Reads the archive without a lock, in one transaction: objections and totals show the same state.
    fn read<T>(&self, read: impl FnOnce(&Archive) -> Result<T>) -> Result<T> {
        let archive = Archive::open_for_reading(self.path)?;
        let _reading = archive.connection().unchecked_transaction()?;
        read(&archive)
    }

    /// A close freezes the rules, so a rule that matches nothing is reported before it.
    fn warn_of_idle_rules(&self, archive: &Archive) -> Result<()> {
        let searched = Searched::archives([archive]);
        warn_of_idle_rules(&self.defaults.allocation, &searched, self.settings).map(drop)
    }
}

/// The columns that only the JSON and the wide list have.
const NOT_BRIEF: [&str; 4] = ["known_at", "rows_sha256", "objections", "terms"];

/// Prints closes as JSON, each with its number; a preview has none.
fn list(closes: &[(Option<i64>, &Frozen)]) -> Result<()> {
    print_plain_table(&table(closes), true)
}

/// Prints closes as a table. It leaves out who closed the months, the notes, and what a close replaces, if no close has
/// any and not every column is asked for.
fn list_for_people(archive: &Archive, closes: &[Close], args: &CloseArgs, settings: &Settings) -> Result<()> {
    let newest_first: Vec<_> =
        closes.iter().rev().map(|close| (Some(close.close_id), &close.frozen)).collect();
    let moments = Moments::of(archive, Ok(settings.clone()))?;
    let mut table = table(&newest_first);
    let has = |given: fn(&Frozen) -> bool| newest_first.iter().any(|(_, frozen)| given(frozen));
    table.retain_columns(|name| match name {
        _ if args.wide => true,
        "closed_by" => has(|frozen| frozen.closed_by.is_some()),
        "note" => has(|frozen| frozen.note.is_some()),
        "restates" => has(|frozen| frozen.restates.is_some()),
        name => !NOT_BRIEF.contains(&name),
    });
    for column in table.columns.iter_mut().filter(|column| *column == "period") {
        "month".clone_into(column);
    }
    for row in &mut table.rows {
        if let Some(Cell::Text(Some(month))) = row.first_mut() {
            month.push_str(&format!(" {CLOSED}"));
        }
    }
    let context = moments.context();
    let notes = &notes_of_list(archive, closes, moments)?;
    let view = View { name: "close", subject: "Closed months", context: &context, notes };
    view.print_on(&screen(None, args.wide, moments.zone).with_width(args.width.width), &table, moments)
}

/// What people have to know about the closed months: costs that were not known, what has changed since, and which month
/// is over and not closed.
fn notes_of_list(archive: &Archive, closes: &[Close], moments: Moments) -> Result<Vec<String>> {
    let months = archive.closed_months(None)?;
    let mut notes = Vec::new();
    let unknown = closes.iter().filter(|close| months.iter().any(|month| month.close_id == close.close_id));
    match unknown.map(|close| close.frozen.totals.runs_cost_unknown).sum() {
        0 => {}
        1 => notes.push("1 run: cost not known at the close".to_owned()),
        runs => notes.push(format!("{} runs: cost not known at the close", grouped(runs))),
    }
    let Some(last) = months.last() else {
        notes.push("No month is closed.".to_owned());
        return Ok(notes);
    };
    notes.push(match month_cost::change_since_close(archive, last)? {
        Some(change) if change.units() == 0 => format!("{} is unchanged since", last.period),
        Some(change) => format!("{} since in {} (runledger restatements)", signed(change), last.period),
        None => "what came since: runledger restatements".to_owned(),
    });
    let next = Period::around(last.ends_at, Calendar::Month, moments.zone);
    if moments.moment.zip(next.end).is_some_and(|(moment, end)| moment >= end) {
        let month = next.label;
        notes.push(format!("{month} is over and not closed (runledger close {month} --dry-run)"));
    }
    Ok(notes)
}

fn table(closes: &[(Option<i64>, &Frozen)]) -> Table {
    let mut table = Table { columns: Vec::new(), rows: Vec::new(), totals: None };
    for (close_id, frozen) in closes {
        let (columns, row): (Vec<String>, Vec<Cell>) =
            cells(*close_id, frozen).into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
        table.columns = columns;
        table.rows.push(row);
    }
    table
}

/// A close as a row, each cell with the name of its column.
fn cells(close_id: Option<i64>, frozen: &Frozen) -> [(&'static str, Cell); 16] {
    let totals = &frozen.totals;
    [
        ("period", Cell::text(&frozen.period)),
        ("close_id", Cell::Count(close_id)),
        ("restates", Cell::Count(frozen.restates)),
        ("closed_at", Cell::text(frozen.closed_at.as_str())),
        ("zone", Cell::text(&frozen.zone)),
        ("date_basis", Cell::text(&frozen.date_basis)),
        ("runs", Cell::count(totals.runs)),
        ("runs_cost_unknown", Cell::count(totals.runs_cost_unknown)),
        ("total_cost_usd", Cell::Usd(totals.total_cost_nanos.map(|nanos| Usd::from_units(nanos.into())))),
        ("credits", Cell::count(totals.credits)),
        ("known_at", Cell::text(frozen.known_at.as_str())),
        ("rows_sha256", Cell::text(to_hex(&totals.rows_sha256))),
        ("objections", Cell::Text(frozen.objections.clone())),
        ("closed_by", Cell::Text(frozen.closed_by.clone())),
        ("note", Cell::Text(frozen.note.clone())),
        ("terms", Cell::Text(frozen.terms.as_ref().map(|terms| terms.json.clone()))),
    ]
}
