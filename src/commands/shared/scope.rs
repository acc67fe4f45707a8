//! The conversion of scope arguments and settings into plain values.

use crate::cli::{FilterArgs, PeriodArgs, ScopeArgs};
use crate::commands::shared::output::print_note;
use crate::error::Result;
use crate::report::Scope;
use crate::report::filter::RunFilter;
use crate::report::last::Last;
use crate::report::scope::{AsOf, DateBasis, ScopeDefaults, ScopeRequest, parse_day, parse_zone};
use crate::settings::Settings;
use crate::store::Archive;
use crate::sync::{Clock, SystemClock};

/// The scope of the arguments in an archive with these settings.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the argument that is invalid, or that contradicts a closed month.
pub(crate) fn scope(args: &ScopeArgs, settings: &Settings, archive: &Archive) -> Result<Scope> {
    let request = request(args)?;
    Scope::resolve(&request, &defaults(&request, settings)?, archive)
}

/// The arguments as plain values.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the argument that is invalid.
pub(crate) fn request(args: &ScopeArgs) -> Result<ScopeRequest> {
    let day = |flag: &str, day: &Option<String>| day.as_deref().map(|day| parse_day(day, flag)).transpose();
    Ok(ScopeRequest {
        period: args.period.clone(),
        from: day("--from", &args.from)?,
        until: day("--until", &args.until)?,
        last: args.last.as_deref().map(Last::parse).transpose()?,
        filter: filter(&args.filter)?,
        as_of: args.as_of.as_deref().map(AsOf::parse).transpose()?,
        ..booking(&args.booking)?
    })
}

/// The filter of the arguments.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the argument that is invalid.
fn filter(args: &FilterArgs) -> Result<RunFilter> {
    let FilterArgs { pipeline, kind, status, trigger, cost_center } = args.clone();
    let filter = RunFilter { pipeline, kind, status, trigger, cost_center };
    filter.validate().map(|()| filter)
}

/// The zone and the date basis of the arguments as plain values.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the argument that is invalid.
pub(crate) fn booking(args: &PeriodArgs) -> Result<ScopeRequest> {
    Ok(ScopeRequest {
        zone: args.zone.as_deref().map(|zone| parse_zone(zone, "--zone")).transpose()?,
        date_basis: args
            .date_basis
            .as_deref()
            .map(|basis| DateBasis::parse(basis, "--date-basis"))
            .transpose()?,
        ..ScopeRequest::default()
    })
}

/// The settings that the request leaves open. A setting that the request overrides is not read.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the setting that is invalid, and its origin.
pub(crate) fn defaults(request: &ScopeRequest, settings: &Settings) -> Result<ScopeDefaults> {
    let zone = match request.zone {
        Some(_) => None,
        None => settings.zone()?.map(|setting| setting.value),
    };
    let date_basis = match request.date_basis {
        Some(_) => None,
        None => settings.date_basis()?.map(|setting| setting.value),
    };
    let terms = settings.terms(SystemClock.now())?;
    Ok(ScopeDefaults { zone, date_basis, allocation: settings.allocation().clone(), terms })
}

/// Reports that today's terms apply to a closed month, because its close froze none. Commands whose output depends on
/// terms call it.
pub(crate) fn note_unfrozen_terms(scope: &Scope) {
    if let Some(month) = scope.period.as_deref().filter(|_| scope.has_unfrozen_terms()) {
        print_note(&format!(
            "{month} was closed by a version that froze no plan, purchased credits, billed_by and account: those in \
             today's settings apply; `runledger close --restate {month}` freezes them"
        ));
    }
}

/// Reports that a closed month has no amounts in the second currency of the settings, because its close froze no rates.
/// Commands that convert amounts call it.
pub(crate) fn note_unfrozen_rates(scope: &Scope, settings: &Settings) {
    let is_closed_without = scope.close_id.is_some() && scope.fx().is_none();
    if let Some(month) =
        scope.period.as_deref().filter(|_| is_closed_without && settings.rates_file().is_some())
    {
        print_note(&format!(
            "{month} was closed without exchange rates, so its amounts are in US dollars alone; `runledger close \
             --restate {month}` freezes those of today's settings"
        ));
    }
}

/// The scope of every run as `--as-of` gives it, for answers without a period: the zone ends a day, and decides when an
/// allocation rule begins.
///
/// # Errors
/// [`crate::error::Error::Usage`] when it is neither an instant nor a day, or when a setting is invalid.
pub(crate) fn scope_of_all_runs(
    as_of: Option<&str>,
    settings: &Settings,
    archive: &Archive,
) -> Result<Scope> {
    let request = ScopeRequest {
        as_of: as_of.map(AsOf::parse).transpose()?,
        date_basis: Some(DateBasis::default()),
        ..ScopeRequest::default()
    };
    Scope::resolve(&request, &defaults(&request, settings)?, archive)
}

/// Reports on standard error whose zone and date basis apply, unless the arguments or the settings give both. For
/// output that has no room for it.
pub(crate) fn print_default_booking(scope: &Scope) {
    if let Some(note) = scope.default_booking() {
        print_note(&note);
    }
}
