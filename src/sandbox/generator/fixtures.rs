//! Fixed names of the generated workspace: pipelines, users, tokens and tables.
//!
//! Many contain characters that break careless programs: formula prefixes, quotes, line breaks, emoji.

use crate::store::PipelineKind;

/// A pipeline's slug, connector and description.
pub(super) type Name = (&'static str, &'static str, Option<&'static str>);

/// The pipelines of the smallest workspace.
pub(super) fn pipelines() -> impl Iterator<Item = (PipelineKind, Name)> + Clone {
    let of_kind = |kind, names: &'static [Name]| names.iter().map(move |name| (kind, *name));
    of_kind(PipelineKind::Source, &SOURCES)
        .chain(of_kind(PipelineKind::Destination, &DESTINATIONS))
        .chain(of_kind(PipelineKind::Transformation, &TRANSFORMATIONS))
}

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

/// The slugs of the drafts, which never ran.
pub(super) const DRAFTS: [&str; 2] = ["fontes-teste", "rascunho"];

/// The slug of a pipeline that was paused before the oldest run.
pub(super) const PAUSED: &str = "juridico";

/// Id, email, first name, last name.
pub(super) const USERS: [(u32, &str, &str, &str); 5] = [
    (11, "ana.goncalves@example.com", "Ana", "Gonçalves"),
    (12, "joao@example.com", "João", "d'Ávila"),
    (27, "conceicao@example.com", "Conceição", "Araújo, Dra."),
    (108, "dados@example.com", "Time", "de Dados 📊"),
    (4031, "bruno@example.com", "Bruno", "\"Bru\" Lima"),
];

pub(super) const TOKENS: [&str; 3] = ["CI do repositório", "Airflow, produção", "notebook 🧪"];

/// Tables that runs read and write.
pub(super) const TABLES: [&str; 9] = [
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
