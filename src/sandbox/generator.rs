//! This is the workspace that the sandbox makes up: pipelines, people, tokens and runs, all from one seed.
//!
//! Only whole numbers, sums and products are drawn from the seed, no functions that a machine's
//! mathematics library could round its own way, so the same seed gives the same bytes everywhere.

use super::model::{Document, Pipeline, Plan, Stage, StoredItem, instant};
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use serde::{Serialize, Serializer};
use serde_json::json;
use uuid::Uuid;

/// What every token's secret begins with. No archive may hold it.
pub const TOKEN_PREFIX: &str = "sandbox-token-secret-";

/// The runs at the newest end that have not ended.
const IN_PROGRESS: usize = 6;
/// The runs before those whose costs may still be on their way.
const COSTS_ON_THEIR_WAY: usize = 40;
/// A cost that has not come by then never does; a few never do.
const COSTS_GIVEN_UP: TimeDelta = TimeDelta::days(35);

/// Machine name, connector, human name.
type Name = (&'static str, &'static str, Option<&'static str>);

const SOURCES: [Name; 18] = [
    ("pedidos-shopify", "shopify", Some("Pedidos da loja (Shopify)")),
    ("clientes-contratos", "postgres", Some("Clientes, contratos e cobranças")),
    ("crm-vendas", "hubspot", Some("CRM \"Vendas\" – HubSpot")),
    ("eventos-app", "amplitude", Some("🚀 Eventos do aplicativo")),
    ("receitas-planilha", "google-sheets", Some("=SOMA(receitas)")),
    ("google-ads", "google-ads", Some("+Marketing: Google Ads")),
    ("erp-protheus", "sqlserver", Some("-Legado: ERP Protheus")),
    ("zendesk", "zendesk", Some("@suporte (Zendesk)")),
    ("notas-fiscais", "sftp", Some("Notas fiscais\nemitidas e canceladas")),
    ("estoque-sp", "mysql", Some("São Paulo · Estoque do galpão nº 3")),
    ("folha-pagamento", "rest-api", Some("Folha de pagamento; confidencial")),
    ("pix", "rest-api", Some("💸 PIX – transações, estornos")),
    ("meta-ads", "meta-ads", Some("Anúncios 'Meta' & Instagram")),
    ("logistica", "mongodb", Some("Logística: coleta → entrega 🚚")),
    ("avaliacoes", "rest-api", Some("Avaliações <b>5★</b>")),
    ("telemetria", "kafka", Some("Telemetria dos caminhões\t(IoT)")),
    ("juridico", "google-drive", Some("")),
    ("fontes-teste", "faker", None),
];

const DESTINATIONS: [Name; 8] = [
    ("dw-bigquery", "bigquery", Some("Data warehouse (BigQuery)")),
    ("planilha-diretoria", "google-sheets", Some("Planilha da diretoria, \"oficial\"")),
    ("crm-retorno", "hubspot", Some("Retorno ao CRM ↩️")),
    ("lake-s3", "s3", Some("Lago de dados – S3")),
    ("alertas-slack", "slack", Some("@alertas no Slack 🔔")),
    ("contabilidade", "sftp", Some("=Contabilidade")),
    ("painel-operacao", "postgres", Some("Painel da operação\r\n(tempo real)")),
    ("publicos-ads", "google-ads", Some("Públicos; remarketing")),
];

const TRANSFORMATIONS: [Name; 14] = [
    ("receita-mensal", "query", Some("Receita mensal, por região")),
    ("churn", "notebook", Some("Previsão de cancelamento 🤖")),
    ("historico-precos", "history", Some("Histórico de preços")),
    ("clientes-unificados", "query", Some("Clientes unificados (João & Maria)")),
    ("custos-frete", "query", Some("-Custos de frete")),
    ("margem", "query", Some("+Margem = receita - custo")),
    ("sessoes", "notebook", Some("Sessões do aplicativo")),
    ("estoque-diario", "history", Some("Estoque diário: \"foto\" à meia-noite")),
    ("conciliacao", "query", Some("Conciliação bancária ✅")),
    ("qualidade", "notebook", Some("Qualidade de dados, avisos")),
    ("coortes", "query", Some("@coortes de clientes")),
    ("impostos", "query", Some("=1+1 Impostos (ICMS, ISS)")),
    ("recomendacoes", "notebook", Some("Recomendações 🛒👍🏽")),
    ("rascunho", "query", Some("Rascunho da Conceição\nnão usar!")),
];

/// Number, address, given name, family name.
const USERS: [(u32, &str, &str, &str); 5] = [
    (11, "ana.goncalves@example.com", "Ana", "Gonçalves"),
    (12, "joao@example.com", "João", "d'Ávila"),
    (27, "conceicao@example.com", "Conceição", "Araújo, Dra."),
    (108, "dados@example.com", "Time", "de Dados 📊"),
    (4031, "bruno@example.com", "Bruno", "\"Bru\" Lima"),
];

const TOKENS: [&str; 3] = ["CI do repositório", "Airflow, produção", "notebook 🧪"];

/// What runs read and write.
const TABLES: [&str; 9] = [
    "clientes",
    "pedidos",
    "itens_do_pedido",
    "pagamentos",
    "notas_fiscais",
    "estoque_por_loja",
    "avaliações",
    "entregas",
    "campanhas_2026",
];

/// How busy each hour of a day is, in UTC: most schedules fall into the Brazilian night and morning.
const BUSY: [u64; 24] = [3, 3, 4, 6, 8, 9, 9, 8, 7, 6, 6, 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 2];

const DAY_MICROS: i64 = 86_400_000_000;
const HOUR_MICROS: i64 = DAY_MICROS / 24;

/// What brings a pipeline's runs about when no person does.
enum TriggerPattern {
    Cron { expression: String, zone: &'static str },
    Event { rule: &'static str },
    Manual,
}

/// What a pipeline's runs are like.
struct Profile {
    id: Uuid,
    kind: PipelineKind,
    name: Name,
    connector_version: Uuid,
    habit: TriggerPattern,
    /// How often it runs beside the others.
    weight: u32,
    typical_seconds: f64,
    el_usd_per_hour: Option<f64>,
    transformation_usd_per_hour: Option<f64>,
    failures_per_mille: u32,
    /// How many runs it has had.
    runs: u32,
}

struct Token {
    id: Uuid,
    name: &'static str,
    secret: String,
}

/// What stands behind the pipelines and runs; it outlives their deletion.
pub(super) struct Generator {
    profiles: Vec<Profile>,
    tokens: Vec<Token>,
}

/// A run as the API writes it: the contract's fields, in the contract's order.
#[derive(Serialize)]
struct Run<'a> {
    id: Uuid,
    number: u32,
    created_at: Instant,
    updated_at: Instant,
    started_at: Option<Instant>,
    ended_at: Option<Instant>,
    duration_seconds: Option<i64>,
    status: &'static str,
    trigger: Trigger<'a>,
    full_sync: Option<bool>,
    extra_config: Option<ExtraConfig>,
    credit_charge_status: &'static str,
    #[serde(flatten)]
    costs: Costs,
    triggered_by: Option<u32>,
    triggered_by_token: Option<Uuid>,
    source: Option<Uuid>,
    destination: Option<Uuid>,
    transformation: Option<Uuid>,
}

// The fields of nested objects are sorted by name, so that a run that was changed, and came
// through a sorted map, reads like the others.

#[derive(Serialize)]
struct Trigger<'a> {
    cron_expression: Option<&'a str>,
    cron_timezone: Option<&'a str>,
    event_rule: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ExtraConfig {
    backfill_days: u32,
    reason: &'static str,
}

/// The four cost fields of a run.
#[derive(Default, Serialize)]
pub(super) struct Costs {
    el_cost_usd: Option<f64>,
    el_cost_metadata: Option<ElDetails>,
    transformation_cost_usd: Option<f64>,
    transformation_cost_metadata: Option<TransformationDetails>,
}

#[derive(Serialize)]
struct ElDetails {
    attempts: u32,
    bytes_read: u64,
    bytes_written: u64,
    compute: ElCompute,
    currency: &'static str,
    network: Network,
    price_version: &'static str,
    records: u64,
    streams: &'static [&'static str],
    task: String,
}

#[derive(Serialize)]
struct ElCompute {
    cpu_seconds: f64,
    memory_gb_seconds: f64,
    usd: f64,
}

#[derive(Serialize)]
struct Network {
    egress_bytes: u64,
    usd: f64,
}

#[derive(Serialize)]
struct TransformationDetails {
    bytes_scanned: u64,
    cluster: Cluster,
    currency: &'static str,
    engine: &'static str,
    price_version: &'static str,
    queries: u32,
    rows_written: u64,
    shuffle_bytes: u64,
    storage_usd: f64,
    tables_read: &'static [&'static str],
    task: String,
}

#[derive(Serialize)]
struct Cluster {
    node_hours: f64,
    nodes: u32,
    usd: f64,
}

/// An instant that serializes the way the API writes it.
#[derive(Clone, Copy)]
struct Instant(DateTime<Utc>);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&instant(self.0))
    }
}

/// How a run stands when the plan looks at it.
struct Progress {
    status: &'static str,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    costs: Costs,
    charged: bool,
}

impl Generator {
    pub(super) fn new(rng: &mut Rng, plan: &Plan) -> Generator {
        let kinds = [
            (PipelineKind::Source, &SOURCES[..]),
            (PipelineKind::Destination, &DESTINATIONS[..]),
            (PipelineKind::Transformation, &TRANSFORMATIONS[..]),
        ];
        let mut profiles = Vec::new();
        for (kind, names) in kinds {
            for &name in names {
                profiles.push(Profile::new(rng, kind, name));
            }
        }
        let tokens = TOKENS.map(|name| Token {
            id: uuid(rng),
            name,
            secret: format!("{TOKEN_PREFIX}{:016x}-{}", rng.u64(..), plan.seed),
        });
        Generator { profiles, tokens: tokens.into() }
    }

    /// The pipelines as their lists show them.
    pub(super) fn pipelines(&self, rng: &mut Rng, plan: &Plan) -> Vec<Pipeline> {
        let started = plan.now - plan.span;
        let of = |profile: &Profile| {
            let created_at = started - TimeDelta::microseconds(rng.i64(1..200 * DAY_MICROS));
            Pipeline {
                kind: profile.kind,
                id: profile.id,
                document: profile.document(rng, created_at, started),
            }
        };
        self.profiles.iter().map(of).collect()
    }

    /// The runs of the plan, oldest first.
    pub(super) fn runs(&mut self, rng: &mut Rng, plan: &Plan) -> Vec<StoredItem> {
        let places: Vec<usize> = self.tickets(|_| true);
        let instants = creation_instants(rng, plan);
        let in_progress = in_progress(plan.runs);
        let mut text = Vec::with_capacity(2000);
        let mut runs = Vec::with_capacity(plan.runs);
        for (number, &created_at) in instants.iter().enumerate() {
            let age = plan.runs - 1 - number;
            let place = places[rng.usize(..places.len())];
            let profile = &self.profiles[place];
            let progress = if age < in_progress {
                profile.unfinished(rng, age, created_at, plan.now)
            } else {
                let on_their_way = age - in_progress < COSTS_ON_THEIR_WAY.min(plan.runs / 10);
                profile.finished(rng, on_their_way, created_at, plan.now)
            };
            let stage = match progress.ended_at {
                None => Stage::InProgress,
                Some(_) if progress.status == "success" && progress.costs.unknown() => Stage::CostsUnknown,
                Some(_) => Stage::Settled,
            };
            let id = uuid(rng);
            let run = self.run(rng, place, id, created_at, progress);
            text.clear();
            serde_json::to_writer(&mut text, &run).expect("a run is plain JSON");
            let text = str::from_utf8(&text).expect("JSON is UTF-8").into();
            runs.push(StoredItem { id, created_micros: created_at.timestamp_micros(), stage, text });
            self.profiles[place].runs += 1;
        }
        runs
    }

    /// One of these pipelines, the busy ones more often; any of the workspace's if none is left.
    pub(super) fn choose(&self, rng: &mut Rng, among: &[Uuid]) -> Uuid {
        let mut places = self.tickets(|profile| among.contains(&profile.id));
        if places.is_empty() {
            places = self.tickets(|_| true);
        }
        self.profiles[places[rng.usize(..places.len())]].id
    }

    /// A run of this pipeline that is under way, as JSON.
    pub(super) fn started(
        &mut self,
        rng: &mut Rng,
        pipeline: Uuid,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> String {
        let place = self.place(pipeline).expect("a pipeline of this workspace");
        let id = uuid(rng);
        let progress = Progress {
            status: "running",
            started_at: Some(now),
            ended_at: None,
            updated_at: now,
            costs: Costs::default(),
            charged: false,
        };
        let run = self.run(rng, place, id, created_at, progress);
        let text = serde_json::to_string(&run).expect("a run is plain JSON");
        self.profiles[place].runs += 1;
        text
    }

    /// What so many seconds of this pipeline cost.
    pub(super) fn costs(&self, rng: &mut Rng, pipeline: Option<Uuid>, seconds: f64) -> Costs {
        let place = pipeline.and_then(|id| self.place(id)).unwrap_or_default();
        self.profiles[place].costs(rng, seconds)
    }

    /// The person with this number.
    pub(super) fn user(&self, number: u64) -> Option<Document> {
        let user = USERS.iter().find(|&&(id, ..)| u64::from(id) == number)?;
        let &(id, email, first_name, last_name) = user;
        let name = format!("{first_name} {last_name}");
        object(json!({
            "id": id, "email": email, "name": name, "first_name": first_name,
            "last_name": last_name, "is_active": true,
        }))
    }

    /// The token with this id, secret and all, as the API shows it.
    pub(super) fn token(&self, id: Uuid) -> Option<Document> {
        let token = self.tokens.iter().find(|token| token.id == id)?;
        object(json!({ "id": token.id, "name": token.name, "token": token.secret }))
    }

    /// A connector version, and the connector that it is a version of.
    pub(super) fn connector_version(&self, id: Uuid) -> Option<Document> {
        let profile = self.profiles.iter().find(|profile| profile.connector_version == id)?;
        let number = format!("{}.{}.0", profile.weight % 3, profile.failures_per_mille % 10);
        object(json!({ "id": id, "version": number, "connector": profile.name.1 }))
    }

    /// A connector by its machine name.
    pub(super) fn connector(&self, slug: &str) -> Option<Document> {
        let profile = self.profiles.iter().find(|profile| profile.name.1 == slug)?;
        object(json!({ "slug": slug, "kind": profile.kind.as_str(), "name": slug.replace('-', " ") }))
    }

    fn place(&self, pipeline: Uuid) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.id == pipeline)
    }

    /// The places of the profiles that `take_part`, each as often as its weight.
    fn tickets(&self, take_part: impl Fn(&Profile) -> bool) -> Vec<usize> {
        let profiles = self.profiles.iter().enumerate().filter(|(_, profile)| take_part(profile));
        profiles.flat_map(|(place, profile)| std::iter::repeat_n(place, profile.weight as usize)).collect()
    }

    fn run<'a>(
        &'a self,
        rng: &mut Rng,
        place: usize,
        id: Uuid,
        created_at: DateTime<Utc>,
        progress: Progress,
    ) -> Run<'a> {
        let profile = &self.profiles[place];
        let (trigger, user, token) = self.trigger(rng, profile, progress.status);
        let of_kind = |kind| (profile.kind == kind).then_some(profile.id);
        let whole_seconds = |(from, to): (DateTime<Utc>, DateTime<Utc>)| (to - from).num_seconds();
        Run {
            id,
            number: profile.runs + 1,
            created_at: Instant(created_at),
            updated_at: Instant(progress.updated_at),
            started_at: progress.started_at.map(Instant),
            ended_at: progress.ended_at.map(Instant),
            duration_seconds: progress.started_at.zip(progress.ended_at).map(whole_seconds),
            status: progress.status,
            trigger,
            full_sync: match profile.kind {
                PipelineKind::Transformation => None,
                _ => Some(rng.u32(..100) < 12),
            },
            extra_config: one_in(rng, 25).then(|| ExtraConfig {
                backfill_days: rng.u32(1..90),
                reason: ["correção", "carga inicial", "pedido do financeiro, urgente"][rng.usize(..3)],
            }),
            credit_charge_status: if progress.charged { "charged" } else { "unsuccessful" },
            costs: progress.costs,
            triggered_by: user,
            triggered_by_token: token,
            source: of_kind(PipelineKind::Source),
            destination: of_kind(PipelineKind::Destination),
            transformation: of_kind(PipelineKind::Transformation),
        }
    }

    /// What brought a run about, and who: a person, a token, or neither.
    fn trigger<'a>(
        &self,
        rng: &mut Rng,
        profile: &'a Profile,
        status: &str,
    ) -> (Trigger<'a>, Option<u32>, Option<Uuid>) {
        let by_schedule = status == "pending_events" || rng.u32(..100) < 92;
        let none = Trigger { cron_expression: None, cron_timezone: None, event_rule: None, kind: "manual" };
        match &profile.habit {
            TriggerPattern::Cron { expression, zone } if by_schedule && status != "pending_events" => {
                let trigger = Trigger {
                    cron_expression: Some(expression),
                    cron_timezone: Some(zone),
                    kind: "cron",
                    ..none
                };
                (trigger, None, None)
            }
            TriggerPattern::Event { rule } if by_schedule => {
                (Trigger { event_rule: Some(rule), kind: "event", ..none }, None, None)
            }
            _ if status == "pending_events" => {
                (Trigger { event_rule: Some("any"), kind: "event", ..none }, None, None)
            }
            _ if rng.u32(..100) < 35 => (none, None, Some(self.tokens[rng.usize(..self.tokens.len())].id)),
            _ => (none, Some(USERS[rng.usize(..USERS.len())].0), None),
        }
    }
}

impl Profile {
    fn new(rng: &mut Rng, kind: PipelineKind, name: Name) -> Profile {
        let weight = [1, 1, 2, 4, 6, 12, 24, 48][rng.usize(..8)];
        let minute = rng.u32(..60);
        let habit = match (kind, rng.u32(..10)) {
            (PipelineKind::Transformation, 0..=6) | (PipelineKind::Destination, 0..=3) => {
                TriggerPattern::Event { rule: ["any", "all"][rng.usize(..2)] }
            }
            // Nobody starts a pipeline by hand every hour.
            (_, 9) if weight <= 2 => TriggerPattern::Manual,
            _ => TriggerPattern::Cron {
                expression: match weight {
                    48 => "*/30 * * * *".to_string(),
                    24 => format!("{minute} * * * *"),
                    6 | 12 => format!("{minute} */{} * * *", 24 / weight),
                    _ => format!("{minute} {} * * 1-5", rng.u32(2..9)),
                },
                zone: ["America/Sao_Paulo", "America/Sao_Paulo", "UTC", "Europe/Lisbon"][rng.usize(..4)],
            },
        };
        // Rare pipelines are the long ones.
        let typical_seconds = 20.0 + rng.f64() * rng.f64() * 7200.0 / f64::from(weight.min(12));
        let el = (kind != PipelineKind::Transformation).then(|| 0.03 + rng.f64() * 0.4);
        // Some sources bring a transformation of their own.
        let transforms =
            kind == PipelineKind::Transformation || (kind == PipelineKind::Source && one_in(rng, 4));
        let transformation = transforms.then(|| 0.2 + rng.f64() * rng.f64() * 6.0);
        Profile {
            id: uuid(rng),
            kind,
            name,
            connector_version: uuid(rng),
            habit,
            weight,
            typical_seconds,
            el_usd_per_hour: el,
            transformation_usd_per_hour: transformation,
            failures_per_mille: [3, 10, 15, 30, 60, 240][rng.usize(..6)],
            runs: 0,
        }
    }

    fn document(&self, rng: &mut Rng, created_at: DateTime<Utc>, updated_at: DateTime<Utc>) -> Document {
        let (slug, connector, description) = self.name;
        let (trigger, cron) = match &self.habit {
            TriggerPattern::Cron { expression, .. } => ("cron", Some(expression)),
            TriggerPattern::Event { .. } => ("event", None),
            TriggerPattern::Manual => ("manual", None),
        };
        let active = !one_in(rng, 10);
        object(json!({
            "id": self.id,
            "slug": slug,
            "active": active,
            "description": description,
            "status": if active { "active" } else { "paused" },
            "created_at": instant(created_at),
            "updated_at": instant(updated_at),
            "connector_version": self.connector_version,
            "connector_slug": connector,
            "trigger": { "type": trigger, "cron_expression": cron },
            "notifications": { "on_failure": true, "emails": ["dados@example.com"] },
            "tags": ["financeiro", "produção"],
            "output_layer": if one_in(rng, 3) { "trusted" } else { "raw" },
        }))
        .expect("it is written as an object")
    }

    /// One of the newest runs, which has not ended.
    fn unfinished(
        &self,
        rng: &mut Rng,
        age: usize,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Progress {
        let status = ["queued", "pending_events", "running", "running", "cancelling", "running"][age % 6];
        let waits = matches!(status, "queued" | "pending_events");
        let started_at = (!waits).then(|| created_at + part(rng, now - created_at));
        Progress {
            status,
            started_at,
            ended_at: None,
            updated_at: started_at.unwrap_or(created_at),
            costs: Costs::default(),
            charged: false,
        }
    }

    /// A run that has ended, with its costs unless they are `on_their_way` and late.
    fn finished(
        &self,
        rng: &mut Rng,
        on_their_way: bool,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Progress {
        let luck = rng.u32(..1000);
        let status = match luck {
            _ if luck < self.failures_per_mille => "failed",
            980.. => "canceled",
            _ => "success",
        };
        let whole = now - created_at;
        let queued = micros(2_000_000.0 + rng.f64() * rng.f64() * rng.f64() * 240_000_000.0);
        let queued = queued.min(whole / 4);
        let spread = 0.55 + rng.f64() * 0.5 + rng.f64() * rng.f64() * rng.f64() * 3.0;
        let through = if status == "success" { 1.0 } else { rng.f64() };
        let lasted = micros(self.typical_seconds * spread * through * 1_000_000.0).min(whole / 2);
        // Some are canceled before they begin.
        let began = status != "canceled" || !one_in(rng, 3);
        let started_at = began.then(|| created_at + queued);
        let ended_at = created_at + queued + lasted;
        let mut updated_at = ended_at + part(rng, TimeDelta::seconds(9)).min((now - ended_at) / 2);

        let given_up = now - created_at > COSTS_GIVEN_UP && one_in(rng, 500);
        let late = status == "success" && on_their_way && rng.u32(..10) < 6;
        let costs = if given_up || late {
            Costs::default()
        } else {
            updated_at += part(rng, TimeDelta::hours(2)).min((now - updated_at) / 2);
            self.costs(rng, if began { lasted.as_seconds_f64() } else { 0.0 })
        };
        Progress {
            status,
            started_at,
            ended_at: Some(ended_at),
            updated_at,
            costs,
            charged: status == "success" && !late,
        }
    }

    fn costs(&self, rng: &mut Rng, seconds: f64) -> Costs {
        let hours = seconds / 3600.0;
        // Now and then a run finds nothing to do.
        let free = one_in(rng, 30);
        let mut price = |per_hour: f64| match free {
            true => 0.0,
            false => per_hour * hours * (0.8 + rng.f64() * 0.4),
        };
        let el = self.el_usd_per_hour.map(&mut price);
        let transformation = self.transformation_usd_per_hour.map(&mut price);
        Costs {
            el_cost_usd: el,
            el_cost_metadata: el.map(|usd| ElDetails::new(rng, usd, seconds)),
            transformation_cost_usd: transformation,
            transformation_cost_metadata: transformation
                .map(|usd| TransformationDetails::new(rng, usd, hours)),
        }
    }
}

impl Costs {
    fn unknown(&self) -> bool {
        self.el_cost_usd.is_none() && self.transformation_cost_usd.is_none()
    }
}

impl ElDetails {
    fn new(rng: &mut Rng, usd: f64, seconds: f64) -> ElDetails {
        let records = rng.u64(1..5000) * (1 + seconds as u64);
        let network = usd * rng.f64() * 0.2;
        ElDetails {
            attempts: if one_in(rng, 12) { 2 } else { 1 },
            bytes_read: records * rng.u64(90..900),
            bytes_written: records * rng.u64(30..300),
            compute: ElCompute {
                cpu_seconds: seconds * (0.3 + rng.f64()),
                memory_gb_seconds: seconds * 4.0,
                usd: usd - network,
            },
            currency: "USD",
            network: Network { egress_bytes: records * rng.u64(1..40), usd: network },
            price_version: "2026-01",
            records,
            streams: some_tables(rng),
            task: task(rng, "extract-load"),
        }
    }
}

impl TransformationDetails {
    fn new(rng: &mut Rng, usd: f64, hours: f64) -> TransformationDetails {
        let nodes = rng.u32(1..9);
        let storage = usd * rng.f64() * 0.1;
        let rows = rng.u64(..4_000_000);
        TransformationDetails {
            bytes_scanned: rows * rng.u64(40..400),
            cluster: Cluster { node_hours: hours * f64::from(nodes), nodes, usd: usd - storage },
            currency: "USD",
            engine: "spark-3.5",
            price_version: "2026-01",
            queries: rng.u32(1..30),
            rows_written: rows,
            shuffle_bytes: rows * rng.u64(..80),
            storage_usd: storage,
            tables_read: some_tables(rng),
            task: task(rng, "transform"),
        }
    }
}

/// How many of so many runs have not ended.
fn in_progress(runs: usize) -> usize {
    IN_PROGRESS.min(runs / 10)
}

/// When each run was created: strictly rising, with the rhythm of days, the runs in progress in
/// the last minutes.
fn creation_instants(rng: &mut Rng, plan: &Plan) -> Vec<DateTime<Utc>> {
    let day = |micros: i64| micros.div_euclid(DAY_MICROS);
    let micros = |time: TimeDelta| time.num_microseconds().expect("a span of less than 290,000 years");
    let now = plan.now.timestamp_micros();
    let span = micros(plan.span).max(1);
    let minutes = (20 * HOUR_MICROS / 60).min(span / 10);
    let recent = in_progress(plan.runs);
    let older = plan.runs - recent;
    let place = |from: i64, length: i64, number: usize, of: usize, rng: &mut Rng| {
        let part = (number as f64 + rng.f64()) / of as f64;
        // The workspace grows: twice as many runs at the end as at the beginning.
        let part = part * (4.0 - part) / 3.0;
        from + (part * length as f64) as i64
    };
    let mut last = i64::MIN;
    let mut instants = Vec::with_capacity(plan.runs);
    for number in 0..plan.runs {
        let micros = if number < older {
            let end = now - 3 * minutes / 2;
            let even = place(now - span, end - (now - span), number, older, rng);
            // The first and the last day are cut short, and stay within their bounds.
            if [now - span, end].map(day).contains(&day(even)) { even } else { in_rhythm(even) }
        } else {
            place(now - minutes, minutes, number - older, recent, rng)
        };
        last = micros.max(last.saturating_add(1));
        instants.push(DateTime::from_timestamp_micros(last).expect("a moment within the span"));
    }
    instants
}

/// Moves a moment within its day, so that evenly spread moments gather in the busy hours. It
/// keeps their order.
fn in_rhythm(micros: i64) -> i64 {
    let day = micros.div_euclid(DAY_MICROS) * DAY_MICROS;
    let total: u64 = BUSY.iter().sum();
    // At most 24 hours times a small sum: it fits.
    let mut left = micros.rem_euclid(DAY_MICROS) * total as i64;
    for (hour, &busy) in BUSY.iter().enumerate() {
        let share = busy as i64 * DAY_MICROS;
        if left < share {
            return day + hour as i64 * HOUR_MICROS + left / (busy as i64 * 24);
        }
        left -= share;
    }
    unreachable!("the shares make up the day")
}

fn some_tables(rng: &mut Rng) -> &'static [&'static str] {
    let first = rng.usize(..TABLES.len());
    &TABLES[first..rng.usize(first + 1..=TABLES.len())]
}

fn task(rng: &mut Rng, cluster: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task/{cluster}/{:032x}", rng.u128(..))
}

fn part(rng: &mut Rng, of: TimeDelta) -> TimeDelta {
    micros(of.num_microseconds().unwrap_or_default() as f64 * rng.f64())
}

fn micros(count: f64) -> TimeDelta {
    TimeDelta::microseconds(count as i64)
}

fn one_in(rng: &mut Rng, many: u32) -> bool {
    rng.u32(..many) == 0
}

fn uuid(rng: &mut Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

fn object(value: serde_json::Value) -> Option<Document> {
    match value {
        serde_json::Value::Object(document) => Some(document),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;
    use serde_json::Value;
    use std::collections::{HashMap, HashSet};

    fn model(runs: usize) -> Model {
        let now = "2026-11-23T00:30:00Z".parse().unwrap();
        Model::new(&Plan { runs, ..Plan::ending_at(now) })
    }

    /// The runs, newest first.
    fn documents(model: &Model) -> Vec<Document> {
        model.runs().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    fn text<'a>(run: &'a Document, field: &str) -> &'a str {
        run[field].as_str().unwrap_or_default()
    }

    #[test]
    fn a_run_is_about_as_long_as_a_real_one() {
        let model = model(5000);
        let mean = model.runs().map(str::len).sum::<usize>() / model.count();
        assert!((1150..1250).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn creation_falls_strictly_from_the_newest_over_the_whole_span() {
        let model = model(3000);
        let runs = documents(&model);
        let created: Vec<&str> = runs.iter().map(|run| text(run, "created_at")).collect();
        assert!(created.is_sorted_by(|newer, older| newer > older));
        assert!(created[0] < "2026-11-23T00:30:00" && created[0] > "2026-11-23T00:10:00");
        assert!(created[2999] > "2025-11-23T00:30:00" && created[2999] < "2025-11-25");
    }

    #[test]
    fn a_run_lives_in_the_order_of_its_instants_and_never_in_the_future() {
        for run in documents(&model(2000)) {
            let instants = ["created_at", "started_at", "ended_at", "updated_at"];
            let known: Vec<&str> = instants.iter().filter_map(|field| run[*field].as_str()).collect();
            assert!(known.is_sorted(), "{run:?}");
            assert!(known.iter().all(|at| at.len() == 27 && at.ends_with('Z')), "{run:?}");
            assert!(known.last() <= Some(&"2026-11-23T00:30:00.000000Z"), "{run:?}");
        }
    }

    #[test]
    fn a_handful_of_the_newest_are_in_progress_and_no_others() {
        let model = model(1000);
        assert!(model.in_progress().into_iter().eq(model.ids().take(IN_PROGRESS)));
    }

    #[test]
    fn costs_are_late_for_recent_runs_and_lost_for_a_few_old_ones() {
        let model = model(20_000);
        let unknown = model.costs_unknown();
        let newest: HashSet<Uuid> = model.ids().take(IN_PROGRESS + COSTS_ON_THEIR_WAY).collect();
        let (recent, old): (Vec<Uuid>, Vec<Uuid>) = unknown.iter().partition(|id| newest.contains(id));
        assert!(recent.len() > 10, "{}", recent.len());
        assert!((5..100).contains(&old.len()), "{}", old.len());
        for id in old {
            let run = model.document(id).unwrap();
            assert!(text(&run, "ended_at") < "2026-10-20", "{run:?}");
        }
    }

    #[test]
    fn a_run_belongs_to_one_pipeline_and_counts_its_runs() {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for run in documents(&model(2000)).iter().rev() {
            let named: Vec<&Value> =
                PipelineKind::ALL.iter().map(|kind| &run[kind.as_str()]).filter(|v| v.is_string()).collect();
            let [pipeline] = named[..] else { panic!("{run:?}") };
            let count = counts.entry(pipeline.to_string()).or_default();
            *count += 1;
            assert_eq!(run["number"], *count);
        }
        assert!(counts.len() > 30);
    }

    #[test]
    fn every_status_and_every_trigger_occurs_in_its_own_shape() {
        let runs = documents(&model(3000));
        let distinct =
            |field: &dyn Fn(&Document) -> String| -> HashSet<String> { runs.iter().map(field).collect() };
        let statuses = distinct(&|run| text(run, "status").to_string());
        assert_eq!(statuses.len(), 7, "{statuses:?}");
        let triggers = distinct(&|run| run["trigger"]["type"].to_string());
        assert_eq!(triggers.len(), 3, "{triggers:?}");
        for run in &runs {
            let trigger = &run["trigger"];
            let kind = trigger["type"].as_str().unwrap();
            assert_eq!(trigger["cron_expression"].is_string(), kind == "cron");
            assert_eq!(trigger["event_rule"].is_string(), kind == "event");
            let somebody = run["triggered_by"].is_u64() ^ run["triggered_by_token"].is_string();
            assert_eq!(somebody, kind == "manual");
        }
    }

    #[test]
    fn costs_come_with_details_and_fit_the_kind_of_pipeline() {
        let runs = documents(&model(3000));
        for run in &runs {
            for cost in ["el_cost", "transformation_cost"] {
                let details = &run[&format!("{cost}_metadata")];
                assert_eq!(run[&format!("{cost}_usd")].is_f64(), details.is_object(), "{run:?}");
                let keys = details.to_string().matches("\":").count();
                assert!(details.is_null() || (10..=15).contains(&keys), "{details}");
            }
            assert!(
                run["source"].is_string() || !run["el_cost_usd"].is_f64() || run["destination"].is_string()
            );
            let charged = text(run, "credit_charge_status") == "charged";
            assert!(!charged || text(run, "status") == "success", "{run:?}");
        }
        let both = |run: &&Document| run["el_cost_usd"].is_f64() && run["transformation_cost_usd"].is_f64();
        assert!(runs.iter().any(|run| both(&run)));
        assert!(runs.iter().any(|run| run["el_cost_usd"] == 0.0));
    }

    #[test]
    fn names_are_such_as_break_careless_programs() {
        let model = model(0);
        let names: Vec<String> = PipelineKind::ALL
            .iter()
            .flat_map(|&kind| model.pipelines(kind))
            .map(|(_, pipeline)| text(pipeline, "description").to_string())
            .collect();
        assert_eq!(names.len(), 40);
        for start in ["=", "+", "-", "@"] {
            assert!(names.iter().any(|name| name.starts_with(start)), "{start}");
        }
        for part in [",", "\"", "\n", ";", "ç", "🚀", "<", "'"] {
            assert!(names.iter().any(|name| name.contains(part)), "{part}");
        }
    }

    #[test]
    fn the_smallest_workspaces_are_workspaces_too() {
        for runs in [0, 1, 2, 9, 10, 11] {
            assert_eq!(model(runs).count(), runs);
        }
        let now = "2026-11-23T00:30:00Z".parse().unwrap();
        let crowded = Plan { runs: 300, span: TimeDelta::zero(), ..Plan::ending_at(now) };
        assert_eq!(Model::new(&crowded).count(), 300);
    }
}
