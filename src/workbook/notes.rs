//! The sheet of notes: what the words mean, how amounts are rounded, and what is never added up.

use super::figures::MonthFigures;
use super::{Context, words};
use crate::export::xlsx::book::{Content, Form, FormCell, Look, Sheet};
use crate::export::xlsx::cell_format::CellFormat::Wrapped;
use crate::language::Phrase;
use crate::report::Cell;

/// The width of the text.
const WIDTH: f64 = 90.0;

/// Headings, each with its paragraphs.
const TEXT: [(Phrase, &[Phrase]); 3] = [
    (
        Phrase::new("Words", "Termos"),
        &[
            Phrase::new(
                "A run is one execution of a pipeline. It is in the month of the instant that the title names: its start, end or creation, in the time zone of the title.",
                "Uma execução é uma passagem de um pipeline. Ela pertence ao mês do instante que o título indica: início, término ou criação, no fuso horário do título.",
            ),
            Phrase::new(
                "A credit is what Nekt charges for a run. A plan includes a number of credits per month.",
                "Um crédito é o que a Nekt cobra por uma execução. Um plano inclui uma quantidade de créditos por mês.",
            ),
            Phrase::new(
                "A closed month keeps the figures it was closed with. What becomes known later is in the sheet After close of a later month.",
                "Um mês fechado mantém os valores com que foi fechado. O que é apurado depois está na aba Após o fechamento de um mês posterior.",
            ),
            Phrase::new(
                "An empty cell is not known. It is never zero: costs can arrive days after a run. A count of unknown costs is beside each sum.",
                "Uma célula vazia não foi apurada. Nunca é zero: custos podem chegar dias depois de uma execução. A contagem dos custos não apurados acompanha cada soma.",
            ),
        ],
    ),
    (
        Phrase::new("Rounding", "Arredondamento"),
        &[
            Phrase::new(
                "Amounts are exact to nine decimals; the format of a cell shows two or four. Only the amount to book is rounded, by largest remainder: the centers add up to the rounded total.",
                "Os valores são exatos até nove casas; o formato da célula mostra duas ou quatro. Apenas o valor a contabilizar é arredondado, pelo maior resto: os centros somam o total arredondado.",
            ),
            Phrase::new(
                "Totals are the exact sums. Their formulas add up the rows that a filter shows.",
                "Os totais são as somas exatas. Suas fórmulas somam as linhas que um filtro mostra.",
            ),
        ],
    ),
    (
        Phrase::new("Never added up", "O que nunca é somado"),
        &[
            Phrase::new(
                "Shares, costs per run and medians: the total row is empty, never an average of averages.",
                "Participações, custos por execução e medianas: a linha de total fica vazia, nunca uma média de médias.",
            ),
            Phrase::new(
                "Cost centers, pipelines, days and runs with each other: they are the same money four times.",
                "Centros de custo, pipelines, dias e execuções entre si: são o mesmo dinheiro quatro vezes.",
            ),
            Phrase::new(
                "Durations of runs, which overlap; credits of several months, which do not carry over; the plan's fee with costs of runs, which is invoiced apart.",
                "Durações de execuções, que se sobrepõem; créditos de vários meses, que não passam de um para outro; a mensalidade do plano com custos de execuções, pois é faturada à parte.",
            ),
            Phrase::new(
                "Corrections of closed months with this month, and amounts of open items: one run can be there twice.",
                "Correções de meses fechados com este mês, e valores de pendências: uma execução pode aparecer duas vezes.",
            ),
        ],
    ),
];

const RULES: Phrase = Phrase::new("Rules of the cost centers", "Regras dos centros de custo");
const NO_RULES: Phrase = Phrase::new("There are no rules.", "Não há regras.");
const LAST_RULE: Phrase = Phrase::new("The last matching rule wins.", "Vale a última regra que se aplica.");
const AGAIN: Phrase = Phrase::new("To ask again", "Para consultar de novo");

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let heading = |phrase: Phrase| vec![FormCell::text(context.text(phrase)).looking(Look::Strong)];
    let paragraph = |text: String| vec![FormCell::new(Cell::text(text), Wrapped)];
    let mut lines = Vec::new();
    for (title, paragraphs) in TEXT {
        lines.push(heading(title));
        lines.extend(paragraphs.iter().map(|phrase| paragraph(context.text(*phrase))));
        lines.push(Vec::new());
    }
    lines.push(heading(RULES));
    let rules = &figures.scope.allocation.0;
    match rules.is_empty() {
        true => lines.push(paragraph(context.text(NO_RULES))),
        false => {
            lines.push(paragraph(context.text(LAST_RULE)));
            lines.extend(rules.iter().map(|rule| paragraph(rule.to_string())));
        }
    }
    lines.push(Vec::new());
    lines.push(heading(AGAIN));
    let period = figures.scope.period.clone().unwrap_or_default();
    for command in ["report cost", "report change", "report credits", "export costs"] {
        lines.push(paragraph(format!("runledger {command} --period {period}")));
    }
    Sheet {
        name: context.text(words::NOTES),
        title: context.title(words::NOTES),
        content: Content::Form(Form { widths: vec![WIDTH], lines }),
    }
}
