//! Cost-center rules that match nothing: a pattern without a pipeline, an impossible trigger, or a later rule that
//! matches everything that the rule matches.

use super::allocation::{Allocation, PipelinePattern, Rule};
use super::ledger::Ledger;
use crate::error::Result;
use crate::run::TriggerType;
use crate::store::Archive;
use crate::suggest::nearest;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fmt;

/// The most pipelines that a suggestion lists.
const MAX_SUGGESTED: usize = 3;

/// The pipelines in the catalog, also those that the API no longer has.
const CATALOG: &str = "SELECT kind, pipeline_id, slug, name FROM main.pipelines ORDER BY kind, pipeline_id";

/// The pipelines and triggers of the current runs. Reads the covering index of reports only.
const OF_RUNS: &str = "SELECT DISTINCT source, destination, transformation, trigger_type \
                       FROM main.run_snapshots WHERE superseded_at IS NULL";

/// The archives that rules are compared with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Searched<'a>(Vec<&'a Connection>);

impl<'a> Searched<'a> {
    /// These archives.
    pub(crate) fn archives(archives: impl IntoIterator<Item = &'a Archive>) -> Searched<'a> {
        Searched(archives.into_iter().map(Archive::connection).collect())
    }

    /// The archives of these ledgers.
    pub(crate) fn ledgers<'l: 'a>(ledgers: impl IntoIterator<Item = &'a Ledger<'l>>) -> Searched<'a> {
        Searched(ledgers.into_iter().map(Ledger::connection).collect())
    }

    /// These archives and others.
    #[must_use]
    pub(crate) fn and(&self, others: impl IntoIterator<Item = &'a Archive>) -> Searched<'a> {
        Searched(self.0.iter().copied().chain(others.into_iter().map(Archive::connection)).collect())
    }
}

/// A rule that assigns no run to its cost center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdleRule {
    /// Its position in the settings, from 1.
    number: usize,
    rule: Rule,
    pub(crate) cause: IdleCause,
}

/// Why a rule matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdleCause {
    /// The archives have no pipeline that the pattern matches.
    NoPipeline {
        /// What to write instead; empty: nothing is similar.
        suggestion: String,
    },
    /// The pattern matches pipelines of this kind only, which is not the kind of the rule.
    OtherKind(String),
    /// The trigger is neither documented nor that of a run.
    NoTrigger {
        /// What to write instead; empty: nothing is similar.
        suggestion: String,
    },
    /// The later rule with this number matches every run that the rule matches.
    Covered(usize),
}

impl fmt::Display for IdleRule {
    /// One sentence: the rule, the cause, and the correction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IdleRule { number, rule, cause } = self;
        write!(f, "cost center rule {number} ({rule}) matches nothing: ")?;
        match cause {
            IdleCause::NoPipeline { suggestion } => {
                let pattern = rule.pipeline.as_deref().unwrap_or_default();
                write!(f, "no pipeline has a slug or id like `{pattern}`{suggestion}")
            }
            IdleCause::OtherKind(kind) => write!(f, "its pattern matches a {kind}; write kind = \"{kind}\""),
            IdleCause::NoTrigger { suggestion } => {
                write!(f, "the triggers are {}{suggestion}", TriggerType::WORDS.join(", "))
            }
            IdleCause::Covered(later) => {
                write!(
                    f,
                    "rule {later} also matches its runs, and the last rule decides; move it below rule {later}"
                )
            }
        }
    }
}

/// The rules that match nothing in any of the archives, in their order. Without an archive, patterns are not checked,
/// and every trigger that the API does not document counts as impossible.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn idle_rules(allocation: &Allocation, searched: &Searched<'_>) -> Result<Vec<IdleRule>> {
    let archives = &searched.0;
    let mut known = Known::default();
    if allocation.0.iter().any(|rule| rule.pipeline.is_some()) {
        for archive in archives {
            known.add_catalog(archive)?;
        }
    }
    let idle = known.idle_rules(allocation);
    if idle.iter().all(|idle| matches!(idle.cause, IdleCause::Covered(_))) {
        return Ok(idle);
    }
    // Runs can have pipelines that the catalog lacks, and triggers that the API does not document. They are read only
    // now, because that takes a scan.
    for archive in archives {
        known.add_runs(archive)?;
    }
    Ok(known.idle_rules(allocation))
}

/// What rules can match.
#[derive(Debug, Default)]
struct Known {
    pipelines: Vec<Pipeline>,
    triggers: BTreeSet<String>,
}

#[derive(Debug)]
struct Pipeline {
    kind: String,
    id: String,
    slug: Option<String>,
    name: Option<String>,
}

impl Pipeline {
    /// What a pattern is compared with.
    fn keys(&self) -> impl Iterator<Item = &str> {
        [self.slug.as_deref(), Some(self.id.as_str())].into_iter().flatten()
    }

    /// What a rule for this pipeline should name.
    fn key(&self) -> &str {
        self.slug.as_deref().unwrap_or(&self.id)
    }

    fn is_matched_by(&self, pattern: &PipelinePattern) -> bool {
        self.keys().any(|key| pattern.matches(key))
    }
}

impl Known {
    fn add_catalog(&mut self, archive: &Connection) -> Result<()> {
        let mut statement = archive.prepare(CATALOG)?;
        let pipelines = statement.query_map([], |row| {
            Ok(Pipeline { kind: row.get(0)?, id: row.get(1)?, slug: row.get(2)?, name: row.get(3)? })
        })?;
        for pipeline in pipelines {
            self.pipelines.push(pipeline?);
        }
        Ok(())
    }

    fn add_runs(&mut self, archive: &Connection) -> Result<()> {
        let mut found = BTreeSet::new();
        let mut statement = archive.prepare(OF_RUNS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let ids: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            let mut pipelines = ["source", "destination", "transformation"]
                .into_iter()
                .zip(ids)
                .filter_map(|(kind, id)| Some((kind, id?)));
            // A run with several pipelines belongs to none.
            if let (Some(only), None) = (pipelines.next(), pipelines.next()) {
                found.insert(only);
            }
            self.triggers.extend(row.get::<_, Option<String>>(3)?);
        }
        self.pipelines.extend(found.into_iter().map(|(kind, id)| Pipeline {
            kind: kind.to_owned(),
            id,
            slug: None,
            name: None,
        }));
        Ok(())
    }

    fn idle_rules(&self, allocation: &Allocation) -> Vec<IdleRule> {
        let rules = &allocation.0;
        let idle = |(index, rule): (usize, &Rule)| {
            let cause = self.trigger_cause(rule).or_else(|| self.pipeline_cause(rule)).or_else(|| {
                let later = rules.iter().skip(index + 1).position(|later| covers(later, rule))?;
                Some(IdleCause::Covered(index + later + 2))
            })?;
            Some(IdleRule { number: index + 1, rule: rule.clone(), cause })
        };
        rules.iter().enumerate().filter_map(idle).collect()
    }

    fn trigger_cause(&self, rule: &Rule) -> Option<IdleCause> {
        let trigger = rule.trigger.as_deref()?;
        let known = || TriggerType::WORDS.iter().copied().chain(self.triggers.iter().map(String::as_str));
        if known().any(|word| word == trigger) {
            return None;
        }
        let suggestion = nearest(trigger, known()).map(|word| format!("; did you mean `{word}`?"));
        Some(IdleCause::NoTrigger { suggestion: suggestion.unwrap_or_default() })
    }

    fn pipeline_cause(&self, rule: &Rule) -> Option<IdleCause> {
        let text = rule.pipeline.as_deref()?;
        // An invalid pattern is an error of its own.
        let pattern = PipelinePattern::new(text).ok()?;
        let is_matched = |pipeline: &&Pipeline| pipeline.is_matched_by(&pattern);
        let mut matched = self.pipelines.iter().filter(is_matched).peekable();
        if self.pipelines.is_empty() {
            return None;
        }
        let Some(first) = matched.peek() else {
            return Some(IdleCause::NoPipeline { suggestion: self.suggestion(text, &pattern) });
        };
        let other = first.kind.clone();
        let kind = rule.kind.as_deref()?;
        matched.all(|pipeline| pipeline.kind != kind).then_some(IdleCause::OtherKind(other))
    }

    /// What to write instead of a pattern that matches nothing.
    fn suggestion(&self, text: &str, pattern: &PipelinePattern) -> String {
        let by_case = self.keys_of(|pipeline| pipeline.keys().any(|key| pattern.matches_in_any_case(key)));
        if !by_case.is_empty() {
            return format!("; upper and lower case differ: write {by_case}");
        }
        let is_named = |pipeline: &Pipeline| {
            pipeline.name.as_deref().is_some_and(|name| pattern.matches_in_any_case(name.trim()))
        };
        let by_name = self.keys_of(is_named);
        if !by_name.is_empty() {
            return format!(", which matches a name; rules match slugs: write {by_name}");
        }
        self.similar(text).map_or_else(String::new, |similar| format!("; did you mean `{similar}`?"))
    }

    /// The keys of the selected pipelines, at most [`MAX_SUGGESTED`], each once. Empty: there is none.
    fn keys_of(&self, is_selected: impl Fn(&Pipeline) -> bool) -> String {
        let keys: BTreeSet<&str> =
            self.pipelines.iter().filter(|pipeline| is_selected(pipeline)).map(Pipeline::key).collect();
        let more = if keys.len() > MAX_SUGGESTED { " or another" } else { "" };
        let named: Vec<String> = keys.iter().take(MAX_SUGGESTED).map(|key| format!("`{key}`")).collect();
        if named.is_empty() { String::new() } else { format!("{}{more}", named.join(" or ")) }
    }

    /// A similar pattern that matches a pipeline. `None`: there is none.
    fn similar(&self, text: &str) -> Option<String> {
        let keys = || self.pipelines.iter().map(Pipeline::key);
        let head = text.trim_end_matches('*').trim_end_matches('-');
        if head == text {
            return nearest(text, keys()).map(str::to_owned);
        }
        // `gogle-*`: the beginnings of slugs, up to each hyphen.
        let heads = keys().flat_map(|key| key.match_indices('-').map(|(end, _)| &key[..end]).chain([key]));
        let similar = format!("{}{}", nearest(head, heads)?, &text[head.len()..]);
        let pattern = PipelinePattern::new(&similar).ok()?;
        self.pipelines.iter().any(|pipeline| pipeline.is_matched_by(&pattern)).then_some(similar)
    }
}

/// Whether a later rule assigns every run that a rule matches to another cost center.
fn covers(later: &Rule, rule: &Rule) -> bool {
    let meets = |later: &Option<String>, own: &Option<String>| later.is_none() || later == own;
    let pattern_meets = later.pipeline.as_deref() == Some("*") && rule.pipeline.is_some();
    later.cost_center != rule.cost_center
        && (pattern_meets || meets(&later.pipeline, &rule.pipeline))
        && meets(&later.kind, &rule.kind)
        && meets(&later.trigger, &rule.trigger)
        // Days compare as texts: rules have the form YYYY-MM-DD.
        && later.from.as_ref().is_none_or(|later| rule.from.as_ref().is_some_and(|own| later <= own))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVE: &str = "
        CREATE TABLE pipelines (kind, pipeline_id, slug, name);
        CREATE TABLE run_snapshots (source, destination, transformation, trigger_type, superseded_at);
        INSERT INTO pipelines VALUES ('source', 's-1', 'google-ads', 'Google Ads'), ('source', 's-2', 'stripe', 'Pay'),
            ('destination', 'd-1', NULL, 'Warehouse'), ('source', 's-3', 'stripe-eu', 'Pay');
        INSERT INTO run_snapshots VALUES (NULL, NULL, 'dbt-daily', 'webhook', NULL), ('s-1', NULL, NULL, 'cron', NULL),
            ('both', 'both', NULL, 'cron', NULL), ('old', NULL, NULL, 'retry', 'x');";

    fn archive() -> Connection {
        let archive = Connection::open_in_memory().unwrap();
        archive.execute_batch(ARCHIVE).unwrap();
        archive
    }

    fn rules(toml: &str) -> Allocation {
        #[derive(serde::Deserialize)]
        struct Settings {
            cost_center: Allocation,
        }
        toml::from_str::<Settings>(toml).unwrap().cost_center
    }

    /// One rule with these conditions.
    fn rule(conditions: &str) -> Allocation {
        rules(&format!("[[cost_center]]\ncost_center = \"A\"\n{conditions}"))
    }

    /// What follows "matches nothing: "; empty: every rule matches.
    fn causes(allocation: &Allocation, archives: &[&Connection]) -> Vec<String> {
        let idle = idle_rules(allocation, &Searched(archives.to_vec())).unwrap();
        idle.iter()
            .map(|idle| idle.to_string().split_once(" matches nothing: ").unwrap().1.to_owned())
            .collect()
    }

    fn cause(conditions: &str) -> String {
        causes(&rule(conditions), &[&archive()]).join("\n")
    }

    #[test]
    fn a_rule_that_matches_a_pipeline_or_a_run_is_not_reported() {
        for conditions in [
            "",
            "pipeline = \"google-*\"",
            "pipeline = \"s-1\"\nkind = \"source\"",
            "pipeline = \"d-1\"",
            "pipeline = \"dbt-daily\"\nkind = \"transformation\"",
            "trigger = \"webhook\"",
            "trigger = \"event\"",
            "from = \"2099-01-01\"",
        ] {
            assert_eq!(cause(conditions), "", "{conditions}");
        }
    }

    #[test]
    fn a_pattern_without_a_pipeline_gets_a_suggestion() {
        for (pattern, expected) in [
            (
                "Google Ads",
                "no pipeline has a slug or id like `Google Ads`, which matches a name; rules match slugs: \
                            write `google-ads`",
            ),
            (
                "google ads",
                "no pipeline has a slug or id like `google ads`, which matches a name; rules match slugs: \
                            write `google-ads`",
            ),
            (
                "Pay",
                "no pipeline has a slug or id like `Pay`, which matches a name; rules match slugs: write `stripe` \
                     or `stripe-eu`",
            ),
            (
                "Warehouse",
                "no pipeline has a slug or id like `Warehouse`, which matches a name; rules match slugs: \
                           write `d-1`",
            ),
            (
                "Stripe",
                "no pipeline has a slug or id like `Stripe`; upper and lower case differ: write `stripe`",
            ),
            ("strpie", "no pipeline has a slug or id like `strpie`; did you mean `stripe`?"),
            ("gogle-*", "no pipeline has a slug or id like `gogle-*`; did you mean `google-*`?"),
            ("zzz-*", "no pipeline has a slug or id like `zzz-*`"),
            ("both", "no pipeline has a slug or id like `both`"),
            ("old", "no pipeline has a slug or id like `old`"),
        ] {
            assert_eq!(cause(&format!("pipeline = \"{pattern}\"")), expected);
            // The suggestion matches.
            let quoted: Vec<&str> = expected.split('`').skip(3).step_by(2).collect();
            for suggestion in quoted {
                assert_eq!(cause(&format!("pipeline = \"{suggestion}\"")), "", "{suggestion}");
            }
        }
    }

    #[test]
    fn a_pattern_of_another_kind_names_the_kind() {
        let expected = "its pattern matches a source; write kind = \"source\"";
        assert_eq!(cause("pipeline = \"stripe*\"\nkind = \"transformation\""), expected);
    }

    #[test]
    fn an_impossible_trigger_gets_a_suggestion() {
        for (trigger, suggestion) in
            [("Cron", "; did you mean `cron`?"), ("webhok", "; did you mean `webhook`?"), ("hourly", "")]
        {
            let expected = format!("the triggers are manual, cron, event{suggestion}");
            assert_eq!(cause(&format!("trigger = \"{trigger}\"")), expected);
        }
    }

    #[test]
    fn a_later_rule_that_matches_the_same_runs_is_named() {
        let two = |first: &str, second: &str| {
            let text = format!(
                "[[cost_center]]\ncost_center = \"A\"\n{first}\n[[cost_center]]\ncost_center = \"B\"\n{second}"
            );
            causes(&rules(&text), &[&archive()])
        };
        let covered = "rule 2 also matches its runs, and the last rule decides; move it below rule 2";
        for (first, second) in [
            ("pipeline = \"stripe\"", ""),
            ("", ""),
            ("pipeline = \"stripe\"\nkind = \"source\"", "kind = \"source\""),
            ("pipeline = \"stripe\"", "pipeline = \"*\""),
            ("from = \"2026-02-01\"", "from = \"2026-01-01\""),
        ] {
            assert_eq!(two(first, second), [covered], "{first}; {second}");
            // The advice helps.
            assert!(two(second, first).is_empty() || first == second, "{first}; {second}");
        }
        for (first, second) in [
            ("pipeline = \"stripe\"", "from = \"2026-01-01\""),
            ("kind = \"source\"", "kind = \"destination\""),
            ("", "pipeline = \"*\""),
            ("from = \"2026-01-01\"", "from = \"2026-02-01\""),
        ] {
            assert!(two(first, second).is_empty(), "{first}; {second}");
        }
        let same_center =
            "[[cost_center]]\ncost_center = \"A\"\nkind = \"source\"\n[[cost_center]]\ncost_center = \"A\"";
        assert!(causes(&rules(same_center), &[&archive()]).is_empty());
    }

    #[test]
    fn a_rule_for_another_archive_is_not_reported() {
        let (one, other) = (archive(), Connection::open_in_memory().unwrap());
        other.execute_batch(ARCHIVE).unwrap();
        other.execute_batch("UPDATE pipelines SET slug = 'shopify' WHERE pipeline_id = 's-2'").unwrap();
        let shopify = rule("pipeline = \"shopify\"");
        assert_eq!(causes(&shopify, &[&one]).len(), 1);
        assert!(causes(&shopify, &[&one, &other]).is_empty());
    }

    #[test]
    fn without_data_only_triggers_and_later_rules_are_checked() {
        let empty = Connection::open_in_memory().unwrap();
        empty.execute_batch(ARCHIVE).unwrap();
        empty.execute_batch("DELETE FROM pipelines; DELETE FROM run_snapshots").unwrap();
        for archives in [&[][..], &[&empty]] {
            assert!(causes(&rule("pipeline = \"zzz\""), archives).is_empty());
            assert_eq!(causes(&rule("trigger = \"hourly\""), archives).len(), 1);
        }
    }
}
