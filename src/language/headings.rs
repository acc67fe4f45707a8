//! The headings of columns: one list for spreadsheets and pages. A new column of a report gets a line here.

use super::Phrase;

/// Each column with its heading in English and in Portuguese.
#[rustfmt::skip]
const HEADINGS: &[(&str, &str, &str)] = &[
    // Periods.
    ("month", "Month", "Mês"),
    ("week", "Week", "Semana"),
    ("day", "Day", "Dia"),
    ("period", "Period", "Período"),
    ("booked_at", "Booked at", "Data de competência"),
    ("date_basis", "Date basis", "Critério de data"),
    ("zone", "Time zone", "Fuso horário"),
    ("as_of", "As of", "Posição em"),
    ("known_at", "Known until", "Apurado até"),
    ("seen_at", "Seen at", "Identificado em"),
    ("state", "State", "Situação"),
    // Pipelines, workspaces and cost centers.
    ("workspace", "Workspace", "Workspace"),
    ("pipeline", "Pipeline", "Pipeline"),
    ("pipeline_name", "Pipeline", "Pipeline"),
    ("pipeline_id", "Pipeline id", "ID do pipeline"),
    ("pipeline_kind", "Kind", "Tipo"),
    ("kind", "Kind", "Tipo"),
    ("slug", "Slug", "Slug"),
    ("active", "Active", "Ativo"),
    ("schedule", "Schedule", "Agendamento"),
    ("cost_center", "Cost center", "Centro de custo"),
    ("center", "Cost center", "Centro de custo"),
    ("first_seen_at", "First seen at", "Identificado pela primeira vez em"),
    ("gone_at", "Gone since", "Descontinuado em"),
    ("last_run_at", "Last run", "Última execução"),
    // Runs.
    ("run", "Run", "Execução"),
    ("run_id", "Run id", "ID da execução"),
    ("number", "Run number", "Número da execução"),
    ("runs", "Runs", "Execuções"),
    ("status", "Status", "Situação"),
    ("trigger_type", "Trigger", "Acionamento"),
    ("created_at", "Created at", "Criação"),
    ("updated_at", "Updated at", "Atualização"),
    ("started_at", "Started at", "Início"),
    ("ended_at", "Ended at", "Término"),
    ("full_sync", "Full sync", "Sincronização completa"),
    ("trigger", "Trigger (JSON)", "Acionamento (JSON)"),
    ("triggered_by", "Triggered by", "Acionada por"),
    ("triggered_by_token", "Token of the trigger", "Token do acionamento"),
    ("extra_config", "Further configuration (JSON)", "Configuração adicional (JSON)"),
    ("el_cost_metadata", "Details of extraction and loading (JSON)", "Detalhes de extração e carga (JSON)"),
    ("transformation_cost_metadata", "Details of the transformation (JSON)", "Detalhes da transformação (JSON)"),
    ("source", "Source (JSON)", "Fonte (JSON)"),
    ("destination", "Destination (JSON)", "Destino (JSON)"),
    ("transformation", "Transformation (JSON)", "Transformação (JSON)"),
    ("absent", "Fields not sent", "Campos não enviados"),
    ("unmapped", "Other fields (JSON)", "Outros campos (JSON)"),
    ("vanished_at", "Vanished at", "Removida da API em"),
    ("observed_at", "Observed at", "Observada em"),
    ("superseded_at", "Superseded at", "Substituída em"),
    ("content_hash", "Hash of the content", "Hash do conteúdo"),
    ("sync_id", "Sync", "Sincronização"),
    ("snapshot_id", "Snapshot id", "ID do snapshot"),
    // Durations.
    ("duration", "Duration", "Duração"),
    ("duration_seconds", "Duration", "Duração"),
    ("median_duration", "Median duration", "Duração mediana"),
    ("total_seconds", "Total run time", "Tempo total de execução"),
    ("mean_seconds", "Mean duration", "Duração média"),
    ("median_seconds", "Median duration", "Duração mediana"),
    ("p50_seconds", "Median duration", "Duração mediana"),
    ("p95_seconds", "95th percentile", "Percentil 95"),
    ("p99_seconds", "99th percentile", "Percentil 99"),
    ("max_seconds", "Longest", "Maior duração"),
    ("queued_seconds", "Waited", "Tempo de espera"),
    ("queued_mean_seconds", "Mean wait", "Espera média"),
    ("queued_p50_seconds", "Median wait", "Espera mediana"),
    ("queued_p95_seconds", "95th percentile of the wait", "Percentil 95 da espera"),
    ("queued_max_seconds", "Longest wait", "Maior espera"),
    ("runs_duration_unknown", "Runs without a known duration", "Execuções sem duração apurada"),
    // Costs.
    ("el_cost_usd", "Extraction and loading (USD)", "Extração e carga (USD)"),
    ("el_usd", "Extraction and loading (USD)", "Extração e carga (USD)"),
    ("transformation_cost_usd", "Transformation (USD)", "Transformação (USD)"),
    ("transformation_usd", "Transformation (USD)", "Transformação (USD)"),
    ("total_cost_usd", "Total cost (USD)", "Custo total (USD)"),
    ("total_usd", "Total cost (USD)", "Custo total (USD)"),
    ("el_cost_nanos", "Extraction and loading (nano-USD)", "Extração e carga (nano-USD)"),
    ("transformation_cost_nanos", "Transformation (nano-USD)", "Transformação (nano-USD)"),
    ("total_cost_nanos", "Total cost (nano-USD)", "Custo total (nano-USD)"),
    ("cost_per_run_usd", "Cost per run (USD)", "Custo por execução (USD)"),
    ("runs_cost_unknown", "Runs without a known cost", "Execuções sem custo apurado"),
    ("cost_usd", "Cost (USD)", "Custo (USD)"),
    ("share", "Share", "Participação"),
    ("amount_usd", "Amount (USD)", "Valor (USD)"),
    ("amount_to_book_usd", "Amount to book (USD)", "Valor a contabilizar (USD)"),
    ("fx_rate", "Exchange rate", "Taxa de câmbio"),
    ("fx_date", "Date of the rate", "Data da taxa"),
    ("fx_source", "Source of the rate", "Fonte da taxa"),
    ("runs_fx_unknown", "Runs without an exchange rate", "Execuções sem taxa de câmbio"),
    ("against_fx_rate", "Exchange rate, period before", "Taxa de câmbio no período anterior"),
    ("against_fx_date", "Date of the rate, period before", "Data da taxa no período anterior"),
    ("against_fx_source", "Source of the rate, period before", "Fonte da taxa no período anterior"),
    ("against_runs_fx_unknown", "Runs without an exchange rate, period before", "Execuções sem taxa de câmbio no período anterior"),
    ("failed_usd", "Cost of failed runs (USD)", "Custo das falhas (USD)"),
    ("budget_usd", "Budget (USD)", "Orçamento (USD)"),
    ("spent_usd", "Spent (USD)", "Realizado (USD)"),
    ("against_budget_usd", "Against budget (USD)", "Desvio do orçamento (USD)"),
    // Credits.
    ("credits", "Credits", "Créditos"),
    ("credit_charge_status", "Credit charge", "Cobrança de crédito"),
    ("charged_runs", "Runs charged", "Execuções cobradas"),
    ("free_runs", "Runs not charged", "Execuções não cobradas"),
    ("undecided_runs", "Not decided yet", "A definir"),
    ("forecast_credits", "Forecast", "Projeção"),
    ("expected_credits", "Expected at month's end", "Previsto para o fim do mês"),
    ("plan_credits", "Credits of the plan", "Créditos do plano"),
    ("purchased_credits", "Purchased credits", "Créditos comprados"),
    ("plan_used_rate", "Plan used", "Uso do plano"),
    ("credits_run_out_on", "Plan runs out on", "Plano se esgota em"),
    ("purchased_credits_usd", "Purchased credits (USD)", "Créditos comprados (USD)"),
    ("plan_fee_usd", "Plan fee (USD)", "Mensalidade do plano (USD)"),
    // Change.
    ("previous_usd", "Month before (USD)", "Mês anterior (USD)"),
    ("current_usd", "This month (USD)", "Mês atual (USD)"),
    ("change_usd", "Change (USD)", "Variação (USD)"),
    ("volume_usd", "Volume effect (USD)", "Efeito volume (USD)"),
    ("price_usd", "Price effect (USD)", "Efeito preço (USD)"),
    ("new_usd", "New pipelines (USD)", "Pipelines novos (USD)"),
    ("gone_usd", "Gone pipelines (USD)", "Pipelines descontinuados (USD)"),
    ("unknown_usd", "Without a known cost in one period (USD)", "Sem custo apurado em um dos períodos (USD)"),
    ("previous_runs", "Runs, month before", "Execuções no mês anterior"),
    ("current_runs", "Runs, this month", "Execuções no mês atual"),
    ("against_total_cost_usd", "Total cost, period before (USD)", "Custo total no período anterior (USD)"),
    ("against_runs", "Runs, period before", "Execuções no período anterior"),
    ("against_runs_cost_unknown", "Runs without a known cost, period before", "Execuções sem custo apurado no período anterior"),
    // Closes and restatements.
    ("close", "Close", "Fechamento"),
    ("close_id", "Close", "Fechamento"),
    ("closed_at", "Closed at", "Fechado em"),
    ("closed_by", "Closed by", "Fechado por"),
    ("restates", "Replaces close", "Retifica o fechamento"),
    ("objections", "Objections", "Ressalvas"),
    ("rows_sha256", "SHA-256 of the rows", "SHA-256 das linhas"),
    ("terms", "Frozen terms (JSON)", "Condições congeladas (JSON)"),
    ("field", "Field", "Campo"),
    ("before", "Before", "Antes"),
    ("after", "After", "Depois"),
    ("booked_usd", "Booked (USD)", "Contabilizado (USD)"),
    ("now_usd", "Known now (USD)", "Apurado agora (USD)"),
    ("difference_usd", "Difference (USD)", "Diferença (USD)"),
    ("part", "Part", "Parcela"),
    ("closed_total_cost_usd", "Total cost at the close (USD)", "Custo total no fechamento (USD)"),
    ("closed_runs_cost_unknown", "Runs without a known cost at the close", "Execuções sem custo apurado no fechamento"),
    // Reconciliation.
    ("cause", "Cause", "Causa"),
    ("closes", "Closes the gap", "Explica a diferença"),
    ("ledger_cost_usd", "Ledger (USD)", "Custo apurado (USD)"),
    ("invoice_usd", "Invoice (USD)", "Fatura (USD)"),
    ("gap_usd", "Gap (USD)", "Diferença para a fatura (USD)"),
    ("note", "Note", "Observação"),
    // Failures, anomalies and findings.
    ("failed", "Failed runs", "Execuções com falha"),
    ("failed_runs", "Failed runs", "Execuções com falha"),
    ("final_runs", "Ended runs", "Execuções encerradas"),
    ("failure_rate", "Failure rate", "Taxa de falha"),
    ("success_rate", "Success rate", "Taxa de sucesso"),
    ("failures_in_a_row", "Failures in a row", "Falhas consecutivas"),
    ("last_failure_at", "Last failure", "Última falha"),
    ("last_success_at", "Last success", "Último sucesso"),
    ("waste", "Spent without result", "Gasto sem resultado"),
    ("finding", "Finding", "Constatação"),
    ("why", "Reason", "Motivo"),
    ("costliest_run_id", "Most expensive run", "Execução mais cara"),
    ("costliest_run_usd", "Most expensive run (USD)", "Execução mais cara (USD)"),
    ("cost_median_usd", "Median cost (USD)", "Custo mediano (USD)"),
    ("cost_low_usd", "Lower limit of the cost (USD)", "Limite inferior do custo (USD)"),
    ("cost_high_usd", "Upper limit of the cost (USD)", "Limite superior do custo (USD)"),
    ("duration_median_seconds", "Median duration", "Duração mediana"),
    ("duration_low_seconds", "Lower limit of the duration", "Limite inferior da duração"),
    ("duration_high_seconds", "Upper limit of the duration", "Limite superior da duração"),
    ("severity", "Severity", "Gravidade"),
    ("item", "Item", "Pendência"),
    // Settling.
    ("changes", "Changes", "Alterações"),
    ("runs_changed", "Runs changed", "Execuções alteradas"),
    ("safe_after_days", "Safe after (days)", "Estável após (dias)"),
    ("safe_close_on", "Safe to close on", "Fechamento seguro em"),
    ("lookback", "Lookback", "Janela de releitura"),
    ("succeeded_at", "Succeeded at", "Concluída em"),
    ("changed_at", "Changed at", "Alterada em"),
    ("cost_at_success_usd", "Cost at success (USD)", "Custo ao concluir (USD)"),
    ("cost_now_usd", "Cost known now (USD)", "Custo apurado agora (USD)"),
    ("from_status", "Status before", "Situação anterior"),
    ("to_status", "Status after", "Situação posterior"),
    ("steps", "Transitions", "Transições"),
];

/// The heading of the column. `None`: the list has no such column.
pub(super) fn of(column: &str) -> Option<Phrase> {
    let (_, english, portuguese) = HEADINGS.iter().find(|(name, _, _)| *name == column)?;
    Some(Phrase::new(english, portuguese))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_column_is_listed_once() {
        let columns: BTreeSet<&str> = HEADINGS.iter().map(|(column, _, _)| *column).collect();
        assert_eq!(columns.len(), HEADINGS.len());
    }

    #[test]
    fn a_heading_has_the_currency_of_its_column() {
        for (column, english, portuguese) in HEADINGS {
            assert_eq!(column.ends_with("_usd"), english.ends_with("(USD)"), "{column}");
            assert_eq!(column.ends_with("_usd"), portuguese.ends_with("(USD)"), "{column}");
        }
    }
}
