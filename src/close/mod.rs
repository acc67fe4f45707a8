//! Month-end close: freezes the answers of a month, so that they stay what finance has booked.
//!
//! A close stores the month's zone, bounds, date basis, allocation rules, terms, pipeline names, totals, the hash of
//! its rows and the moment of knowledge. From then on, a question about the month gives the same answer.

mod check;
mod objection;
mod totals;

pub(crate) use check::check_archive;
pub use objection::Objection;
pub(crate) use objection::{Month, corrected_elsewhere, objections};
pub use totals::totals;

use crate::digest::Hash;
use crate::error::{Error, Result};
use crate::report::fx::runs_without_rate;
use crate::report::latest_close::LatestClose;
use crate::report::period::Calendar;
use crate::report::scope::{ScopeDefaults, ScopeRequest};
use crate::report::{DateBasis, Ledger, Scope};
use crate::run::Instant;
use crate::store::{Archive, Close, Frozen};
use crate::wording::counted;
use chrono_tz::Tz;

/// The close to make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloseRequest {
    /// The month: `2026-01`.
    pub month: String,
    /// The zone of the month. `None`: that of the close to restate, else the default.
    pub zone: Option<Tz>,
    /// The instant that books a run. `None`: that of the close to restate, else the default.
    pub date_basis: Option<DateBasis>,
    /// Close a month that is closed already. The new close names the one before it, and both stay.
    pub restate: bool,
    /// Close despite objections, and store them.
    pub force: bool,
    /// Who closes the month. `None`: not stored.
    pub closed_by: Option<String>,
    /// A remark to store. `None`: none.
    pub note: Option<String>,
    /// The SHA-256 of the rows that a preview showed. A month that has others by now is not closed. `None`: any.
    pub shown_rows: Option<Hash>,
}

/// What a close would freeze, and what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosePreview {
    /// What it would freeze, with the objections.
    pub frozen: Frozen,
    /// The objections, in a fixed order. Empty: the month is ready.
    pub objections: Vec<Objection>,
}

impl ClosePreview {
    /// Refuses to close a month with objections without `force`.
    ///
    /// # Errors
    /// [`Error::Usage`] naming each objection.
    pub fn require_ready(&self, request: &CloseRequest) -> Result<()> {
        let objections: Vec<String> = self.objections.iter().map(ToString::to_string).collect();
        self.require_none(request, &objections.join("; "))
    }

    /// The same for a reader who has the objections in view.
    pub(crate) fn require_ready_in_view(&self, request: &CloseRequest) -> Result<()> {
        self.require_none(
            request,
            &format!("{}, see above", counted(self.objections.len() as u64, "objection")),
        )
    }

    fn require_none(&self, request: &CloseRequest, why: &str) -> Result<()> {
        if self.objections.is_empty() || request.force {
            return Ok(());
        }
        Err(Error::Usage {
            what: format!("{} is not ready to be closed: {why}", request.month),
            hint: Some("sync again later, or close it with --force, which is recorded".to_owned()),
        })
    }
}

/// Closes a month as known now, and returns the close. `now` must be after the end of the month.
///
/// # Errors
/// [`Error::Usage`] when the month is running, is closed already and not to be restated, has objections without
/// `force`, or other rows than a preview showed. Those of SQLite.
pub fn close_month(
    archive: &Archive,
    request: &CloseRequest,
    defaults: &ScopeDefaults,
    now: Instant,
) -> Result<Close> {
    let close = || {
        let preview = preview_close(archive, request, defaults, now)?;
        preview.require_ready(request)?;
        let frozen = preview.frozen;
        if request.shown_rows.is_some_and(|shown| shown != frozen.totals.rows_sha256) {
            return Err(Error::Usage {
                what: format!("{} is not closed: its runs have changed since they were shown", request.month),
                hint: Some("close it again, with its new total".to_owned()),
            });
        }
        Ok(Close { close_id: archive.insert_close(&frozen)?, frozen })
    };
    close().inspect_err(|error| archive.keep_log_of_damaged(error))
}

/// What [`close_month`] would freeze now. It writes nothing, and needs no archive that is open for writing.
///
/// # Errors
/// As [`close_month`], but objections are no error.
pub fn preview_close(
    archive: &Archive,
    request: &CloseRequest,
    defaults: &ScopeDefaults,
    now: Instant,
) -> Result<ClosePreview> {
    for (flag, text) in [("--by", &request.closed_by), ("--note", &request.note)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Error::usage(format!("{flag}: the text is blank")));
        }
    }
    let label = &request.month;
    let before = archive.close_of(label)?;
    let latest = LatestClose::of(archive, None)?;
    let scope = open_scope(request, before.as_ref(), defaults, latest.as_ref())?;
    let (Some(starts_at), Some(ends_at), Calendar::Month) =
        (scope.span.from, scope.span.until, Calendar::of_label(label))
    else {
        return Err(Error::usage(format!(
            "{label} is not a month: a close takes a whole month, such as 2026-01"
        )));
    };
    check_order(request, before.as_ref())?;
    require_zone(request, defaults, latest.as_ref())?;
    if now < ends_at {
        return Err(Error::Usage {
            what: format!("{label} is still running in {}: it ends at {ends_at}", scope.zone),
            hint: Some("close it after its end, once its runs have settled".to_owned()),
        });
    }
    let Some(known_at) = archive.last_observed_at()? else {
        return Err(Error::usage("the archive is empty: there is nothing to close"));
    };
    let (zone, date_basis, row_layout) = (scope.zone, scope.date, scope.row_layout);
    let allocation = serde_json::to_string(&scope.allocation).expect("rules serialize to JSON");
    let terms = scope.terms_of(label).freeze();
    let ledger = Ledger::open(archive.connection(), Scope { as_of: Some(known_at), ..scope })?;
    let mut objections = objections(archive, &ledger, Month { label, starts_at, ends_at }, now)?;
    if let Some(before) = &before {
        objections.extend(corrected_elsewhere(archive, before, known_at)?);
    }
    if let Some((runs @ 1.., currency)) = runs_without_rate(&ledger)? {
        objections.push(Objection::MissingRates { runs, currency });
    }
    let totals = totals(&ledger)?;
    drop(ledger);
    let texts: Vec<String> = objections.iter().map(ToString::to_string).collect();
    let frozen = Frozen {
        period: label.clone(),
        restates: before.map(|before| before.close_id),
        closed_at: now,
        known_at,
        zone: zone.to_string(),
        starts_at,
        ends_at,
        date_basis: date_basis.as_str().to_owned(),
        allocation,
        objections: (!texts.is_empty())
            .then(|| serde_json::to_string(&texts).expect("texts serialize to JSON")),
        totals,
        row_layout,
        terms: Some(terms),
        closed_by: request.closed_by.clone(),
        note: request.note.clone(),
    };
    Ok(ClosePreview { frozen, objections })
}

/// The scope to close. A restatement keeps the zone and the date basis of its month unless the request changes them;
/// another close takes those of the close made last, unless the request or the settings give them.
fn open_scope(
    request: &CloseRequest,
    before: Option<&Close>,
    defaults: &ScopeDefaults,
    latest: Option<&LatestClose>,
) -> Result<Scope> {
    let before = before.map(Scope::of_close).transpose()?;
    let scope = ScopeRequest {
        period: Some(request.month.clone()),
        zone: request.zone.or(before.as_ref().map(|before| before.zone)),
        date_basis: request.date_basis.or(before.map(|before| before.date)),
        ..ScopeRequest::default()
    };
    Scope::resolve_open(&scope, defaults, latest)
}

/// Refuses the first close of an archive without a zone. Every later close and report adjoins its bounds, so they must
/// be those that someone chose.
fn require_zone(
    request: &CloseRequest,
    defaults: &ScopeDefaults,
    latest: Option<&LatestClose>,
) -> Result<()> {
    if request.zone.or(defaults.zone).is_some() || latest.is_some() {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!(
            "{} needs a time zone, which decides the runs that are in the month: it is the first month to be closed, and \
             none is set",
            request.month
        ),
        hint: Some(
            "give it, as in --zone America/Sao_Paulo, or set `zone` in runledger.toml; later closes keep it"
                .to_owned(),
        ),
    })
}

/// Refuses a second close that is not a restatement, and a restatement of an open month.
fn check_order(request: &CloseRequest, before: Option<&Close>) -> Result<()> {
    let label = &request.month;
    match (before, request.restate) {
        (Some(_), true) | (None, false) => Ok(()),
        (Some(before), false) => Err(Error::Usage {
            what: format!("{label} was closed at {}", before.frozen.closed_at),
            hint: Some(format!(
                "a close is permanent; `runledger restatements --period {label}` lists later changes, and \
                 `runledger close --restate {label}` adds a second close"
            )),
        }),
        (None, true) => Err(Error::usage(format!("{label} is not closed: there is nothing to restate"))),
    }
}

#[cfg(test)]
mod tests {
    use super::check::check_closes;
    use super::*;
    use crate::report::period::Period;
    use crate::report::scope::AsOf;

    const SYNCS: &str = "
        INSERT INTO syncs (sync_id, kind, started_at, outcome, process_id, program_version, api_url,
                           last_observed_at, walk_complete)
        VALUES (1, 'first', '2026-02-03T00:00:00.000000Z', 'complete', 1, '0.1.0', 'http://127.0.0.1:1/',
                '2026-02-03T00:00:30.000000Z', 1);";

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// An archive synced in February, with one run of January, 25, 22:00 UTC.
    fn archive(status: &str) -> Archive {
        let archive = Archive::temporary().unwrap();
        let run = format!(
            "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, started_at, ended_at, status,
                                        credit_charge_status, el_cost_usd, el_cost_nanos, source)
             VALUES ('run-1', '2026-02-03T00:00:01.000000Z', 1, zeroblob(32), '2026-01-25T22:00:00.000000Z',
                     '2026-01-25T22:05:00.000000Z', '{status}', 'charged', 0.25, 250000000, 's-1');"
        );
        archive.connection().execute_batch(&[SYNCS, &run].concat()).unwrap();
        archive
    }

    fn january() -> CloseRequest {
        CloseRequest { month: "2026-01".to_owned(), ..CloseRequest::default() }
    }

    /// Settings with a zone, which the first close needs.
    fn utc() -> ScopeDefaults {
        ScopeDefaults { zone: Some(Tz::UTC), ..ScopeDefaults::default() }
    }

    fn close(archive: &Archive, request: &CloseRequest) -> Result<Close> {
        close_month(archive, request, &utc(), at("2026-02-04T00:00:00Z"))
    }

    fn refused(result: Result<impl std::fmt::Debug>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }

    #[test]
    fn a_settled_month_is_closed_with_its_totals() {
        let archive = archive("success");
        let shown_otherwise = CloseRequest { shown_rows: Some([0; 32]), ..january() };
        assert!(refused(close(&archive, &shown_otherwise)).contains("have changed since they were shown"));
        let made = close(&archive, &january()).unwrap();
        assert_eq!(archive.closes().unwrap(), std::slice::from_ref(&made));
        let Frozen { known_at, starts_at, ends_at, objections, totals, .. } = made.frozen;
        assert_eq!((starts_at, ends_at), (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")));
        assert_eq!((known_at, objections), (at("2026-02-03T00:00:30Z"), None));
        assert_eq!((totals.runs, totals.total_cost_nanos, totals.credits), (1, Some(250_000_000), 1));
        assert!(totals.names.contains("\"pipeline_id\":\"s-1\""), "{}", totals.names);
        assert_eq!(check_closes(&archive).broken, 0);
    }

    #[test]
    fn a_closed_month_answers_as_closed_and_the_check_finds_damage() {
        let archive = archive("success");
        close(&archive, &january()).unwrap();
        let change = "UPDATE run_snapshots SET superseded_at = '2026-02-05T00:00:00.000000Z'";
        archive.connection().execute_batch(change).unwrap();
        assert_eq!(check_closes(&archive).broken, 0);
        archive.connection().execute_batch("UPDATE run_snapshots SET el_cost_nanos = 1").unwrap();
        let checked = check_closes(&archive);
        assert_eq!(checked.broken, 1);
        assert!(checked.examples[0].contains("el_cost_nanos, total_cost_nanos, rows_sha256"), "{checked:?}");
    }

    #[test]
    fn only_the_first_close_needs_a_zone() {
        let archive = archive("success");
        let (none, now) = (ScopeDefaults::default(), at("2026-02-04T00:00:00Z"));
        let close = |request: &CloseRequest| close_month(&archive, request, &none, now);
        let error = close(&january()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.render().contains("2026-01 needs a time zone") && error.render().contains("--zone"),
            "{error}"
        );
        close(&CloseRequest { zone: Some(Tz::UTC), ..january() }).unwrap();
        close(&CloseRequest { restate: true, ..january() }).unwrap();
        let december = CloseRequest { month: "2025-12".to_owned(), ..CloseRequest::default() };
        assert_eq!(close(&december).unwrap().frozen.zone, "UTC");
    }

    #[test]
    fn an_unsettled_run_is_an_objection_that_force_records() {
        let archive = archive("running");
        let error = refused(close(&archive, &january()));
        assert_eq!(error, "2026-01 is not ready to be closed: 1 run is unsettled: run-1 (running)");
        assert!(archive.closes().unwrap().is_empty());
        let made = close(&archive, &CloseRequest { force: true, ..january() }).unwrap();
        assert_eq!(made.frozen.objections.as_deref(), Some("[\"1 run is unsettled: run-1 (running)\"]"));
    }

    #[test]
    fn only_a_month_that_has_ended_is_closed() {
        let archive = archive("success");
        for (month, words) in [
            ("2026-02", "2026-02 is still running in UTC: it ends at 2026-03-01T00:00:00.000000Z"),
            ("2026-W05", "2026-W05 is not a month"),
            ("January", "--period January: not a month, week or day"),
        ] {
            let error = refused(close(&archive, &CloseRequest { month: month.to_owned(), ..january() }));
            assert!(error.starts_with(words), "{error}");
        }
        let early = close_month(&archive, &january(), &utc(), at("2026-01-31T00:00:00Z"));
        assert!(refused(early).contains("still running"));
        let empty = Archive::temporary().unwrap();
        assert!(refused(close(&empty, &january())).contains("the archive is empty"));
    }

    #[test]
    fn a_restatement_keeps_the_zone_and_names_the_first_close() {
        let archive = archive("success");
        let zone = Some(Tz::America__Sao_Paulo);
        assert!(
            refused(close(&archive, &CloseRequest { restate: true, ..january() })).contains("not closed")
        );
        let first = close(&archive, &CloseRequest { zone, ..january() }).unwrap();
        assert!(refused(close(&archive, &january())).starts_with("2026-01 was closed at "));
        let second = close(&archive, &CloseRequest { restate: true, ..january() }).unwrap();
        assert_eq!(second.frozen.restates, Some(first.close_id));
        assert_eq!(second.frozen.zone, "America/Sao_Paulo");
        assert_eq!(archive.close_of("2026-01").unwrap(), Some(second));
    }

    #[test]
    fn a_neighbor_in_another_zone_shares_or_loses_runs() {
        let archive = archive("success");
        let february = Period::named("2026-02", Tz::America__Sao_Paulo).unwrap();
        close(&archive, &CloseRequest { zone: Some(Tz::America__Sao_Paulo), ..january() }).unwrap();
        for (zone, starts_at, expected) in [
            (
                "UTC",
                at("2026-02-01T00:00:00Z"),
                "2026-01 was closed in America/Sao_Paulo: some runs would be in both months",
            ),
            (
                "America/Denver",
                at("2026-02-01T07:00:00Z"),
                "2026-01 was closed in America/Sao_Paulo: some runs would be in neither month",
            ),
        ] {
            let scope = Scope { zone: zone.parse().unwrap(), ..Scope::default() };
            let ledger = Ledger::open(archive.connection(), scope).unwrap();
            let month = Month { label: "2026-02", starts_at, ends_at: february.end.unwrap() };
            let texts: Vec<String> = objections(&archive, &ledger, month, at("2026-02-04T00:00:00Z"))
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(texts.iter().any(|text| text == expected), "{zone}: {texts:?}");
        }
    }

    #[test]
    fn an_archive_without_a_complete_sync_has_an_objection() {
        let archive = archive("success");
        archive.connection().execute_batch("UPDATE syncs SET walk_complete = 0").unwrap();
        assert!(refused(close(&archive, &january())).ends_with("no sync has completed yet"));
        let early = "UPDATE syncs SET walk_complete = 1, started_at = '2026-01-20T00:00:00.000000Z'";
        archive.connection().execute_batch(early).unwrap();
        assert!(refused(close(&archive, &january())).contains("the last complete sync began at 2026-01-20"));
    }

    #[test]
    fn a_close_does_not_trust_a_clock_that_was_ahead() {
        let archive = archive("success");
        // Observations are a year ahead, and the run ended a week before the close.
        let sql = "UPDATE run_snapshots SET el_cost_usd = NULL, el_cost_nanos = NULL,
                                            observed_at = '2027-02-03T00:00:01.000000Z';
                   UPDATE syncs SET started_at = '2027-02-03T00:00:00.000000Z',
                                    last_observed_at = '2027-02-03T00:00:30.000000Z'";
        for (clock, objection) in [
            (
                "2026-01-20T00:00:00.000000Z",
                "the last complete sync began at 2026-01-20T00:00:00.000000Z, before",
            ),
            (
                "2027-02-03T00:00:00.000000Z",
                "the last complete sync began at 2027-02-03T00:00:00.000000Z, in the future",
            ),
            ("2026-02-03T00:00:00.000000Z", "1 run is unsettled"),
        ] {
            archive.connection().execute_batch(&format!("{sql}, clock_started_at = '{clock}'")).unwrap();
            let error = refused(close(&archive, &january()));
            assert!(error.starts_with(&format!("2026-01 is not ready to be closed: {objection}")), "{error}");
        }
    }

    #[test]
    fn a_question_about_a_closed_month_takes_the_scope_of_its_close() {
        let archive = archive("success");
        let made =
            close(&archive, &CloseRequest { zone: Some(Tz::America__Sao_Paulo), ..january() }).unwrap();
        let request = ScopeRequest { period: Some("2026-01".to_owned()), ..ScopeRequest::default() };
        let resolve = |request: &ScopeRequest| Scope::resolve(request, &ScopeDefaults::default(), &archive);
        assert_eq!(resolve(&request).unwrap(), Scope::of_close(&made).unwrap());
        let same = ScopeRequest { zone: Some(Tz::America__Sao_Paulo), ..request.clone() };
        assert_eq!(resolve(&same).unwrap().close_id, Some(made.close_id));
        for (flag, contradiction) in [
            ("--zone", ScopeRequest { zone: Some(Tz::UTC), ..request.clone() }),
            ("--date-basis", ScopeRequest { date_basis: Some(DateBasis::Ended), ..request.clone() }),
            (
                "--as-of",
                ScopeRequest { as_of: Some(AsOf::At(at("2026-03-01T00:00:00Z"))), ..request.clone() },
            ),
        ] {
            let error = refused(resolve(&contradiction));
            assert!(error.ends_with(&format!("; {flag} contradicts that")), "{error}");
        }
    }

    #[test]
    fn a_correction_in_a_closed_month_is_an_objection_to_a_restatement() {
        let archive = archive("success");
        close(&archive, &january()).unwrap();
        // The cost changes in February, and February is closed.
        archive
            .connection()
            .execute_batch(
                "UPDATE run_snapshots SET superseded_at = '2026-02-10T00:00:00.000000Z';
                 INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, started_at, ended_at, status,
                                            credit_charge_status, el_cost_usd, el_cost_nanos, source)
                 SELECT run_id, superseded_at, sync_id, randomblob(32), started_at, ended_at, status,
                        credit_charge_status, 0.5, 500000000, source
                 FROM run_snapshots;
                 UPDATE syncs SET started_at = '2026-03-02T00:00:00.000000Z',
                                  last_observed_at = '2026-03-02T00:00:30.000000Z';",
            )
            .unwrap();
        let february = CloseRequest { month: "2026-02".to_owned(), ..CloseRequest::default() };
        let now = at("2026-03-03T00:00:00Z");
        let close = |request: &CloseRequest| close_month(&archive, request, &utc(), now);
        close(&february).unwrap();
        let restate = |request: &CloseRequest| close(&CloseRequest { restate: true, ..request.clone() });
        let error = refused(restate(&january()));
        assert!(
            error.ends_with(
                "2026-02 was closed with corrections of 2026-01, which count twice until it is restated too"
            ),
            "{error}"
        );
        // Restated first, February no longer contains the correction of the first close.
        let forced = CloseRequest { restate: true, force: true, ..january() };
        assert_eq!(close(&forced).unwrap().frozen.totals.el_cost_nanos, Some(500_000_000));
        assert_eq!(restate(&february).unwrap().frozen.objections, None);
    }
}
