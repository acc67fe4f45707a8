//! The vocabulary of the API: its documented words, and a variant for new ones.

use std::fmt;

/// Declares the words of a field. An unknown word is kept, because the API has added words before.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that the contract does not document.
            Other(String),
        }

        impl $name {
            /// The known words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Parses a word.
            pub fn from_word(word: &str) -> $name {
                match word {
                    $($word => $name::$variant,)+
                    other => $name::Other(other.to_owned()),
                }
            }

            /// The word as sent by the API.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)+
                    $name::Other(word) => word,
                }
            }

            /// Whether the contract documents the word.
            pub fn is_known(&self) -> bool {
                !matches!(self, $name::Other(_))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The status of a run.
    Status {
        /// Waiting for the events that trigger it.
        PendingEvents = "pending_events",
        /// Waiting to start.
        Queued = "queued",
        /// Running.
        Running = "running",
        /// Succeeded.
        Success = "success",
        /// Failed.
        Failed = "failed",
        /// Being canceled.
        Cancelling = "cancelling",
        /// Canceled.
        Canceled = "canceled",
    }
}

words! {
    /// Whether a run cost a credit.
    ChargeStatus {
        /// The run cost no credit.
        Unsuccessful = "unsuccessful",
        /// The run cost one credit.
        Charged = "charged",
        /// A status that the API has withdrawn. Old runs may still have it.
        FirstExtraction = "first_extraction",
    }
}

words! {
    /// What triggered a run.
    TriggerType {
        /// A person or a token.
        Manual = "manual",
        /// A schedule.
        Cron = "cron",
        /// Other runs.
        Event = "event",
    }
}

/// The fields with a vocabulary, as drift names them, and their words.
pub(crate) const VOCABULARIES: [(&str, &[&str]); 3] = [
    ("status", Status::WORDS),
    ("credit_charge_status", ChargeStatus::WORDS),
    ("trigger.type", TriggerType::WORDS),
];

impl Status {
    /// The final statuses: a run with one of them has stopped. Its cost may still change.
    pub const FINAL: [Status; 3] = [Status::Success, Status::Failed, Status::Canceled];

    /// Whether the run has stopped.
    pub fn is_final(&self) -> bool {
        Status::FINAL.contains(self)
    }
}
