//! The texts of the HTML page, by their English. A placeholder is in braces.

use super::{Language, Phrase};

/// Each text in English and in Portuguese.
#[rustfmt::skip]
const TEXTS: &[(&str, &str)] = &[
    // Frame.
    ("Skip to the figures", "Ir para os números"),
    ("Filter", "Filtro"),
    ("Pipeline", "Pipeline"),
    ("All pipelines", "Todos os pipelines"),
    ("Month", "Mês"),
    ("All months", "Todos os meses"),
    ("Show everything", "Mostrar tudo"),
    ("Pipeline runs of {period}", "Execuções de pipelines · {period}"),
    ("Pipeline runs until {month}", "Execuções de pipelines até {month}"),
    ("Pipeline runs", "Execuções de pipelines"),
    ("{runs} runs of {pipelines} pipelines: cost, duration, and what is still unknown.",
     "{runs} execuções de {pipelines} pipelines: custo, duração e o que ainda não foi apurado."),
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
    ("Weeks and days are available only for the most important pipelines.",
     "Semanas e dias estão disponíveis apenas para os pipelines mais importantes."),
    ("For any pipeline: runledger report cost --by month,pipeline.",
     "Para qualquer pipeline: runledger report cost --by month,pipeline."),
    ("Last observation: {known_at}.", "Última observação: {known_at}."),
    ("The archive is empty.", "O arquivo está vazio."),
    ("Costs are exact sums of nano-dollars. An unknown cost is shown as a dash and counted, never shown as zero. Reports with the same figures:",
     "Os custos são somas exatas, em bilionésimos de dólar. Um custo não apurado aparece como traço e é contado, nunca como zero. Relatórios com os mesmos números:"),
    ("No runs in this time range.", "Nenhuma execução neste período."),
    ("not known", "não apurado"),
    ("No single pipeline", "Sem pipeline único"),
    ("none or several", "nenhum ou vários"),
    ("no single pipeline", "sem pipeline único"),
    ("source", "Fonte"),
    ("destination", "Destino"),
    ("transformation", "Transformação"),
    ("sources", "fontes"),
    ("destinations", "destinos"),
    ("transformations", "transformações"),
    ("Jan", "jan"),
    ("Feb", "fev"),
    ("Mar", "mar"),
    ("Apr", "abr"),
    ("May", "mai"),
    ("Jun", "jun"),
    ("Jul", "jul"),
    ("Aug", "ago"),
    ("Sep", "set"),
    ("Oct", "out"),
    ("Nov", "nov"),
    ("Dec", "dez"),

    // Headline month.
    ("Headline month", "Mês em destaque"),
    ("No month has data yet.", "Nenhum mês tem dados até agora."),
    ("Used credits of the plan", "Créditos usados do plano"),
    ("Cost in {month}", "Custo em {month}"),
    ("Credits in {month}", "Créditos em {month}"),
    ("Success rate in {month}", "Taxa de sucesso em {month}"),
    ("Unsettled runs", "Execuções a definir"),
    ("Unsettled runs in {month}", "Execuções a definir em {month}"),
    (" (partial)", " (parcial)"),
    (" so far", " até agora"),
    ("{month} up to the same point: {value}{change}", "{month} até o mesmo ponto: {value}{change}"),
    ("{month}, whole month: {value}", "{month}, mês inteiro: {value}"),
    ("The time range covers only a part of the month, so there is no comparison",
     "O período cobre apenas parte do mês; por isso não há comparação"),
    ("The previous month", "O mês anterior"),
    ("The previous month is not on this page", "O mês anterior não está nesta página"),
    ("{unknown} of {runs} runs have no known cost", "{unknown} de {runs} execuções sem custo apurado"),
    ("{unknown} of all {runs} runs have no known cost", "{unknown} de todas as {runs} execuções sem custo apurado"),
    ("{share} of the plan's {credits} and {purchased} bought",
     "{share} dos {credits} do plano e {purchased} comprados"),
    ("{share} of the plan's {credits}", "{share} dos {credits} do plano"),
    ("the plan's {credits} and {purchased} bought", "{credits} do plano e {purchased} comprados"),
    ("the plan's {credits}", "{credits} do plano"),
    ("{credits} expected by the end of the month", "{credits} previstos para o fim do mês"),
    ("The plan's credits run out on {day}", "Os créditos do plano se esgotam em {day}"),
    ("All credits run out on {day}", "Todos os créditos se esgotam em {day}"),
    ("{failed} failed and {canceled} canceled of {ended} ended runs",
     "{failed} com falha e {canceled} canceladas de {ended} execuções encerradas"),
    ("Their status, cost or credit may still change", "Situação, custo ou crédito ainda podem mudar"),

    // Cost.
    ("Cost by month", "Custo por mês"),
    ("Kinds", "Tipos"),
    ("Total: ", "Total: "),
    ("Total", "Total"),
    ("Total of {month}", "Total de {month}"),
    (" USD for {runs} runs{unknown}.", " USD em {runs} execuções{unknown}."),
    (", {unknown} of them without a known cost", ", {unknown} delas sem custo apurado"),
    ("No known cost in the months shown.", "Nenhum custo apurado nos meses exibidos."),
    ("Cost by month, stacked by pipeline kind, in USD", "Custo por mês, empilhado por tipo de pipeline, em USD"),
    ("The costliest month is {month} with {cost} USD.", "O mês mais caro é {month}, com US$ {cost}."),
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
    ("All others: {cost} USD for {runs} runs{unknown}.", "Demais: US$ {cost} em {runs} execuções{unknown}."),

    // Change.
    ("Why the cost differs", "Por que o custo variou"),
    ("Why the cost differs from the month before", "Por que o custo variou em relação ao mês anterior"),
    ("Why the cost differs from the week before", "Por que o custo variou em relação à semana anterior"),
    ("Why the cost differs from the day before", "Por que o custo variou em relação ao dia anterior"),
    ("Not compared: {reason}.", "Sem comparação: {reason}."),
    ("Pipelines by the size of their change, as in runledger report change",
     "Pipelines pelo tamanho da variação, como em runledger report change"),
    ("{count} more", "Demais ({count})"),
    ("Change, USD", "Variação (USD)"),
    ("More or fewer runs", "Efeito volume"),
    ("Cost of a run", "Efeito preço"),
    ("New", "Novos"),
    ("No longer run", "Descontinuados"),
    ("Unknown", "Sem custo apurado"),
    ("{period}, USD", "{period} (USD)"),
    ("All", "Total"),

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
    ("{week}: half of {runs} runs within {p50}, 95 % within {p95}",
     "{week}: metade de {runs} execuções em até {p50}, 95% em até {p95}"),
    ("Weeks as a table", "Semanas em tabela"),
    ("Week", "Semana"),
    ("Median", "Mediana"),
    ("95th percentile", "Percentil 95"),
    ("The page has no weeks for this pipeline. Run runledger report duration --by week,pipeline.",
     "A página não tem as semanas deste pipeline. Execute runledger report duration --by week,pipeline."),

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
    ("Runs per day: up to {most}, darker for more runs. A dot: at least one in five failed.",
     "Execuções por dia: até {most}; quanto mais escuro, mais execuções. Um ponto: ao menos uma em cada cinco falhou."),
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
    ("The page has no days for this pipeline.", "A página não tem os dias deste pipeline."),

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
    ("{count} more pipelines.", "Mais {count} pipelines."),
    ("None.", "Nenhum."),

    // Unknown costs.
    ("Unknown and unsettled", "Não apurado e a definir"),
    ("These counts cover all pipelines and months, regardless of the filter.",
     "Estes números cobrem todos os pipelines e meses, qualquer que seja o filtro."),
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
    ("Here the filter selects pipelines, not months.", "Aqui o filtro seleciona pipelines, não meses."),
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

    /// Every text of the page, by its English: the script of the page looks up its own.
    pub(crate) fn page_texts(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        TEXTS.iter().map(move |(english, _)| (*english, self.page(english)))
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
        let mut files = vec![root.join("templates/page.html"), root.join("templates/page.js")];
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
