//! The table, as Markdown.

use crate::inits::{Init, Role};
use crate::rounds::Figure;
use crate::rows::{Row, Unit};

pub fn print(inits: &[Init], rows: &[Row]) {
    let shown: Vec<_> = (0..inits.len())
        .filter(|&index| inits[index].is_complete())
        .collect();
    let mut head = vec![String::new(), "at most".to_owned()];
    head.extend(shown.iter().map(|&index| inits[index].name.to_owned()));
    let rule = vec!["---".to_owned(); head.len()];
    let mut lines = vec![head, rule];
    for row in rows {
        let mut line = vec![row.what.to_owned(), number(row.unit, row.limit.at_most)];
        line.extend(shown.iter().map(|&index| {
            let spread = matches!(inits[index].role, Role::Release | Role::Plain);
            row.figures[index].map_or(String::new(), |figure| cell(row.unit, figure, spread))
        }));
        lines.push(line);
    }
    let width = |column: usize| {
        let widths = lines
            .iter()
            .map(|line: &Vec<String>| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        println!("| {} |", cells.join(" | "));
    }
}

fn cell(unit: Unit, figure: Figure, spread: bool) -> String {
    let middle = number(unit, figure.middle);
    if spread && unit == Unit::Ratio && figure.low < figure.high {
        let [low, high] = [figure.low, figure.high].map(|bound| number(unit, bound));
        format!("{middle} ({low} to {high})")
    } else {
        middle
    }
}

pub fn number(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ratio => format!("{value:.2}"),
        Unit::Kib => format!("{value:.0}"),
        Unit::Count if value == value.round() => format!("{value:.0}"),
        Unit::Count => format!("{value:.2}"),
    }
}
