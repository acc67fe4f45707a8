//! The texts of the HTML page, by their English. A placeholder is in braces.

use super::{Language, Phrase};

/// Each text in English and in Portuguese.
#[rustfmt::skip]
const TEXTS: &[(&str, &str)] = &[
    // Frame.
    ("Skip to the figures", "Ir para os números"),
    ("Filter", "Filtro"),
    ("Pipeline", "Pipeline"),
    ("Month", "Mês"),
    ("Pipeline runs of {period}", "Execuções de pipelines · {period}"),
    ("Pipeline runs until {month}", "Execuções de pipelines até {month}"),
    ("Pipeline runs", "Execuções de pipelines"),
    ("Running, day {day} of {days}", "Em andamento, dia {day} de {days}"),
    ("Runs", "Execuções"),
    ("Date basis", "Critério de data"),
    ("Time zone", "Fuso horário"),
    ("Last observation", "Última observação"),
    ("Last complete sync", "Última sincronização concluída"),
    ("State", "Situação"),
    ("Plan", "Plano"),
    ("Credits bought", "Créditos comprados"),
    ("all runs", "todas as execuções"),
    ("from {from}", "a partir de {from}"),
    ("until {last}, inclusive", "até {last}, inclusive"),
    ("from {from} to {last}, inclusive", "de {from} a {last}, inclusive"),
    ("start, or creation if not started", "início da execução, ou criação se não iniciada"),
    ("end", "término da execução"),
    ("creation", "criação da execução"),
    ("none yet", "nenhuma até agora"),
    ("never", "nunca"),
    ("{at} (first sync)", "{at} (primeira sincronização)"),
    ("{at} (incremental sync)", "{at} (sincronização incremental)"),
    ("{at} (full sync)", "{at} (sincronização completa)"),
    ("{at} ({kind} sync)", "{at} (sincronização {kind})"),
    ("{fee} USD a month for {credits} credits", "US$ {fee} por mês para {credits} créditos"),
    ("{credits} for {price} USD on {day}", "{credits} por US$ {price} em {day}"),
    ("The filter lists {selectable} of {pipelines} pipelines; the totals include the others.",
     "O filtro lista {selectable} de {pipelines} pipelines; os totais incluem os demais."),
    ("For any pipeline: runledger report cost --by month,pipeline.",
     "Para qualquer pipeline: runledger report cost --by month,pipeline."),
    ("Last observation: {known_at}.", "Última observação: {known_at}."),
    ("The archive is empty.", "O arquivo está vazio."),
    ("Costs are exact sums of nano-dollars. An unknown cost is shown as a dash and counted, never shown as zero. Reports with the same figures:",
     "Os custos são somas exatas, em bilionésimos de dólar. Um custo não apurado aparece como traço e é contado, nunca como zero. Relatórios com os mesmos números:"),
    ("No runs in this time range", "Nenhuma execução neste período"),
    ("Name another time range, or run runledger sync to read newer runs.",
     "Informe outro período, ou execute runledger sync para ler execuções mais recentes."),
    ("No runs", "Sem execuções"),
    ("No plan was set when the month was closed.", "Nenhum plano estava definido no fechamento do mês."),
    ("This archive has no runs", "Este arquivo não tem execuções"),
    ("Run runledger sync to read the runs of the workspace.", "Execute runledger sync para ler as execuções do workspace."),
    ("The last complete sync found none. Costs, credits and failures appear here after the first run.",
     "A última sincronização completa não encontrou nenhuma. Custos, créditos e falhas aparecem aqui após a primeira execução."),
    ("Not what you expect? runledger status counts the pipelines that the API key can see.",
     "Não era o esperado? runledger status conta os pipelines que a chave da API enxerga."),
    ("not known", "não apurado"),
    ("No single pipeline", "Sem pipeline único"),
    ("none or several", "nenhum ou vários"),
    ("source", "Fonte"),
    ("destination", "Destino"),
    ("transformation", "Transformação"),
    ("Feb", "fev"),
    ("Nov", "nov"),
    ("Dec", "dez"),

    // Cost.
    ("Cost by month", "Custo por mês"),
    ("Kinds", "Tipos"),
    ("Total: ", "Total: "),
    ("Total", "Total"),
    (" USD for {runs} runs{unknown}.", " USD em {runs} execuções{unknown}."),
    (", {unknown} of them without a known cost", ", {unknown} delas sem custo apurado"),
    ("Cost by month, stacked by pipeline kind, in USD", "Custo por mês, empilhado por tipo de pipeline, em USD"),
    ("Cost by month as a table", "Custo por mês em tabela"),
    ("Cost and credits by month, as in runledger report cost",
     "Custo e créditos por mês, como em runledger report cost"),
    ("Unknown cost", "Sem custo apurado"),
    ("Sources, USD", "Fontes (USD)"),
    ("Destinations, USD", "Destinos (USD)"),
    ("Transformations, USD", "Transformações (USD)"),
    ("No single pipeline, USD", "Sem pipeline único (USD)"),
    ("Total, USD", "Total (USD)"),
    ("Credits", "Créditos"),
    ("before {month}", "antes de {month}"),
    ("after {month}", "depois de {month}"),
    ("no month", "sem mês"),
    ("Months before {month} are included in the total but not shown.",
     "Os meses antes de {month} estão no total, mas não são exibidos."),
    ("the last observation", "a última observação"),
    ("Runs booked after {last}, included in the totals but not shown: {runs}.",
     "Execuções depois de {last}, incluídas nos totais mas não exibidas: {runs}."),

    // Second currency.
    ("Cost by month in {currency}, as in runledger report cost",
     "Custo por mês em {currency}, como em runledger report cost"),
    ("Exchange rate", "Taxa de câmbio"),
    ("Date of the rate", "Data da taxa"),
    ("Source of the rate", "Fonte da taxa"),
    ("Runs without a rate", "Execuções sem taxa de câmbio"),
    ("Total, {currency}", "Total ({currency})"),

    // Pipelines.
    ("Costliest pipelines", "Pipelines mais caros"),
    ("No pipeline ran in this time range.", "Nenhum pipeline foi executado neste período."),
    ("Pipelines by the cost of their runs; the trend covers the months shown above",
     "Pipelines pelo custo de suas execuções; a tendência cobre os meses exibidos acima"),
    ("Cost, USD", "Custo (USD)"),
    ("Share", "Participação"),
    ("Trend", "Tendência"),
    ("Cost by month up to {month}", "Custo por mês até {month}"),
    ("{count} more pipelines, together {cost} USD for {runs} runs{unknown}.",
     "Demais {count} pipelines: US$ {cost} em {runs} execuções{unknown}."),

    // Change.
    ("Not compared: {reason}.", "Sem comparação: {reason}."),
    ("Pipelines by the size of their change, as in runledger report change",
     "Pipelines pelo tamanho da variação, como em runledger report change"),
    ("{count} more", "Demais ({count})"),
    ("Change, USD", "Variação (USD)"),
    ("More or fewer runs", "Efeito volume"),
    ("Cost of a run", "Efeito preço"),
    ("New", "Novos"),
    ("No longer run", "Descontinuados"),
    ("New pipelines", "Pipelines novos"),
    ("Pipelines no longer run", "Pipelines descontinuados"),
    ("From {against} to {period}", "De {against} a {period}"),
    ("Unknown", "Sem custo apurado"),
    ("{period}, USD", "{period} (USD)"),
    ("All", "Todos"),

    // Duration and queue time.
    ("Duration", "Duração"),
    ("By week. The lower part of a column is the median, the full column the 95th percentile.",
     "Por semana. A parte inferior da coluna é a mediana; a coluna inteira, o percentil 95."),
    ("No known duration in the weeks shown.", "Nenhuma duração apurada nas semanas exibidas."),
    ("Queue time", "Tempo de espera"),
    ("From creation to start, by week. The lower part of a column is the median, the full column the 95th percentile.",
     "Da criação ao início, por semana. A parte inferior da coluna é a mediana; a coluna inteira, o percentil 95."),
    ("No known queue time in the weeks shown.", "Nenhum tempo de espera apurado nas semanas exibidas."),
    ("Duration of runs by week", "Duração das execuções por semana"),
    ("Queue time of runs by week", "Tempo de espera das execuções por semana"),
    ("One column per week: the lower part is the median, the full column the 95th percentile.",
     "Uma coluna por semana: a parte inferior é a mediana; a coluna inteira, o percentil 95."),
    ("{week}: half of {runs} runs within {p50}, 95% within {p95}",
     "{week}: metade de {runs} execuções em até {p50}, 95% em até {p95}"),
    ("Weeks as a table", "Semanas em tabela"),
    ("Week", "Semana"),
    ("Median", "Mediana"),
    ("95th percentile", "Percentil 95"),

    // Summaries of the collapsed sections.
    ("{share} of {runs} ended runs succeeded", "{share} de {runs} execuções encerradas com sucesso"),
    ("Busiest day: {day}, {runs} runs", "Dia mais movimentado: {day}, {runs} execuções"),
    ("{unknown} without a known cost, {unsettled} may still change",
     "{unknown} sem custo apurado, {unsettled} ainda podem mudar"),

    // Success rate.
    ("Success rate", "Taxa de sucesso"),
    ("<q>success</q> as a share of <q>success</q>, <q>failed</q> and <q>canceled</q>, by month. The axis may start above zero.",
     "Execuções com sucesso em relação às encerradas (com sucesso, com falha e canceladas), por mês. O eixo pode começar acima de zero."),
    ("No ended runs in the months shown.", "Nenhuma execução encerrada nos meses exibidos."),
    ("{month}: {share} of {runs} ended runs succeeded",
     "{month}: {share} de {runs} execuções encerradas com sucesso"),
    ("Success rate by month", "Taxa de sucesso por mês"),
    ("One line per month.", "Uma linha por mês."),
    ("Success rate by month as a table", "Taxa de sucesso por mês em tabela"),
    ("Ended runs by month", "Execuções encerradas por mês"),
    ("Ended", "Encerradas"),
    ("Succeeded", "Com sucesso"),
    ("Failed", "Com falha"),
    ("Canceled", "Canceladas"),

    // Calendar.
    ("Calendar", "Calendário"),
    ("Runs per day: ", "Execuções por dia: "),
    ("at least one in five failed", "ao menos uma em cada cinco falhou"),
    ("No runs on the days shown.", "Nenhuma execução nos dias exibidos."),
    ("Runs by day, one column per week", "Execuções por dia, uma coluna por semana"),
    ("The busiest day has {max} runs. A dot marks a day on which at least one run in {ratio} failed.",
     "O dia mais movimentado tem {max} execuções. Um ponto marca um dia em que ao menos uma em cada {ratio} execuções falhou."),
    ("Days as a table", "Dias em tabela"),
    ("Runs by day", "Execuções por dia"),
    ("Week of", "Semana de"),
    ("Mon", "seg"),
    ("Tue", "ter"),
    ("Wed", "qua"),
    ("Thu", "qui"),
    ("Fri", "sex"),
    ("Sat", "sáb"),
    ("Sun", "dom"),
    ("{day}: no runs", "{day}: nenhuma execução"),
    ("{day}: 1 run", "{day}: 1 execução"),
    ("{day}: 1 run, {failures} failed", "{day}: 1 execução, {failures} com falha"),
    ("{day}: {count} runs", "{day}: {count} execuções"),
    ("{day}: {count} runs, {failures} failed", "{day}: {count} execuções, {failures} com falha"),

    // Failures.
    ("Failures", "Falhas"),
    ("No failures in this time range.", "Nenhuma falha neste período."),
    ("Pipelines with failed runs, most failures first; <q>in a row</q> counts failures since the last success, regardless of the month shown",
     "Pipelines com execuções com falha, primeiro os com mais falhas; <q>consecutivas</q> conta as falhas desde o último sucesso, qualquer que seja o mês exibido"),
    ("Failure rate", "Taxa de falha"),
    ("In a row", "Consecutivas"),
    ("Last failure", "Última falha"),
    ("{count} more pipelines; runledger report failures lists them all.",
     "Mais {count} pipelines; runledger report failures lista todos."),

    // Unknown costs.
    ("Unknown and unsettled", "Não apurado e a definir"),
    ("Every run in this time range has a known cost and is settled.",
     "Todas as execuções deste período têm custo apurado e definitivo."),
    ("Pipelines with runs that have no known cost, or that may still change",
     "Pipelines com execuções sem custo apurado, ou que ainda podem mudar"),
    ("Unsettled", "A definir"),
    ("{count} runs have no known cost; no sum includes them",
     "{count} execuções sem custo apurado; nenhuma soma as inclui"),
    ("{count} runs may still change: they have not ended, or their cost is unknown up to 30 days after their end",
     "{count} execuções ainda podem mudar: não terminaram, ou seu custo não foi apurado até 30 dias após o término"),
    ("{count} runs are no longer in the API; they are counted here",
     "{count} execuções não estão mais na API; elas são contadas aqui"),
    ("{count} items could not be decoded as runs; no figure includes them",
     "{count} itens não puderam ser lidos como execuções; nenhum número os inclui"),
    ("{count} differences from the documented API (runledger drift)",
     "{count} diferenças em relação à API documentada (runledger drift)"),
    ("{count} more pipelines; runledger report cost --by pipeline lists them all.",
     "Mais {count} pipelines; runledger report cost --by pipeline lista todos."),

    // Outliers.
    ("Outliers", "Fora do padrão"),
    ("The latest successful run of each pipeline, compared with up to 30 runs before it.",
     "A última execução com sucesso de cada pipeline, comparada com até 30 execuções anteriores."),
    ("No latest run is outside the control band of its pipeline. Without a first day, the list covers the 30 days up to the newest run.",
     "Nenhuma última execução está fora da faixa de controle de seu pipeline. Sem um primeiro dia, a lista cobre os 30 dias até a execução mais recente."),
    ("Latest runs whose cost or duration is outside the control band of their pipeline, strongest deviation first",
     "Últimas execuções com custo ou duração fora da faixa de controle de seu pipeline, primeiro o maior desvio"),
    ("Run", "Execução"),
    ("Booked", "Data de competência"),
    ("Actual and expected", "Realizado e esperado"),
    ("cost {value}, median {median} (expected {low} to {high}, from {runs} earlier runs)",
     "custo {value}, mediana {median} (esperado de {low} a {high}, em {runs} execuções anteriores)"),
    ("duration {value}, median {median} (expected {low} to {high}, from {runs} earlier runs)",
     "duração {value}, mediana {median} (esperada de {low} a {high}, em {runs} execuções anteriores)"),
    ("No outliers for this pipeline.", "Nenhuma execução fora do padrão para este pipeline."),

    // Dashboard: header and filters.
    ("Known {moment}", "Posição de {moment}"),
    ("No complete sync yet", "Nenhuma sincronização concluída até agora"),
    ("Last complete sync at the same time", "Última sincronização concluída no mesmo momento"),
    ("Last complete sync {moment}", "Última sincronização concluída em {moment}"),
    ("Closed", "Fechado"),
    ("Closed {moment}", "Fechado em {moment}"),
    ("Kind", "Tipo"),
    ("Cost center", "Centro de custo"),
    ("Clear", "Limpar"),
    ("{runs} runs of {pipelines} pipelines", "{runs} execuções de {pipelines} pipelines"),
    ("{runs} of {all} runs", "{runs} de {all} execuções"),
    ("Source", "Fonte"),
    ("Destination", "Destino"),
    ("Transformation", "Transformação"),
    ("All kinds", "Todos os tipos"),

    // Dashboard: cards.
    ("This month", "Este mês"),
    ("Cost so far", "Custo até agora"),
    ("Cost, part of the month", "Custo, parte do mês"),
    ("Cost as closed", "Custo no fechamento"),
    ("Cost", "Custo"),
    ("Credits so far", "Créditos até agora"),
    ("Credits, part of the month", "Créditos, parte do mês"),
    ("Credits as closed", "Créditos no fechamento"),
    ("Failed runs so far", "Falhas até agora"),
    ("Failed runs, part of the month", "Falhas, parte do mês"),
    ("Failed runs as closed", "Falhas no fechamento"),
    ("Failed runs", "Falhas"),
    ("1 cost unknown", "1 custo não apurado"),
    ("{unknown} costs unknown", "{unknown} custos não apurados"),
    ("No change", "Sem variação"),
    ("At the close", "No fechamento"),
    ("Rate since {month}", "Taxa desde {month}"),
    ("against {month}", "em relação a {month}"),
    ("against {month} at this point", "em relação a {month} até o mesmo ponto"),
    ("Compared with {month} from {day} on", "Comparado com {month} a partir de {day}"),
    ("Only a part of the month, so not compared", "Apenas parte do mês; por isso sem comparação"),
    ("Forecast to {day}", "Previsão até {day}"),
    ("{month}, whole month", "{month}, mês inteiro"),
    ("Expected by {day}", "Esperados até {day}"),
    ("from {day} on", "a partir de {day}"),
    ("of {credits}", "de {credits}"),
    ("{credits} over plan", "{credits} acima do plano"),
    ("{used} used, {expected} expected, plan {plan}", "{used} usados, {expected} esperados, plano de {plan}"),
    ("{share} used", "{share} usados"),
    ("Plan {amount}", "Plano: {amount}"),
    ("Plan used up on", "Plano esgotado em"),
    ("Set the plan in runledger.toml to compare credits with it.",
     "Defina o plano em runledger.toml para comparar os créditos com ele."),
    ("none has ended", "nenhuma encerrada"),
    ("{share} of {ended}", "{share} de {ended}"),
    ("{failed} of {ended}", "{failed} de {ended}"),
    ("Worst: {pipeline}", "Pior: {pipeline}"),
    ("Cost of failed runs", "Custo das execuções com falha"),

    // Dashboard: chart.
    ("Cost and credits", "Custo e créditos"),
    ("Not complete", "Incompleto"),
    ("Forecast", "Previsão"),
    ("Show", "Exibir"),
    ("USD by month", "USD por mês"),
    ("USD by day", "USD por dia"),
    ("Credits by month, stacked by pipeline kind", "Créditos por mês, empilhados por tipo de pipeline"),
    ("Cost by day of {month}, stacked by pipeline kind, in USD",
     "Custo por dia de {month}, empilhado por tipo de pipeline, em USD"),
    ("The plan's fee, {fee} USD a month, is above this scale. Credits shows the plan as a line.",
     "A mensalidade do plano, US$ {fee}, está acima desta escala. Créditos mostra o plano como uma linha."),
    ("The plan has {credits} credits a month for {fee} USD. A credit is one charged run.",
     "O plano tem {credits} créditos por mês por US$ {fee}. Um crédito é uma execução cobrada."),
    ("A credit is one charged run.", "Um crédito é uma execução cobrada."),
    ("{month}. Most expensive day: {day}, {cost} USD.", "{month}. Dia mais caro: {day}, US$ {cost}."),
    ("Mean of the whole days: {cost} USD.", "Média dos dias completos: US$ {cost}."),
    ("{month}: no known cost", "{month}: nenhum custo apurado"),
    ("Running: known until {moment}", "Em andamento: posição de {moment}"),
    ("Closed at {booked}, unchanged since", "Fechado em US$ {booked}, sem alteração desde então"),
    ("Closed at {booked}, {change} since", "Fechado em US$ {booked}, {change} desde então"),
    ("Not complete: the archive begins in this month", "Incompleto: o arquivo começa neste mês"),
    ("credits", "créditos"),
    ("runs", "execuções"),
    ("The page has no chart for this selection.", "A página não tem o gráfico desta seleção."),
    ("The page has no days for this selection.", "A página não tem os dias desta seleção."),

    // Dashboard: lists.
    ("Most expensive pipelines", "Pipelines mais caros"),
    ("Change", "Variação"),
    ("{count} more pipelines", "Mais {count} pipelines"),
    ("Needs attention", "Requer atenção"),
    ("All: runledger report {report}", "Todos: runledger report {report}"),
    ("Overdue", "Atrasado"),
    ("Overdue since {moment}.", "Atrasado desde {moment}."),
    ("No pipeline is overdue.", "Nenhum pipeline está atrasado."),
    ("Open too long", "Aberta há muito tempo"),
    ("Running for {age}; 95% of the runs take at most {usual}.",
     "Em execução há {age}; 95% das execuções levam até {usual}."),
    ("Waiting for {age}; 95% of the runs take at most {usual}.",
     "Em espera há {age}; 95% das execuções levam até {usual}."),
    ("No run is open for too long.", "Nenhuma execução está aberta há muito tempo."),
    ("Keeps failing", "Falha seguidamente"),
    ("Failed on {moment}.", "Falhou em {moment}."),
    ("{failures} failures in a row since {moment}.", "{failures} falhas seguidas desde {moment}."),
    ("About to be disabled", "Prestes a ser desativado"),
    ("They disable it (limit {limit}).", "Elas o desativam (limite {limit})."),
    ("1 more failure disables it ({failures} of {limit}).", "Mais 1 falha o desativa ({failures} de {limit})."),
    ("{left} more failures disable it ({failures} of {limit}).",
     "Mais {left} falhas o desativam ({failures} de {limit})."),
    ("No pipeline keeps failing.", "Nenhum pipeline falha seguidamente."),
    ("Budget", "Orçamento"),
    ("Budget exceeded", "Orçamento excedido"),
    ("{amount} of {limit} are spent ({percent}% reached).", "{amount} de {limit} gastos ({percent}% atingidos)."),
    ("{amount} of {limit} are expected by the end of the month ({percent}% reached).",
     "{amount} de {limit} previstos até o fim do mês ({percent}% atingidos)."),
    ("It is exceeded on {day}.", "Será excedido em {day}."),
    ("No budget is near its limit.", "Nenhum orçamento está perto do limite."),
    ("None is of this month.", "Nenhuma deste mês."),
    ("Fails often", "Falha com frequência"),
    ("{share} of {ended} runs failed, the last on {moment}.", "{share} de {ended} execuções falharam, a última em {moment}."),
    ("{share} of {ended} runs failed; the last one succeeded.", "{share} de {ended} execuções falharam; a última teve sucesso."),
    ("Unusual cost", "Custo incomum"),
    ("{cost} USD on {moment}. Usual: {low} to {high} USD.", "US$ {cost} em {moment}. Comum: de US$ {low} a {high}."),
    ("Took long", "Demorou"),
    ("{duration} on {moment}. Usual: up to {high}.", "{duration} em {moment}. Comum: até {high}."),
    ("Ended early", "Terminou cedo"),
    ("{duration} on {moment}. Usual: at least {low}.", "{duration} em {moment}. Comum: ao menos {low}."),
    ("1 run without a cost", "1 execução sem custo"),
    ("{count} runs without a cost", "{count} execuções sem custo"),
    ("{running} of this month still run. Other months: {others} more.",
     "{running} deste mês ainda em execução. Outros meses: mais {others}."),
    ("No pipeline fails often.", "Nenhum pipeline falha com frequência."),
    ("No cost is unusual.", "Nenhum custo incomum."),
    ("No duration is unusual.", "Nenhuma duração incomum."),
    ("Every cost is known.", "Todos os custos estão apurados."),
    ("What changed", "O que mudou"),
    ("What changed in {month}", "O que mudou em {month}"),
    ("What changed since last month", "O que mudou desde o mês anterior"),
    ("What changed since the week before", "O que mudou desde a semana anterior"),
    ("What changed since the day before", "O que mudou desde o dia anterior"),
    ("The cards and charts show {month} with the changes after its close.",
     "Os cartões e gráficos mostram {month} com as alterações após o fechamento."),
    ("{period}, same point", "{period}, mesmo ponto"),
    ("{period} so far", "{period}, até agora"),
    ("Change in all", "Variação total"),
    ("Largest changes", "Maiores variações"),
    ("Cost per run", "Custo por execução"),
    ("Exact amounts", "Valores exatos"),

    // Dashboard: folded sections.
    ("More", "Mais"),
    ("Load by hour", "Carga por hora"),
    ("Busiest from {busy} to {busy_end}, quietest from {quiet} to {quiet_end}",
     "Mais carga das {busy} às {busy_end}, menos das {quiet} às {quiet_end}"),
    ("Runs by weekday and hour", "Execuções por dia da semana e hora"),
    ("Hours as a table", "Horas em tabela"),
    ("Hour", "Hora"),
    ("All tables", "Todas as tabelas"),
    ("Cost by month and pipeline; failures; unusual runs",
     "Custo por mês e pipeline; falhas; execuções fora do padrão"),
];

impl Language {
    /// A text of the page. One that the catalogue does not have is unchanged.
    pub(crate) fn page(self, english: &'static str) -> &'static str {
        match self {
            Language::English => english,
            Language::Portuguese => {
                let text = TEXTS.iter().find(|(known, _)| *known == english);
                debug_assert!(text.is_some(), "the catalogue lacks {english:?}");
                text.map_or(english, |(_, portuguese)| portuguese)
            }
        }
    }

    /// A text of the page with a value for each placeholder.
    pub(crate) fn page_with(self, english: &'static str, values: &[(&str, &str)]) -> String {
        Phrase::new(english, self.page(english)).fill(self, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The texts that calls of these functions look up.
    fn texts_of(source: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for call in ["t(", "text(", "page(", "page_with(", "filled("] {
            for (at, _) in source.match_indices(call) {
                let is_whole =
                    !source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
                let literal = source[at + call.len()..].trim_start().strip_prefix('"').filter(|_| is_whole);
                texts.extend(literal.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()));
            }
        }
        texts
    }

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { sources(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn every_text_of_the_page_is_in_the_catalogue_once() {
        let known: BTreeSet<&str> = TEXTS.iter().map(|(english, _)| *english).collect();
        assert_eq!(known.len(), TEXTS.len(), "a text is listed twice");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = vec![root.join("templates/page.html")];
        sources(&root.join("src/export/html"), &mut files);
        for file in files {
            let source = fs::read_to_string(&file).unwrap();
            for text in texts_of(source.split("#[cfg(test)]").next().unwrap()) {
                assert!(known.contains(text.as_str()), "{}: {text:?}", file.display());
            }
        }
    }

    #[test]
    fn a_translation_has_the_placeholders_of_its_text() {
        let placeholders = |text: &'static str| -> BTreeSet<&str> {
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
        };
        for (english, portuguese) in TEXTS {
            assert_eq!(placeholders(english), placeholders(portuguese), "{english}");
        }
    }
}
