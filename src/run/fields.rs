//! The documented fields of a run, each defined once.
//!
//! A line of [`run_fields!`] gives the field's name in [`Field`], its name in the API, in [`Run`] and in SQL, its Rust
//! type, its [kind](super::kind), and its description. An amount also names its column of nano-dollars. From the list
//! follow the struct, decoding, the document, the columns that the archive inserts and reads, the data dictionary, and
//! the types of the Parquet files. A new field takes one line here and a migration that adds its column.

use super::decode::{DecodeError, Decoder};
use super::json::Entry;
use super::kind::{self, ColumnSink, ColumnSource, ColumnType, Kind};
use super::money::Cost;
use super::vocabulary::{ChargeStatus, Status};
use super::{FieldSet, Instant};
use uuid::Uuid;

/// The list of fields, in the order of the API's contract, passed to the macro `$define` with `$more` fields after it.
macro_rules! run_fields {
    ($define:ident { $($more:tt)* }) => {
        $define! {
            Number number: i64 as kind::Integer,
                "Number of the run within its pipeline, starting at 1; NULL: not sent";
            CreatedAt created_at: Instant as kind::Moment,
                "When the run was created; NULL: not sent";
            UpdatedAt updated_at: Instant as kind::Moment,
                "When the API last changed the run; a cost can change without it; NULL: not sent";
            StartedAt started_at: Instant as kind::Moment,
                "When the run started; NULL: not started";
            EndedAt ended_at: Instant as kind::Moment,
                "When the run ended; NULL: not ended";
            DurationSeconds duration_seconds: i64 as kind::Integer,
                "Seconds from start to end, as sent by the API; NULL: not known yet";
            Status status: Status as kind::Word<Status>,
                "pending_events, queued, running, success, failed, cancelling, canceled, or a new word; NULL: not sent";
            Trigger trigger: String as kind::Trigger,
                "What triggered the run, as the API's JSON; NULL: not sent";
            FullSync full_sync: bool as kind::Boolean,
                "Whether all data was synced instead of only new data; NULL: does not apply, or not sent";
            ExtraConfig extra_config: String as kind::Json,
                "Settings of this run only, as the API's JSON with credentials redacted; NULL: none";
            CreditChargeStatus credit_charge_status: ChargeStatus as kind::Word<ChargeStatus>,
                "charged: the run cost one credit; unsuccessful: it cost none; first_extraction: withdrawn by the API; NULL: not known yet";
            ElCostUsd el_cost_usd (el_cost_nanos): Cost as kind::Amount,
                "Cost of extracting and loading in US dollars, the API's double; NULL: not known yet, never 0";
            ElCostMetadata el_cost_metadata: String as kind::Json,
                "How el_cost_usd was calculated, as the API's JSON; NULL: not known yet";
            TransformationCostUsd transformation_cost_usd (transformation_cost_nanos): Cost as kind::Amount,
                "Cost of transforming in US dollars, the API's double; NULL: not known yet, never 0";
            TransformationCostMetadata transformation_cost_metadata: String as kind::Json,
                "How transformation_cost_usd was calculated, as the API's JSON; NULL: not known yet";
            TriggeredBy triggered_by: i64 as kind::UserId,
                "Id of the user who triggered the run; NULL: no user";
            TriggeredByToken triggered_by_token: String as kind::TokenId,
                "Id (UUID) of the API token that triggered the run, never the token; NULL: no token";
            Source source: String as kind::PipelineRef,
                "Source that the run extracted from, by id or slug; NULL: not a run of a source";
            Destination destination: String as kind::PipelineRef,
                "Destination that the run loaded into, by id or slug; NULL: not a run of a destination";
            Transformation transformation: String as kind::PipelineRef,
                "Transformation that the run executed, by id or slug; NULL: not a run of a transformation";
            $($more)*
        }
    };
}

/// Defines `Field`, `Run` and what follows from the list.
macro_rules! fields {
    ($($variant:ident $name:ident $(($nanos:ident))?: $value:ty as $kind:ty, $description:literal;)+) => {
        /// The documented fields of a run, in the contract's order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub(crate) enum Field {
            /// Id of the run (UUID)
            Id,
            $(#[doc = $description] $variant,)+
        }

        impl Field {
            /// All fields, in the contract's order.
            pub(crate) const ALL: &[Field] = &[Field::Id, $(Field::$variant),+];

            /// The field's name in the API.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    Field::Id => "id",
                    $(Field::$variant => stringify!($name),)+
                }
            }

            /// The field with that name. `None`: the contract has none.
            pub(crate) fn named(name: &str) -> Option<Field> {
                match name {
                    "id" => Some(Field::Id),
                    $(stringify!($name) => Some(Field::$variant),)+
                    _ => None,
                }
            }

            /// The columns of `run_snapshots` that hold the field; an amount has two.
            pub(crate) fn columns(self) -> &'static [FieldColumn] {
                match self {
                    Field::Id => {
                        &[FieldColumn { name: "run_id", holds: ColumnType::Text, description: "Id of the run (UUID)" }]
                    }
                    $(Field::$variant => &[
                        FieldColumn {
                            name: stringify!($name),
                            holds: <<$kind as Kind>::Form as kind::Form>::HOLDS,
                            description: $description,
                        },
                        $(FieldColumn {
                            name: stringify!($nanos),
                            holds: ColumnType::Nanos,
                            description: concat!(
                                stringify!($name),
                                " in whole nano-dollars (10^-9 USD); sums are exact"
                            ),
                        },)?
                    ],)+
                }
            }
        }

        impl DocumentedField for Field {
            const ALL: &'static [Field] = Field::ALL;

            fn name(self) -> &'static str {
                Field::name(self)
            }

            fn named(name: &str) -> Option<Field> {
                Field::named(name)
            }

            fn index(self) -> u32 {
                self as u32
            }

            fn columns(self) -> &'static [FieldColumn] {
                Field::columns(self)
            }
        }

        /// One state of a run, with one field for each documented field of the API.
        ///
        /// `None` is null, or absent (then the field is in `absent`), or a value that does not fit (then it is in
        /// `unmapped`). JSON texts are canonical: see [`json`](crate::run::json). Together the fields reproduce the
        /// whole document: [`Run::document`](crate::run::Run::document).
        #[derive(Debug, Clone, PartialEq)]
        pub struct Run {
            /// Id of the run.
            pub id: Uuid,
            $(#[doc = $description] pub $name: Option<$value>,)+
            /// The documented fields that the document did not have.
            pub absent: FieldSet,
            /// Values without a field, or that their field cannot reproduce exactly: a JSON object.
            pub unmapped: Option<String>,
        }

        impl Record for Run {
            type Field = Field;

            fn blank(id: Uuid) -> Run {
                Run { id, $($name: None,)+ absent: FieldSet::default(), unmapped: None }
            }

            fn id(&self) -> Uuid {
                self.id
            }

            fn absent(&self) -> FieldSet {
                self.absent
            }

            fn unmapped(&self) -> Option<&str> {
                self.unmapped.as_deref()
            }

            fn set_rest(&mut self, absent: FieldSet, unmapped: Option<String>) {
                (self.absent, self.unmapped) = (absent, unmapped);
            }

            fn decode_field<'a>(
                &mut self,
                field: Field,
                decoder: &mut Decoder<'a>,
                entry: &'a Entry<'a>,
            ) -> Result<(), DecodeError> {
                match field {
                    Field::Id => decoder.place_id(entry, self.id)?,
                    $(Field::$variant => self.$name = <$kind as Kind>::decode(decoder, entry)?,)+
                }
                Ok(())
            }

            fn write_field(&self, field: Field, out: &mut String) {
                match field {
                    Field::Id => {
                        let mut text = uuid::Uuid::encode_buffer();
                        kind::write_plain_text(self.id.hyphenated().encode_lower(&mut text), out);
                    },
                    $(Field::$variant => kind::write::<$kind>(self.$name.as_ref(), out),)+
                }
            }

            fn store<S: ColumnSink>(&self, sink: &mut S) -> Result<(), S::Error> {
                $(kind::store::<$kind, S>(self.$name.as_ref(), sink)?;)+
                Ok(())
            }

            fn load<S: ColumnSource>(&mut self, source: &mut S) -> Result<(), S::Error> {
                $(self.$name = kind::load::<$kind, S>(source)?;)+
                Ok(())
            }
        }
    };
}

run_fields!(fields {});

/// A run with two fields more than the API documents: one of one column, and one of two.
#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro makes the type public for the facade")]
pub(crate) mod extended {
    use super::*;

    run_fields!(fields {
        PeakMemoryBytes peak_memory_bytes: i64 as kind::Integer,
            "Peak memory of the run in bytes; NULL: not sent";
        SparkCostUsd spark_cost_usd (spark_cost_nanos): Cost as kind::Amount,
            "Cost of Spark in US dollars, the API's double; NULL: not known yet, never 0";
    });
}

/// A column of `run_snapshots` that holds a documented field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldColumn {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its values are.
    pub(crate) holds: ColumnType,
    /// Its description in the data dictionary: meaning, unit, and what NULL means.
    pub(crate) description: &'static str,
}

/// An enum of documented fields, as `fields!` defines it.
pub(crate) trait DocumentedField: Copy + PartialEq + 'static {
    /// All fields, in the contract's order.
    const ALL: &'static [Self];

    /// The field's name in the API.
    fn name(self) -> &'static str;

    /// The field with that name.
    fn named(name: &str) -> Option<Self>;

    /// The field's position in [`DocumentedField::ALL`].
    fn index(self) -> u32;

    /// The columns that hold the field.
    fn columns(self) -> &'static [FieldColumn];
}

/// A struct of documented fields, as `fields!` defines it.
pub(crate) trait Record: Sized {
    /// Its documented fields.
    type Field: DocumentedField;

    /// A record whose id alone is known.
    fn blank(id: Uuid) -> Self;

    fn id(&self) -> Uuid;

    fn absent(&self) -> FieldSet;

    fn unmapped(&self) -> Option<&str>;

    fn set_rest(&mut self, absent: FieldSet, unmapped: Option<String>);

    /// Sets a field from its entry in the document.
    fn decode_field<'a>(
        &mut self,
        field: Self::Field,
        decoder: &mut Decoder<'a>,
        entry: &'a Entry<'a>,
    ) -> Result<(), DecodeError>;

    /// Appends a field's value as JSON.
    fn write_field(&self, field: Self::Field, out: &mut String);

    /// Gives the values of the fields' columns, id excepted, in the order of [`DocumentedField::columns`].
    fn store<S: ColumnSink>(&self, sink: &mut S) -> Result<(), S::Error>;

    /// Sets the fields from their columns, id excepted, in the same order.
    fn load<S: ColumnSource>(&mut self, source: &mut S) -> Result<(), S::Error>;
}

/// The columns of all fields, in order, `run_id` first.
pub(crate) fn columns<F: DocumentedField>() -> impl Iterator<Item = &'static FieldColumn> {
    F::ALL.iter().flat_map(|field| field.columns())
}
