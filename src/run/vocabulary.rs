//! This is the vocabulary of the API: the words it is known to use, and room for those it will invent.

use std::fmt;

/// Declares the words of one field. A word that nobody has invented yet is welcome: the API has
/// grown new ones before.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word that the contract does not know.
            Other(String),
        }

        impl $name {
            /// The word's meaning.
            pub fn from_word(word: &str) -> $name {
                match word {
                    $($word => $name::$variant,)+
                    other => $name::Other(other.to_owned()),
                }
            }

            /// The word as the API sends it.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)+
                    $name::Other(word) => word,
                }
            }

            /// Whether the contract knows the word.
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
    /// How far a run has come.
    Status {
        /// Waiting for the events that trigger it.
        PendingEvents = "pending_events",
        /// Waiting for its turn.
        Queued = "queued",
        /// Under way.
        Running = "running",
        /// Ended well.
        Success = "success",
        /// Ended badly.
        Failed = "failed",
        /// Being stopped.
        Cancelling = "cancelling",
        /// Stopped.
        Canceled = "canceled",
    }
}

words! {
    /// Whether a run cost a credit.
    ChargeStatus {
        /// It cost no credit.
        Unsuccessful = "unsuccessful",
        /// It cost one credit.
        Charged = "charged",
    }
}

words! {
    /// What set a run off.
    TriggerType {
        /// A person or a token.
        Manual = "manual",
        /// A timetable.
        Cron = "cron",
        /// Other runs.
        Event = "event",
    }
}

impl Status {
    /// The final statuses: a run with one of them does not go on. Its cost may still arrive or change.
    pub const FINAL: [Status; 3] = [Status::Success, Status::Failed, Status::Canceled];

    /// Whether the run does not go on.
    pub fn is_final(&self) -> bool {
        Status::FINAL.contains(self)
    }
}
