//! The words of the workbook in every language: names of sheets, labels, and sentences without figures.

use crate::language::Phrase;

/// The title of the file.
pub(super) const WORKBOOK: Phrase = Phrase::new("Month-end workbook", "Fechamento do mês");

pub(super) const SUMMARY: Phrase = Phrase::new("Summary", "Resumo");
pub(super) const COST_CENTERS: Phrase = Phrase::new("Cost centers", "Centros de custo");
pub(super) const PIPELINES: Phrase = Phrase::new("Pipelines", "Pipelines");
pub(super) const CHANGE: Phrase = Phrase::new("Change", "Variação");
pub(super) const DAYS: Phrase = Phrase::new("Days", "Dias");
pub(super) const CREDITS: Phrase = Phrase::new("Credits", "Créditos");
pub(super) const AFTER_CLOSE: Phrase = Phrase::new("After close", "Após o fechamento");
pub(super) const OPEN_ITEMS: Phrase = Phrase::new("Open items", "Pendências");
pub(super) const RUNS: Phrase = Phrase::new("Runs", "Execuções");
pub(super) const NOTES: Phrase = Phrase::new("Notes", "Notas");
pub(super) const MANIFEST: Phrase = Phrase::new("Manifest", "Manifesto");

pub(super) const NO_RUNS: Phrase = Phrase::new("The month has no runs.", "O mês não tem execuções.");
pub(super) const NO_CHANGES: Phrase =
    Phrase::new("No closed month has changed.", "Nenhum mês fechado mudou.");
pub(super) const NO_OPEN_ITEMS: Phrase = Phrase::new("No open items.", "Nenhuma pendência.");
pub(super) const NO_CREDITS: Phrase = Phrase::new("No month has runs.", "Nenhum mês tem execuções.");
pub(super) const NOT_COMPARED: Phrase = Phrase::new(
    "The archive has nothing to compare the month with.",
    "O arquivo não tem com o que comparar o mês.",
);
pub(super) const TOO_MANY_RUNS: Phrase = Phrase::new(
    "More runs than a sheet holds: `runledger export costs --period {period}` writes all of them.",
    "Mais execuções do que uma planilha comporta: `runledger export costs --period {period}` grava todas.",
);

/// Below the cost centers.
pub(super) const PLAN_FEE: Phrase = Phrase::new(
    "Plan fee: {amount} USD, invoiced apart and in no total.",
    "Mensalidade do plano: US$ {amount}, faturada à parte e fora de todos os totais.",
);
pub(super) const ROUNDING: Phrase = Phrase::new(
    "Amounts to book are rounded by largest remainder, so that they add up to the rounded total. All other amounts are exact; their format shows two decimals.",
    "Os valores a contabilizar são arredondados pelo maior resto, de modo que somam o total arredondado. Os demais valores são exatos; o formato mostra duas casas.",
);
/// Below the changes.
pub(super) const KNOWN_COST_ONLY: Phrase = Phrase::new(
    "Runs are those with a known cost. Change = volume effect + price effect + new + gone pipelines + what is unknown in one of both months.",
    "As execuções são as que têm custo apurado. Variação = efeito volume + efeito preço + pipelines novos + pipelines descontinuados + o que não foi apurado em um dos meses.",
);
pub(super) const COMPARED_IN_PART: Phrase = Phrase::new(
    "The month is running: the month before is compared up to the same elapsed time.",
    "O mês está em andamento: o mês anterior é comparado até o mesmo tempo decorrido.",
);
/// Below the corrections.
pub(super) const CORRECTIONS: Phrase = Phrase::new(
    "Corrections of other months, in no total of this one. Book them, or restate the month: `runledger close --restate {period}`.",
    "Correções de outros meses, fora de todos os totais deste. Contabilize-as ou retifique o mês: `runledger close --restate {period}`.",
);
/// Below the credits.
pub(super) const CREDITS_PER_MONTH: Phrase = Phrase::new(
    "Credits do not carry over, so months are not added up. Expected = credits + not decided yet + forecast.",
    "Os créditos não passam de um mês para outro; por isso os meses não são somados. Previsto = créditos + a definir + projeção.",
);

pub(super) const START: Phrase = Phrase::new("Start of the month", "Início do mês");
pub(super) const END: Phrase = Phrase::new("End of the month", "Fim do mês");
pub(super) const EXCLUSIVE: Phrase = Phrase::new("exclusive", "exclusive");
pub(super) const CLOSE: Phrase = Phrase::new("Close", "Fechamento");
pub(super) const NONE: Phrase = Phrase::new("none", "nenhum");
pub(super) const KNOWN_UNTIL: Phrase = Phrase::new("Known until", "Apurado até");
pub(super) const EXACT_PARTS: Phrase = Phrase::new(
    "exact parts; rounded ones can differ by 0.01",
    "partes exatas; o arredondado pode diferir em 0,01",
);
pub(super) const OF_PLAN: Phrase =
    Phrase::new("{share} of the {credits} credits of the plan", "{share} dos {credits} créditos do plano");
pub(super) const NOT_COMPARED_SHORT: Phrase = Phrase::new("not compared", "sem comparação");
pub(super) const CHECKS: Phrase = Phrase::new("Checks", "Conferência");
pub(super) const CHECK: Phrase = Phrase::new("{what} = total", "{what} = total");
pub(super) const PREPARED_BY: Phrase = Phrase::new(
    "Prepared by ____________________   Approved by ____________________",
    "Elaborado por ____________________   Aprovado por ____________________",
);

/// Items of the sheet of open items.
pub(super) const ITEM_NOT_CLOSED: Phrase = Phrase::new("Month not closed", "Mês não fechado");
pub(super) const ITEM_RUNNING: Phrase = Phrase::new("Month running", "Mês em andamento");
pub(super) const ITEM_OBJECTION: Phrase = Phrase::new("Objection to the close", "Ressalva ao fechamento");
pub(super) const ITEM_UNKNOWN: Phrase =
    Phrase::new("Runs without a known cost", "Execuções sem custo apurado");
pub(super) const ITEM_UNALLOCATED: Phrase =
    Phrase::new("Costs without a cost center", "Custos sem centro de custo");
pub(super) const ITEM_CORRECTIONS: Phrase =
    Phrase::new("Changes of closed months", "Alterações de meses fechados");
pub(super) const WHY_NOT_CLOSED: Phrase = Phrase::new(
    "The figures can still change: `runledger close {period}` freezes them.",
    "Os valores ainda podem mudar: `runledger close {period}` os congela.",
);
pub(super) const WHY_RUNNING: Phrase = Phrase::new(
    "The month is not over: runs and costs are missing.",
    "O mês não terminou: faltam execuções e custos.",
);
pub(super) const WHY_UNKNOWN: Phrase = Phrase::new(
    "{count} of {runs} runs have no known cost and are in no sum.",
    "{count} de {runs} execuções não têm custo apurado e não estão em nenhuma soma.",
);
pub(super) const WHY_UNALLOCATED: Phrase = Phrase::new(
    "No rule matches {count} of {runs} runs.",
    "Nenhuma regra se aplica a {count} de {runs} execuções.",
);
pub(super) const WHY_CORRECTIONS: Phrase = Phrase::new(
    "{count} changes became known after the close; see the sheet {sheet}.",
    "{count} alterações foram apuradas após o fechamento; veja a aba {sheet}.",
);
pub(super) const CLOSED_MONTH: Phrase = Phrase::new("Closed month", "Mês fechado");
pub(super) const TOO_MANY: Phrase =
    Phrase::new("More runs than a sheet holds.", "Mais execuções do que uma planilha comporta.");
