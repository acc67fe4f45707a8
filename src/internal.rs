//! What the command, the tests, the benchmarks and the fuzz targets use beyond the facade. Not a public interface.

#![allow(missing_docs, reason = "each item is documented where it is defined")]

pub mod api {
    pub use crate::api::{BaseUrl, Client, ClientConfig, Limits, Page, RETRIES, RetryPolicy};
}
pub mod close {
    pub use crate::close::{CloseRequest, close_month, totals};
}
pub mod commands {
    pub use crate::commands::{
        Cli, Command, apply_color, beside_bar, json_is_requested, paint_message, query, run, status,
        usage_error,
    };
}
pub mod digest {
    pub use crate::digest::{HashingWriter, hash, to_base64, to_hex};
}
pub mod error {
    pub use crate::error::{EXIT_CODES, Error, Result};
}
pub mod export {
    pub mod column_totals {
        pub use crate::export::column_totals::ColumnTotals;
    }
    pub mod focus {
        pub use crate::export::focus::{
            BillingPeriod, Books, ChargeSummary, Correction, CostAndUsage, Version, write_billing_period,
        };
    }
    pub mod manifest {
        pub use crate::export::manifest::{Manifest, Provenance};
    }
    pub mod parquet {
        pub mod folder {
            pub use crate::export::parquet::folder::{file_name, file_path};
        }
        pub use crate::export::parquet::{Options, Summary, TableSummary, schema, write, writer};
    }
    pub mod verify {
        pub use crate::export::verify::{FileCheck, compare};
    }
    pub use crate::export::{
        Destination, Dialect, Format, Headings, Sidecar, WriteError, WriteOptions, csv,
        escape_for_spreadsheet, html, json, markdown, terminal, write_documents, write_rows, write_table,
    };
}
pub mod ignored_fields {
    pub use crate::ignored_fields::IgnoredFields;
}
pub mod language {
    pub use crate::language::{Language, Phrase, phrases};
}
pub mod renamed {
    pub use crate::renamed::{NameKind, RENAMED, Renamed};
}
pub mod report {
    pub mod allocation {
        pub use crate::report::allocation::{Allocation, Rule};
    }
    pub mod budget {
        pub use crate::report::budget::{
            Budget, BudgetRuns, BudgetState, Forecast, Limit, State, Unit, budgets, for_people, report,
        };
    }
    pub mod change {
        pub use crate::report::change::{
            Against, Change, ChangeRequest, ChangedGroup, ComparedScopes, Cut, Effects, PeriodCosts,
            SettingChanges, Side,
        };
    }
    pub mod credits {
        pub use crate::report::credits::{CreditsOptions, report};
    }
    pub mod components {
        pub use crate::report::components::{MonetaryNames, report_across};
    }
    pub mod filter {
        pub use crate::report::filter::RunFilter;
    }
    pub mod metadata {
        pub use crate::report::metadata::{for_people, report};
    }
    pub mod open {
        pub use crate::report::open::{
            Factor, OpenReport, OpenRun, OpenRuns, OpenState, UsualTimes, open_runs, report,
            runs_without_usual,
        };
    }
    pub mod recovery {
        pub use crate::report::recovery::{
            ChainBuilder, ChainState, FailingPipeline, FailureChain, Outcome, PipelineOutcomes, Recovery,
            RecoveryReport, failing, name_runs, recovery, report, report_by_pipeline,
        };
    }
    pub mod overview {
        pub mod calendar {
            pub use crate::report::overview::calendar::{month_label, week_label};
        }
        pub use crate::report::overview::{
            ControlBand, CreditsForecast, Gathering, Overview, PipelineSummary, Sums, gather,
        };
    }
    pub mod period {
        pub use crate::report::period::{Calendar, Period};
    }
    pub mod fx {
        pub use crate::report::fx::{Amount, Currency, Fx, Policy, Rate, RateFile, Rates};
    }
    pub mod billing {
        pub use crate::report::billing::{Account, BilledBy};
    }
    pub mod plan {
        pub use crate::report::plan::{CreditPurchase, Plan};
    }
    pub mod question {
        pub use crate::report::question::{QUESTIONS, Question, reports};
    }
    pub mod reconcile {
        pub use crate::report::reconcile::{ClosesGap, Invoice, Reconciliation, Zones, reconcile};
    }
    pub mod schedule {
        pub use crate::report::schedule::evidence::{Completeness, TriggeredRun};
        pub use crate::report::schedule::matching::{EARLIEST, Outcome, match_runs, outcome};
        pub use crate::report::schedule::punctuality::{
            DEFAULT_GRACE, DueRun, PipelinePunctuality, Punctuality, Standing, StartedBy,
        };
        pub use crate::report::schedule::table::{due_runs, pipelines};
    }
    pub mod scope {
        pub use crate::report::scope::{ScopeDefaults, ScopeRequest};
    }
    pub mod terms {
        pub use crate::report::terms::{MonthTerms, ScopeTerms, Terms};
    }
    pub mod timeline {
        pub use crate::report::timeline::Timeline;
    }
    pub mod table {
        pub use crate::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
    }
    pub use crate::report::{
        Cell, CostComponent, CostedRun, CreditPurchase, DateBasis, Dimension, Ledger, MetadataPath, Plan,
        Scope, Span, Table, cost, duration, rows, run_cost, run_scan,
    };
}
pub mod run {
    pub mod money {
        pub use crate::run::money::{decimal_parts, nanos_of_number};
    }
    pub use crate::run::{ChargeStatus, Fixed, Instant, Redaction, Run, Seconds, Status, Usd, decode, json};
}
pub mod salvage {
    pub use crate::salvage::{Salvage, salvage};
}
#[cfg(feature = "sandbox")]
pub mod sandbox {
    pub use crate::sandbox::{
        Call, Document, Incident, Model, Options, Order, Outcome, PipelineKind, Plan, SETTINGS_PREFIX,
        Sandbox, TOKEN_PREFIX,
    };
}
pub mod secret {
    pub use crate::secret::ApiKey;
}
pub mod snapshot {
    pub use crate::snapshot::{Snapshot, hash};
}
pub mod statements {
    pub use crate::statements::{DIMENSIONS, INDEX_FILE, Statement, Statements, stem};
}
pub mod store {
    pub use crate::store::{
        Archive, Detail, Frozen, FrozenTerms, InsertHint, ListGap, Lock, PipelineKind, RowLayout, SyncKind,
        Upsert, run_columns, run_from_row,
    };
}
pub mod sync {
    pub use crate::sync::{
        CancelToken, Clock, Observer, Options, Phase, Progress, Summary, SyncContext, fetch, sync,
    };
}
